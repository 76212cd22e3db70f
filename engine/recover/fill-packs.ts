/**
 * Fills a new index with what the packs of a store hold, as their tables say. A table tells of contents that have been
 * given back, too, and a copy of the store may have zeros where holes were. So whatever need not be whole is read: what
 * lies at several places, what nothing needs, and what comes of imports whose commit nobody can be sure of.
 */
import * as fs from 'node:fs';
import { defined } from '../core/defined.js';
import { hasCode } from '../core/errors.js';
import { BLOCK, extentOf } from '../core/extent.js';
import type { PackAddress } from '../core/object.js';
import type { Layout } from '../disk/layout.js';
import { namesIn } from '../disk/list-directory.js';
import { dropExtents } from '../index/extents.js';
import { FIRST_ORPHANED_OBJECT } from '../index/keys.js';
import type { Index } from '../index/open.js';
import type { ObjectRecord } from '../index/records.js';
import { addTotals } from '../index/totals.js';
import type { ObjectHome } from '../objects/home.js';
import { idOfPackFile } from '../objects/pack/format.js';
import { hashInName, packedName } from '../objects/pack/name.js';
import { hasHash, isContentThere } from '../objects/pack/read-object.js';
import { headOf, lastTableEnd, readSegments, type Segment } from '../objects/pack/read-tables.js';
import type { PackedContent } from '../objects/pack/rows.js';
import { unusedParts } from '../objects/pack/unused-parts.js';

interface OpenPack {
  pack: number;
  path: string;
  fd: number;
  /** Whether a content lies elsewhere, too, as far as tables say. */
  isDoubled: (sha512: string) => boolean;
}

/**
 * Lists every object in packs as one that nothing needs yet, and those beside packs that are files. Runs inside a
 * transaction.
 */
export function fillPacks(index: Index, layout: Layout, home: ObjectHome): void {
  for (const { path, object } of home.list()) {
    if (object !== undefined) listUnneeded(index, object.name, { size: fs.lstatSync(path).size });
  }
  const isDoubled = doubledIn(layout);
  for (const open of packsIn(layout)) fillPack(index, { ...open, isDoubled });
}

/** Each is open until the next is asked for. */
function* packsIn(layout: Layout): Generator<Omit<OpenPack, 'isDoubled'>> {
  for (const name of namesIn(layout.packs).sort()) {
    const pack = idOfPackFile(name);
    if (pack === undefined) continue;
    const path = layout.pack(name);
    const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    try {
      if (headOf(fd)?.id === pack) yield { pack, path, fd };
    } finally {
      fs.closeSync(fd);
    }
  }
}

/** So many hex digits fit into a number, which takes a tenth of a name's memory. */
const DIGITS = 13;

/** @returns whether several places are told of a content; of few others as well, whose hashes begin alike */
function doubledIn(layout: Layout): OpenPack['isDoubled'] {
  const seen = new Set<number>();
  const doubled = new Set<number>();
  const beginning = (sha512: string): number => Number.parseInt(sha512.slice(0, DIGITS), 16);
  for (const { fd } of packsIn(layout)) {
    for (const { contents } of readSegments(fd, lastTableEnd(fd))) {
      for (const { sha512 } of contents) {
        const begins = beginning(sha512);
        if (seen.has(begins)) doubled.add(begins);
        else seen.add(begins);
      }
    }
  }
  return (sha512) => doubled.has(beginning(sha512));
}

/** Takes back what {@link fillPacks} has listed, nothing needs and is not what it was. Runs inside a transaction. */
export function dropHollow(index: Index, layout: Layout): void {
  const unneeded = unneededIn(index);
  for (const { pack, path, fd } of packsIn(layout)) {
    for (const { name, size, at } of unneeded.get(pack) ?? []) {
      if (isThere({ path, fd }, { sha512: hashInName(name), offset: at.offset, size }, true)) continue;
      index.objects.remove(name);
      index.orphans.remove({ kind: 'object', name });
      addTotals(index, { objects: -1, objectBytes: -size, orphans: -1, orphanBytes: -size });
      dropExtents(index, [{ at, size }]);
    }
  }
}

interface Unneeded {
  name: string;
  size: number;
  at: PackAddress;
}

/** Pack → what nothing needs of what it holds. */
function unneededIn(index: Index): Map<number, Unneeded[]> {
  const found = new Map<number, Unneeded[]>();
  for (const orphan of index.orphans.keys({ start: FIRST_ORPHANED_OBJECT })) {
    if (orphan.kind !== 'object') continue;
    const { name } = orphan;
    const { at, size } = index.objects.get(name) as ObjectRecord;
    if (at === undefined) continue;
    const known = found.get(at.pack) ?? [];
    found.set(at.pack, known);
    known.push({ name, size, at });
  }
  return found;
}

function fillPack(index: Index, open: OpenPack): void {
  const { pack, fd } = open;
  const end = lastTableEnd(fd);
  const segments = [...readSegments(fd, end)];
  // An import that found the pack durable up to here was begun after all before it were committed.
  const durable = Math.max(BLOCK, ...segments.map((segment) => segment.durable));
  let used = 0;
  let dead = 0;
  for (const segment of segments) {
    const isListed = (content: PackedContent): boolean => {
      const isDoubtful = segment.begin >= durable || open.isDoubled(content.sha512);
      if (!isThere(open, content, isDoubtful) || !list(index, pack, content)) return false;
      used += extentOf(content.size);
      return true;
    };
    for (const { offset, length } of unusedParts(segment, isListed)) {
      index.dead.put({ pack, offset }, length);
      dead += length;
    }
    for (const content of emptyOf(segment)) list(index, pack, content);
  }
  index.packs.put(pack, { end, used, dead, other: end - BLOCK - used - dead });
}

/** Empty contents take no part of a pack. */
function emptyOf({ contents }: Segment): PackedContent[] {
  return contents.filter(({ size }) => size === 0);
}

/** What cannot be read is not there: an index is made anew after accidents with disks, too. */
function isThere(
  { fd, path }: Pick<OpenPack, 'fd' | 'path'>,
  { sha512, offset, size }: PackedContent,
  isDoubtful: boolean,
): boolean {
  const part = { descriptor: () => fd, path, offset };
  try {
    return isContentThere(part, { size, sha512 }) && (!isDoubtful || hasHash(part, { size, sha512 }));
  } catch (error) {
    if (hasCode(error, 'EIO')) return false;
    throw error;
  }
}

/** @returns false for an object that is listed at another place */
function list(index: Index, pack: number, { sha512, offset, size }: PackedContent): boolean {
  const name = packedName(sha512);
  if (index.objects.get(name) !== undefined) return false;
  listUnneeded(index, name, { size, at: { pack, offset } });
  return true;
}

function listUnneeded(index: Index, name: string, { size, at }: Pick<ObjectRecord, 'size' | 'at'>): void {
  index.objects.put(name, { size, refs: 0, copies: 0, ...defined({ at }) });
  index.orphans.put({ kind: 'object', name }, true);
  addTotals(index, { objects: 1, objectBytes: size, orphans: 1, orphanBytes: size });
}
