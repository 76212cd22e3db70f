/** Reads documents and tables of contents, which are believed only with their hash. */
import * as fs from 'node:fs';
import { asDamage } from '../core/damage.js';
import { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { keyOfBytes } from '../core/key.js';
import { decodeToc, type TocEntry } from '../layer/toc.js';
import type { StoreContext } from '../session/context.js';

/** @throws CairnError `ERR_DAMAGED` */
export function readToc(store: Pick<StoreContext, 'layout' | 'index'>, layer: Key): TocEntry[] {
  const record = store.index.layer(layer);
  if (record === undefined) throw new CairnError('ERR_DAMAGED', `the index has no layer ${layer}`);
  return decodeToc(readBlob(store, record.toc.key));
}

/** Gives documents by their keys. @throws CairnError `ERR_DAMAGED` */
export type ReadDocument = (key: Key) => Buffer;

/** More bytes of documents than this are not held for a second reading. */
const HELD_BYTES = 64 * 2 ** 20;

/** Makes a reader for one operation, which reads and hashes each document once. */
export function documentReader(store: Pick<StoreContext, 'layout'>): ReadDocument {
  const held = new Map<Key, Buffer>();
  let bytes = 0;
  return (key) => {
    const known = held.get(key);
    if (known !== undefined) return known;
    const document = readBlob(store, key);
    if (bytes + document.length <= HELD_BYTES) {
      held.set(key, document);
      bytes += document.length;
    }
    return document;
  };
}

const WHAT_NOW = '"cairn fsck --repair" tells what must be imported again';

/** Reads a blob whole. It is believed only if it still has its hash. @throws CairnError `ERR_DAMAGED` */
export function readBlob({ layout }: Pick<StoreContext, 'layout'>, key: Key): Buffer {
  const path = layout.blob(key);
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(path);
  } catch (cause) {
    throw asDamage(cause, 'a blob', path, WHAT_NOW);
  }
  const found = keyOfBytes(bytes);
  if (found === key) return bytes;
  throw new CairnError('ERR_DAMAGED', `a blob does not have its hash; ${WHAT_NOW}`, { path, expected: key, found });
}
