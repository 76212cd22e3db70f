/**
 * Mounts that nobody asked for: a render in a store of packs mounts the tree by default, where it would have linked
 * files in another store. As files would, such a mount goes when its tree is removed or collected, unless somebody
 * works in it. A mount that was asked for stays until somebody takes it away.
 *
 * A mark in the directory of the mounts says so, which is gone after a reboot, as the mounts are.
 */
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { isCairnError } from '../core/errors.js';
import { makeOnce } from './durable.js';
import { type Layout, passingMark } from './layout.js';
import { tryUntil } from './lock.js';
import { isIdle, unmount } from './mount.js';
import { runDirectory } from './run-directory.js';
import { isImageInUse, mountPoint, treeMounts } from './tree-use.js';

/** The kernel takes a mount apart by and by, in a few milliseconds. */
const WAIT = { patienceMs: 250, longestPauseMs: 16 };

/** To be called before the tree is mounted at its own place. */
export function markPassing({ dir }: Layout, id: string): void {
  const mark = passingMark(runDirectory(dir), id);
  makeOnce(dirname(mark));
  fs.writeFileSync(mark, '');
}

/** Somebody asked for the mount, or took it away. */
export function unmarkPassing({ dir }: Layout, id: string): void {
  fs.rmSync(passingMark(runDirectory(dir), id), { force: true });
}

/** Trees with such a mount, and no other, in which nobody works. */
export function passingTrees(layout: Layout): Set<string> {
  const marks = dirname(passingMark(runDirectory(layout.dir), '-'));
  if (!fs.existsSync(marks)) return new Set();
  const marked = new Set(fs.readdirSync(marks));
  const all = treeMounts(layout);
  const isPassing = (id: string): boolean => {
    const [first, ...others] = all.filter(({ treeId }) => treeId === id);
    return first?.point === mountPoint(layout, id) && others.length === 0 && isIdle(first.point);
  };
  return new Set([...new Set(all.map(({ treeId }) => treeId))].filter((id) => marked.has(id) && isPassing(id)));
}

/**
 * Takes the mounts of trees away. One in which somebody works by now stays.
 * @param ids of {@link passingTrees}
 */
export async function unmountPassing(layout: Layout, ids: Iterable<string>): Promise<void> {
  for (const id of ids) {
    const point = mountPoint(layout, id);
    try {
      unmount(point);
    } catch (error) {
      if (isCairnError(error, 'ERR_HELD') || isCairnError(error, 'ERR_NOT_FOUND')) continue;
      throw error;
    }
    await afterUnmount(layout, id);
  }
}

/**
 * Waits for the kernel to let go of the image of a tree whose last mount this process has just taken away.
 * @returns whether it did: somebody may have a mount of it where this process does not see it
 */
export async function afterUnmount(layout: Layout, id: string): Promise<boolean> {
  unmarkPassing(layout, id);
  const isFree = await tryUntil(() => (isImageInUse(layout, id) ? undefined : true), WAIT);
  // The directory of a mount may be that of mounts in other namespaces, too, which would go with it.
  if (isFree === true) removeEmpty(mountPoint(layout, id));
  return isFree === true;
}

/** Whoever mounts the tree again makes the directory again. */
function removeEmpty(dir: string): void {
  try {
    fs.rmdirSync(dir);
  } catch {
    // Another mount is there, or it was there before.
  }
}
