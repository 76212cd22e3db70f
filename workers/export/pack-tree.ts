/** A merged tree as one pax archive, entries in byte order of their paths. */
import { type Pack, pack } from 'tar-stream';
import { type ByteString, isAscii, toBuffer } from '../../engine/core/bytes.js';
import type { NodeType } from '../../engine/core/metadata.js';
import { formatTime } from '../../engine/core/metadata.js';
import type { ShardRow } from '../../engine/plan/shard.js';
import { fileBytes } from '../files/file-bytes.js';

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

/** What a ustar header can hold; beyond it a pax record tells. */
const MAX_NAME = 100;
const MAX_ID = 0o777777;
const MAX_TIME = 0x7fffffff;
const BLOCK = 512;
/** Of a regular file, in `st_mode`. */
const TYPE_BITS = 0o100000;

/**
 * @param groups per row: the first path that shares its inode; a later one becomes a hard link to it
 * @param objectPath where a file's content lies
 * @param manifest makes it an ACI: the tree goes below `rootfs`, and this beside it, last as its own tools write it
 */
export async function* packTree(
  rows: readonly ShardRow[],
  sizes: Float64Array,
  groups: readonly ByteString[],
  objectPath: (row: ShardRow) => string,
  manifest?: Uint8Array,
): AsyncGenerator<Buffer> {
  const archive = pack();
  const root = manifest === undefined ? '' : 'rootfs/';
  const fill = async (): Promise<void> => {
    for (const [i, row] of rows.entries()) {
      const group = groups[i] as ByteString;
      const linked = group !== '' && group !== row.path;
      const size = row.type === 'file' && !linked ? (sizes[i] as number) : 0;
      await addEntry(archive, root, row, size, linked ? `${root}${group}` : undefined, objectPath);
    }
    if (manifest !== undefined) archive.entry({ name: 'manifest', mtime: new Date(0) }, Buffer.from(manifest));
    archive.finalize();
  };
  const filling = fill().catch((error: unknown) => archive.destroy(error as Error));
  for await (const chunk of archive) yield chunk as Buffer;
  await filling;
}

async function addEntry(
  archive: Pack,
  root: string,
  row: ShardRow,
  size: number,
  linkTo: ByteString | undefined,
  objectPath: (row: ShardRow) => string,
): Promise<void> {
  const path = `${root}${row.path}`;
  const name = row.path === '' ? root || './' : row.type === 'dir' ? `${path}/` : path;
  const link = linkTo ?? (row.type === 'symlink' ? row.source : '');
  const records = paxRecords(row, name, link);
  if (records.length > 0) archive.push(paxHeader(records));
  const header = {
    name: plain(name),
    type: linkTo === undefined ? TYPES[row.type] : ('link' as const),
    // With its type, of which the header takes no notice: tar-stream takes a mode of 0 for none.
    mode: row.mode | TYPE_BITS,
    uid: row.uid > MAX_ID ? 0 : row.uid,
    gid: row.gid > MAX_ID ? 0 : row.gid,
    size,
    mtime: new Date(row.sec > MAX_TIME ? 0 : row.sec * 1000),
    devmajor: row.devMajor,
    devminor: row.devMinor,
    ...(link === '' ? {} : { linkname: plain(link) }),
  };
  await new Promise<void>((resolve, reject) => {
    const entry = archive.entry(header, (error) => (error ? reject(error) : resolve()));
    if (header.type !== 'file') return;
    // What goes wrong ends the whole archive, and that ends the entry, which must not tell of it a second time.
    entry.on('error', () => {});
    feed(entry, size === 0 ? [] : fileBytes(objectPath(row), size, row.source)).catch(reject);
  });
}

async function feed(entry: Entry, chunks: Iterable<Buffer>): Promise<void> {
  for (const chunk of chunks) {
    if (!entry.write(chunk)) await drained(entry);
  }
  entry.end();
}

/** @throws Error when the archive was given up: then nobody takes more, and what is open must be closed */
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
  return isAscii(name) && name.length <= MAX_NAME ? name : name.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_NAME - 1);
}

/** Only what the plain header cannot hold. Values are bytes: tar-stream would write them as text and damage binary ones. */
function paxRecords(row: ShardRow, name: ByteString, link: ByteString): Buffer[] {
  const records: Buffer[] = [];
  const add = (key: string, value: Buffer): void => {
    records.push(paxRecord(key, value));
  };
  if (plain(name) !== name) add('path', toBuffer(name));
  if (plain(link) !== link) add('linkpath', toBuffer(link));
  if (row.uid > MAX_ID) add('uid', Buffer.from(`${row.uid}`));
  if (row.gid > MAX_ID) add('gid', Buffer.from(`${row.gid}`));
  if (row.nsec !== 0 || row.sec > MAX_TIME) add('mtime', Buffer.from(formatTime(row.sec, row.nsec)));
  for (const { name: attribute, value } of row.xattrs) add(`SCHILY.xattr.${attribute}`, value);
  return records;
}

function paxRecord(key: ByteString, value: Buffer): Buffer {
  const rest = Buffer.concat([toBuffer(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length;
  // The length counts its own digits.
  while (`${length}`.length + rest.length !== length) length = `${length}`.length + rest.length;
  return Buffer.concat([Buffer.from(`${length}`), rest]);
}

/** A pax extended header with its block, ready to stand between two entries. */
function paxHeader(records: readonly Buffer[]): Buffer {
  const body = Buffer.concat(records);
  const header = Buffer.alloc(BLOCK);
  const field = (text: string, at: number): number => header.write(text, at, 'latin1');
  field('PaxHeaders/entry', 0);
  field('0000644\0', 100);
  field('0000000\0', 108);
  field('0000000\0', 116);
  field(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
  field('00000000000\0', 136);
  field('        ', 148);
  field('x', 156);
  field('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  field(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const padding = Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK);
  return Buffer.concat([header, body, padding]);
}
