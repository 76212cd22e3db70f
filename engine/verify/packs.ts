/**
 * Compares packs with the index, both ways: what the index says of a pack must fit into its file, and the tables in it
 * must tell of every object that the index finds there. Without them a lost index could not be made anew. Reads no
 * contents.
 */
import * as fs from 'node:fs';
import type { NamedObject } from '../content/verify-files.js';
import { throwIfAborted } from '../core/errors.js';
import { BLOCK, extentOf, roundDown, SECTOR } from '../core/extent.js';
import { namesIn } from '../disk/list-directory.js';
import { isHeld } from '../disk/lock.js';
import { faultOf } from '../disk/path-fault.js';
import { idOfPackFile, packFileName } from '../objects/pack/format.js';
import { hashInName } from '../objects/pack/name.js';
import { headOf, readSegments } from '../objects/pack/read-tables.js';
import type { StoreContext } from '../session/context.js';
import type { Damage } from './damage.js';

/** What is wrong with a pack. */
export interface PackFault {
  pack: number;
  what: string;
  /** Tables that are written anew mend it. */
  isOfTables: boolean;
}

/** A part of a pack that is spoken for. */
export interface Part {
  offset: number;
  length: number;
  /** An object that is there, as far as is known. Absent of what is dead, or gone since a repair. */
  object?: string | undefined;
}

type Looking = Pick<StoreContext, 'index' | 'layout' | 'objects'>;

export interface PacksLook {
  /** Those of the index, if they have just been listed. */
  objects?: Iterable<NamedObject>;
  signal?: AbortSignal | undefined;
}

export function* faultsOfPacks(store: Looking, { objects, signal }: PacksLook = {}): Generator<PackFault> {
  if (store.objects.at.packs === undefined) return;
  const parts = partsOfPacks(store, objects);
  for (const {
    key: pack,
    value: { end },
  } of [...store.index.packs.entries()]) {
    throwIfAborted(signal);
    const own = (parts.get(pack) ?? []).sort((a, b) => a.offset - b.offset);
    parts.delete(pack);
    const misplaced = faultOfPlaces(end, own);
    if (misplaced !== undefined) yield { pack, what: misplaced, isOfTables: false };
    yield* faultsOfFile(store, pack, end, own);
  }
  for (const pack of parts.keys()) yield { pack, what: 'objects lie in it, and it is not listed', isOfTables: false };
}

/** As a check tells it. Contents are checked as objects. */
export function damageOfPacks(store: Looking, look: PacksLook): Damage[] {
  return [...faultsOfPacks(store, look)].map(({ pack, what }) => ({ kind: 'pack', id: packFileName(pack), what }));
}

/** Packs that the index does not list, and that nobody is about to append to. */
export function unlistedPacks({ index, layout }: Looking): string[] {
  const unlisted = (name: string): boolean => {
    const pack = idOfPackFile(name);
    return pack !== undefined && index.packs.get(pack) === undefined && !isHeld(layout.packLock(pack));
  };
  return namesIn(layout.packs)
    .filter(unlisted)
    .map((name) => layout.pack(name));
}

/** What is spoken for in each pack, in no particular order. */
export function partsOfPacks(
  { index }: Pick<StoreContext, 'index'>,
  objects: Iterable<NamedObject> = rowsOf(index.objects),
): Map<number, Part[]> {
  const parts = new Map<number, Part[]>();
  const add = (pack: number, part: Part): void => {
    const known = parts.get(pack);
    if (known === undefined) parts.set(pack, [part]);
    else known.push(part);
  };
  for (const [object, value] of objects) {
    if (value.at === undefined) continue;
    const { pack, offset } = value.at;
    const length = extentOf(value.size);
    add(pack, { offset, length, object: value.gone === true ? undefined : object });
  }
  for (const { key, value: length } of index.dead.entries()) add(key.pack, { offset: key.offset, length });
  return parts;
}

function* rowsOf(table: StoreContext['index']['objects']): Generator<NamedObject> {
  for (const { key, value } of table.entries()) yield [key, value];
}

/** @param parts in rising order */
function faultOfPlaces(end: number, parts: readonly Part[]): string | undefined {
  let last = BLOCK;
  for (const { offset, length } of parts) {
    if (offset < last && length > 0) return `two things lie at ${offset}`;
    last = Math.max(last, offset + length);
  }
  return last > end ? `something lies behind its end, ${end}` : undefined;
}

/** A file that cannot be read, or ends too early, is told with the objects that this costs, if it costs any. */
function* faultsOfFile({ layout }: Looking, pack: number, end: number, parts: readonly Part[]): Generator<PackFault> {
  const needed = parts.filter(({ object }) => object !== undefined);
  if (needed.length === 0) return;
  let fd: number;
  try {
    fd = fs.openSync(layout.pack(packFileName(pack)), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  } catch (error) {
    faultOf(error);
    return;
  }
  try {
    const { size } = fs.fstatSync(fd);
    if (needed.some(({ offset, length }) => offset + length - SECTOR >= size)) return;
    const last = roundDown(Math.min(size, end), BLOCK);
    const what = headOf(fd)?.id === pack ? faultOfTables(fd, last, needed) : 'its head is damaged';
    if (what !== undefined) yield { pack, what, isOfTables: true };
  } finally {
    fs.closeSync(fd);
  }
}

function faultOfTables(fd: number, end: number, needed: readonly Part[]): string | undefined {
  return tablesTellOf(fd, end, needed) ? undefined : 'its tables do not tell of all objects';
}

function tablesTellOf(fd: number, end: number, parts: readonly Part[]): boolean {
  const untold = new Map<number, string>();
  for (const { object, offset, length } of parts)
    if (object !== undefined) untold.set(placeOf(offset, length), hashInName(object));
  for (const { contents } of readSegments(fd, end)) {
    for (const { sha512, offset, size } of contents) {
      const place = placeOf(offset, size);
      if (untold.get(place) === sha512) untold.delete(place);
    }
  }
  return untold.size === 0;
}

/** A number is looked up faster than a name. The content without a byte begins where another one does. */
function placeOf(offset: number, size: number): number {
  return size === 0 ? -offset : offset;
}
