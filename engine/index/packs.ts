/** What packs hold, counted in the transactions that change it. All of this runs inside a transaction. */
import type { PackedLayer } from '../../workers/tasks/import.js';
import { BLOCK, extentOf } from '../core/extent.js';
import type { PackAddress } from '../core/object.js';
import type { NewObject } from './objects.js';
import type { Index } from './open.js';
import type { PackRecord } from './records.js';

const EMPTY: PackRecord = { end: BLOCK, used: 0, dead: 0, other: 0 };

export interface Extent {
  at: PackAddress;
  /** Bytes of the content. */
  size: number;
}

/** Counts what a layer has appended to a pack: everything that it brought as used, wherever it may turn out to be. */
export function extendPack(index: Index, packed: PackedLayer, objects: readonly NewObject[]): void {
  const { pack, base, end, wasted } = packed;
  if (end === base) return;
  const known = index.packs.get(pack) ?? EMPTY;
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

/** The parts of packs that a layer filled. */
export function* extentsOf(objects: readonly NewObject[]): Generator<Extent> {
  for (const { record } of objects) if (record.at !== undefined) yield { at: record.at, size: record.size };
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
    const known = index.packs.get(pack) ?? EMPTY;
    index.packs.put(pack, { ...known, used: known.used - bytes, dead: known.dead + bytes });
  }
}

/** Counts anew what objects take. */
export function recountPacks(index: Index): void {
  const used = new Map<number, number>();
  for (const { at, size } of index.objects.values()) {
    if (at !== undefined) used.set(at.pack, (used.get(at.pack) ?? 0) + extentOf(size));
  }
  for (const { key: pack, value } of [...index.packs.entries()]) {
    const bytes = used.get(pack) ?? 0;
    if (bytes !== value.used) index.packs.put(pack, { ...value, used: bytes });
  }
}
