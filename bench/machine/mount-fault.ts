/** Whether trees can be mounted where the bench works. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { ObjectLayout } from '../../engine/session/format.js';
import { tryMountIn } from '../../engine/session/modes.js';
import type { Contestant, Peer } from '../measure/contestant.js';

interface Place {
  dir: string;
  layout?: ObjectLayout;
}

/** @returns why they cannot; undefined if they can */
export function mountFault({ dir, layout }: Place): string | undefined {
  const scratch = fs.mkdtempSync(join(dir, 'mount-'));
  try {
    return tryMountIn(scratch, layout === 'packs').why;
  } finally {
    fs.rmSync(scratch, { recursive: true });
  }
}

/** A contestant of cairn's that mounts, and is skipped where that does not work. */
export function mountable(place: Place, contestant: Contestant): Peer {
  return { contestant, unfit: mountFault(place) };
}
