/** Moving what imports have staged to where it belongs. */
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

/** Also by an earlier try of the same, of which another part failed. */
function isPlaced(from: string, to: string): boolean {
  try {
    return moveIntoFreePlace(from, to);
  } catch (error) {
    if (hasCode(error, 'ENOENT') && fs.existsSync(to)) return true;
    throw error;
  }
}
