/** The kernel's caches, taken away, so that what is read next comes from the disk. */
import * as fs from 'node:fs';
import { type Command, run } from '../measure/process.js';

const FILE = '/proc/sys/vm/drop_caches';
/** Pages, and what is known of files and directories. */
const ALL = '3';

/** @returns why they cannot be; undefined if they can */
export function cachesFault(): string | undefined {
  try {
    fs.accessSync(FILE, fs.constants.W_OK);
    return undefined;
  } catch {
    return "only root drops the kernel's caches";
  }
}

/**
 * Takes away all that the kernel keeps of files.
 * @param dir on the file system that is measured; what it has yet to write stays in memory
 * @param programs run once afterwards: what is measured is how a store is read, not how programs are
 */
export async function dropCaches(dir: string, programs: readonly Command[]): Promise<void> {
  await run(['sync', '-f', dir]);
  fs.writeFileSync(FILE, ALL);
  for (const program of programs) await run(program);
}
