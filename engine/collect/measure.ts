/**
 * Measures what an index cannot know: what packs take on the disk, where holes take nothing, and files that are in no
 * list.
 */
import * as fs from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../core/errors.js';
import { BLOCK } from '../core/extent.js';
import type { OperationOptions } from '../core/operation.js';
import { diskBytesAt, diskBytesOf } from '../disk/disk-bytes.js';
import { packFileName } from '../objects/pack/format.js';
import type { StoreContext } from '../session/context.js';

/** Files that are looked at before others get a turn. */
const AT_A_TIME = 1000;

/** Packs in bytes. The parts but `diskBytes` add up to `bytes`. */
export interface PacksUsage {
  files: number;
  bytes: number;
  /** What objects take, the padding to whole sectors included. */
  objectBytes: number;
  /** What nothing needs and gc has not given back: it has not run, or things that are needed lie in the same blocks. */
  deadBytes: number;
  /** What was given back. */
  holeBytes: number;
  /** Heads, tables, and what lies between contents. */
  otherBytes: number;
  diskBytes: number;
}

export interface FilesUsage {
  files: number;
  bytes: number;
  diskBytes: number;
}

/** Files that trees share. */
export interface LinksUsage extends FilesUsage {
  /** Bytes of all their names in trees. */
  treeBytes: number;
}

/** @returns `undefined` for a store without packs */
export function measurePacks({ objects, index, layout }: StoreContext): PacksUsage | undefined {
  if (objects.at.packs === undefined) return undefined;
  const all = { files: 0, bytes: 0, objectBytes: 0, deadBytes: 0, holeBytes: 0, otherBytes: 0, diskBytes: 0 };
  for (const { key: pack, value } of index.packs.entries()) {
    const { end, used, dead, other } = value;
    const diskBytes = diskBytesAt(layout.pack(packFileName(pack))) ?? 0;
    // What imports that failed have left is in no sum.
    const deadBytes = Math.max(dead, end - BLOCK - used - other);
    const holeBytes = Math.min(Math.max(0, end - diskBytes), end - used - deadBytes);
    all.files++;
    all.bytes += end;
    all.objectBytes += used;
    all.deadBytes += deadBytes;
    all.holeBytes += holeBytes;
    all.otherBytes += end - used - deadBytes - holeBytes;
    all.diskBytes += diskBytes;
  }
  return all;
}

/** Measures the files that a home keeps for trees, each once, however many trees have names of it. */
export async function measureLinks({ objects }: StoreContext, { signal }: OperationOptions = {}): Promise<LinksUsage> {
  const all = { files: 0, bytes: 0, diskBytes: 0, treeBytes: 0 };
  for (const path of objects.links()) {
    if (all.files % AT_A_TIME === 0) {
      await setImmediate();
      throwIfAborted(signal);
    }
    const stat = fs.lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    all.files++;
    all.bytes += stat.size;
    all.diskBytes += diskBytesOf(stat);
    all.treeBytes += stat.size * (stat.nlink - 1);
  }
  return all;
}

/** Measures the images that trees are mounted from. */
export function measureTreeImages({ index, layout }: StoreContext): FilesUsage {
  const all = { files: 0, bytes: 0, diskBytes: 0 };
  for (const { id, image } of index.trees.values()) {
    if (image === undefined) continue;
    all.files++;
    all.bytes += image.size;
    all.diskBytes += diskBytesAt(layout.treeImage(id)) ?? 0;
  }
  return all;
}
