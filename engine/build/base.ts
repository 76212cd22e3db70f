/**
 * Each path of a build's tree as the beginning left it: its entry in the plan, and what its inode was. A file whose
 * inode is still the same is still the plan's file, and need not be read. The notes are in columns, since of forty
 * thousand paths mostly a few dozen are looked at more closely.
 */
import { hash } from 'node:crypto';
import { SEEN_COLUMNS, type Seen } from '../../workers/tasks/seen.js';
import type { ByteString } from '../core/bytes.js';
import { MAX_BUILD_BASE } from '../core/limits.js';
import type { NodeType, Xattr } from '../core/metadata.js';
import type { PlanEntry } from '../plan/plan.js';
import type { BuildPlace } from './place.js';
import { brokenBuild, readNote } from './state.js';

export interface Base {
  readonly count: number;
  /** All paths in byte order, joined by NUL. */
  readonly pathText: ByteString;
  readonly paths: readonly ByteString[];
  /** Row by row, in memory that workers share. */
  readonly seen: Seen;
  entry(i: number): PlanEntry;
}

const MAGIC = 'cairn-build-base 1\n';
const HASH_DIGITS = 64;
const NUMBER = 8;
const KEY_BYTES = 64;
/** Bytes of type, mode, uid, gid, seconds, nanoseconds, size and key. */
const ROW = 1 + 2 + 4 + 4 + 8 + 4 + 8 + KEY_BYTES;
const TYPES: readonly NodeType[] = ['file', 'dir', 'symlink', 'char', 'block', 'fifo'];
const NO_XATTRS: readonly Xattr[] = [];

/** What few entries have: their position, the number of a device, and attributes in base64. */
type Rare = [i: number, devMajor: number, devMinor: number, xattrs: [name: ByteString, value: string][]];

/** The beginning, a hash of the rest, and columns, each after its length. */
export function encodeBase(entries: readonly PlanEntry[], seen: Seen): Buffer {
  const rows = Buffer.alloc(entries.length * ROW);
  const rare: Rare[] = [];
  entries.forEach((entry, i) => {
    const at = i * ROW;
    rows.writeUInt8(TYPES.indexOf(entry.type), at);
    rows.writeUInt16LE(entry.mode, at + 1);
    rows.writeUInt32LE(entry.uid, at + 3);
    rows.writeUInt32LE(entry.gid, at + 7);
    rows.writeDoubleLE(entry.sec, at + 11);
    rows.writeUInt32LE(entry.nsec, at + 19);
    rows.writeDoubleLE(entry.size, at + 23);
    if (entry.key !== '') rows.write(entry.key, at + 31, 'hex');
    const { devMajor, devMinor, xattrs } = entry;
    if (devMajor === 0 && devMinor === 0 && xattrs.length === 0) return;
    rare.push([i, devMajor, devMinor, xattrs.map(({ name, value }) => [name, value.toString('base64')])]);
  });
  const columns = [
    rows,
    textColumn(entries.map(({ path }) => path)),
    textColumn(entries.map(({ link }) => link)),
    textColumn(entries.map(({ group }) => group)),
    Buffer.from(JSON.stringify(rare), 'utf8'),
    bytesOf(seen.numbers),
    bytesOf(seen.inodes),
  ];
  const body = Buffer.concat(columns.flatMap((column) => [lengthOf(column), column]));
  return Buffer.concat([Buffer.from(`${MAGIC}${hash('sha256', body)}`, 'latin1'), body]);
}

function textColumn(texts: readonly ByteString[]): Buffer {
  return Buffer.from(texts.join('\0'), 'latin1');
}

function bytesOf(array: Float64Array | BigUint64Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

function lengthOf(column: Buffer): Buffer {
  const length = Buffer.alloc(NUMBER);
  length.writeDoubleLE(column.length);
  return length;
}

/** @throws CairnError `ERR_BAD_BUILD` for bytes that {@link encodeBase} does not write */
export function readBase({ base: path }: BuildPlace): Base {
  const bytes = readNote(path, MAX_BUILD_BASE);
  const head = MAGIC.length + HASH_DIGITS;
  const body = bytes.subarray(head);
  if (bytes.toString('latin1', 0, head) !== `${MAGIC}${hash('sha256', body)}`) throw brokenBuild(path, 'it is damaged');
  return new NotedBase(body, path);
}

class NotedBase implements Base {
  readonly count: number;
  readonly pathText: ByteString;
  readonly paths: readonly ByteString[];
  readonly seen: Seen;
  readonly #rows: DataView;
  readonly #keys: Buffer;
  readonly #links: readonly ByteString[];
  readonly #groups: readonly ByteString[];
  readonly #rare: ReadonlyMap<number, Rare>;

  constructor(body: Buffer, file: string) {
    const columns = columnsOf(body, file);
    const [rows, paths, links, groups, rare, numbers, inodes] = columns as [Buffer, ...Buffer[]] & { length: 7 };
    this.count = rows.length / ROW;
    this.#rows = new DataView(rows.buffer, rows.byteOffset, rows.length);
    this.#keys = rows;
    this.pathText = textOf(paths);
    this.paths = this.pathText.split('\0');
    this.#links = textOf(links).split('\0');
    this.#groups = textOf(groups).split('\0');
    this.seen = { numbers: new Float64Array(shared(numbers)), inodes: new BigUint64Array(shared(inodes)) };
    const lengths = [this.paths, this.#links, this.#groups, this.seen.inodes].map(({ length }) => length);
    if (lengths.some((length) => length !== this.count) || this.seen.numbers.length !== this.count * SEEN_COLUMNS)
      throw brokenBuild(file, 'its columns differ in length');
    if (!areTreePaths(this.pathText, this.paths)) throw brokenBuild(file, 'paths that are none, or not in order');
    this.#rare = new Map(rareIn(rare, file).map((each) => [each[0], each]));
  }

  entry(i: number): PlanEntry {
    const at = i * ROW;
    const type = TYPES[this.#rows.getUint8(at)] ?? 'file';
    const [, devMajor = 0, devMinor = 0, xattrs] = this.#rare.get(i) ?? [];
    return {
      path: this.paths[i] as ByteString,
      type,
      mode: this.#rows.getUint16(at + 1, true),
      uid: this.#rows.getUint32(at + 3, true),
      gid: this.#rows.getUint32(at + 7, true),
      sec: this.#rows.getFloat64(at + 11, true),
      nsec: this.#rows.getUint32(at + 19, true),
      size: this.#rows.getFloat64(at + 23, true),
      key: type === 'file' ? this.#keys.toString('hex', at + 31, at + ROW) : '',
      link: this.#links[i] as ByteString,
      devMajor,
      devMinor,
      xattrs: xattrs?.map(([name, value]) => ({ name, value: Buffer.from(value, 'base64') })) ?? NO_XATTRS,
      group: this.#groups[i] as ByteString,
      layer: 0,
      home: -1,
      file: -1,
    };
  }
}

function columnsOf(body: Buffer, file: string): Buffer[] {
  const columns: Buffer[] = [];
  let at = 0;
  while (columns.length < 7) {
    const length = at + NUMBER > body.length ? -1 : body.readDoubleLE(at);
    if (!Number.isSafeInteger(length) || length < 0 || at + NUMBER + length > body.length)
      throw brokenBuild(file, 'it is cut short');
    at += NUMBER + length;
    columns.push(body.subarray(at - length, at));
  }
  return columns;
}

function textOf(column: Buffer | undefined): ByteString {
  return column?.toString('latin1') ?? '';
}

/** Whether paths are those of a tree: the root, then clean paths in byte order. Looks at all of them in one go. */
function areTreePaths(text: ByteString, paths: readonly ByteString[]): boolean {
  if (paths[0] !== '' || /(?:^|[\0/])\.{0,2}(?:$|[\0/])/.test(paths.length === 1 ? 'root' : text.slice(1)))
    return false;
  return paths.every((path, i) => i === 0 || path > (paths[i - 1] as ByteString));
}

function rareIn(column: Buffer | undefined, file: string): Rare[] {
  try {
    const rare = JSON.parse(column?.toString('utf8') ?? '') as unknown;
    if (Array.isArray(rare) && rare.every(isRare)) return rare;
  } catch {
    // Told below.
  }
  throw brokenBuild(file, 'notes of another form');
}

function isRare(note: unknown): note is Rare {
  if (!Array.isArray(note)) return false;
  const [i, devMajor, devMinor, xattrs] = note as unknown[];
  return (
    [i, devMajor, devMinor].every(Number.isInteger) &&
    Array.isArray(xattrs) &&
    xattrs.every((pair) => Array.isArray(pair) && pair.every((each) => typeof each === 'string'))
  );
}

/** Whole numbers of eight bytes, in memory that workers share. */
function shared(column: Buffer | undefined): SharedArrayBuffer {
  const memory = new SharedArrayBuffer((column?.length ?? 0) - ((column?.length ?? 0) % NUMBER));
  if (column !== undefined) new Uint8Array(memory).set(column.subarray(0, memory.byteLength));
  return memory;
}
