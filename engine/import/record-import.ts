/** Changes the index for an import whose files are in place: layers, objects, blobs, the image and its document. */
import type { DocumentWriter } from '../content/document-writer.js';
import { unmarkWholeLayers } from '../content/incomplete-layers.js';
import { defined } from '../core/defined.js';
import { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { keyOfHex } from '../core/key.js';
import { type ArchiveDigest, mergeArchiveDigests } from '../index/archive-digest.js';
import { noteEvent, noteMoved } from '../index/events.js';
import { dropExtents } from '../index/extents.js';
import { blobsOf, imagesWithLayer, referencesOf, rememberImage } from '../index/images.js';
import { claimNames, gainedNames, type MovedName, withName, withoutTaken } from '../index/names.js';
import { listObjects, type Retained, retainObjects } from '../index/objects.js';
import type { Index } from '../index/open.js';
import { extendPack, extentsOf } from '../index/packs.js';
import { notePlaces } from '../index/places.js';
import type { BlobRef, ImageName, ImageRecord, LayerRecord } from '../index/records.js';
import { hasBlob, listBlob, releaseBlob, rememberArchive, retainBlob, retainLayer } from '../index/references.js';
import { withSignature } from '../index/signature.js';
import { isComplete } from '../resolve/completeness.js';
import { nameText } from '../resolve/name.js';
import type { StoreContext } from '../session/context.js';
import { countUsers, healLayer, renewDocuments } from './heal.js';
import type { NewLayer, Outcome, Prepared } from './prepared-image.js';

/**
 * Runs inside the transaction. The files of an import that cannot be recorded are listed as orphans, and the others of
 * its batch are left alone.
 * @param document the image's own document, in place already
 */
export function record(
  store: StoreContext,
  writer: DocumentWriter,
  prepared: Prepared,
  document: BlobRef | undefined,
): Outcome | CairnError {
  const { index } = store;
  const { layers, documents } = prepared;
  const image = prepared.leaveNames ? withoutTaken(index, prepared.image) : prepared.image;
  const obstacle = obstacleTo(index, prepared);
  if (obstacle !== undefined) {
    listPlaced(store, prepared, document);
    return obstacle;
  }
  const newLayers = new Set(layers.map(({ key }) => key));
  countPacked(index, layers);
  const objects = { new: 0, newBytes: 0, shared: 0, sharedBytes: 0 };
  const sizes = new Map(documents);
  // Archives that are here already come from other images.
  for (const key of image.archives ?? []) {
    const blob = index.blobs.get(key);
    if (blob !== undefined) sizes.set(key, blob.size);
  }
  const existing = index.image(image.key);
  const lacked = existing !== undefined && !isComplete(index, existing);
  const restored = layers.map(({ key }) => key).filter((key) => index.layer(key)?.incomplete === true);
  for (const layer of layers) {
    const listed = index.layer(layer.key) !== undefined;
    recordLayer(store, layer, image.format, objects);
    if (existing !== undefined && !listed) countUsers(index, layer.key);
    const { kept } = layer.ingested;
    if (kept !== undefined) sizes.set(keyOfHex(kept.sha512), kept.size);
  }
  for (const key of new Set(image.layers)) if (!newLayers.has(key)) countShared(index, key, objects);
  for (const key of restored) reviseUsers(index, writer, key, image.key);
  if (existing !== undefined) {
    if (document !== undefined) listBlob(index, document.key, document.size);
    const { image: merged, ...news } = merge({ index, documents: writer }, existing, image, sizes);
    for (const [key, size] of sizes) listBlob(index, key, size);
    const isRestored = lacked && isComplete(index, merged);
    if (isRestored) noteImported(index, merged);
    return { image: merged, existed: true, restored: isRestored, objects, ...news };
  }
  for (const key of new Set(image.layers)) retainLayer(index, key);
  for (const key of blobsOf(image)) retainBlob(index, key, sizes.get(key) as number);
  if (document !== undefined) retainBlob(index, document.key, document.size);
  // Another process may have added to a layer's record since the document was staged. Then the document is written
  // anew.
  const recorded = writer.revise(document === undefined ? image : { ...image, document: document.key, revision: 1 });
  const moved = claimNames(index, recorded, referencesOf(recorded), (each) => writer.revise(each));
  rememberImage(index, recorded);
  noteMoved(index, moved);
  noteImported(index, recorded);
  return { image: recorded, existed: false, restored: false, objects, moved, keepsNow: false, gained: [] };
}

function noteImported(index: Index, image: ImageRecord): void {
  const names = referencesOf(image).map((name) => nameText(image.format, name));
  noteEvent(index, { event: 'imported', image: image.key, names });
}

/** @returns why an image cannot be recorded: `lost` layers, or a layer that is here in another format */
function obstacleTo(index: Index, { layers, image }: Prepared): 'lost' | CairnError | undefined {
  const newLayers = new Set(layers.map(({ key }) => key));
  if (image.layers.some((key) => !newLayers.has(key) && index.layer(key) === undefined)) return 'lost';
  const newArchives = new Set(layers.map(({ ingested: { kept } }) => kept && keyOfHex(kept.sha512)));
  if (image.archives?.some((key) => !newArchives.has(key) && !hasBlob(index, key))) return 'lost';
  const foreign = image.layers.find((key) => (index.layer(key)?.format ?? image.format) !== image.format);
  if (foreign === undefined) return undefined;
  const why = `${foreign} is in the store as a layer of another format, which gives its entries another meaning`;
  return new CairnError('ERR_UNSUPPORTED', why);
}

/** Lists the files of a refused import as orphans. The next gc sweeps them, unless another import needs them first. */
function listPlaced(store: StoreContext, { layers, documents }: Prepared, document: BlobRef | undefined): void {
  const { index } = store;
  countPacked(index, layers);
  const blobs = new Map(documents);
  if (document !== undefined) blobs.set(document.key, document.size);
  for (const { ingested, objects } of layers) {
    const { toc, recipe, kept } = ingested;
    for (const blob of [toc, recipe, ...(kept === undefined ? [] : [kept])])
      blobs.set(keyOfHex(blob.sha512), blob.size);
    if (listObjects(index, objects) > 0) unmarkWholeLayers(store);
  }
  for (const [key, size] of blobs) listBlob(index, key, size);
}

function countPacked(index: Index, layers: readonly NewLayer[]): void {
  for (const { ingested, objects } of layers) {
    if (ingested.packed !== undefined) extendPack(index, ingested.packed, objects);
  }
}

/** A restored layer may have another table of contents and recipe. The documents of its other images must name them. */
function reviseUsers(index: Index, writer: DocumentWriter, layer: Key, except: Key): void {
  for (const image of imagesWithLayer(index, layer)) {
    if (image.key !== except) index.images.put(image.key, writer.revise(image));
  }
}

/** Records a layer without references. The image that brings the layer is the first to refer to it. */
function recordLayer(store: StoreContext, layer: NewLayer, format: ImageRecord['format'], objects: Retained): void {
  const { index } = store;
  const { key } = layer;
  const recorded = layerRecord(layer, format);
  const { toc, recipe } = recorded;
  const lackedBlob = [toc, recipe].some(({ key: blob }) => index.blobs.get(blob)?.gone === true);
  for (const archive of layer.archiveDigests) rememberArchive(index, archive, key);
  const known = index.layer(key);
  if (known !== undefined) {
    const told = withArchives(known, layer.archiveDigests);
    if (told.archiveDigests.length > known.archiveDigests.length) index.layers.put(key, told);
    if (known.incomplete === true) add(objects, healLayer(store, known, { ...told, toc, recipe }, layer.objects));
    else {
      countShared(index, key, objects);
      // Somebody was faster with the same layer.
      dropExtents(index, extentsOf(layer.objects));
    }
    for (const { key: blob, size } of [toc, recipe]) listBlob(index, blob, size);
    return;
  }
  for (const blob of [toc, recipe]) retainBlob(index, blob.key, blob.size);
  const retained = retainObjects(index, layer.objects);
  const placedIn = notePlaces(index, key, layer.ingested.packed, retained.needless);
  index.layers.put(key, { ...recorded, ...defined({ placedIn }) });
  add(objects, retained);
  // Blobs or objects that layers of other images lacked came along.
  if (lackedBlob || retained.back > 0) unmarkWholeLayers(store);
}

function add(objects: Retained, more: Retained): void {
  for (const name of Object.keys(objects) as (keyof Retained)[]) objects[name] += more[name];
}

/** The record of a layer that an import read, before anything refers to it. */
export function layerRecord(
  { key, ingested, objects, archiveDigests }: NewLayer,
  format: ImageRecord['format'],
): LayerRecord {
  const { toc, recipe, size, entries, files, contentBytes } = ingested;
  return {
    key,
    format,
    size,
    toc: { key: keyOfHex(toc.sha512), size: toc.size },
    recipe: { key: keyOfHex(recipe.sha512), size: recipe.size },
    entries,
    files,
    contentBytes,
    objects: objects.length,
    objectBytes: objects.reduce((total, { record }) => total + record.size, 0),
    archiveDigests,
    refs: 0,
  };
}

export function withArchives(layer: LayerRecord, archives: readonly ArchiveDigest[]): LayerRecord {
  return { ...layer, archiveDigests: mergeArchiveDigests(layer.archiveDigests, archives) };
}

function countShared(index: Index, key: Key, objects: Retained): void {
  const layer = index.layer(key);
  objects.shared += layer?.objects ?? 0;
  objects.sharedBytes += layer?.objectBytes ?? 0;
}

export interface Merged {
  image: ImageRecord;
  moved: MovedName[];
  /** Archives were added, of which the image had none. */
  keepsNow: boolean;
  /** Names that the image did not have. */
  gained: ImageName[];
}

/**
 * Gives an image that is here the names and digests of this import, and what was verified for it, and notes its use.
 * Nothing else of the image changes, except when archives are to be kept from now on: they are added, with the manifest
 * that lists them.
 * @param sizes of blobs that came along
 */
export function merge(
  { index, documents }: { index: Index; documents: DocumentWriter },
  existing: ImageRecord,
  again: ImageRecord,
  sizes: ReadonlyMap<Key, number> = new Map(),
): Merged {
  const names = referencesOf(again);
  const named = names.reduce(withName, withSignature(existing, again.signature));
  const merged: ImageRecord = { ...named, ...defined({ platform: again.platform }), lastUsed: Date.now() };
  if (again.digests !== undefined) merged.digests = [...new Set([...(existing.digests ?? []), ...again.digests])];
  const moved = claimNames(index, merged, names, (image) => documents.revise(image));
  const renewed = renewDocuments(index, merged, again, sizes);
  let keepsNow = false;
  if (renewed === undefined && existing.archives === undefined && again.archives !== undefined) {
    keepsNow = true;
    merged.archives = again.archives;
    merged.manifest = again.manifest;
    if (again.digest !== undefined) merged.digest = again.digest;
    for (const key of [...again.archives, again.manifest]) retainBlob(index, key, sizes.get(key) as number);
    releaseBlob(index, existing.manifest);
  }
  const revised = documents.revise(renewed ?? merged);
  rememberImage(index, revised);
  noteMoved(index, moved);
  const gained = gainedNames(existing, revised);
  if (gained.length > 0) {
    const texts = gained.map((name) => nameText(revised.format, name));
    noteEvent(index, { event: 'tagged', image: revised.key, names: texts });
  }
  return { image: revised, moved, keepsNow, gained };
}
