/**
 * Drops references, inside a transaction: of trees to their layers, of layers to their objects and blobs. Files stay
 * until they are swept.
 */
import type { Key } from '../core/key.js';
import { blobsOf, removeImageRecord } from '../index/images.js';
import type { ImageRecord, TreeRecord } from '../index/records.js';
import { releaseBlob, releaseLayer } from '../index/references.js';
import type { StoreContext } from '../session/context.js';
import { objectsOfLayer } from './layer-objects.js';

/** What dropping references set free. */
export interface Released {
  /** Bytes that nothing needs now. */
  bytes: number;
  layers: number;
}

/**
 * Takes an image off trees that were made of it. Trees that were made of no other image are forgotten.
 * @returns the forgotten trees, as they were, and what forgetting them set free
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

/** Forgets a tree, with the leases on it, and lets go of its layers. */
export function dropTreeRecord(store: StoreContext, treeId: string): Released {
  const tree = store.index.trees.get(treeId);
  if (tree === undefined) return { bytes: 0, layers: 0 };
  store.index.trees.remove(treeId);
  for (const { key, value } of [...store.index.leases.entries()])
    if (value.tree === treeId) store.index.leases.remove(key);
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
