/**
 * An image's *document*: what the index knows of one image and its layers, as a blob of its own. Without the index,
 * documents tell which table of contents and which recipe make which layer, and what images are called. Pure.
 */
import { CairnError } from '../core/errors.js';
import { isKey } from '../core/key.js';
import { formatArchiveDigest, parseArchiveDigest } from '../index/archive-digest.js';
import type { ImageRecord, LayerRecord } from '../index/records.js';

/** Every document begins with this. A blob that does not is never taken for a document. */
export const DOCUMENT_MAGIC = 'cairn-image 1\n';

/** The index's record without the fields that change with every use or name the document itself. */
export type DocumentedImage = Omit<ImageRecord, 'lastUsed' | 'document' | 'revision'>;
/** The index's record without its count of references and without the marks for missing parts. */
export type DocumentedLayer = Omit<LayerRecord, 'refs' | 'incomplete' | 'uncounted' | 'placedIn'>;

/** A layer as the document spells it. */
type WrittenLayer = Omit<DocumentedLayer, 'archiveDigests'> & { transports: string[] };

export interface ImageDocument {
  /** Grows by one with every change. Of several documents of one image the highest revision is true. */
  revision: number;
  image: DocumentedImage;
  /** Each layer once, bottom to top. */
  layers: DocumentedLayer[];
}

/** @param layers the records of all of the image's layers */
export function documentOf(image: ImageRecord, layers: readonly LayerRecord[], revision: number): ImageDocument {
  const { lastUsed: _used, document: _document, revision: _revision, ...documented } = image;
  return { revision, image: documented, layers: layers.map(documentedLayer) };
}

function documentedLayer(record: LayerRecord): DocumentedLayer {
  const { refs: _refs, incomplete: _incomplete, uncounted: _uncounted, placedIn: _placedIn, ...layer } = record;
  return layer;
}

/**
 * Encodes a document as the magic, then JSON with the fields of every object in order, and a newline. So the same
 * document always has the same bytes.
 */
export function encodeImageDocument(document: ImageDocument): Buffer {
  const layers = document.layers.map(({ archiveDigests, ...layer }) => ({
    ...layer,
    transports: archiveDigests.map(formatArchiveDigest),
  }));
  return Buffer.from(`${DOCUMENT_MAGIC}${JSON.stringify({ ...document, layers }, inOrder)}\n`, 'utf8');
}

function inOrder(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** @throws CairnError `ERR_DAMAGED` for bytes that {@link encodeImageDocument} does not write */
export function decodeImageDocument(bytes: Buffer): ImageDocument {
  if (bytes.toString('latin1', 0, DOCUMENT_MAGIC.length) !== DOCUMENT_MAGIC) throw damaged('it does not begin as one');
  let document: unknown;
  try {
    document = JSON.parse(bytes.toString('utf8', DOCUMENT_MAGIC.length));
  } catch {
    throw damaged('it is not JSON');
  }
  if (!isRecord(document) || !isCount(document['revision'])) throw damaged('it has no revision');
  const { image, layers } = document;
  if (!isRecord(image) || !fits(image, IMAGE)) throw damaged('its image is of another form');
  if (!Array.isArray(layers) || !layers.every((layer) => isRecord(layer) && fits(layer, LAYER)))
    throw damaged('its layers are of another form');
  const described = new Set(layers.map(({ key }) => key));
  if (!(image['layers'] as unknown[]).every((key) => described.has(key))) throw damaged('it leaves out a layer');
  return {
    ...(document as unknown as ImageDocument),
    layers: (layers as WrittenLayer[]).map(({ transports, ...layer }) => ({
      ...layer,
      archiveDigests: transports.map(parseArchiveDigest),
    })),
  };
}

/** Milliseconds since 1970 beyond which there are no dates (ECMAScript, time values). */
const LAST_TIME = 8.64e15;

type Test = (value: unknown) => boolean;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText: Test = (value) => typeof value === 'string';
/** A count may have a fraction where it is a time. */
const isCount: Test = (value) => typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
const isTime: Test = (value) => isCount(value) && (value as number) <= LAST_TIME;
const isFlag: Test = (value) => typeof value === 'boolean';
const isOneKey: Test = (value) => typeof value === 'string' && isKey(value);
const isFormat: Test = (value) => value === 'aci' || value === 'oci';
const isBlobRef: Test = (value) => isRecord(value) && isOneKey(value['key']) && isCount(value['size']);
const listOf =
  (test: Test): Test =>
  (value) =>
    Array.isArray(value) && value.every(test);
const maybe =
  (test: Test): Test =>
  (value) =>
    value === undefined || test(value);
const isLabel: Test = (value) => isRecord(value) && isText(value['name']) && isText(value['value']);
const isName: Test = (value) => isRecord(value) && isText(value['name']) && listOf(isLabel)(value['labels']);
const isDigest: Test = (value) => typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value);

const isSignature: Test = (value) =>
  isRecord(value) && isText(value['key']) && isText(value['by']) && isTime(value['at']);

const IMAGE: Readonly<Record<keyof DocumentedImage, Test>> = {
  key: isOneKey,
  digest: maybe(isDigest),
  name: isText,
  labels: listOf(isLabel),
  unnamed: maybe(isFlag),
  aliases: maybe(listOf(isName)),
  platform: maybe((value) => isRecord(value) && isText(value['os']) && isText(value['architecture'])),
  given: maybe(listOf((value) => isName(value) && isTime((value as Record<string, unknown>)['at']))),
  format: isFormat,
  size: isCount,
  importTime: isTime,
  latest: isFlag,
  pinned: isFlag,
  layers: listOf(isOneKey),
  manifest: isOneKey,
  config: maybe(isOneKey),
  archives: maybe(listOf(isOneKey)),
  digests: maybe(listOf(isDigest)),
  dependencies: listOf((value) => isRecord(value) && isText(value['imageName']) && listOf(isLabel)(value['labels'])),
  filters: isFlag,
  signature: maybe(isSignature),
};

const LAYER: Readonly<Record<keyof WrittenLayer, Test>> = {
  key: isOneKey,
  format: isFormat,
  size: isCount,
  toc: isBlobRef,
  recipe: isBlobRef,
  entries: isCount,
  files: isCount,
  contentBytes: isCount,
  objects: isCount,
  objectBytes: isCount,
  transports: listOf((value) => typeof value === 'string' && isDigest(parseArchiveDigest(value).digest)),
};

function fits(record: Record<string, unknown>, form: Readonly<Record<string, Test>>): boolean {
  return Object.entries(form).every(([field, test]) => test(record[field]));
}

function damaged(why: string): CairnError {
  return new CairnError('ERR_DAMAGED', `not an image's document: ${why}`);
}
