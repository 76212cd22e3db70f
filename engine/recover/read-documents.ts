/** Finds the blobs of a store, and the documents of images among them. Reads files only, not the index. */
import * as fs from 'node:fs';
import { DOCUMENT_MAGIC, decodeImageDocument, type ImageDocument } from '../content/image-document.js';
import { isCairnError, throwIfAborted } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { isKey, keyOfBytes, keyOfHex } from '../core/key.js';
import type { Layout } from '../disk/layout.js';
import { shardedFiles } from '../disk/shards.js';
import { titleOf } from '../index/images.js';

/** Blobs between two looks at the abort signal. */
const CHECK_EVERY = 256;

export interface FoundDocument extends ImageDocument {
  blob: Key;
}

export interface Found {
  /** All blobs, documents included → size. */
  blobs: Map<Key, number>;
  documents: FoundDocument[];
  /** Documents that are not what their names say → the images that they may have described. */
  spoiled: Map<Key, Lost>;
}

/** An image that cannot be restored, and why. */
export interface Lost {
  /** The image's name, or its key if it has none. The document's key, if the document cannot be read. */
  image: string;
  why: string;
}

export function readDocuments(layout: Layout, signal: AbortSignal | undefined): Found {
  const found: Found = { blobs: new Map(), documents: [], spoiled: new Map() };
  let seen = 0;
  // What cannot be listed now may be there all the same. It must not be missing in the new index for that.
  for (const { name, path } of shardedFiles(layout.blobs, (shard) => fs.readdirSync(shard))) {
    if (seen++ % CHECK_EVERY === 0) throwIfAborted(signal);
    const key = keyOfHex(name);
    if (!isKey(key)) continue;
    const stat = fs.lstatSync(path);
    if (!stat.isFile()) continue;
    found.blobs.set(key, stat.size);
    if (beginsAsDocument(path)) readDocument(found, key, path);
  }
  return found;
}

function beginsAsDocument(path: string): boolean {
  const fd = fs.openSync(path, 'r');
  try {
    const head = Buffer.alloc(DOCUMENT_MAGIC.length);
    return fs.readSync(fd, head, 0, head.length, 0) === head.length && head.toString('latin1') === DOCUMENT_MAGIC;
  } finally {
    fs.closeSync(fd);
  }
}

function readDocument(found: Found, key: Key, path: string): void {
  const bytes = fs.readFileSync(path);
  const document = decode(bytes);
  if (keyOfBytes(bytes) !== key) {
    const image = document === undefined ? key : titleOf(document.image);
    found.spoiled.set(key, { image, why: `its document ${key} does not have the hash it is named by` });
  } else if (document !== undefined) found.documents.push({ ...document, blob: key });
}

/** @returns `undefined` for bytes that only begin like a document. Someone may have put them; they are a blob. */
function decode(bytes: Buffer): ImageDocument | undefined {
  try {
    return decodeImageDocument(bytes);
  } catch (error) {
    if (isCairnError(error)) return undefined;
    throw error;
  }
}
