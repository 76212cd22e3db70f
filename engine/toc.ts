/**
 * A layer's *table of contents*: every entry of its tar, in archive order, with the key of each file's content.
 * Renders are planned from it alone. This file holds its types and its binary form (`docs/format.md`): columns, so that
 * forty thousand entries load in milliseconds.
 */
import type { ByteString } from './bytes.js';
import { CairnError } from './errors.js';
import type { Metadata } from './object.js';
import type { EntryType, Xattr } from './tar/entry.js';

/** Entries of an archive, and what OCI layers say of lower ones: a path that goes, a directory whose lower content goes. */
export type LayerEntryType = EntryType | 'whiteout' | 'opaque';

export interface TocEntry extends Metadata {
  /** Cleaned path below the root; `''` is the root itself. Of a whiteout the path that goes, of an opaque marker its directory. */
  path: ByteString;
  type: LayerEntryType;
  size: number;
  /** sha512 of a file's content in hex; `''` for all else. */
  key: string;
  /** A symlink's target as written; a hard link's target as a cleaned path below the root; else `''`. */
  link: ByteString;
  devMajor: number;
  devMinor: number;
}

const MAGIC = 'cairn-toc 1\n';
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
/** type, mode, uid, gid, seconds, nanoseconds, size. */
const ROW = 1 + 2 + 4 + 4 + 8 + 4 + 8;
const KEY_BYTES = 64;

export function encodeToc(entries: readonly TocEntry[]): Buffer {
  const rows = Buffer.allocUnsafe(entries.length * ROW);
  const paths: string[] = new Array(entries.length);
  const links: string[] = new Array(entries.length);
  const keys: string[] = [];
  const rare: unknown[] = [];
  entries.forEach((entry, i) => {
    let at = i * ROW;
    at = rows.writeUInt8(TYPES.indexOf(entry.type), at);
    at = rows.writeUInt16LE(entry.mode, at);
    at = rows.writeUInt32LE(entry.uid, at);
    at = rows.writeUInt32LE(entry.gid, at);
    at = rows.writeDoubleLE(entry.sec, at);
    at = rows.writeUInt32LE(entry.nsec, at);
    rows.writeDoubleLE(entry.size, at);
    paths[i] = entry.path;
    links[i] = entry.link;
    if (entry.type === 'file') keys.push(entry.key);
    if (entry.xattrs.length > 0 || entry.devMajor !== 0 || entry.devMinor !== 0) {
      const xattrs = entry.xattrs.map(({ name, value }) => [name, value.toString('base64')]);
      rare.push([i, entry.devMajor, entry.devMinor, xattrs]);
    }
  });
  return Buffer.concat([
    Buffer.from(MAGIC, 'latin1'),
    section(rows),
    section(Buffer.from(keys.join(''), 'hex')),
    section(Buffer.from(paths.join('\0'), 'latin1')),
    section(Buffer.from(links.join('\0'), 'latin1')),
    section(Buffer.from(JSON.stringify(rare), 'utf8')),
  ]);
}

function section(body: Buffer): Buffer {
  const length = Buffer.allocUnsafe(8);
  length.writeDoubleLE(body.length);
  return Buffer.concat([length, body]);
}

/** @throws CairnError `ERR_DAMAGED` for bytes that {@link encodeToc} does not write */
export function decodeToc(bytes: Buffer): TocEntry[] {
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) throw damaged('it does not begin as one');
  let at = MAGIC.length;
  const next = (): Buffer => {
    if (at + 8 > bytes.length) throw damaged('it is cut short');
    const length = bytes.readDoubleLE(at);
    if (!Number.isSafeInteger(length) || length < 0 || at + 8 + length > bytes.length) throw damaged('it is cut short');
    at += 8 + length;
    return bytes.subarray(at - length, at);
  };
  const rows = next();
  const keys = next().toString('hex');
  const count = rows.length / ROW;
  if (!Number.isInteger(count)) throw damaged('a row is cut short');
  const paths = split(next(), count);
  const links = split(next(), count);
  const rare = parseRare(next());
  const entries: TocEntry[] = new Array(count);
  let key = 0;
  for (let i = 0; i < count; i++) {
    const row = i * ROW;
    const type = TYPES[rows[row] as number];
    if (type === undefined) throw damaged('an entry of no known type');
    const isFile = type === 'file';
    entries[i] = {
      path: paths[i] as string,
      type,
      mode: rows.readUInt16LE(row + 1),
      uid: rows.readUInt32LE(row + 3),
      gid: rows.readUInt32LE(row + 7),
      sec: rows.readDoubleLE(row + 11),
      nsec: rows.readUInt32LE(row + 19),
      size: rows.readDoubleLE(row + 23),
      key: isFile ? keys.slice(key, key + 2 * KEY_BYTES) : '',
      link: links[i] as string,
      devMajor: 0,
      devMinor: 0,
      xattrs: NO_XATTRS,
    };
    if (isFile) key += 2 * KEY_BYTES;
  }
  if (key !== keys.length) throw damaged('its keys do not fit its files');
  for (const [i, devMajor, devMinor, xattrs] of rare) {
    const entry = entries[i];
    if (entry === undefined) throw damaged('a note on an entry that it does not have');
    entry.devMajor = devMajor;
    entry.devMinor = devMinor;
    entry.xattrs = xattrs.map(([name, value]) => ({ name, value: Buffer.from(value, 'base64') }));
  }
  return entries;
}

type Rare = [index: number, devMajor: number, devMinor: number, xattrs: [name: string, value: string][]];

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
  const [index, devMajor, devMinor, xattrs] = note as unknown[];
  return (
    [index, devMajor, devMinor].every(Number.isInteger) &&
    Array.isArray(xattrs) &&
    xattrs.every((pair) => Array.isArray(pair) && typeof pair[0] === 'string' && typeof pair[1] === 'string')
  );
}

function split(body: Buffer, count: number): string[] {
  const parts = count === 0 ? [] : body.toString('latin1').split('\0');
  if (parts.length !== count) throw damaged('its columns differ in length');
  return parts;
}

function damaged(why: string): CairnError {
  return new CairnError('ERR_DAMAGED', `not a table of contents: ${why}`);
}
