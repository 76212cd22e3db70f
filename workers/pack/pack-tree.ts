/** Packs a merged tree as one pax archive, with entries in byte order of their paths. */
import { type Pack, pack } from 'tar-stream';
import { type ByteString, isAscii, toBuffer } from '../../engine/core/bytes.js';
import type { NodeType } from '../../engine/core/metadata.js';
import { formatTime } from '../../engine/core/metadata.js';
import { headerBlock } from '../../engine/layer/tar/write-header.js';
import { paxHeader, paxRecord } from '../../engine/layer/tar/write-pax.js';
import type { ShardRow } from '../../engine/plan/shard.js';

type Entry = NodeJS.WritableStream & Pick<ReturnType<Pack['entry']>, 'destroying'>;

const TYPES = {
  file: 'file',
  dir: 'directory',
  symlink: 'symlink',
  char: 'character-device',
  block: 'block-device',
  fifo: 'fifo',
} as const satisfies Record<NodeType, string>;

const ENDS_A_WAIT = ['drain', 'close', 'error'] as const;

/** What tar-stream's headers can spell. Other values take a pax record, and device numbers a header of our own. */
const USTAR = { name: 100, id: 0o777777, time: 0x7fffffff, device: 0o777777 } as const;
/** The type of a regular file in `st_mode`. */
const TYPE_BITS = 0o100000;

export interface PackedTree {
  rows: readonly ShardRow[];
  /** Per row: bytes of a file. */
  sizes: Float64Array;
  /** Per row: the first path that shares its inode; a later one becomes a hard link to it. */
  groups: readonly ByteString[];
  contentOf: (row: ShardRow, size: number) => Iterable<Buffer>;
  /** Makes the archive an ACI: the tree goes below `rootfs`, the manifest comes last, as in other tools' ACIs. */
  manifest?: Uint8Array | undefined;
}

export async function* packTree(tree: PackedTree): AsyncGenerator<Buffer> {
  const { rows, manifest } = tree;
  const archive = pack();
  const fill = async (): Promise<void> => {
    for (let i = 0; i < rows.length; i++) await addEntry(archive, tree, i);
    if (manifest !== undefined) archive.entry({ name: 'manifest', mtime: new Date(0) }, Buffer.from(manifest));
    archive.finalize();
  };
  const filling = fill().catch((error: unknown) => archive.destroy(error as Error));
  for await (const chunk of archive) yield chunk as Buffer;
  await filling;
}

async function addEntry(
  archive: Pack,
  { rows, sizes, groups, contentOf, manifest }: PackedTree,
  i: number,
): Promise<void> {
  const row = rows[i] as ShardRow;
  const group = groups[i] as ByteString;
  const root = manifest === undefined ? '' : 'rootfs/';
  const linkTo = group !== '' && group !== row.path ? `${root}${group}` : undefined;
  const size = row.type === 'file' && linkTo === undefined ? (sizes[i] as number) : 0;
  const path = `${root}${row.path}`;
  const name = row.path === '' ? root || './' : row.type === 'dir' ? `${path}/` : path;
  const link = linkTo ?? (row.type === 'symlink' ? row.source : '');
  const records = paxRecords(row, name, link);
  if (records.length > 0) archive.push(paxHeader(records));
  if (linkTo === undefined && Math.max(row.devMajor, row.devMinor) > USTAR.device) {
    archive.push(deviceHeader(row, name));
    return;
  }
  const header = {
    name: plain(name),
    type: linkTo === undefined ? TYPES[row.type] : ('link' as const),
    // The type is added because tar-stream takes a mode of 0 for none. It does not get into the header.
    mode: row.mode | TYPE_BITS,
    uid: plainId(row.uid),
    gid: plainId(row.gid),
    size,
    mtime: new Date(plainTime(row.sec) * 1000),
    devmajor: row.devMajor,
    devminor: row.devMinor,
    ...(link === '' ? {} : { linkname: plain(link) }),
  };
  await new Promise<void>((resolve, reject) => {
    const entry = archive.entry(header, (error) => (error ? reject(error) : resolve()));
    if (header.type !== 'file') return;
    // An error ends the whole archive, and with it the entry. The entry must not report the error a second time.
    entry.on('error', () => {});
    feed(entry, size === 0 ? [] : contentOf(row, size)).catch(reject);
  });
}

function deviceHeader({ type, mode, uid, gid, sec, devMajor, devMinor }: ShardRow, name: ByteString): Buffer {
  const flag = type === 'char' ? '3' : '4';
  const owner = { uid: plainId(uid), gid: plainId(gid) };
  return headerBlock({ name: plain(name), flag, mode, ...owner, mtime: plainTime(sec), devMajor, devMinor });
}

function plainId(id: number): number {
  return id > USTAR.id ? 0 : id;
}

function plainTime(sec: number): number {
  return sec < 0 || sec > USTAR.time ? 0 : sec;
}

async function feed(entry: Entry, chunks: Iterable<Buffer>): Promise<void> {
  for (const chunk of chunks) {
    if (!entry.write(chunk)) await drained(entry);
  }
  entry.end();
}

/** @throws Error when the archive was given up: no more of it is read, and open files must be closed */
function drained(entry: Entry): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      for (const event of ENDS_A_WAIT) entry.off(event, settle);
      if (entry.destroying) reject(new Error('nobody takes more of the archive'));
      else resolve();
    };
    for (const event of ENDS_A_WAIT) entry.on(event, settle);
    if (entry.destroying) settle();
  });
}

/** A stand-in for a name that the header cannot spell; the pax record before it has the real one. */
function plain(name: ByteString): string {
  return isAscii(name) && name.length <= USTAR.name
    ? name
    : name.replace(/[^\x20-\x7e]/g, '?').slice(0, USTAR.name - 1);
}

/**
 * Makes records of what the plain header cannot hold. Values are bytes: tar-stream would write text, and damage binary
 * values.
 */
function paxRecords(row: ShardRow, name: ByteString, link: ByteString): Buffer[] {
  const records: Buffer[] = [];
  const add = (key: string, value: Buffer): void => {
    records.push(paxRecord(key, value));
  };
  if (plain(name) !== name) add('path', toBuffer(name));
  if (plain(link) !== link) add('linkpath', toBuffer(link));
  if (plainId(row.uid) !== row.uid) add('uid', Buffer.from(`${row.uid}`));
  if (plainId(row.gid) !== row.gid) add('gid', Buffer.from(`${row.gid}`));
  if (row.nsec !== 0 || plainTime(row.sec) !== row.sec) add('mtime', Buffer.from(formatTime(row.sec, row.nsec)));
  for (const { name: attribute, value } of row.xattrs) add(`SCHILY.xattr.${attribute}`, value);
  return records;
}
