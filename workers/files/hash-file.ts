/** Hashes files of the store and of trees. */
import { createHash, hash } from 'node:crypto';
import * as fs from 'node:fs';
import type { FileRange } from '../../engine/disk/file-ranges.js';
import { checkCancelled, countBytes } from '../tasks/control.js';
import type { Control } from '../tasks/parts.js';

/** Most files fit into so many bytes. */
export const HASH_ROOM = 1 << 20;

/**
 * Hashes the rest of an open file. @returns its sha512 in hex
 * @param size expected bytes; a file that has no more, and fits into the room, is read and hashed at one go
 * @param room shared by all files of a task
 */
export function hashOf(fd: number, size: number, room: Buffer, control: Control): string {
  const read = (length: number): Buffer => {
    checkCancelled(control);
    const bytes = room.subarray(0, fs.readSync(fd, room, 0, length, null));
    countBytes(control, bytes.length);
    return bytes;
  };
  let bytes = read(Math.min(size + 1, room.length));
  if (bytes.length === size && size < room.length) return hash('sha512', bytes);
  const running = createHash('sha512');
  for (; bytes.length > 0; bytes = read(room.length)) running.update(bytes);
  return running.digest('hex');
}

/** Hashes a part of an open file, or as much of it as is there. @returns its sha512 in hex */
export function hashOfRange(fd: number, { offset, length }: FileRange, room: Buffer, control: Control): string {
  const read = (at: number): Buffer => {
    checkCancelled(control);
    const bytes = room.subarray(0, fs.readSync(fd, room, 0, Math.min(room.length, length - at), offset + at));
    countBytes(control, bytes.length);
    return bytes;
  };
  let bytes = read(0);
  if (bytes.length === length) return hash('sha512', bytes);
  const running = createHash('sha512');
  for (let at = 0; bytes.length > 0; bytes = at < length ? read(at) : room.subarray(0, 0)) {
    running.update(bytes);
    at += bytes.length;
  }
  return running.digest('hex');
}
