/** The parts of packs that no object needs any more. All of this runs inside a transaction. */
import { BLOCK, extentOf } from '../core/extent.js';
import type { PackAddress } from '../core/object.js';
import type { Index } from './open.js';
import type { PackRecord } from './records.js';

export const EMPTY_PACK: PackRecord = { end: BLOCK, used: 0, dead: 0, other: 0 };

/** The key in the table `meta` of how often objects have moved that images of trees may name the places of. */
const MOVES = 'moves';

/** How often objects have moved. An image of a tree that was written before the last time is not to be mounted. */
export function movesOf(index: Index): number {
  return (index.meta.get(MOVES) as number | undefined) ?? 0;
}

export function noteMove(index: Index): void {
  index.meta.put(MOVES, movesOf(index) + 1);
}

export interface Extent {
  at: PackAddress;
  /** Bytes of the content. */
  size: number;
}

/** Notes that no object lies there any more. The space comes back when it is collected. */
export function dropExtents(index: Index, extents: Iterable<Extent>): void {
  const dropped = new Map<number, number>();
  for (const { at, size } of extents) {
    const length = extentOf(size);
    // An empty content takes no space, and begins where another one does.
    if (length === 0) continue;
    index.dead.put(at, length);
    dropped.set(at.pack, (dropped.get(at.pack) ?? 0) + length);
  }
  for (const [pack, bytes] of dropped) {
    const known = index.packs.get(pack) ?? EMPTY_PACK;
    index.packs.put(pack, { ...known, used: known.used - bytes, dead: known.dead + bytes });
  }
}
