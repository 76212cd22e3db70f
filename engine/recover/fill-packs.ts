/**
 * Fills a new index with what the packs of a store hold, as their tables say. No content is read but that of imports
 * whose commit nobody can be sure of.
 */
import * as fs from 'node:fs';
import { defined } from '../core/defined.js';
import { BLOCK, extentOf } from '../core/extent.js';
import type { Layout } from '../disk/layout.js';
import { namesIn } from '../disk/list-directory.js';
import type { Index } from '../index/open.js';
import type { ObjectRecord } from '../index/records.js';
import { addTotals } from '../index/totals.js';
import type { ObjectHome } from '../objects/home.js';
import { idOfPackFile } from '../objects/pack/format.js';
import { packedName } from '../objects/pack/name.js';
import { hasHash, isContentThere } from '../objects/pack/read-object.js';
import { headOf, lastTableEnd, readSegments, type Segment } from '../objects/pack/read-tables.js';
import type { PackedContent } from '../objects/pack/rows.js';
import { unusedParts } from '../objects/pack/unused-parts.js';

interface OpenPack {
  pack: number;
  path: string;
  fd: number;
}

/**
 * Lists every object in packs as one that nothing needs yet, and those beside packs that are files. Runs inside a
 * transaction.
 */
export function fillPacks(index: Index, layout: Layout, home: ObjectHome): void {
  for (const { path, object } of home.list()) {
    if (object !== undefined) listUnneeded(index, object.name, { size: fs.lstatSync(path).size });
  }
  for (const name of namesIn(layout.packs).sort()) {
    const pack = idOfPackFile(name);
    if (pack === undefined) continue;
    const path = `${layout.packs}/${name}`;
    const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    try {
      if (headOf(fd)?.id === pack) fillPack(index, { pack, path, fd });
    } finally {
      fs.closeSync(fd);
    }
  }
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
      if (!isThere(open, content, segment.begin >= durable) || !list(index, pack, content)) return false;
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

function isThere({ fd, path }: OpenPack, { sha512, offset, size }: PackedContent, isDoubtful: boolean): boolean {
  const part = { descriptor: () => fd, path, offset };
  return isContentThere(part, { size, sha512 }) && (!isDoubtful || hasHash(part, { size, sha512 }));
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
