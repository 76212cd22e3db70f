/**
 * Finds objects whose places the index has lost: tables of packs tell where their contents lie, and hashes whether they
 * still do. Contents with holes lie beside packs, under their names.
 */
import * as fs from 'node:fs';
import { throwIfAborted } from '../core/errors.js';
import { BLOCK, extentOf, roundDown } from '../core/extent.js';
import type { PackAddress } from '../core/object.js';
import { fileBytes } from '../disk/file-bytes.js';
import { faultOf } from '../disk/path-fault.js';
import type { ObjectRecord } from '../index/records.js';
import { packFileName } from '../objects/pack/format.js';
import { hashInName, packedName } from '../objects/pack/name.js';
import { hasHash, isContentThere } from '../objects/pack/read-object.js';
import { headOf, readSegments } from '../objects/pack/read-tables.js';
import type { StoreContext } from '../session/context.js';
import { type Part, partsOfPacks } from './packs.js';

/** An object that is there, and whole. */
export interface FoundObject {
  size: number;
  /** Absent for an object that is a file of its own. */
  at?: PackAddress;
}

/**
 * @param suspects objects that are needed, by name; those whose places are known are not looked for
 * @returns what was found of them
 */
export function findInPacks(
  store: StoreContext,
  suspects: ReadonlyMap<string, ObjectRecord>,
  signal?: AbortSignal,
): Map<string, FoundObject> {
  const { index, objects, layout } = store;
  const found = new Map<string, FoundObject>();
  const wanted = new Map<string, number>();
  for (const [name, { at, gone, size }] of suspects)
    if (at === undefined && (gone === true || index.objects.get(name) === undefined)) wanted.set(name, size);
  if (objects.at.packs === undefined || wanted.size === 0) return found;
  const parts = partsOfPacks(store);
  for (const { key: pack, value } of [...index.packs.entries()]) {
    const taken = (parts.get(pack) ?? []).sort((a, b) => a.offset - b.offset);
    const look = { pack, path: layout.pack(packFileName(pack)), end: value.end };
    for (const [name, each] of foundIn(look, wanted, taken, signal)) {
      found.set(name, each);
      wanted.delete(name);
    }
  }
  for (const { path, object } of objects.list()) {
    const size = object === undefined ? undefined : wanted.get(object.name);
    if (object === undefined || size === undefined || index.objects.get(object.name) !== undefined) continue;
    throwIfAborted(signal);
    if (isWhole(path, object.name, size)) found.set(object.name, { size });
  }
  return found;
}

interface Look {
  pack: number;
  path: string;
  end: number;
}

/** @param taken parts of the pack that are spoken for, in rising order */
function* foundIn(
  { pack, path, end }: Look,
  wanted: ReadonlyMap<string, number>,
  taken: readonly Part[],
  signal: AbortSignal | undefined,
): Generator<[name: string, found: FoundObject]> {
  let fd: number;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  } catch (error) {
    faultOf(error);
    return;
  }
  try {
    if (headOf(fd)?.id !== pack) return;
    const last = roundDown(Math.min(fs.fstatSync(fd).size, end), BLOCK);
    for (const { contents } of readSegments(fd, last)) {
      for (const { sha512, offset, size } of contents) {
        const name = packedName(sha512);
        if (wanted.get(name) !== size || isTaken(taken, offset, extentOf(size))) continue;
        throwIfAborted(signal);
        const part = { descriptor: () => fd, path, offset };
        if (isContentThere(part, { size, sha512 }) && hasHash(part, { size, sha512 }))
          yield [name, { size, at: { pack, offset } }];
      }
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** What is dead may be punched at any time. As parts do not overlap, only the last one before the end is in the way. */
function isTaken(taken: readonly Part[], offset: number, length: number): boolean {
  let [low, high] = [0, taken.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((taken[middle] as Part).offset < offset + length) low = middle + 1;
    else high = middle;
  }
  const before = taken[low - 1];
  return before !== undefined && before.offset + before.length > offset;
}

function isWhole(path: string, name: string, size: number): boolean {
  try {
    for (const _chunk of fileBytes(path, { size, sha512: hashInName(name), what: 'an object' }));
    return true;
  } catch {
    return false;
  }
}
