/**
 * Which trees are mounted. The kernel alone knows: a mount may be in another mount namespace, below somebody's overlay,
 * or left by a process that died. It has the tree's image open as long as anything can be read through it.
 */
import * as fs from 'node:fs';
import { CairnError, hasCode } from '../core/errors.js';
import { type Layout, mountedTree } from './layout.js';
import { mountAt, mounts, mountsBelow, mustNotBeMounted } from './mounts.js';
import { isOpenElsewhere } from './open-elsewhere.js';
import { runDirectory, storeMark } from './run-directory.js';

/** What mounts of a store's trees are called in the system's list. */
export function mountLabel(layout: Layout, id: string): string {
  return `${labelPrefix(layout)}${id}`;
}

function labelPrefix({ dir }: Layout): string {
  return `cairn:${storeMark(dir)}:`;
}

/** Where a tree is mounted, unless it is asked for elsewhere. */
export function mountPoint({ dir }: Layout, id: string): string {
  return mountedTree(runDirectory(dir), id);
}

export interface TreeMountPoint {
  treeId: string;
  point: string;
}

/** The mounts of a store's trees that this process sees, the oldest first. */
export function treeMounts(layout: Layout): TreeMountPoint[] {
  const prefix = labelPrefix(layout);
  return mounts()
    .filter(({ type, source }) => type === 'overlay' && source.startsWith(prefix))
    .map(({ point, source }) => ({ point, treeId: source.slice(prefix.length) }));
}

/** Whether a tree's image is mounted anywhere: where the kernel does not tell, whether this process sees its mount. */
export function isImageInUse(layout: Layout, id: string): boolean {
  const isSeen = (): boolean => treeMounts(layout).some(({ treeId }) => treeId === id);
  try {
    return isOpenElsewhere(layout.treeImage(id)) ?? isSeen();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    // A directory that its owner may not enter is damage, for a repair to take away.
    if (hasCode(error, 'EACCES')) return isSeen();
    throw error;
  }
}

/** Ids of the trees that are mounted, or that something is mounted in. */
export function treesInUse(layout: Layout): Set<string> {
  const { trees } = layout;
  const real = fs.realpathSync(trees);
  const inside = mountsBelow(trees).map((point) => point.slice(real.length + 1).split('/')[0] as string);
  return new Set([...inside, ...fs.readdirSync(trees).filter((id) => isImageInUse(layout, id))]);
}

/** @throws CairnError `ERR_HELD` for a tree that is mounted, or that something is mounted in */
export function mustNotBeInUse(layout: Layout, id: string): void {
  mustNotBeMounted(layout.tree(id));
  imageMustBeFree(layout, id);
}

/** @throws CairnError `ERR_HELD` for a tree that is mounted */
export function imageMustBeFree(layout: Layout, id: string): void {
  if (!isImageInUse(layout, id)) return;
  const seen = treeMounts(layout).find(({ treeId }) => treeId === id);
  const where = seen === undefined ? 'where this process does not see it' : `at ${seen.point}`;
  throw new CairnError('ERR_HELD', `tree ${id} is mounted ${where}; unmount it first`, { entry: id });
}

/** Whether the tree itself is what one sees at a path. */
export function isTreeMountedAt(layout: Layout, id: string, path: string): boolean {
  return mountAt(path)?.source === mountLabel(layout, id) && isImageInUse(layout, id);
}
