/** Removes images and trees by hand. */
import { join } from 'node:path';
import { discard } from '../content/delete.js';
import { dropFromTrees, dropImageRecord, dropTreeRecord } from '../content/drop-references.js';
import { defined } from '../core/defined.js';
import { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { lock } from '../disk/lock.js';
import { mustNotBeMounted } from '../disk/mounts.js';
import { Catalogue } from '../index/catalogue.js';
import type { ImageRecord, TreeRecord } from '../index/records.js';
import { mustWrite, type StoreContext } from '../session/context.js';
import { activeLeases, Holders } from './roots.js';
import { moveUnlistedAside, sweep } from './sweep.js';

export interface RemoveOptions {
  /** Also remove images and trees that pins and leases hold. */
  force?: boolean;
  /** Ends the wait for other operations. Records dropped by then stay dropped; the next gc deletes their files. */
  signal?: AbortSignal;
}

export interface Removed {
  key: Key;
  name: string;
  removedTrees: string[];
  /** Bytes that nothing needs any more. */
  freedBytes: number;
  /** The holders of the image that `force` overruled. */
  held: string[];
}

/**
 * Removes images, and trees that no other image has. All go or none: holders are looked at before anything goes.
 * @throws CairnError `ERR_HELD` while a pin or lease holds an image, unless `force`, and while something is
 * mounted in a tree
 */
export async function removeImages(
  store: StoreContext,
  images: readonly ImageRecord[],
  { force = false, signal }: RemoveOptions = {},
): Promise<Removed[]> {
  mustWrite(store);
  const { index } = store;
  const distinct = [...new Map(images.map((image) => [image.key, image])).values()];
  const removed = await index.commitRemoval(() => {
    const all = new Catalogue(index);
    const everyone = new Holders(all, activeLeases(index));
    const holders = distinct.map((image) => everyone.of(image));
    const blocked = holders.findIndex((held) => held.length > 0);
    if (blocked >= 0 && !force) {
      const { name } = distinct[blocked] as ImageRecord;
      const by = (holders[blocked] as string[]).join(', ');
      throw new CairnError('ERR_HELD', `${name} is held by ${by}; --force removes it all the same`, { entry: name });
    }
    const gone = distinct.map((image, i) => removeOne(store, image, all.treesOf(image.key), holders[i] as string[]));
    for (const id of gone.flatMap(({ removedTrees }) => removedTrees)) mustNotBeMounted(store.layout.tree(id));
    return gone;
  });
  const trees = removed.flatMap(({ removedTrees }) => removedTrees);
  await deleteUnlisted(store, trees, signal);
  return removed;
}

function removeOne(store: StoreContext, image: ImageRecord, trees: readonly TreeRecord[], held: string[]): Removed {
  const gone = dropFromTrees(store, image, trees);
  let freedBytes = gone.bytes;
  // The record may have changed since the caller looked it up.
  const known = store.index.image(image.key);
  if (known !== undefined) freedBytes += dropImageRecord(store, known).bytes;
  return { key: image.key, name: image.name, removedTrees: gone.trees.map(({ id }) => id), freedBytes, held };
}

/** @throws CairnError `ERR_HELD` while a lease holds a tree, unless `force`, and while one has a mount in it */
export async function removeTrees(
  store: StoreContext,
  trees: readonly TreeRecord[],
  { force = false, signal }: RemoveOptions = {},
): Promise<TreeRecord[]> {
  mustWrite(store);
  const { index } = store;
  await index.commitRemoval(() => {
    const leases = activeLeases(index);
    for (const tree of trees) {
      const lease = leases.find((each) => each.tree === tree.id);
      if (lease !== undefined && !force) {
        throw new CairnError('ERR_HELD', `tree ${tree.id} is held by lease ${lease.id}`, { entry: tree.id });
      }
      mustNotBeMounted(store.layout.tree(tree.id));
      dropTreeRecord(store, tree.id);
    }
  });
  await deleteUnlisted(
    store,
    trees.map(({ id }) => id),
    signal,
  );
  return [...trees];
}

function deleteUnlisted(store: StoreContext, trees: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  return store.index.makingRoom(async () => {
    await deleteTrees(store, trees, signal);
    await sweep(store, defined({ signal }));
  });
}

/**
 * Deletes the directories of trees that the index no longer lists. All are moved aside at once, and deleted then. A
 * tree that was rendered anew meanwhile stays. A tree that cannot be moved is left to the next gc.
 * @throws CairnError `ERR_ABORTED`; the remaining trees are left to the next gc, too
 */
export async function deleteTrees(store: StoreContext, ids: readonly string[], signal?: AbortSignal): Promise<void> {
  if (ids.length === 0) return;
  const { layout, staging, uses } = store;
  const dir = await uses.during(signal, async () => staging.make());
  try {
    for (const id of ids) {
      const held = await lock(layout.treeLock(id), true, signal);
      try {
        moveUnlistedAside(store, id, join(dir, id));
      } finally {
        held.release();
      }
    }
  } finally {
    await discard(store, [dir]);
  }
}
