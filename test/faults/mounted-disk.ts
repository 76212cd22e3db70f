/** A disk of its own for stores whose trees are mounted: memory cannot back such mounts. Needs root. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { cannotMountTrees } from '../fixtures/mounting.js';
import { fastScratch } from './fast.js';
import { LoopDisk, loopDiskFault } from './loop-disk.js';

const TYPE = 'ext4';

/** Why there can be no such disk here, or undefined. @param dir an empty directory to try it in */
export function mountedDiskFault(dir: string): string | undefined {
  fs.mkdirSync(join(dir, 'tried'));
  return loopDiskFault(join(dir, 'tried'), TYPE) ?? (cannotMountTrees() || undefined);
}

/** Runs `work` with an empty directory on such a disk. */
export function onDisk<T>(work: (dir: string) => Promise<T>): Promise<T> {
  return fastScratch(async (dir) => {
    const disk = new LoopDisk(dir, TYPE);
    const at = join(disk.dir, 'work');
    try {
      fs.mkdirSync(at);
      return await work(at);
    } finally {
      disk.unmount();
      disk.remove();
    }
  });
}
