/** Hashes files of the store and of trees. */
import { createHash, hash } from 'node:crypto';
import * as fs from 'node:fs';
import { checkCancelled, countBytes } from '../tasks/control.js';
import type { Control } from '../tasks/parts.js';

/** What most files fit into. */
export const HASH_ROOM = 1 << 20;

/**
 * sha512 in hex of all that is left to read.
 * @param size bytes that are expected; what has no more of them and fits into the room is read and hashed at one go
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
