/**
 * Mounts that nobody asked for: a render in a store of packs mounts the tree by default, where it would have linked
 * files in another store. As files would, such a mount goes when its tree is removed or collected, unless somebody
 * works in it. A mount that was asked for stays until somebody takes it away.
 *
 * A mark in the directory of the mounts says which mount it is, by its device number, which no other mount has: other
 * mount namespaces may have other mounts at the same place, and the same directory. After a reboot all are gone.
 */
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { isCairnError } from '../core/errors.js';
import { makeOnce } from './durable.js';
import { type Layout, passingMark } from './layout.js';
import { isIdle, unmount } from './mount.js';
import { mountAt } from './mounts.js';
import { runDirectory } from './run-directory.js';
import { isImageInUse, mountLabel, mountPoint, treeMounts } from './tree-use.js';

/** Marks the mount that was just made at a tree's own place. */
export function markPassing(layout: Layout, id: string): void {
  const mark = passingMark(runDirectory(layout.dir), id);
  const mount = mountAt(mountPoint(layout, id));
  if (mount?.source !== mountLabel(layout, id)) return;
  makeOnce(dirname(mark));
  fs.writeFileSync(mark, mount.device);
}

/** Somebody asked for the mount, or took it away. */
export function unmarkPassing({ dir }: Layout, id: string): void {
  fs.rmSync(passingMark(runDirectory(dir), id), { force: true });
}

/**
 * Trees with such a mount, and no other that this process sees, in which nobody works. To be called inside a
 * transaction of the index, so that no two processes look at the same mount at once.
 */
export function passingTrees(layout: Layout): Set<string> {
  const marks = dirname(passingMark(runDirectory(layout.dir), '-'));
  if (!fs.existsSync(marks)) return new Set();
  const seen = treeMounts(layout);
  const isAlone = (id: string): boolean => seen.filter(({ treeId }) => treeId === id).length === 1;
  return new Set(
    fs.readdirSync(marks).filter((id) => isAlone(id) && isMarked(layout, id) && isIdle(mountPoint(layout, id))),
  );
}

/** Whether what one sees at a tree's own place is the mount that was marked. */
function isMarked(layout: Layout, id: string): boolean {
  const mount = mountAt(mountPoint(layout, id));
  if (mount?.source !== mountLabel(layout, id)) return false;
  try {
    return fs.readFileSync(passingMark(runDirectory(layout.dir), id), 'latin1') === mount.device;
  } catch {
    // Somebody has just asked for it.
    return false;
  }
}

/**
 * Takes the mount of one of the {@link passingTrees} away. To be called inside the transaction that drops the tree:
 * whoever finds the tree listed after it has found its mount, too.
 * @returns whether nobody uses the tree now: somebody may have come, or have a part in it that nobody sees from here
 */
export function takeMountAway(layout: Layout, id: string): boolean {
  if (!isMarked(layout, id)) return !isImageInUse(layout, id);
  const point = mountPoint(layout, id);
  try {
    unmount(point);
  } catch (error) {
    if (isCairnError(error, 'ERR_HELD')) return false;
    if (!isCairnError(error, 'ERR_NOT_FOUND')) throw error;
  }
  return afterUnmount(layout, id);
}

/** The kernel takes a mount apart by and by, in a few milliseconds. */
const LOOK_AGAIN_MS = 2;
const PATIENCE_MS = 250;
const nobody = new Int32Array(new SharedArrayBuffer(4));

/**
 * Waits for the kernel to let go of the image of a tree whose last mount this process has just taken away.
 * @returns whether it did: somebody may have a mount of it where this process does not see it
 */
export function afterUnmount(layout: Layout, id: string): boolean {
  unmarkPassing(layout, id);
  const until = performance.now() + PATIENCE_MS;
  while (isImageInUse(layout, id)) {
    if (performance.now() > until) return false;
    Atomics.wait(nobody, 0, 0, LOOK_AGAIN_MS);
  }
  // The directory of a mount may be that of mounts in other namespaces, too, which would go with it.
  removeEmpty(mountPoint(layout, id));
  return true;
}

/** Whoever mounts the tree again makes the directory again. */
function removeEmpty(dir: string): void {
  try {
    fs.rmdirSync(dir);
  } catch {
    // Another mount is there, or it was there before.
  }
}
