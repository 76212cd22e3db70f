/** Restores incomplete images and layers from an import. All runs inside the transaction that records the import. */
import { unmarkWholeLayers } from '../content/incomplete-layers.js';
import { defined } from '../core/defined.js';
import type { Key } from '../core/key.js';
import { blobsOf, imagesWithLayer } from '../index/images.js';
import { type NewObject, type Retained, restoreObjects, retainObjects } from '../index/objects.js';
import type { Index } from '../index/open.js';
import { forgetPlaces } from '../index/places.js';
import type { ImageRecord, LayerRecord } from '../index/records.js';
import { hasBlob, releaseBlob, retainBlob } from '../index/references.js';
import type { StoreContext } from '../session/context.js';

/**
 * Records that a layer that lacked something has been read again.
 * @param read its record with the table of contents and recipe that came, which may be packed differently than before
 * @param objects all objects of the layer
 */
export function healLayer(
  store: StoreContext,
  known: LayerRecord,
  read: LayerRecord,
  objects: readonly NewObject[],
): Retained {
  const { index } = store;
  for (const { key, size } of [read.toc, read.recipe]) retainBlob(index, key, size);
  for (const { key } of [known.toc, known.recipe]) releaseBlob(index, key);
  forgetPlaces(index, known);
  const { uncounted, placedIn: _old, ...layer } = read;
  index.layers.put(layer.key, layer);
  const back = uncounted === true ? retainObjects(index, objects) : restoreObjects(index, objects);
  unmarkWholeLayers(store);
  return back;
}

/** Counts the references to a layer that the index had lost: all images and trees that name it. */
export function countUsers(index: Index, key: Key): void {
  const layer = index.layer(key) as LayerRecord;
  const trees = [...index.trees.entries()].filter(({ value }) => value.layers.includes(key));
  index.layers.put(key, { ...layer, refs: imagesWithLayer(index, key).length + trees.length });
}

/**
 * Replaces all documents and kept archives of an image that lacked some. The ones that came belong together.
 * @param sizes of the blobs that came
 * @returns the image without its own document, which is made anew; `undefined` when nothing is missing, or blobs did
 * not come
 */
export function renewDocuments(
  index: Index,
  existing: ImageRecord,
  again: ImageRecord,
  sizes: ReadonlyMap<Key, number>,
): ImageRecord | undefined {
  const came = blobsOf(again);
  if (blobsOf(existing).every((key) => hasBlob(index, key)) || !came.every((key) => sizes.has(key))) return undefined;
  for (const key of came) retainBlob(index, key, sizes.get(key) as number);
  for (const key of blobsOf(existing)) releaseBlob(index, key);
  const { archives: _gone, document: _released, ...kept } = existing;
  const { manifest, digest, archives } = again;
  return {
    ...kept,
    manifest,
    ...defined({ digest, archives }),
  };
}
