/** Removes images and trees by hand. */
import { join } from 'node:path';
import { discard } from '../content/delete.js';
import { commitImages, type DocumentWriter } from '../content/document-writer.js';
import { dropFromTrees, dropImageRecord, dropTreeRecord } from '../content/drop-references.js';
import { defined } from '../core/defined.js';
import { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { lock } from '../disk/lock.js';
import { passingTrees, takeMountAway } from '../disk/passing-mounts.js';
import { mustNotBeInUse } from '../disk/tree-use.js';
import { Catalogue } from '../index/catalogue.js';
import { noteEvent } from '../index/events.js';
import { referencesOf, titleOf } from '../index/images.js';
import { isSameName, renameImage, withoutName } from '../index/names.js';
import type { ImageRecord, TreeRecord } from '../index/records.js';
import { nameText } from '../resolve/name.js';
import { mustWrite, type StoreContext } from '../session/context.js';
import { activeLeases, holdersIn, mustNotRun, neededByPods } from './roots.js';
import { moveUnlistedAside, sweep } from './sweep.js';
import { type Taking, takingsOf } from './takings.js';

export interface RemoveOptions {
  /** A name without a version means all images of that name. */
  all?: boolean;
  /** Also remove images and trees that pins, leases and pods hold; no trees of pods that run. */
  force?: boolean;
  /** Ends the wait for other operations. Records dropped by then stay dropped; the next gc deletes their files. */
  signal?: AbortSignal;
}

export interface Removed {
  key: Key;
  /** The image's first name before. */
  name: string;
  /** Names that were taken away. */
  untagged: string[];
  /** Whether the image itself went, and not only names of it. */
  removed: boolean;
  removedTrees: string[];
  /** Bytes that nothing needs any more. */
  freedBytes: number;
  /** The holders of the image that `force` overruled. */
  held: string[];
}

/**
 * Takes names away, and images with their last names. Trees that no other image has go, too. All go or none: holders
 * are looked at before anything goes.
 * @throws CairnError `ERR_HELD` while a pin, lease or pod holds an image, unless `force`, and while a tree that would
 * go is mounted, has a mount in it, or has a pod that runs on it
 */
export async function removeImages(
  store: StoreContext,
  targets: readonly string[],
  { force = false, all = false, signal }: RemoveOptions = {},
): Promise<Removed[]> {
  mustWrite(store);
  const { index } = store;
  const removed = await commitImages(
    store,
    (documents) => {
      const takings = takingsOf(index, targets, all);
      const everything = new Catalogue(index);
      const passing = passingTrees(store.layout);
      const everyone = holdersIn(store, everything, passing);
      const holders = takings.map((taking) => (isWhole(taking) ? everyone.of(taking.image) : []));
      if (!force) refuseHeld(takings, holders);
      const gone = takings.map((taking, i) => {
        if (!isWhole(taking)) return takeNames(store, taking, documents);
        return removeOne(store, taking, everything.treesOf(taking.image.key), holders[i] as string[]);
      });
      const trees = gone.flatMap(({ removedTrees }) => removedTrees);
      mustNotRun(store, trees);
      mustBeFree(store, trees, passing);
      return gone;
    },
    (work) => index.commitRemoval(work),
  );
  const trees = removed.flatMap(({ removedTrees }) => removedTrees);
  await deleteUnlisted(store, trees, signal);
  return removed;
}

/**
 * Takes the mounts away that nobody asked for, once all else allows trees to go.
 * @throws CairnError `ERR_HELD` for a tree that is in use
 */
function mustBeFree({ layout }: StoreContext, trees: readonly string[], passing: ReadonlySet<string>): void {
  for (const id of trees) if (!passing.has(id)) mustNotBeInUse(layout, id);
  for (const id of trees) if (passing.has(id) && !takeMountAway(layout, id)) mustNotBeInUse(layout, id);
}

/** Whether nothing would lead to the image any more. */
function isWhole({ image, names }: Taking): boolean {
  return names === 'all' || referencesOf(image).every((each) => names.some((gone) => isSameName(gone, each)));
}

function refuseHeld(takings: readonly Taking[], holders: readonly string[][]): void {
  const blocked = holders.findIndex((held) => held.length > 0);
  if (blocked < 0) return;
  const title = titleOf((takings[blocked] as Taking).image);
  const by = (holders[blocked] as string[]).join(', ');
  throw new CairnError('ERR_HELD', `${title} is held by ${by}; --force removes it all the same`, { entry: title });
}

function takeNames(store: StoreContext, { image, names }: Taking, documents: DocumentWriter): Removed {
  const gone = names as Exclude<Taking['names'], 'all'>;
  renameImage(store.index, image, gone.reduce(withoutName, image), (each) => documents.revise(each));
  const untagged = gone.map((each) => nameText(image.format, each));
  noteEvent(store.index, { event: 'untagged', image: image.key, names: untagged });
  return { ...describe(image), untagged, removed: false, ...NOTHING };
}

const NOTHING = { removedTrees: [], freedBytes: 0, held: [] };

function describe(image: ImageRecord): Pick<Removed, 'key' | 'name'> {
  return { key: image.key, name: referencesOf(image)[0]?.name ?? '' };
}

function removeOne(store: StoreContext, { image }: Taking, trees: readonly TreeRecord[], held: string[]): Removed {
  const gone = dropFromTrees(store, image, trees);
  const freedBytes = gone.bytes + dropImageRecord(store, image).bytes;
  const untagged = referencesOf(image).map((each) => nameText(image.format, each));
  for (const { id } of gone.trees) noteEvent(store.index, { event: 'removed', tree: id, image: image.key });
  noteEvent(store.index, { event: 'removed', image: image.key, names: untagged });
  return {
    ...describe(image),
    untagged,
    removed: true,
    removedTrees: gone.trees.map(({ id }) => id),
    freedBytes,
    held,
  };
}

/**
 * @throws CairnError `ERR_HELD` while a lease or a pod holds a tree, unless `force`, and while one is mounted, has a
 * mount in it, or has a pod that runs on it
 */
export async function removeTrees(
  store: StoreContext,
  trees: readonly TreeRecord[],
  { force = false, signal }: RemoveOptions = {},
): Promise<TreeRecord[]> {
  mustWrite(store);
  const { index } = store;
  await index.commitRemoval(() => {
    const leases = activeLeases(index);
    const byPods = force ? new Set() : neededByPods(index).trees;
    for (const tree of trees) {
      const lease = leases.find((each) => each.tree === tree.id);
      if (lease !== undefined && !force) {
        throw new CairnError('ERR_HELD', `tree ${tree.id} is held by lease ${lease.id}`, { entry: tree.id });
      }
      if (byPods.has(tree.id)) throw heldByPod(store, tree.id);
      dropTreeRecord(store, tree.id);
      noteEvent(index, { event: 'removed', tree: tree.id });
    }
    const ids = trees.map(({ id }) => id);
    mustNotRun(store, ids);
    mustBeFree(store, ids, passingTrees(store.layout));
  });
  await deleteUnlisted(
    store,
    trees.map(({ id }) => id),
    signal,
  );
  return [...trees];
}

function heldByPod({ index }: StoreContext, tree: string): CairnError {
  const pod = [...index.pods.values()].find(({ apps }) => apps.some(({ treeId }) => treeId === tree));
  return new CairnError('ERR_HELD', `tree ${tree} is held by pod ${pod?.id}`, { entry: tree });
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
