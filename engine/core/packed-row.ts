/**
 * What the index stores of an object in a home of packs: numbers alone. Threads read such rows that have no index, and
 * there are many of them.
 */
import type { PackAddress, StoredObject } from './object.js';

/** The content is in a file of its own, not in a pack; a check found it damaged or missing. */
const FLAG = { file: 1, gone: 2 } as const;

export type PackedRow = readonly [size: number, refs: number, flags: number, pack: number, offset: number];

/** How many numbers a row has. */
export const PACKED_ROW_LENGTH = 5;

export interface PackedObject {
  size: number;
  refs: number;
  at?: PackAddress;
  gone?: true;
}

export function toPackedRow({ size, refs, at, gone }: PackedObject): PackedRow {
  const flags = gone === true ? FLAG.gone : 0;
  return at === undefined ? [size, refs, flags | FLAG.file, 0, 0] : [size, refs, flags, at.pack, at.offset];
}

export function fromPackedRow([size, refs, flags, pack, offset]: PackedRow): PackedObject {
  const row: PackedObject = { size, refs };
  if ((flags & FLAG.file) === 0) row.at = { pack, offset };
  if ((flags & FLAG.gone) !== 0) row.gone = true;
  return row;
}

export function storedObject({ size, at, gone }: PackedObject): StoredObject {
  return { size, at, isGone: gone === true };
}
