/** Moves staged files of imports into place. */
import * as fs from 'node:fs';
import { hasCode } from '../../engine/core/errors.js';
import { moveIntoFreePlace } from '../../engine/disk/durable.js';
import type { PlaceTask } from '../tasks/import.js';

export function placeStaged({ moves }: PlaceTask): null {
  for (const [from, to] of moves) {
    // The first objects of a shard bring their directory along; later ones move one by one.
    if (isPlaced(from, to) || !fs.lstatSync(from).isDirectory()) continue;
    for (const name of fs.readdirSync(from)) moveIntoFreePlace(`${from}/${name}`, `${to}/${name}`);
  }
  return null;
}

/** @returns whether the path was moved, now or by an earlier attempt, another part of which failed */
function isPlaced(from: string, to: string): boolean {
  try {
    return moveIntoFreePlace(from, to);
  } catch (error) {
    if (hasCode(error, 'ENOENT') && fs.existsSync(to)) return true;
    throw error;
  }
}
