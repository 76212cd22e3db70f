/** Letting go, inside a transaction: trees of their layers, layers of their objects and blobs. Files stay until they are swept. */

import { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { variantOf } from '../core/object.js';
import { blobsOf, removeImageRecord } from '../index/images.js';
import type { ImageRecord, LayerRecord, TreeRecord } from '../index/records.js';
import { releaseBlob, releaseLayer } from '../index/references.js';
import { decodeToc, type TocEntry } from '../layer/toc.js';
import { readBlob } from '../resolve/plan-image.js';
import type { StoreContext } from '../session/context.js';

/** What letting go of something set free. */
export interface Released {
  /** Bytes that nothing needs now. */
  bytes: number;
  layers: number;
}

/**
 * Takes an image off trees that were made of it; those that were only its own are forgotten.
 * @returns the trees that went, as they were, and what they let go of
 */
export function dropFromTrees(
  store: StoreContext,
  image: ImageRecord,
  trees: readonly TreeRecord[],
): Released & { trees: TreeRecord[] } {
  const { index } = store;
  const gone: Released & { trees: TreeRecord[] } = { bytes: 0, layers: 0, trees: [] };
  for (const { id } of trees) {
    const tree = index.trees.get(id);
    if (tree === undefined) continue;
    const others = tree.images.filter((key) => key !== image.key);
    if (others.length > 0) {
      index.trees.put(id, { ...tree, images: others });
      continue;
    }
    const { bytes, layers } = dropTreeRecord(store, id);
    gone.bytes += bytes;
    gone.layers += layers;
    gone.trees.push(tree);
  }
  return gone;
}

/** Forgets an image and lets go of its layers and manifest. */
export function dropImageRecord(store: StoreContext, image: ImageRecord): Released {
  removeImageRecord(store.index, image);
  const released = dropLayers(store, image.layers);
  for (const blob of blobsOf(image)) released.bytes += releaseBlob(store.index, blob);
  return released;
}

/** Forgets a tree and lets go of its layers. */
export function dropTreeRecord(store: StoreContext, treeId: string): Released {
  const tree = store.index.trees.get(treeId);
  if (tree === undefined) return { bytes: 0, layers: 0 };
  store.index.trees.remove(treeId);
  const released = dropLayers(store, tree.layers);
  released.bytes += tree.uniqueBytes;
  return released;
}

function dropLayers(store: StoreContext, layers: readonly Key[]): Released {
  const released: Released = { bytes: 0, layers: 0 };
  for (const layer of new Set(layers)) {
    const { freed, gone } = releaseLayer(store.index, layer, (record) => objectsOfLayer(store, record));
    released.bytes += freed;
    if (gone) released.layers++;
  }
  return released;
}

/** Names of the objects that a layer holds; `undefined` when its table of contents is damaged or was gone. */
export function objectsOfLayer(store: StoreContext, layer: LayerRecord): Iterable<string> | undefined {
  return layer.uncounted === true ? undefined : objectSizesOf(store, layer)?.keys();
}

/** Name → bytes of the distinct objects in a layer's table of contents; `undefined` when that cannot be read. */
export function objectSizesOf(store: StoreContext, layer: LayerRecord): Map<string, number> | undefined {
  let toc: TocEntry[];
  try {
    toc = decodeToc(readBlob(store, layer.toc.key));
  } catch (error) {
    if (error instanceof CairnError && error.code === 'ERR_DAMAGED') return undefined;
    throw error;
  }
  const sizes = new Map<string, number>();
  for (const entry of toc) if (entry.type === 'file') sizes.set(`${entry.key}.${variantOf(entry)}`, entry.size);
  return sizes;
}
