/**
 * A layer's *table of contents*: every entry of its tar, in archive order, with the key of each file's content. Renders
 * are planned from it alone. Its binary form (`docs/format.md`) has columns, so that forty thousand entries load in
 * milliseconds.
 */
import type { TocVersion } from '../../workers/tasks/import.js';
import type { ByteString } from '../core/bytes.js';
import type { EntryType, Metadata, Xattr } from '../core/metadata.js';
import type { SparsePart } from './tar/sparse.js';
import { ColumnReader, damagedToc as damaged, joinColumns } from './toc-columns.js';

/**
 * Beside entries of archives, OCI layers have two that concern lower layers: a whiteout takes a path away, an opaque
 * marker all lower content of its directory.
 */
export type LayerEntryType = EntryType | 'whiteout' | 'opaque';

export interface TocEntry extends Metadata {
  /**
   * Cleaned, below the root; `''` is the root itself. A whiteout has the path that it takes away, an opaque marker its
   * directory.
   */
  path: ByteString;
  type: LayerEntryType;
  size: number;
  /** sha512 of a file's content in hex; `''` for other types. */
  key: string;
  /** A symlink's target as written; a hard link's target as a cleaned path below the root; else `''`. */
  link: ByteString;
  devMajor: number;
  devMinor: number;
  /** Of a sparse file, the parts that its archive holds, in order. */
  sparse?: readonly SparsePart[];
  /** Of an entry that was read from a table: its position among the files in it; -1 for what is no file. */
  file?: number;
}

/** Bytes of a file's content that the archive holds. Holes of a sparse file are not among them. */
export function storedBytes({ size, sparse }: Pick<TocEntry, 'size' | 'sparse'>): number {
  return sparse === undefined ? size : sparse.reduce((sum, [, length]) => sum + length, 0);
}

const TYPES: readonly LayerEntryType[] = [
  'file',
  'dir',
  'symlink',
  'hardlink',
  'char',
  'block',
  'fifo',
  'whiteout',
  'opaque',
];
const NO_XATTRS: readonly Xattr[] = [];
/** Bytes of type, mode, uid, gid, seconds, nanoseconds and size. */
const ROW = 1 + 2 + 4 + 4 + 8 + 4 + 8;
const KEY_BYTES = 64;
/** Bytes of a column that become one string. A whole column could be longer than a string may be. */
const WINDOW = 2 ** 24;

export function encodeToc(entries: readonly TocEntry[], version: TocVersion = 2): Buffer {
  const rows = Buffer.allocUnsafeSlow(entries.length * ROW);
  // A DataView's methods are V8's own, fast before V8 has optimised anything; a Buffer's are JavaScript.
  const view = new DataView(rows.buffer, rows.byteOffset, rows.length);
  const keys: string[] = [];
  const rare: unknown[] = [];
  entries.forEach((entry, i) => {
    const row = i * ROW;
    view.setUint8(row, TYPES.indexOf(entry.type));
    view.setUint16(row + 1, entry.mode, true);
    view.setUint32(row + 3, entry.uid, true);
    view.setUint32(row + 7, entry.gid, true);
    view.setFloat64(row + 11, entry.sec, true);
    view.setUint32(row + 19, entry.nsec, true);
    view.setFloat64(row + 23, entry.size, true);
    if (entry.type === 'file') keys.push(entry.key);
    if (entry.xattrs.length > 0 || entry.devMajor !== 0 || entry.devMinor !== 0 || entry.sparse !== undefined) {
      const xattrs = entry.xattrs.map(({ name, value }) => [name, value.toString('base64')]);
      rare.push([i, entry.devMajor, entry.devMinor, xattrs, ...(entry.sparse === undefined ? [] : [entry.sparse])]);
    }
  });
  const columns = [
    { bytes: rows },
    { bytes: packKeys(keys), isRandom: true },
    { bytes: packTexts(entries.map(({ path }) => path)) },
    { bytes: packTexts(entries.map(({ link }) => link)) },
    { bytes: Buffer.from(JSON.stringify(rare), 'utf8') },
  ];
  return joinColumns(columns, version);
}

/** Writes each text into its place: one string of all would be as long again, and may be longer than strings can be. */
function packTexts(texts: readonly ByteString[]): Buffer {
  const length = texts.reduce((sum, text) => sum + text.length + 1, 0);
  const column = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const text of texts) {
    at += column.write(text, at, 'latin1');
    column[at++] = 0;
  }
  return column.subarray(0, Math.max(0, length - 1));
}

function packKeys(keys: readonly string[]): Buffer {
  const column = Buffer.allocUnsafeSlow(keys.length * KEY_BYTES);
  for (const [i, key] of keys.entries()) column.write(key, i * KEY_BYTES, 'hex');
  return column;
}

/** @throws CairnError `ERR_DAMAGED` for bytes that {@link encodeToc} does not write */
export function decodeToc(bytes: Buffer): TocEntry[] {
  const columns = new ColumnReader(bytes);
  const rows = columns.next();
  const keys = unpackKeys(columns.next());
  const count = rows.length / ROW;
  const view = new DataView(rows.buffer, rows.byteOffset, rows.length);
  if (!Number.isInteger(count)) throw damaged('a row is cut short');
  const paths = unpackTexts(columns.next(), count);
  const links = unpackTexts(columns.next(), count);
  const rare = parseRare(columns.next());
  const entries: TocEntry[] = new Array(count);
  let file = 0;
  for (let i = 0; i < count; i++) {
    const row = i * ROW;
    const type = TYPES[rows[row] as number];
    if (type === undefined) throw damaged('an entry of no known type');
    const isFile = type === 'file';
    entries[i] = {
      path: paths[i] as string,
      type,
      mode: view.getUint16(row + 1, true),
      uid: view.getUint32(row + 3, true),
      gid: view.getUint32(row + 7, true),
      sec: view.getFloat64(row + 11, true),
      nsec: view.getUint32(row + 19, true),
      size: view.getFloat64(row + 23, true),
      key: isFile ? (keys[file] ?? '') : '',
      link: links[i] as string,
      devMajor: 0,
      devMinor: 0,
      xattrs: NO_XATTRS,
      file: isFile ? file : -1,
    };
    if (isFile) file++;
  }
  if (file !== keys.length) throw damaged('its keys do not fit its files');
  for (const [i, devMajor, devMinor, xattrs, sparse] of rare) {
    const entry = entries[i];
    if (entry === undefined) throw damaged('a note on an entry that it does not have');
    entry.devMajor = devMajor;
    entry.devMinor = devMinor;
    entry.xattrs = xattrs.map(([name, value]) => ({ name, value: Buffer.from(value, 'base64') }));
    if (sparse !== undefined) entry.sparse = sparse;
  }
  return entries;
}

/**
 * The keys of the files in a table of contents, in its order. Nothing else of it is read.
 * @throws CairnError `ERR_DAMAGED` as {@link decodeToc} does
 */
export function keysInToc(bytes: Buffer): string[] {
  const columns = new ColumnReader(bytes);
  columns.passOver();
  return unpackKeys(columns.next());
}

type Rare = [
  index: number,
  devMajor: number,
  devMinor: number,
  xattrs: [name: string, value: string][],
  sparse?: SparsePart[],
];

function parseRare(body: Buffer): Rare[] {
  let rare: unknown;
  try {
    rare = JSON.parse(body.toString('utf8'));
  } catch {
    throw damaged('its notes are not JSON');
  }
  if (!Array.isArray(rare) || !rare.every(isRare)) throw damaged('its notes are of another form');
  return rare;
}

function isRare(note: unknown): note is Rare {
  if (!Array.isArray(note)) return false;
  const [index, devMajor, devMinor, xattrs, sparse = []] = note as unknown[];
  return (
    Array.isArray(sparse) &&
    sparse.every((part) => Array.isArray(part) && part.length === 2 && part.every(Number.isSafeInteger)) &&
    [index, devMajor, devMinor].every(Number.isInteger) &&
    Array.isArray(xattrs) &&
    xattrs.every((pair) => Array.isArray(pair) && typeof pair[0] === 'string' && typeof pair[1] === 'string')
  );
}

function unpackTexts(body: Buffer, count: number): string[] {
  if (count === 0 && body.length === 0) return [];
  const windows: string[][] = [];
  // Few packed bytes can hold more texts than fit into memory. No more are made than there should be, and one.
  let wanted = count + 1;
  for (let at = 0; at <= body.length && wanted > 0; ) {
    const end = windowEnd(body, at);
    const window = body.toString('latin1', at, end).split('\0', wanted);
    windows.push(window);
    wanted -= window.length;
    at = end + 1;
  }
  if (wanted !== 1) throw damaged('its columns differ in length');
  return windows.length === 1 ? (windows[0] as string[]) : windows.flat();
}

/** The end of the window that begins at `at`, which is the end of its last whole text. */
function windowEnd(body: Buffer, at: number): number {
  if (body.length - at <= WINDOW) return body.length;
  const end = body.lastIndexOf(0, at + WINDOW);
  return end >= at ? end : body.length;
}

function unpackKeys(body: Buffer): string[] {
  if (body.length % KEY_BYTES !== 0) throw damaged('a key is cut short');
  const keys: string[] = [];
  for (let at = 0; at < body.length; at += WINDOW) {
    const digits = body.toString('hex', at, at + WINDOW);
    for (let i = 0; i < digits.length; i += 2 * KEY_BYTES) keys.push(digits.slice(i, i + 2 * KEY_BYTES));
  }
  return keys;
}
