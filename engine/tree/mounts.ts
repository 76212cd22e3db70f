/** The mounts of a store's trees: listed, found and taken away. */
import * as fs from 'node:fs';
import { resolve } from 'node:path';
import { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { unmount } from '../disk/mount.js';
import { afterUnmount } from '../disk/passing-mounts.js';
import { isImageInUse, type TreeMountPoint, treeMounts } from '../disk/tree-use.js';
import type { TreeRecord } from '../index/records.js';
import { resolveTrees } from '../resolve/argument.js';
import { stackOfTree } from '../resolve/plan-tree.js';
import { readableImages } from '../resolve/readable-images.js';
import type { StoreContext } from '../session/context.js';
import type { MountRequest } from './mount.js';

export interface TreeMount {
  treeId: string;
  /** Where it is mounted; null if only other processes see it, or only what lies on top of it. */
  path: string | null;
  /** The first image that the tree was made of; null for a tree that is not listed any more. */
  image: Key | null;
  hash: Key | null;
  files: number;
  bytes: number;
  mode: 'mount';
  imageBytes: number;
}

/** What is mounted, the oldest first, then what this process does not see. */
export function* mountsOf(store: StoreContext): Generator<TreeMount> {
  const { index, layout } = store;
  const seen = treeMounts(layout);
  for (const { treeId, point } of seen) yield describe(store, treeId, point);
  const known = new Set(seen.map(({ treeId }) => treeId));
  for (const { id, image } of index.trees.values())
    if (image !== undefined && !known.has(id) && isImageInUse(layout, id)) yield describe(store, id, null);
}

function describe({ index }: StoreContext, treeId: string, path: string | null): TreeMount {
  const tree = index.trees.get(treeId);
  return {
    treeId,
    path,
    image: tree?.images[0] ?? null,
    hash: tree?.hash ?? null,
    files: tree?.files ?? 0,
    bytes: tree?.bytes ?? 0,
    mode: 'mount',
    imageBytes: tree?.image?.size ?? 0,
  };
}

/**
 * Takes mounts away, and tells in a notice if somebody else still has one of these trees mounted.
 * @param target a directory where a tree is mounted, or a tree id or an image, for all mounts of its trees
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_HELD` while a process works in one, or if others have it mounted
 */
export async function unmountTree(store: StoreContext, target: string): Promise<TreeMount[]> {
  const { layout, notice } = store;
  const found = mountsMeant(store, target);
  const gone = found.map(({ treeId, point }) => describe(store, treeId, point));
  for (const { point } of found) unmount(point);
  for (const { treeId } of found) {
    const left = treeMounts(layout).filter((each) => each.treeId === treeId);
    if (left.length > 0) continue;
    if (!afterUnmount(layout, treeId)) notice(`tree ${treeId} is still in use where this process does not see it`);
  }
  return gone;
}

function mountsMeant(store: StoreContext, target: string): TreeMountPoint[] {
  const { layout } = store;
  const all = treeMounts(layout);
  const at = realPath(target);
  const there = all.findLast(({ point }) => point === at);
  if (there !== undefined) return [there];
  const trees = resolveTrees(store.index, target, readableImages(store));
  const found = all.filter(({ treeId }) => trees.some(({ id }) => id === treeId)).reverse();
  if (found.length > 0) return found;
  if (trees.some(({ id }) => isImageInUse(layout, id)))
    throw new CairnError('ERR_HELD', `${target} is mounted where this process does not see it`, { entry: target });
  throw new CairnError('ERR_NOT_FOUND', `${target} is not mounted`, { entry: target });
}

function realPath(path: string): string {
  try {
    return fs.realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** What mounting a tree takes that is known by its id alone. @throws CairnError `ERR_NOT_FOUND` */
export function treeToMount(store: StoreContext, tree: TreeRecord): Pick<MountRequest, 'image' | 'stack'> {
  const [image] = tree.images.map((key) => store.index.image(key)).filter((each) => each !== undefined);
  const stack = stackOfTree(store, tree);
  if (image !== undefined && stack !== undefined) {
    // Only the layers of an OCI image tell of its tree.
    const nodes = stack.nodes.length > 0 ? stack.nodes : [{ image, dependent: -1 }];
    return { image, stack: { ...stack, nodes } };
  }
  throw new CairnError('ERR_NOT_FOUND', `an image of tree ${tree.id} is gone`, { entry: tree.id });
}
