/** Parts of open files: copied without passing through memory, looked at for holes, given back to the file system. */
import * as fs from 'node:fs';
import { calls, failed } from './native.js';
import { writeAll } from './write-all.js';

const OFFSET_BYTES = 8;
const CHUNK = 1 << 20;

export interface FileRange {
  offset: number;
  length: number;
}

/**
 * Copies a part of a file to another.
 * @param at where the part begins there
 * @returns bytes copied: fewer than asked for where the file ends before
 */
export function copyRange(from: number, { offset, length }: FileRange, to: number, at = 0): number {
  const copied = calls() === undefined ? 0 : copyInKernel(from, { offset, length }, to, at);
  return copied + copyThroughMemory(from, { offset: offset + copied, length: length - copied }, to, at + copied);
}

/** Stops, at whatever point, where the kernel does not copy between these files. */
function copyInKernel(from: number, { offset, length }: FileRange, to: number, at: number): number {
  const api = calls() as NonNullable<ReturnType<typeof calls>>;
  const positions = Buffer.alloc(2 * OFFSET_BYTES);
  positions.writeBigInt64LE(BigInt(offset), 0);
  positions.writeBigInt64LE(BigInt(at), OFFSET_BYTES);
  const [source, target] = [positions.subarray(0, OFFSET_BYTES), positions.subarray(OFFSET_BYTES)];
  let copied = 0;
  while (copied < length) {
    const more = Number(api.copy_file_range(from, source, to, target, length - copied, 0));
    if (more <= 0) break;
    copied += more;
  }
  return copied;
}

function copyThroughMemory(from: number, { offset, length }: FileRange, to: number, at: number): number {
  if (length === 0) return 0;
  const room = Buffer.allocUnsafe(Math.min(length, CHUNK));
  let copied = 0;
  while (copied < length) {
    const taken = fs.readSync(from, room, 0, Math.min(room.length, length - copied), offset + copied);
    if (taken === 0) break;
    writeAll(to, room.subarray(0, taken), at + copied);
    copied += taken;
  }
  return copied;
}

const SEEK_HOLE = 4;

/**
 * Whether a part of a file is all there: within the file, and without a hole. Without direct system calls nobody can
 * tell holes, and the answer is about the file's length alone.
 */
export function isWritten(fd: number, { offset, length }: FileRange): boolean {
  const api = calls();
  const hole = api === undefined || length === 0 ? -1 : Number(api.lseek(fd, offset, SEEK_HOLE));
  if (hole >= 0) return hole >= offset + length;
  // Nobody tells holes, or the part begins at the end of the file.
  return fs.fstatSync(fd).size >= offset + length;
}

const SEEK_DATA = 3;

/** The parts of a file that are no holes, up to `before`. The whole, where nobody can tell holes. */
export function* writtenRanges(fd: number, before: number): Generator<FileRange> {
  const api = calls();
  const end = Math.min(before, fs.fstatSync(fd).size);
  for (let at = 0; at < end; ) {
    const data = api === undefined ? at : Number(api.lseek(fd, at, SEEK_DATA));
    if (data < 0 || data >= end) return;
    const hole = api === undefined ? end : Number(api.lseek(fd, data, SEEK_HOLE));
    const to = hole < 0 ? end : Math.min(hole, end);
    yield { offset: data, length: to - data };
    at = to;
  }
}

/** Gives a new file its space on the disk. It reads as zeros. @throws where there is none */
export function allocate(fd: number, length: number, path: string): void {
  const api = calls();
  if (api?.fallocate(fd, 0, 0, length) === 0) return;
  const error = api === undefined ? undefined : failed(api, 'fallocate', path);
  if (error !== undefined && error.code !== 'EOPNOTSUPP' && error.code !== 'ENOSYS') throw error;
  const zeros = Buffer.alloc(Math.min(length, CHUNK));
  for (let at = 0; at < length; at += zeros.length) writeAll(fd, zeros.subarray(0, length - at), at);
}

const KEEP_SIZE = 1;
const PUNCH_HOLE = 2;

/**
 * Gives the space of a part of a file back. The part reads as zeros from then on.
 * @returns false, having done nothing, where the file system or this process cannot
 */
export function punch(fd: number, { offset, length }: FileRange, path: string): boolean {
  const api = calls();
  if (api === undefined) return false;
  if (api.fallocate(fd, PUNCH_HOLE | KEEP_SIZE, offset, length) === 0) return true;
  const error = failed(api, 'fallocate', path);
  if (error.code === 'EOPNOTSUPP' || error.code === 'ENOSYS') return false;
  throw error;
}

const WRITE = 2;

/** Lets the disk begin to write a part of a file, and waits for nothing. A later sync reports failures. */
export function beginToWrite(fd: number, { offset, length }: FileRange): void {
  calls()?.sync_file_range(fd, offset, length, WRITE);
}
