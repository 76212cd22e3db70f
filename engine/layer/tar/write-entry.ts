/** Writes the headers of entries, for archives that every reader of ustar and pax takes. */
import { type ByteString, isAscii, toBuffer } from '../../core/bytes.js';
import { formatTime, type Metadata, type NodeType } from '../../core/metadata.js';
import { BLOCK } from './header.js';
import { headerBlock } from './write-header.js';
import { paxHeader, paxRecord } from './write-pax.js';

export interface WrittenEntry extends Metadata {
  /** Of a directory with a slash at its end. */
  name: ByteString;
  type: NodeType | 'hardlink';
  /** Bytes of content that follow; 0 for all but files. */
  size: number;
  /** A link's target. */
  link: ByteString;
  devMajor: number;
  devMinor: number;
}

/** Two blocks of zeros. */
export const END_OF_ARCHIVE = Buffer.alloc(2 * BLOCK);

/** What a header can spell that all readers understand. Other values take a pax record. */
const USTAR = { name: 100, id: 0o777777, time: 0x7fffffff, device: 0o777777, size: 0o77777777777 } as const;

const FLAGS: Readonly<Record<WrittenEntry['type'], number>> = {
  file: 0x30,
  hardlink: 0x31,
  symlink: 0x32,
  char: 0x33,
  block: 0x34,
  dir: 0x35,
  fifo: 0x36,
};

/** All that stands before an entry's content: its pax records, if it needs any, and its header. */
export function entryHeader(entry: WrittenEntry): Buffer {
  const records = paxRecords(entry);
  const isLargeDevice = Math.max(entry.devMajor, entry.devMinor) > USTAR.device;
  const header = isLargeDevice ? deviceHeader(entry) : ustarHeader(entry);
  return records.length === 0 ? header : Buffer.concat([paxHeader(records), header]);
}

/** Zeros that fill up the last block of a content. */
export function paddingOf(size: number): Buffer {
  return END_OF_ARCHIVE.subarray(0, (BLOCK - (size % BLOCK)) % BLOCK);
}

function deviceHeader({ name, type, mode, uid, gid, sec, devMajor, devMinor }: WrittenEntry): Buffer {
  const flag = type === 'char' ? '3' : '4';
  const owner = { uid: plainId(uid), gid: plainId(gid) };
  return headerBlock({ name: plain(name), flag, mode, ...owner, mtime: plainTime(sec), devMajor, devMinor });
}

/** The spelling of numbers that the most widespread writers have: digits, a blank and a NUL. */
function ustarHeader(entry: WrittenEntry): Buffer {
  const { type, mode, uid, gid, size, sec, link, devMajor, devMinor } = entry;
  const header = Buffer.alloc(BLOCK);
  const name = plain(entry.name);
  header.write(type === 'dir' && !name.endsWith('/') ? `${name}/` : name, 0, 'latin1');
  writeOctal(header, 100, 6, mode & 0o7777);
  writeOctal(header, 108, 6, plainId(uid));
  writeOctal(header, 116, 6, plainId(gid));
  if (size <= USTAR.size) writeOctal(header, 124, 11, size);
  else {
    header[124] = 0x80;
    header.writeUIntBE(size, 130, 6);
  }
  writeOctal(header, 136, 11, plainTime(sec));
  header[156] = FLAGS[type];
  header.write(plain(link), 157, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  writeOctal(header, 329, 6, devMajor);
  writeOctal(header, 337, 6, devMinor);
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK; at++) sum += header[at] as number;
  writeOctal(header, 148, 6, sum);
  return header;
}

function writeOctal(header: Buffer, at: number, digits: number, value: number): void {
  header.write(`${value.toString(8).padStart(digits, '0')} `, at, 'latin1');
}

function plainId(id: number): number {
  return id > USTAR.id ? 0 : id;
}

function plainTime(sec: number): number {
  return sec < 0 || sec > USTAR.time ? 0 : sec;
}

/** A stand-in for a name that the header cannot spell; the pax record before it has the real one. */
function plain(name: ByteString): string {
  return isAscii(name) && name.length <= USTAR.name
    ? name
    : name.replace(/[^\x20-\x7e]/g, '?').slice(0, USTAR.name - 1);
}

/** Makes records of what the plain header cannot hold. Values are bytes. */
function paxRecords({ name, link, uid, gid, sec, nsec, xattrs }: WrittenEntry): Buffer[] {
  const records: Buffer[] = [];
  const add = (key: string, value: Buffer): void => {
    records.push(paxRecord(key, value));
  };
  if (plain(name) !== name) add('path', toBuffer(name));
  if (plain(link) !== link) add('linkpath', toBuffer(link));
  if (plainId(uid) !== uid) add('uid', Buffer.from(`${uid}`));
  if (plainId(gid) !== gid) add('gid', Buffer.from(`${gid}`));
  if (nsec !== 0 || plainTime(sec) !== sec) add('mtime', Buffer.from(formatTime(sec, nsec)));
  for (const { name: attribute, value } of xattrs) add(`SCHILY.xattr.${attribute}`, value);
  return records;
}
