/** Reads records of pax extended headers (POSIX.1-2017, pax, "pax Header Block"): `LENGTH KEYWORD=VALUE\n`. */
import type { ByteString } from '../../core/bytes.js';
import { CairnError } from '../../core/errors.js';
import { MAX_XATTR_NAME, MAX_XATTR_VALUE } from '../../core/limits.js';
import { parseTime, type Time, type Xattr } from '../../core/metadata.js';
import { readSparseRecord, type SparseRecords } from './sparse.js';

/** What records say of entries. An absent field leaves what the entry's own header says. */
export interface PaxRecords {
  path?: ByteString;
  link?: ByteString;
  size?: number;
  uid?: number;
  gid?: number;
  mtime?: Time;
  xattrs?: Map<ByteString, Buffer>;
  sparse?: SparseRecords;
}

const GNU_SPARSE = 'GNU.sparse.';
const SCHILY = 'SCHILY.xattr.';
const LIBARCHIVE = 'LIBARCHIVE.xattr.';

function bad(why: string): CairnError {
  return new CairnError('ERR_BAD_ARCHIVE', `bad pax header: ${why}`, { entry: 'pax header' });
}

/**
 * Adds the records of one pax header to `into`. An empty value takes an earlier record back.
 * @param global for a header of type `g`, which concerns all following entries; it may not set name, size or link
 * @throws CairnError `ERR_BAD_ARCHIVE` for records that are malformed or that no entry may have
 */
export function readPax(body: Buffer, into: PaxRecords, global: boolean): void {
  let at = 0;
  while (at < body.length) {
    const space = body.indexOf(0x20, at);
    const digits = space < 0 ? '' : body.toString('latin1', at, space);
    if (!/^[1-9][0-9]{0,15}$/.test(digits)) throw bad('a record without a length');
    const end = at + Number(digits);
    if (end > body.length || end <= space + 1) throw bad('a record longer than its header');
    if (body[end - 1] !== 0x0a) throw bad('a record that does not end in a newline');
    const equals = body.indexOf(0x3d, space);
    if (equals < 0 || equals >= end || equals === space + 1) throw bad('a record without a keyword');
    applyRecord(into, body.toString('latin1', space + 1, equals), body.subarray(equals + 1, end - 1), global);
    at = end;
  }
}

function applyRecord(into: PaxRecords, key: ByteString, value: Buffer, global: boolean): void {
  if (key.startsWith(GNU_SPARSE)) {
    if (global) throw bad('a global header may not make files sparse');
    into.sparse ??= { parts: [] };
    readSparseRecord(into.sparse, key.slice(GNU_SPARSE.length), value);
    return;
  }
  if (key.startsWith('SUN.holes')) throw bad('sparse files of Solaris are not supported');
  if (key.startsWith(SCHILY)) {
    if (global) throw bad('a global header may not set extended attributes');
    setXattr(into, key.slice(SCHILY.length), value);
    return;
  }
  if (key.startsWith(LIBARCHIVE)) {
    if (global) throw bad('a global header may not set extended attributes');
    const name = decodePercent(key.slice(LIBARCHIVE.length));
    // libarchive writes each attribute in both spellings; the one of SCHILY, with the bytes themselves, wins.
    if (!into.xattrs?.has(name)) setXattr(into, name, Buffer.from(value.toString('latin1'), 'base64'));
    return;
  }
  switch (key) {
    case 'path':
    case 'linkpath':
    case 'size':
      if (global) throw bad(`a global header may not set "${key}"`);
      setNaming(into, key, value);
      return;
    case 'uid':
    case 'gid':
      if (value.length === 0) delete into[key];
      else into[key] = decimal(key, value);
      return;
    case 'mtime':
      if (value.length === 0) delete into.mtime;
      else into.mtime = timeOf(value);
      return;
    default: // names of owners, access times, comments and other vendors' keywords do not matter
  }
}

function setNaming(into: PaxRecords, key: 'path' | 'linkpath' | 'size', value: Buffer): void {
  if (key === 'size') {
    if (value.length === 0) delete into.size;
    else into.size = decimal(key, value);
    return;
  }
  const field = key === 'path' ? 'path' : 'link';
  if (value.includes(0)) throw bad(`a NUL byte in "${key}"`);
  if (value.length === 0) delete into[field];
  else into[field] = value.toString('latin1');
}

function setXattr(into: PaxRecords, name: ByteString, value: Buffer): void {
  if (name === '' || name.length > MAX_XATTR_NAME || name.includes('\0'))
    throw bad('an extended attribute without a proper name');
  // Percent escapes can smuggle a "=" in. A pax record that cairn writes would end the name there.
  if (name.includes('=')) throw bad('an extended attribute with "=" in its name');
  if (value.length > MAX_XATTR_VALUE) throw bad(`an extended attribute over ${MAX_XATTR_VALUE} bytes`);
  into.xattrs ??= new Map();
  into.xattrs.set(name, Buffer.from(value));
}

function decimal(key: string, value: Buffer): number {
  const digits = value.toString('latin1');
  if (!/^[0-9]{1,16}$/.test(digits) || Number(digits) > Number.MAX_SAFE_INTEGER) throw bad(`"${key}" is not a number`);
  return Number(digits);
}

function timeOf(value: Buffer): Time {
  const time = parseTime(value.toString('latin1'));
  if (time === undefined) throw bad('"mtime" is not a time');
  return time;
}

function decodePercent(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Extended attributes in byte order of their names. */
export function sortedXattrs(map: Map<ByteString, Buffer> | undefined): readonly Xattr[] {
  if (map === undefined || map.size === 0) return NONE;
  return [...map].map(([name, value]) => ({ name, value })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

const NONE: readonly Xattr[] = [];
