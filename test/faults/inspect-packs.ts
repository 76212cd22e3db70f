/**
 * Compares the packs of a store with what its index says of them. Counts for itself; the engine only reads tables for
 * it.
 */
import * as fs from 'node:fs';
import { writtenRanges } from '../../engine/disk/file-ranges.js';
import { idOfPackFile, packFileName } from '../../engine/objects/pack/format.js';
import { packedName } from '../../engine/objects/pack/name.js';
import { readSegments, type Segment } from '../../engine/objects/pack/read-tables.js';
import type { StoreContext } from '../../engine/session/context.js';
import { inspectPlaces } from './inspect-places.js';

const BLOCK = 4096;
const SECTOR = 512;

interface Part {
  from: number;
  to: number;
  what: string;
}

/** @param collected whether a gc has just run, so that nothing is left that nobody needs */
export function inspectPacks(store: StoreContext, collected: boolean): string[] {
  const { index, layout } = store;
  const files = fs.existsSync(layout.packs) ? fs.readdirSync(layout.packs) : [];
  if (store.objects.at.packs === undefined)
    return collected ? files.map((name) => `a store without packs has packs/${name}`) : [];
  const wrong: string[] = [];
  const parts = new Map<number, Part[]>([...index.packs.keys()].map((pack) => [pack, []]));
  const note = (pack: number, part: Part): void => {
    const known = parts.get(pack);
    if (known === undefined) wrong.push(`${part.what} lies in pack ${pack}, which is not listed`);
    else known.push(part);
  };
  for (const { key, value } of index.objects.entries()) {
    if (value.at === undefined) continue;
    const { pack, offset } = value.at;
    const taken = Math.ceil(value.size / SECTOR) * SECTOR;
    if (taken > 0) note(pack, { from: offset, to: offset + taken, what: `object ${key.slice(0, 8)}` });
  }
  for (const { key, value } of index.dead.entries())
    note(key.pack, { from: key.offset, to: key.offset + value, what: `dead part ${key.offset}` });
  for (const [pack, all] of parts) wrong.push(...new Pack(store, pack, all).inspect(collected));
  wrong.push(...inspectPlaces(store).wrong);
  if (collected) {
    const listed = [...parts.keys()].map(packFileName);
    const stray = files.filter((name) => idOfPackFile(name) === undefined || !listed.includes(name));
    wrong.push(...stray.map((name) => `packs/${name} is not listed`));
  }
  return wrong;
}

class Pack {
  readonly #store: StoreContext;
  readonly #pack: number;
  readonly #parts: Part[];
  readonly #wrong: string[] = [];

  constructor(store: StoreContext, pack: number, parts: Part[]) {
    this.#store = store;
    this.#pack = pack;
    this.#parts = parts.sort((a, b) => a.from - b.from);
  }

  inspect(collected: boolean): string[] {
    const { layout, index } = this.#store;
    const path = layout.pack(packFileName(this.#pack));
    const record = index.packs.get(this.#pack);
    if (record === undefined) return [];
    if (!fs.existsSync(path)) return [`pack ${this.#pack} is not there`];
    const { size } = fs.statSync(path);
    if (size < record.end) return [`pack ${this.#pack} has ${size} bytes instead of ${record.end}`];
    if (collected && size > record.end) this.#say(`${size - record.end} bytes lie behind its end`);
    this.#overlaps(record.end);
    const sum = (start: string): number =>
      this.#parts.filter(({ what }) => what.startsWith(start)).reduce((total, { from, to }) => total + to - from, 0);
    if (sum('object') !== record.used) this.#say(`objects take ${sum('object')}, ${record.used} are counted`);
    if (sum('dead') !== record.dead) this.#say(`${sum('dead')} are dead, ${record.dead} are counted`);
    const unknown = record.end - BLOCK - record.used - record.dead - record.other;
    if (unknown < 0 || (collected && unknown > 0)) this.#say(`${unknown} bytes are counted nowhere`);
    this.#compareWithTables(path, record.end, collected);
    return this.#wrong;
  }

  #overlaps(end: number): void {
    let last: Part = { from: 0, to: BLOCK, what: 'the head' };
    for (const part of this.#parts) {
      if (part.from < last.to) this.#say(`${part.what} overlaps ${last.what}`);
      if (part.to > end) this.#say(`${part.what} lies behind the end`);
      last = part;
    }
  }

  /** Every object is in a table, or a lost index could not be made anew. What nothing needs takes no space. */
  #compareWithTables(path: string, end: number, collected: boolean): void {
    const fd = fs.openSync(path, 'r');
    try {
      const segments: Segment[] = [];
      const reading = readSegments(fd, end);
      let next = reading.next();
      for (; next.done !== true; next = reading.next()) segments.push(next.value);
      for (const { end: at } of next.value) this.#say(`no table ends at ${at}`);
      const told = new Set(segments.flatMap(({ contents }) => contents.map((each) => this.#idOf(each))));
      for (const { key, value } of this.#store.index.objects.entries()) {
        if (value.at?.pack !== this.#pack) continue;
        if (!told.has(`${key} ${value.at.offset} ${value.size}`)) this.#say(`no table has object ${key.slice(0, 8)}`);
      }
      if (collected) this.#mustBeHoles(fd, segments);
    } finally {
      fs.closeSync(fd);
    }
  }

  #idOf({ sha512, offset, size }: Segment['contents'][number]): string {
    return `${packedName(sha512)} ${offset} ${size}`;
  }

  /** What an object, a table or a ragged end has a part of stays; so may padding. Other blocks were punched. */
  #mustBeHoles(fd: number, segments: readonly Segment[]): void {
    const kept = blocksOf([...this.#parts, ...segments.map(({ table, end }) => ({ from: table, to: end }))]);
    const filled = blocksOf(
      segments.flatMap(({ contents }) => contents).map(({ offset, size }) => ({ from: offset, to: offset + size })),
    );
    for (const { offset, length } of writtenRanges(fd, segments[0]?.end ?? BLOCK)) {
      for (let at = Math.max(BLOCK, offset); at < offset + length; at += BLOCK)
        if (filled.has(at) && !kept.has(at)) this.#say(`block ${at} is needed by nothing and takes space`);
    }
  }

  #say(what: string): void {
    this.#wrong.push(`pack ${this.#pack}: ${what}`);
  }
}

/** The blocks that any of these parts has a byte of. */
function blocksOf(parts: Iterable<{ from: number; to: number }>): Set<number> {
  const blocks = new Set<number>();
  for (const { from, to } of parts) for (let at = from - (from % BLOCK); at < to; at += BLOCK) blocks.add(at);
  return blocks;
}
