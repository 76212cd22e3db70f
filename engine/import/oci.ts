/**
 * Imports an OCI image. Its documents are read first, then the layers that the store lacks, side by side. Each layer is
 * checked against the documents. The plan of the image is made before anything is committed.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Source } from '../../workers/tasks/parts.js';
import { stageDocument } from '../content/document-writer.js';
import { readToc } from '../content/read-blob.js';
import { eachOf } from '../core/concurrency.js';
import { defined } from '../core/defined.js';
import { isCairnError } from '../core/errors.js';
import { type Key, keyOfBytes, keyOfHex } from '../core/key.js';
import { stagedObjects, stagedToc } from '../disk/layout.js';
import { goArchitecture, type Platform } from '../image/oci/platform.js';
import { parseLayoutName } from '../image/oci/reference.js';
import type { ImageName, ImageRecord } from '../index/records.js';
import { decodeToc, type TocEntry } from '../layer/toc.js';
import { planOci } from '../plan/oci.js';
import { isCompleteLayer } from '../resolve/completeness.js';
import { parseNewName } from '../resolve/name.js';
import type { StoreContext } from '../session/context.js';
import { flatManifest } from './flat-manifest.js';
import { keptArchives } from './kept-archives.js';
import type { ImportOptions, ImportRequest } from './options.js';
import type { Importing, NewLayer, Prepared } from './prepared-image.js';
import type { SourceProgress } from './progress.js';
import type { ReadOptions } from './read-layer.js';
import { type ChosenImage, type ChosenLayer, mismatch } from './source/choose-image.js';
import type { Container } from './source/container.js';

export interface OciRequest extends ImportRequest {
  importTime: number;
  progress: SourceProgress | undefined;
  /** Read layers even if they are in the store, because some were removed during the last attempt. */
  readAll: boolean;
}

/** One image, and the container that holds its documents and layers. */
export interface OciSource {
  container: Container;
  chosen: ChosenImage;
}

/** The key of an OCI image is that of its configuration, which names every layer by its content. */
export function keyOfImage(chosen: ChosenImage): Key {
  return keyOfBytes(chosen.config.bytes);
}

/**
 * The names of the image, the main one first: the caller's, or else the container's. A wrong one among these does not
 * keep anybody from reading the image.
 * @throws CairnError `ERR_NAME_SYNTAX`; `ERR_BAD_MANIFEST` for a name in a `manifest.json`
 */
export function namesOf({ references, nameFault }: ChosenImage, { name, leaveNames }: ImportRequest): ImageName[] {
  if (name !== undefined) return [parseNewName(name)];
  if (nameFault !== undefined && leaveNames !== true) throw nameFault;
  return references.map((reference) => {
    const { name, tag = 'latest' } = parseLayoutName(reference);
    return { name, labels: [{ name: 'version', value: tag }] };
  });
}

/** @returns `undefined` for an image whose configuration does not say */
export function platformOf({ config: { parsed } }: ChosenImage): Platform | undefined {
  const { os, architecture, variant } = parsed;
  if (os === '' || architecture === '') return undefined;
  return { os, architecture: goArchitecture(architecture), ...defined({ variant }) };
}

/** @throws CairnError `ERR_DIGEST_MISMATCH`, `ERR_BAD_ARCHIVE`, `ERR_BAD_LINK`, … */
export async function prepareOci(
  importing: Importing,
  { container, chosen }: OciSource,
  request: OciRequest,
): Promise<Prepared> {
  const { store, staging } = importing;
  const [first = { name: '', labels: [] }, ...aliases] = namesOf(chosen, request);
  const { layers, known, archives } = await readLayers(importing, { container, chosen }, request);
  const keys = chosen.layers.map(({ diffId }) => known.get(diffId) as Key);
  const newLayers = new Map(layers.map((layer) => [layer.key, layer]));
  const tocOf = (key: Key): readonly TocEntry[] => {
    const layer = newLayers.get(key);
    return layer?.toc ?? readToc(store, key);
  };
  const sizeOf = (key: Key): number => newLayers.get(key)?.ingested.size ?? store.index.layer(key)?.size ?? 0;
  const manifest = chosen.manifest ?? flatManifest(chosen, keys.map(sizeOf));
  const manifestKey = keyOfBytes(manifest.bytes);
  const key = keyOfImage(chosen);
  const platform = platformOf(chosen);
  if (platform === undefined) store.notice(`${container.path}: its configuration names no platform`);
  const documents = new Map<Key, number>();
  for (const [documentKey, bytes] of [
    [manifestKey, manifest.bytes],
    [key, chosen.config.bytes],
  ] as const) {
    if (documents.has(documentKey)) continue;
    documents.set(documentKey, bytes.length);
    stageDocument(staging, documentKey, bytes);
  }
  const kept = chosen.layers.map(({ descriptor }) => archives.get(descriptor?.digest ?? ''));
  const allKept = kept.filter((each) => each !== undefined);
  const image: ImageRecord = {
    key,
    digest: manifest.digest,
    ...first,
    ...(aliases.length === 0 ? {} : { aliases }),
    ...defined({ platform }),
    format: 'oci',
    size: keys.reduce((sum, each) => sum + sizeOf(each), 0),
    importTime: request.importTime,
    lastUsed: Date.now(),
    latest: request.latest === true,
    pinned: false,
    layers: keys,
    manifest: manifestKey,
    config: key,
    ...(keepsArchives(chosen, request) && allKept.length === kept.length ? { archives: allKept } : {}),
    digests: [...new Set([manifest.digest, chosen.config.digest])],
    dependencies: [],
    filters: false,
    ...defined({ signature: request.signature }),
  };
  const { onPlan, leaveNames = false, fromTree = false } = request;
  const plan = fromTree ? {} : { plan: () => planOci(keys.map(tocOf)), onPlan };
  return { staging, documents, layers, image, leaveNames, ...plan };
}

/**
 * Without a manifest there are no digests of archives to keep. The image then gets a manifest of uncompressed layers,
 * which recipes and objects give back.
 */
export function keepsArchives({ manifest }: ChosenImage, { keepArchive }: ImportOptions): boolean {
  return keepArchive === true && manifest !== undefined;
}

interface LayersRead {
  layers: NewLayer[];
  /** diffID → key, of all layers. */
  known: Map<string, Key>;
  /** Digest → key, of the archives that are kept. */
  archives: Map<string, Key>;
}

/** Tells which layers need not be read: those that are here and, if archives are to be kept, whose archive is. */
function spareLayers(store: StoreContext, { chosen }: OciSource, request: OciRequest): Omit<LayersRead, 'layers'> {
  const known = new Map<string, Key>();
  if (request.readAll) return { known, archives: new Map() };
  for (const layer of chosen.layers) {
    const key = findLayer(store, layer);
    if (key !== undefined) known.set(layer.diffId, key);
  }
  if (!keepsArchives(chosen, request)) return { known, archives: new Map() };
  const digests = chosen.layers.map(({ diffId, descriptor }) => [descriptor?.digest ?? '', known.get(diffId)] as const);
  const wanted = new Map(digests.filter((pair): pair is [string, Key] => pair[1] !== undefined));
  const archives = keptArchives(store, wanted);
  if (request.spareLayers === true) return { known, archives };
  for (const { diffId, descriptor } of chosen.layers) if (!archives.has(descriptor?.digest ?? '')) known.delete(diffId);
  return { known, archives };
}

/** Reads each layer that the store lacks, once. */
async function readLayers(
  importing: Importing,
  { container, chosen }: OciSource,
  request: OciRequest,
): Promise<LayersRead> {
  const { store } = importing;
  const { known, archives } = spareLayers(store, { container, chosen }, request);
  const each = new Map(chosen.layers.map((layer) => [layer.diffId, layer]));
  const unread = [...each.values()].filter(({ diffId }) => !known.has(diffId));
  const blobs = unread.map((layer) => ({ layer, ...container.blob(layer.member) }));
  for (const { layer, size } of blobs) {
    const promised = layer.descriptor?.size;
    if (promised !== undefined && promised !== size) throw mismatch(layer.member, `${promised} bytes`, `${size} bytes`);
  }
  request.progress?.expect(blobs.reduce((sum, { size }) => sum + size, 0));
  const done = new Map<string, number>();
  const count = (diffId: string, bytes: number): void => {
    done.set(diffId, bytes);
    request.progress?.read([...done.values()].reduce((sum, each) => sum + each, 0));
  };
  // The largest first: a long layer that begins last would keep one worker busy after all others have ended.
  blobs.sort((a, b) => b.size - a.size);
  const layers = await eachOf(blobs, store.pool.size, async (blob, i): Promise<NewLayer> => {
    const dir = join(importing.staging, `layer-${i}`);
    fs.mkdirSync(dir, { mode: 0o700 });
    const layer = await readLayer(importing, blob, dir, {
      signal: request.signal,
      onRead: (bytes) => count(blob.layer.diffId, bytes),
      format: 'oci',
      keep: keepsArchives(chosen, request),
      newObjects: stagedObjects(importing.staging),
      vouched: chosen.isBare !== true || request.expect !== undefined,
      isBare: chosen.isBare === true,
    });
    tellTrailing(store, layer);
    known.set(blob.layer.diffId, layer.key);
    const { kept } = layer.ingested;
    if (kept !== undefined) archives.set(blob.layer.descriptor?.digest ?? '', keyOfHex(kept.sha512));
    return layer;
  });
  return { layers, known, archives };
}

function tellTrailing({ notice }: StoreContext, { key, ingested: { trailing } }: NewLayer): void {
  if (trailing === 0) return;
  const what = `${trailing} bytes that are not zero after the layer's end`;
  notice(`${key.slice(0, 19)}: ${what} are kept, but no reader takes them for files`);
}

/** Reads one layer. @throws CairnError `ERR_DIGEST_MISMATCH` when the documents promise another layer, … */
async function readLayer(
  { store, reader }: Importing,
  { layer, source, size }: { layer: ChosenLayer; source: Source; size: number },
  dir: string,
  options: ReadOptions,
): Promise<NewLayer> {
  const reading = reader.read({ source, size }, dir, options);
  const { ingested, objects } = await reading.catch((error: unknown) => refuseLayer(store, layer, source, error));
  const digest = `sha256:${ingested.transport.sha256}`;
  const diffId = `sha256:${ingested.diffId}`;
  if (layer.descriptor !== undefined && digest !== layer.descriptor.digest)
    throw mismatch(layer.member, layer.descriptor.digest, digest);
  if (diffId !== layer.diffId) throw mismatch(`the diffID of ${layer.member}`, layer.diffId, diffId);
  const archiveDigests = [...new Set([digest, diffId])].map((each) => ({ digest: each }));
  // This thread is idle while workers read other layers.
  const toc = decodeToc(fs.readFileSync(stagedToc(dir)));
  return { key: keyOfHex(ingested.sha512), staging: dir, ingested, objects, archiveDigests, toc };
}

/** Bytes that are no layer may not be the promised bytes at all. Then the error says that instead. */
async function refuseLayer(
  store: StoreContext,
  { member, descriptor }: ChosenLayer,
  source: Source,
  error: unknown,
): Promise<never> {
  const { digest: promised } = descriptor ?? {};
  if (promised === undefined || !isCairnError(error) || error.code === 'ERR_ABORTED') throw error;
  const { sha256 } = await store.pool.ask('digest', { source });
  if (`sha256:${sha256}` !== promised) throw mismatch(member, promised, `sha256:${sha256}`);
  throw error;
}

/** Finds the layer in the store, without reading it, if it came as the archive that the descriptor names. */
export function findLayer(store: StoreContext, { diffId, descriptor }: ChosenLayer): Key | undefined {
  const { index } = store;
  const key = index.digests.get(diffId);
  if (key === undefined || index.layer(key)?.format !== 'oci' || !isCompleteLayer(index, key)) return undefined;
  const archive = descriptor === undefined ? key : index.digests.get(descriptor.digest);
  return archive === key ? key : undefined;
}
