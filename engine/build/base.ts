/**
 * Each path of a build's tree as the beginning left it: its entry in the plan, and what its inode was. A file whose
 * inode is still the same is still the plan's file, and need not be read.
 */
import { SEEN_COLUMNS, type Seen } from '../../workers/tasks/seen.js';
import type { ByteString } from '../core/bytes.js';
import { isCairnError } from '../core/errors.js';
import { MAX_BUILD_BASE } from '../core/limits.js';
import { isCleanPath } from '../core/path.js';
import { xxhash } from '../core/xxhash.js';
import { decodeToc, encodeToc } from '../layer/toc.js';
import type { PlanEntry } from '../plan/plan.js';
import type { BuildPlace } from './place.js';
import { brokenBuild, readNote } from './state.js';

export interface Base {
  /** In byte order of their paths. */
  entries: readonly PlanEntry[];
  /** Row by row, in memory that workers share. */
  seen: Seen;
}

const MAGIC = 'cairn-build-base 1\n';
const CHECKSUM = 16;
const NUMBER = 8;

/** The beginning, a checksum of the rest, and four parts, each after its length. */
export async function encodeBase({ entries, seen }: Base): Promise<Buffer> {
  const groups = Buffer.from(entries.map(({ group }) => group).join('\0'), 'latin1');
  const parts = [encodeToc(entries), groups, bytesOf(seen.numbers), bytesOf(seen.inodes)];
  const body = Buffer.concat(parts.flatMap((part) => [lengthOf(part), part]));
  return Buffer.concat([Buffer.from(`${MAGIC}${await checksum(body)}`, 'latin1'), body]);
}

function bytesOf(array: Float64Array | BigUint64Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

function lengthOf(part: Buffer): Buffer {
  const length = Buffer.alloc(NUMBER);
  length.writeDoubleLE(part.length);
  return length;
}

async function checksum(body: Buffer): Promise<string> {
  const { h64Raw } = await xxhash();
  return h64Raw(body).toString(16).padStart(CHECKSUM, '0');
}

/** @throws CairnError `ERR_BAD_BUILD` for bytes that {@link encodeBase} does not write */
export async function readBase({ base: path }: BuildPlace): Promise<Base> {
  const bytes = readNote(path, MAX_BUILD_BASE);
  const head = MAGIC.length + CHECKSUM;
  const body = bytes.subarray(head);
  if (bytes.toString('latin1', 0, head) !== `${MAGIC}${await checksum(body)}`) throw brokenBuild(path, 'it is damaged');
  try {
    return decode(body, path);
  } catch (error) {
    if (!isCairnError(error, 'ERR_DAMAGED')) throw error;
    throw brokenBuild(path, error.message, error);
  }
}

function decode(body: Buffer, path: string): Base {
  let at = 0;
  const next = (): Buffer => {
    const length = at + NUMBER > body.length ? -1 : body.readDoubleLE(at);
    if (!Number.isSafeInteger(length) || length < 0 || at + NUMBER + length > body.length)
      throw brokenBuild(path, 'it is cut short');
    at += NUMBER + length;
    return body.subarray(at - length, at);
  };
  const entries = decodeToc(next());
  const groups = next().toString('latin1').split('\0');
  const numbers = new Float64Array(shared(next()));
  const inodes = new BigUint64Array(shared(next()));
  const { length } = entries;
  if (groups.length !== length || inodes.length !== length || numbers.length !== length * SEEN_COLUMNS)
    throw brokenBuild(path, 'its parts differ in length');
  let last: ByteString | undefined;
  const planned = entries.map((entry, i): PlanEntry => {
    const { type } = entry;
    if (type === 'hardlink' || type === 'whiteout' || type === 'opaque') throw brokenBuild(path, `a ${type} in a tree`);
    if (!isCleanPath(entry.path) || (last === undefined ? entry.path !== '' : entry.path <= last))
      throw brokenBuild(path, 'paths that are none, or not in order');
    last = entry.path;
    return { ...entry, type, group: groups[i] as ByteString, layer: 0 };
  });
  return { entries: planned, seen: { numbers, inodes } };
}

/** Whole numbers of eight bytes, in memory that workers share. */
function shared(part: Buffer): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(part.length - (part.length % NUMBER));
  new Uint8Array(memory).set(part.subarray(0, memory.byteLength));
  return memory;
}
