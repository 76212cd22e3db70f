/** Counts references anew, from images, trees and tables of contents alone. The index must have the same counts. */
import { objectSizesOf } from '../content/layer-objects.js';
import { throwIfAborted } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { allImages, blobsOf } from '../index/images.js';
import { bytesOf } from '../index/objects.js';
import type { LayerRecord, Totals } from '../index/records.js';
import { bytesOfBlob } from '../index/references.js';
import type { StoreContext } from '../session/context.js';

export interface ExpectedCounts {
  /** Object → its size in bytes, and the layers that hold it. */
  objects: Map<string, { size: number; layers: Key[] }>;
  blobs: Map<Key, { refs: number; images: Set<Key> }>;
  /** Layer → how many images and trees need it. */
  layers: Map<Key, number>;
  /** Layer → the images that need it. */
  users: Map<Key, Key[]>;
  /** Layers with damaged tables of contents, whose objects are unknown. */
  unknownLayers: Set<Key>;
}

export function countExpected(store: StoreContext, signal?: AbortSignal): ExpectedCounts {
  const { index } = store;
  const expected: ExpectedCounts = {
    objects: new Map(),
    blobs: new Map(),
    layers: new Map(),
    users: new Map(),
    unknownLayers: new Set(),
  };
  const needBlob = (key: Key, images: readonly Key[]): void => {
    const known = expected.blobs.get(key) ?? { refs: 0, images: new Set<Key>() };
    known.refs++;
    for (const image of images) known.images.add(image);
    expected.blobs.set(key, known);
  };
  const needLayer = (key: Key): void => {
    expected.layers.set(key, (expected.layers.get(key) ?? 0) + 1);
  };
  for (const image of allImages(index)) {
    for (const blob of blobsOf(image)) needBlob(blob, [image.key]);
    for (const layer of new Set(image.layers)) {
      needLayer(layer);
      expected.users.set(layer, [...(expected.users.get(layer) ?? []), image.key]);
    }
  }
  for (const tree of index.trees.values()) for (const layer of new Set(tree.layers)) needLayer(layer);
  for (const { value: blob, key } of index.blobs.entries()) if (blob.put) needBlob(key, []);
  for (const layer of index.layers.values()) {
    throwIfAborted(signal);
    const users = expected.users.get(layer.key) ?? [];
    needBlob(layer.toc.key, users);
    needBlob(layer.recipe.key, users);
    countObjects(store, layer, expected);
  }
  return expected;
}

function countObjects(store: StoreContext, layer: LayerRecord, { objects, unknownLayers }: ExpectedCounts): void {
  if (layer.uncounted === true) return;
  const sizes = objectSizesOf(store, layer);
  if (sizes === undefined) {
    unknownLayers.add(layer.key);
    return;
  }
  for (const [name, size] of sizes) {
    const known = objects.get(name);
    if (known === undefined) objects.set(name, { size, layers: [layer.key] });
    else known.layers.push(layer.key);
  }
}

/** Sums the totals over all records. */
export function sumTotals({ index }: StoreContext): Totals {
  const totals: Totals = { objects: 0, objectBytes: 0, blobs: 0, blobBytes: 0, orphans: 0, orphanBytes: 0 };
  for (const value of index.objects.values()) {
    totals.objects++;
    totals.objectBytes += bytesOf(value);
    if (value.refs > 0) continue;
    totals.orphans++;
    totals.orphanBytes += bytesOf(value);
  }
  for (const value of index.blobs.values()) {
    totals.blobs++;
    totals.blobBytes += bytesOfBlob(value);
    if (value.refs > 0) continue;
    totals.orphans++;
    totals.orphanBytes += bytesOfBlob(value);
  }
  return totals;
}
