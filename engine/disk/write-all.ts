/** Writes bytes to a file, all of them: a disk that becomes full takes a part, and says so to the next write only. */
import * as fs from 'node:fs';

/** @param position in the file; by default where the last write ended */
export function writeAll(fd: number, bytes: Uint8Array, position?: number): void {
  for (let at = 0; at < bytes.length; ) {
    const to = position === undefined ? null : position + at;
    at += fs.writeSync(fd, bytes, at, bytes.length - at, to);
  }
}
