/** Removing images and trees by hand. */
import { join } from 'node:path';
import { mustWrite, type StoreContext } from './context.js';
import { bury } from './durable.js';
import { CairnError } from './errors.js';
import type { ImageRecord, TreeRecord } from './index/records.js';
import { type Key, keyBytes } from './key.js';
import { lock } from './lock.js';
import { dropImageRecord, dropTreeRecord } from './release.js';
import { activeLeases, holdersOf } from './roots.js';
import { sweep } from './sweep.js';

export interface Removed {
  key: Key;
  name: string;
  removedTrees: string[];
  /** Bytes that nothing needs any more. */
  freedBytes: number;
  /** What held the image and was overruled. */
  held: string[];
}

/**
 * Removes images and the trees only they had. All or none: holders are looked at before anything goes.
 * @throws CairnError `ERR_HELD` while a pin, lease or pod holds one, unless `force`
 */
export async function removeImages(
  store: StoreContext,
  images: readonly ImageRecord[],
  force: boolean,
): Promise<Removed[]> {
  mustWrite(store);
  const { index } = store;
  const distinct = [...new Map(images.map((image) => [image.key, image])).values()];
  const removed = await index.commitRemoval(() => {
    const holders = distinct.map((image) => holdersOf(store, image));
    const blocked = holders.findIndex((held) => held.length > 0);
    if (blocked >= 0 && !force) {
      const { name } = distinct[blocked] as ImageRecord;
      const by = (holders[blocked] as string[]).join(', ');
      throw new CairnError('ERR_HELD', `${name} is held by ${by}; --force removes it all the same`, { entry: name });
    }
    return distinct.map((image, i) => removeOne(store, image, holders[i] as string[]));
  });
  await deleteTrees(
    store,
    removed.flatMap(({ removedTrees }) => removedTrees),
  );
  await sweep(store);
  return removed;
}

function removeOne(store: StoreContext, image: ImageRecord, held: string[]): Removed {
  const { index } = store;
  const removedTrees: string[] = [];
  let freedBytes = 0;
  for (const { value: tree } of [...index.trees.getRange()]) {
    if (!tree.images.includes(image.key)) continue;
    const others = tree.images.filter((key) => key !== image.key);
    if (others.length > 0) {
      index.trees.put(tree.id, { ...tree, images: others });
      continue;
    }
    freedBytes += dropTreeRecord(store, tree.id).bytes;
    removedTrees.push(tree.id);
  }
  if (index.images.get(keyBytes(image.key)) !== undefined) freedBytes += dropImageRecord(store, image).bytes;
  return { key: image.key, name: image.name, removedTrees, freedBytes, held };
}

/** @throws CairnError `ERR_HELD` while a lease holds one, unless `force` */
export async function removeTrees(
  store: StoreContext,
  trees: readonly TreeRecord[],
  force: boolean,
): Promise<TreeRecord[]> {
  mustWrite(store);
  await store.index.commitRemoval(() => {
    const leases = activeLeases(store);
    for (const tree of trees) {
      const lease = leases.find((each) => each.tree === tree.id);
      if (lease !== undefined && !force) {
        throw new CairnError('ERR_HELD', `tree ${tree.id} is held by lease ${lease.id}`, { entry: tree.id });
      }
      dropTreeRecord(store, tree.id);
    }
  });
  await deleteTrees(
    store,
    trees.map(({ id }) => id),
  );
  await sweep(store);
  return [...trees];
}

/**
 * Deletes the directories of trees that the index no longer lists: out of sight at once, then at leisure. One that was rendered
 * anew meanwhile stays.
 */
export async function deleteTrees(store: StoreContext, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const { layout, index, staging, uses, pool } = store;
  const dir = await uses.during(undefined, async () => staging.make());
  for (const id of ids) {
    const held = await lock(layout.treeLock(id), true);
    try {
      if (index.trees.get(id) === undefined) bury(layout.tree(id), join(dir, id));
    } finally {
      held.release();
    }
  }
  await pool.run<'remove'>({ kind: 'remove', paths: [dir] });
}
