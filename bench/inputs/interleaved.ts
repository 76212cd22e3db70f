/** Two images whose objects lie between one another. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { contentOf, type Made } from './generated.js';
import { packImage } from './images.js';

const VERSION = '1.0.0';

/** Objects of this size lie at the borders of blocks, so that a hole gives all of one back. */
export const HOLE_BYTES = 64 * 1024;

/**
 * Packs two images, of which the second has every other file of the first. When the first goes, each file that goes
 * lies between two that stay.
 * @param holes how many files go
 * @returns the archives
 */
export async function packInterleaved(dir: string, holes: number): Promise<[goes: string, stays: string]> {
  fs.mkdirSync(dir, { recursive: true });
  const archives: [string, string] = [join(dir, 'goes.aci'), join(dir, 'stays.aci')];
  for (const [i, file] of archives.entries()) {
    if (fs.existsSync(file)) continue;
    const made = interleavedFiles(holes, i === 1);
    await packImage(file, { name: `example.com/${i === 0 ? 'goes' : 'stays'}`, version: VERSION, made });
  }
  return archives;
}

function* interleavedFiles(holes: number, onlyStaying: boolean): Generator<Made> {
  for (let i = 0; i < holes; i++) {
    if (!onlyStaying) yield { path: `files/f${i}-goes`, content: contentOf(2 * i, HOLE_BYTES) };
    yield { path: `files/f${i}-stays`, content: Buffer.from(`stays ${i}\n`) };
  }
}
