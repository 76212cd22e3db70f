/** Finds the one tree that an argument means. */
import { CairnError, isCairnError } from '../core/errors.js';
import type { ImageRecord, TreeRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';
import { resolveImage, resolveTrees } from './argument.js';
import { layerStackOf } from './layer-stack.js';
import { readableImages } from './readable-images.js';

/**
 * The tree of this id, or of this image. Of an image's several trees, the one that a render would find now, or else the
 * one used last.
 * @throws CairnError `ERR_NOT_FOUND` when there is no tree
 */
export function findTree(store: StoreContext, argument: string): TreeRecord {
  const readable = readableImages(store);
  const trees = resolveTrees(store.index, argument, readable);
  const [first, ...others] = trees.toSorted((a, b) => b.lastUsed - a.lastUsed);
  if (first === undefined) throw new CairnError('ERR_NOT_FOUND', `${argument} is not rendered`);
  if (others.length === 0) return first;
  const now = treeIdNow(store, resolveImage(store.index, argument, readable));
  return others.find(({ id }) => id === now) ?? first;
}

function treeIdNow(store: StoreContext, image: ImageRecord): string | undefined {
  try {
    return layerStackOf(store, image).treeId;
  } catch (error) {
    if (isCairnError(error)) return undefined;
    throw error;
  }
}
