/** What files take on a disk. */
import * as fs from 'node:fs';
import { join } from 'node:path';

/** A block of `st_blocks`. */
const SECTOR = 512;

/** Of all below a directory: whole blocks, without holes; what has several names counts once. */
export function diskBytesOf(dir: string): number {
  const seen = new Set<string>();
  let bytes = 0;
  for (const entry of fs.readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    const { blocks, ino, nlink, dev } = fs.lstatSync(join(dir, entry));
    if (nlink > 1 && seen.size === seen.add(`${dev}:${ino}`).size) continue;
    bytes += blocks * SECTOR;
  }
  return bytes;
}
