/** Scratch directories of long runs: in memory if it has space, since their findings do not depend on the disk. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { withScratch } from '../../bench/inputs/scratch.js';

const SHARED_MEMORY = '/dev/shm';
const ROOM = 1024 ** 3;

/** Runs `work` with an empty directory of its own. */
export function fastScratch<T>(work: (dir: string) => Promise<T>): Promise<T> {
  return withScratch(hasRoom() ? SHARED_MEMORY : tmpdir(), 'cairn-test-', work);
}

function hasRoom(): boolean {
  try {
    fs.accessSync(SHARED_MEMORY, fs.constants.W_OK);
    const { bavail, bsize } = fs.statfsSync(SHARED_MEMORY);
    return bavail * bsize > ROOM;
  } catch {
    return false; // not every system has it
  }
}
