/** What packs hold, counted in the transactions that change it. All of this runs inside a transaction. */
import type { PackedLayer } from '../../workers/tasks/import.js';
import { BLOCK, extentOf } from '../core/extent.js';
import { EMPTY_PACK, type Extent } from './extents.js';
import type { NewObject } from './objects.js';
import type { Index } from './open.js';
import { forgetPlacesIn } from './places.js';
import type { PackRecord } from './records.js';

/** Counts what a layer has appended to a pack: everything that it brought as used, wherever it may turn out to be. */
export function extendPack(index: Index, packed: PackedLayer, objects: readonly NewObject[]): void {
  const { pack, base, end, wasted } = packed;
  if (end === base) return;
  const known = index.packs.get(pack) ?? EMPTY_PACK;
  let used = 0;
  for (const { record } of objects) if (record.at !== undefined) used += extentOf(record.size);
  let dead = 0;
  for (const { offset, length } of wasted) {
    index.dead.put({ pack, offset }, length);
    dead += length;
  }
  index.packs.put(pack, {
    end: Math.max(known.end, end),
    used: known.used + used,
    dead: known.dead + dead,
    other: known.other + (end - base) - used - dead,
  });
}

/** The key in the table `meta` of the highest id that a pack had which is gone. */
const LAST_PACK = 'lastPack';

/** Its id is not used again: a process that has the file open would take the new one for it. */
export function forgetPack(index: Index, pack: number): void {
  index.packs.remove(pack);
  forgetPlacesIn(index, pack);
  if (pack > lastPackOf(index)) index.meta.put(LAST_PACK, pack);
}

/** The highest id of a pack that was listed and is gone; 0 if there was none. */
export function lastPackOf(index: Index): number {
  return (index.meta.get(LAST_PACK) as number | undefined) ?? 0;
}

/** The parts of packs that a layer filled. */
export function* extentsOf(objects: readonly NewObject[]): Generator<Extent> {
  for (const { record } of objects) if (record.at !== undefined) yield { at: record.at, size: record.size };
}

/** Packs whose bytes are counted otherwise than the rows of objects and of dead parts say → how they are to be. */
export function miscountedPacks(index: Index): Map<number, PackRecord> {
  const used = new Map<number, number>();
  for (const { at, size } of index.objects.values()) {
    if (at !== undefined) used.set(at.pack, (used.get(at.pack) ?? 0) + extentOf(size));
  }
  const dead = new Map<number, number>();
  for (const { key, value } of index.dead.entries()) dead.set(key.pack, (dead.get(key.pack) ?? 0) + value);
  const wrong = new Map<number, PackRecord>();
  for (const { key: pack, value } of index.packs.entries()) {
    const counted = { ...value, used: used.get(pack) ?? 0, dead: dead.get(pack) ?? 0 };
    // Where more is counted than there is, the next gc looks at what there is.
    if (counted.used + counted.dead + counted.other > counted.end - BLOCK) counted.other = 0;
    const { used: isUsed, dead: isDead, other } = value;
    if (counted.used !== isUsed || counted.dead !== isDead || counted.other !== other) wrong.set(pack, counted);
  }
  return wrong;
}
