/**
 * Makes prepared imports visible: sync, place, sync, one transaction. Imports that become ready while another batch is being
 * committed go together in the next one, so that many small images share the waits for the disk.
 */
import * as fs from 'node:fs';
import type { AbsorbResult } from '../workers/protocol.js';
import type { StoreContext } from './context.js';
import { commitImages, type DocumentWriter, keyOfBytes, stageDocument } from './documents.js';
import { CairnError } from './errors.js';
import { countUsers, healLayer, renewDocuments } from './heal.js';
import { documentOf, encodeImageDocument } from './image-document.js';
import {
  listBlob,
  type Retained,
  releaseBlob,
  rememberDigest,
  retainBlob,
  retainLayer,
  retainObjects,
} from './index/contents.js';
import { blobsOf, imagesWithLayer, referencesOf, rememberImage } from './index/images.js';
import type { Index } from './index/open.js';
import type { BlobRef, ImageRecord, LayerRecord } from './index/records.js';
import { type Key, keyBytes } from './key.js';
import { stagedArchive, stagedDocument, stagedNames, stagedObjects, stagedRecipe, stagedToc } from './layout.js';
import { eachOf } from './pool.js';
import { isWhole, unmarkWholeLayers } from './whole.js';

/** A layer that was read for an import. */
export interface NewLayer {
  key: Key;
  staging: string;
  absorbed: AbsorbResult;
  /** Digests of the bytes that it came as, each with its fingerprint if it has one, after a space. */
  transports: string[];
}

/** An import that is staged, hashed and validated. */
export interface Prepared {
  /** Where its documents lie, see {@link stageDocument}, and the new objects of all its layers. */
  staging: string;
  /** Key → size. */
  documents: ReadonlyMap<Key, number>;
  /** Those of its layers that were read; the others are here. */
  layers: readonly NewLayer[];
  /** What to record unless it is here. */
  image: ImageRecord;
  /** Throws if the image must not come in; runs while the disk takes its bytes. */
  check?: () => void;
}

export interface Committed {
  image: ImageRecord;
  existed: boolean;
  /** It lacked something, and is whole now. */
  healed: boolean;
  objects: Retained;
}

/** `lost`: a layer that was here when the import began was removed meanwhile. */
export type Outcome = Committed | 'lost';

interface Waiting {
  prepared: Prepared;
  resolve: (outcome: Outcome) => void;
  reject: (error: unknown) => void;
}

export class Committer {
  readonly #store: StoreContext;
  #waiting: Waiting[] = [];
  #running = false;

  constructor(store: StoreContext) {
    this.#store = store;
  }

  /** Resolves when the image is durable. */
  add(prepared: Prepared): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ prepared, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const outcomes = await this.#commit(batch.map(({ prepared }) => prepared));
        for (const [i, { resolve, reject }] of batch.entries()) {
          const outcome = outcomes[i] as Outcome | Error;
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        }
      } catch (error) {
        // Some of it may have been placed already; its notes in staging tell the next gc what.
        this.#store.staging.abandon();
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running = false;
  }

  async #commit(all: readonly Prepared[]): Promise<(Outcome | Error)[]> {
    const { pool, disk, layout, index } = this.#store;
    const staged = new Map(all.map((prepared) => [prepared, stageImageDocument(index, prepared)]));
    for (const { staging, absorbed } of all.flatMap((prepared) => prepared.layers)) {
      if (absorbed.kept !== undefined) fs.appendFileSync(stagedNames(staging), `\n${absorbed.kept.sha512}`);
    }
    const written = disk.sync();
    const refusals = new Map(all.map((prepared) => [prepared, refusalOf(prepared)]));
    await written;
    const batch = all.filter((prepared) => refusals.get(prepared) === undefined);
    const layers = batch.flatMap((prepared) => prepared.layers);
    const files = [
      ...layers.flatMap(({ staging, absorbed }): [string, string][] => [
        [stagedToc(staging), layout.blob(`sha512-${absorbed.toc.sha512}`)],
        [stagedRecipe(staging), layout.blob(`sha512-${absorbed.recipe.sha512}`)],
      ]),
      ...layers.flatMap(({ staging, absorbed: { kept } }): [string, string][] =>
        kept === undefined ? [] : [[stagedArchive(staging), layout.blob(`sha512-${kept.sha512}`)]],
      ),
      ...batch.flatMap((prepared): [string, string][] => {
        const document = staged.get(prepared);
        const keys = [...prepared.documents.keys(), ...(document === undefined ? [] : [document.key])];
        return keys.map((key) => [stagedDocument(prepared.staging, key), layout.blob(key)]);
      }),
    ];
    const newObjects = batch.filter((each) => each.layers.length > 0).map(({ staging }) => stagedObjects(staging));
    const shares = Array.from({ length: pool.size }, (_none, share) => share);
    await eachOf(shares, pool.size, (share) =>
      pool.run<'place'>({
        kind: 'place',
        newObjects,
        objects: layout.objects,
        files: share === 0 ? files : [],
        share,
        of: pool.size,
      }),
    );
    await disk.sync();
    return commitImages(this.#store, (writer) =>
      all.map((each) => refusals.get(each) ?? record(this.#store, writer, each, staged.get(each))),
    );
  }
}

function refusalOf({ check }: Prepared): Error | undefined {
  try {
    check?.();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/**
 * Stages the document of an image that is not here yet, so that it needs no sync of its own.
 * @returns `undefined` for one that is here, or whose layers are not all here
 */
function stageImageDocument(index: Index, { image, layers, staging }: Prepared): BlobRef | undefined {
  if (index.image(image.key) !== undefined) return undefined;
  const fresh = new Map(layers.map((layer) => [layer.key, layer]));
  const records: LayerRecord[] = [];
  for (const key of new Set(image.layers)) {
    const known = index.layer(key);
    const layer = fresh.get(key);
    if (layer !== undefined) records.push(withTransports(known ?? layerRecord(layer, image.format), layer.transports));
    else if (known !== undefined) records.push(known);
    else return undefined;
  }
  const bytes = encodeImageDocument(documentOf(image, records, 1));
  const key = keyOfBytes(bytes);
  stageDocument(staging, key, bytes);
  return { key, size: bytes.length };
}

/** Runs inside the transaction. An import that cannot be recorded changes nothing and leaves the others of its batch alone. */
function record(
  store: StoreContext,
  writer: DocumentWriter,
  { layers, image, documents }: Prepared,
  document: BlobRef | undefined,
): Outcome | CairnError {
  const { index } = store;
  // Placed already; unless the image takes it, nothing needs it, and gc sweeps it.
  if (document !== undefined) retainBlob(index, document.key, document.size);
  const disown = (): void => {
    if (document !== undefined) releaseBlob(index, document.key);
  };
  const fresh = new Set(layers.map(({ key }) => key));
  if (image.layers.some((key) => !fresh.has(key) && index.layer(key) === undefined)) {
    disown();
    return 'lost';
  }
  const foreign = image.layers.find((key) => (index.layer(key)?.format ?? image.format) !== image.format);
  if (foreign !== undefined) {
    disown();
    const why = `${foreign} is in the store as a layer of another format, which gives its entries another meaning`;
    return new CairnError('ERR_UNSUPPORTED', why);
  }
  const objects = { new: 0, newBytes: 0, shared: 0, sharedBytes: 0 };
  const sizes = new Map(documents);
  const existing = index.image(image.key);
  const lacked = existing !== undefined && !isWhole(index, existing);
  const healed = layers.map(({ key }) => key).filter((key) => index.layer(key)?.incomplete === true);
  for (const layer of layers) {
    const listed = index.layer(layer.key) !== undefined;
    recordLayer(store, layer, image.format, objects);
    if (existing !== undefined && !listed) countUsers(index, layer.key);
    const { kept } = layer.absorbed;
    if (kept !== undefined) sizes.set(`sha512-${kept.sha512}`, kept.size);
  }
  for (const key of new Set(image.layers)) if (!fresh.has(key)) countShared(index, key, objects);
  for (const key of healed) reviseUsers(index, writer, key, image.key);
  if (existing !== undefined) {
    disown();
    const merged = merge(index, writer, existing, image, sizes);
    for (const [key, size] of sizes) listBlob(index, key, size);
    return { image: merged, existed: true, healed: lacked && isWhole(index, merged), objects };
  }
  for (const key of new Set(image.layers)) retainLayer(index, key);
  for (const key of blobsOf(image)) retainBlob(index, key, sizes.get(key) as number);
  // Another process may have told the index more of a layer since the document was staged; then it is written once more.
  const recorded = writer.revise(document === undefined ? image : { ...image, document: document.key, revision: 1 });
  rememberImage(index, recorded);
  return { image: recorded, existed: false, healed: false, objects };
}

/** A layer that was healed may have other documents of its own; those of the other images that need it say so. */
function reviseUsers(index: Index, writer: DocumentWriter, layer: Key, except: Key): void {
  for (const image of imagesWithLayer(index, layer)) {
    if (image.key !== except) index.images.put(keyBytes(image.key), writer.revise(image));
  }
}

/** A layer is recorded without references; the image that brings it is the first to need it. */
function recordLayer(store: StoreContext, layer: NewLayer, format: ImageRecord['format'], objects: Retained): void {
  const { index } = store;
  const { key, absorbed } = layer;
  const names = namesOf(absorbed);
  const recorded = layerRecord(layer, format);
  const { toc, recipe } = recorded;
  const lackedBlob = [toc, recipe].some(({ key: blob }) => index.blobs.get(keyBytes(blob))?.gone === true);
  for (const transport of layer.transports) {
    const [digest, fingerprint] = transport.split(' ') as [string, string | undefined];
    rememberDigest(index, digest, fingerprint, key);
  }
  const known = index.layer(key);
  if (known !== undefined) {
    const told = withTransports(known, layer.transports);
    if (told.transports.length > known.transports.length) index.layers.put(keyBytes(key), told);
    if (known.incomplete === true) add(objects, healLayer(store, known, { ...told, toc, recipe }, names, absorbed));
    else countShared(index, key, objects);
    for (const { key: blob, size } of [toc, recipe]) listBlob(index, blob, size);
    return;
  }
  for (const blob of [toc, recipe]) retainBlob(index, blob.key, blob.size);
  index.layers.put(keyBytes(key), recorded);
  const retained = retainObjects(index, names, absorbed.sizes, absorbed.skipped);
  add(objects, retained);
  // What was gone from layers of other images came along.
  if (lackedBlob || retained.back > 0) unmarkWholeLayers(store);
}

function add(objects: Retained, more: Retained): void {
  for (const name of Object.keys(objects) as (keyof Retained)[]) objects[name] += more[name];
}

/** A layer as an import found it; nothing needs it yet. */
function layerRecord({ key, absorbed, transports }: NewLayer, format: ImageRecord['format']): LayerRecord {
  const { toc, recipe, size, entries, files, contentBytes, sizes } = absorbed;
  return {
    key,
    format,
    size,
    toc: { key: `sha512-${toc.sha512}`, size: toc.size },
    recipe: { key: `sha512-${recipe.sha512}`, size: recipe.size },
    entries,
    files,
    contentBytes,
    objects: namesOf(absorbed).length,
    objectBytes: sizes.reduce((total, each) => total + each, 0),
    transports,
    refs: 0,
  };
}

function namesOf({ objects }: AbsorbResult): string[] {
  return objects === '' ? [] : objects.split('\n');
}

/** One layer may come in many archives: compressed anew, it has another digest. */
function withTransports(layer: LayerRecord, transports: readonly string[]): LayerRecord {
  return { ...layer, transports: [...new Set([...layer.transports, ...transports])] };
}

function countShared(index: Index, key: Key, objects: Retained): void {
  const layer = index.layer(key);
  objects.shared += layer?.objects ?? 0;
  objects.sharedBytes += layer?.objectBytes ?? 0;
}

/**
 * An image that is here gets the names and digests it came by this time, and counts as used. Nothing else of it changes, but for
 * archives that are to be kept from now on, with the manifest that lists them.
 * @param sizes of blobs that came along
 */
export function merge(
  index: Index,
  documents: DocumentWriter,
  existing: ImageRecord,
  again: ImageRecord,
  sizes: ReadonlyMap<Key, number> = new Map(),
): ImageRecord {
  const has = referencesOf(existing).map((each) => JSON.stringify([each.name, each.labels]));
  const news = referencesOf(again).filter(
    (each) => existing.format === 'oci' && each.name !== '' && !has.includes(JSON.stringify([each.name, each.labels])),
  );
  const merged: ImageRecord = { ...existing, lastUsed: Date.now() };
  // One that came without a name takes the first it gets.
  const first = existing.name === '' ? news.shift() : undefined;
  if (first !== undefined) Object.assign(merged, first);
  if (news.length > 0) merged.aliases = [...(existing.aliases ?? []), ...news];
  if (again.digests !== undefined) merged.digests = [...new Set([...(existing.digests ?? []), ...again.digests])];
  const renewed = renewDocuments(index, merged, again, sizes);
  if (renewed !== undefined) {
    const revised = documents.revise(renewed);
    rememberImage(index, revised);
    return revised;
  }
  if (existing.archives === undefined && again.archives !== undefined) {
    merged.archives = again.archives;
    merged.manifest = again.manifest;
    if (again.digest !== undefined) merged.digest = again.digest;
    for (const key of [...again.archives, again.manifest]) retainBlob(index, key, sizes.get(key) as number);
    releaseBlob(index, existing.manifest);
  }
  const revised = documents.revise(merged);
  rememberImage(index, revised);
  return revised;
}
