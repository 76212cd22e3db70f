/**
 * Reference counts of objects. Functions that change the index run inside a transaction. An object that drops to no
 * references is noted as an orphan.
 */
import type { LayerResult } from '../../workers/tasks/import.js';
import { defined } from '../core/defined.js';
import type { PackAddress } from '../core/object.js';
import { xxhash } from '../core/xxhash.js';
import type { PreparedRow } from './checksums.js';
import { dropExtents, type Extent, noteMove } from './extents.js';
import type { Index } from './open.js';
import type { ObjectRecord } from './records.js';
import { addTotals } from './totals.js';

/** An object that a layer needs. Its file is in place before the object is put into the index. */
export interface NewObject {
  name: string;
  /** The record to put if the index does not list the object yet. */
  record: ObjectRecord;
  /** The same record as {@link makeReady} prepares it, if it was prepared. */
  row?: PreparedRow;
}

/**
 * @param names best in order: then each page of the table is touched once
 * @param skipped name → metadata that could not be set
 */
export function newObjects(
  names: readonly string[],
  { sizes, skipped }: Pick<LayerResult, 'sizes' | 'skipped'>,
): NewObject[] {
  // A Map, since V8 would keep each long name for good if it were looked up as a property.
  const lacking = new Map(Object.entries(skipped));
  return names.map((name, i) => {
    const record: ObjectRecord = { size: sizes[i] as number, refs: 1, copies: 0 };
    const missing = lacking.get(name);
    if (missing !== undefined) record.skipped = missing;
    return { name, record };
  });
}

/** Does the slowest part of putting objects ahead of the transaction, which all other writing processes wait for. */
export async function makeReady(index: Index, objects: readonly NewObject[]): Promise<NewObject[]> {
  const { h32Raw } = await xxhash();
  return objects.map(({ name, record }) => ({ name, record, row: index.objects.prepare(h32Raw, name, record) }));
}

/** So many hex digits of a hash, and the place of one of so many objects, fit into the 53 bits of a number. */
const ORDER_DIGITS = 8;
const MOST_ORDERED = 2 ** 21;

/**
 * Objects in the order of their rows, as far as the beginnings of their hashes tell: then each page of the table is
 * touched about once.
 */
export function inOrder(objects: readonly NewObject[]): NewObject[] {
  if (objects.length > MOST_ORDERED) return objects.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const places = Float64Array.from(objects, ({ name }, i) => {
    return Number.parseInt(name.slice(0, ORDER_DIGITS), 16) * MOST_ORDERED + i;
  });
  return Array.from(places.sort(), (place) => objects[place % MOST_ORDERED] as NewObject);
}

export interface Retained {
  new: number;
  newBytes: number;
  shared: number;
  sharedBytes: number;
}

export interface RetainedNow extends Retained {
  /** How many of them had been gone. */
  back: number;
  /** What was brought to packs though the objects lay elsewhere. */
  needless: readonly Extent[];
}

/** Counts one more layer that needs these objects. */
export function retainObjects(index: Index, objects: readonly NewObject[]): RetainedNow {
  const retained: Retained = { new: 0, newBytes: 0, shared: 0, sharedBytes: 0 };
  const revived = { count: 0, bytes: 0 };
  const back = { count: 0, bytes: 0 };
  const needless: Extent[] = [];
  let hasMoved = false;
  // The table is asked only where there can be none: totals are read with all else, its size costs a millisecond.
  const isFirst = index.totals.objects === 0 && index.objects.size === 0;
  for (const { name, record, row } of objects) {
    const { size } = record;
    const known = isFirst ? undefined : index.objects.get(row ?? name);
    index.noteLacks(record.skipped);
    if (known === undefined) {
      if (row === undefined) index.objects.put(name, record);
      else index.objects.putNew(row);
      retained.new++;
      retained.newBytes += size;
      continue;
    }
    if (known.refs === 0) {
      index.orphans.remove({ kind: 'object', name });
      revived.count++;
      revived.bytes += bytesOf(known);
    }
    if (known.gone === true) {
      if (known.at !== undefined) {
        needless.push({ at: known.at, size });
        hasMoved = true;
      }
      index.objects.put(name, { ...thereAgain(known, record), refs: known.refs + 1 });
      back.count++;
      back.bytes += size;
      continue;
    }
    index.objects.put(name, { ...known, refs: known.refs + 1 });
    retained.shared++;
    retained.sharedBytes += size;
    // Another import was faster with the same content.
    if (record.at !== undefined && !isSame(record.at, known.at)) needless.push({ at: record.at, size });
  }
  if (hasMoved) noteMove(index);
  dropExtents(index, needless);
  addTotals(index, {
    objects: retained.new,
    objectBytes: retained.newBytes + back.bytes,
    orphans: -revived.count,
    orphanBytes: -revived.bytes,
  });
  retained.new += back.count;
  retained.newBytes += back.bytes;
  return { ...retained, back: back.count, needless };
}

/**
 * Lists objects that were placed and turned out not to be needed.
 * @returns how many of them had been gone from layers that need them
 */
export function listObjects(index: Index, objects: readonly NewObject[]): number {
  const { back } = retainObjects(index, objects);
  releaseObjects(
    index,
    objects.map(({ name }) => name),
  );
  return back;
}

/** Notes that a layer's gone objects are back. The layer holds its references already. */
export function restoreObjects(index: Index, objects: readonly NewObject[]): Retained {
  const restored: Retained = { new: 0, newBytes: 0, shared: 0, sharedBytes: 0 };
  const needless: Extent[] = [];
  let hasMoved = false;
  for (const { name, record } of objects) {
    const known = index.objects.get(name);
    const useless = known?.gone === true ? known.at : record.at;
    if (useless !== undefined) needless.push({ at: useless, size: record.size });
    if (known === undefined) continue;
    if (known.gone === true) {
      hasMoved ||= known.at !== undefined;
      index.objects.put(name, thereAgain(known, record));
      restored.new++;
      restored.newBytes += known.size;
    } else {
      restored.shared++;
      restored.sharedBytes += known.size;
    }
  }
  if (hasMoved) noteMove(index);
  dropExtents(index, needless);
  addTotals(index, { objectBytes: restored.newBytes });
  return restored;
}

/** Counts one more layer that needs these listed objects, even those that are gone. */
export function needObjects(index: Index, names: Iterable<string>): void {
  const revived = { count: 0, bytes: 0 };
  for (const name of names) {
    const known = index.objects.get(name) as ObjectRecord;
    if (index.orphans.has({ kind: 'object', name })) {
      index.orphans.remove({ kind: 'object', name });
      revived.count++;
      revived.bytes += bytesOf(known);
    }
    index.objects.put(name, { ...known, refs: known.refs + 1 });
  }
  addTotals(index, { orphans: -revived.count, orphanBytes: -revived.bytes });
}

/** The record of an object whose file has been written anew. */
function thereAgain({ size, refs, copies }: ObjectRecord, { skipped, at }: ObjectRecord): ObjectRecord {
  return { size, refs, copies, ...defined({ skipped, at }) };
}

function isSame(one: PackAddress, other: PackAddress | undefined): boolean {
  return one.pack === other?.pack && one.offset === other.offset;
}

/** Counts one layer less that needs these objects. @returns bytes of the objects that nothing needs now */
export function releaseObjects(index: Index, names: Iterable<string>): number {
  let orphans = 0;
  let orphanBytes = 0;
  let forgotten = 0;
  const forgottenExtents: Extent[] = [];
  // In the order of the index each of its pages is touched once, not once for each object.
  for (const name of [...names].sort()) {
    const known = index.objects.get(name);
    if (known === undefined || known.refs === 0) continue;
    if (known.refs === 1 && known.gone === true) {
      index.objects.remove(name);
      if (known.at !== undefined) forgottenExtents.push({ at: known.at, size: known.size });
      forgotten++;
      continue;
    }
    index.objects.put(name, { ...known, refs: known.refs - 1 });
    if (known.refs > 1) continue;
    index.orphans.put({ kind: 'object', name }, true);
    orphans++;
    orphanBytes += bytesOf(known);
  }
  dropExtents(index, forgottenExtents);
  addTotals(index, { objects: -forgotten, orphans, orphanBytes });
  return orphanBytes;
}

/** Bytes on disk of an object and its further copies. */
export function bytesOf(object: ObjectRecord): number {
  return object.size * ((object.gone === true ? 0 : 1) + object.copies);
}
