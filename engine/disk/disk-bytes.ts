/** What files take on the disk: their blocks, so that holes take nothing. */
import * as fs from 'node:fs';
import { faultOf } from './path-fault.js';

/** The unit of `blocks` in a stat. */
const STAT_BLOCK = 512;

export function diskBytesOf({ blocks }: Pick<fs.Stats, 'blocks'>): number {
  return blocks * STAT_BLOCK;
}

/** @returns `undefined` where nothing is, or nothing that can be seen */
export function diskBytesAt(path: string): number | undefined {
  try {
    return diskBytesOf(fs.lstatSync(path));
  } catch (error) {
    faultOf(error);
    return undefined;
  }
}
