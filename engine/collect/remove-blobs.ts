/** Removes blobs that were put by hand. */
import { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { releaseBlob } from '../index/references.js';
import { resolvePutBlob } from '../resolve/argument.js';
import { mustWrite, type StoreContext } from '../session/context.js';
import { sweep } from './sweep.js';

export interface RemovedBlob {
  key: Key;
  size: number;
  /** Bytes that nothing needs any more: none of a blob that an image needs, too. */
  freedBytes: number;
}

/**
 * All blobs or none.
 * @param targets keys, or their beginnings
 * @throws CairnError `ERR_NOT_FOUND`, also for a blob that nobody put; `ERR_AMBIGUOUS_KEY`, `ERR_KEY_SYNTAX`
 */
export async function removeBlobs(store: StoreContext, targets: readonly string[]): Promise<RemovedBlob[]> {
  mustWrite(store);
  const { index } = store;
  const removed = await index.commitRemoval(() =>
    [...new Set(targets.map((target) => resolvePutBlob(index, target)))].map((key) => {
      const known = index.blobs.get(key);
      if (known === undefined) throw new CairnError('ERR_NOT_FOUND', `${key}: not in the store`);
      index.blobs.put(key, { ...known, put: false });
      return { key, size: known.size, freedBytes: releaseBlob(index, key) };
    }),
  );
  await index.makingRoom(() => sweep(store, {}));
  return removed;
}
