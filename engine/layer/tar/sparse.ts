/**
 * Sparse files: their *map* lists the parts that the archive holds; the rest are holes, which read as zeros. GNU tar
 * writes maps in four ways (GNU tar manual, "Storing Sparse Files"): type `S` has its map in the header and in blocks
 * after it, pax 0.0 and 0.1 in records, pax 1.0 in records and before the content.
 */
import { type ByteString, toText } from '../../core/bytes.js';
import { CairnError } from '../../core/errors.js';
import { MAX_SPARSE_PARTS } from '../../core/limits.js';
import { BLOCK, number } from './header.js';

/** A part that the archive holds: its position in the file and its length, both in bytes. */
export type SparsePart = readonly [offset: number, length: number];

/** Reads a map that stands in blocks between a header and the content. */
export interface MapReader {
  readonly parts: SparsePart[];
  /** Whether another block of the map follows. */
  readonly more: boolean;
  /** Whether its blocks count as the entry's content. */
  readonly inContent: boolean;
  take(block: Buffer, at: number): void;
}

/** The map of type `S`. The header has four parts, each block after it 21. */
export class GnuMap implements MapReader {
  readonly parts: SparsePart[] = [];
  readonly inContent = false;
  more = false;
  /** Bytes of the file, holes included. */
  readonly size: number;

  constructor(block: Buffer, at: number) {
    this.#add(block, at + 386, 4);
    this.more = block[at + 482] !== 0;
    this.size = number(block, at + 483, 12, 'size');
  }

  take(block: Buffer, at: number): void {
    this.#add(block, at, 21);
    this.more = block[at + 504] !== 0;
  }

  #add(block: Buffer, from: number, count: number): void {
    for (let at = from; at < from + count * 24; at += 24) {
      // An empty field ends the list.
      if (block[at + 12] === 0) return;
      addPart(this.parts, [number(block, at, 12, 'sparse offset'), number(block, at + 12, 12, 'sparse length')]);
    }
  }
}

/** The map of pax 1.0: decimal numbers on lines, first how many parts there are, then offset and length of each. */
export class PaxMap implements MapReader {
  readonly parts: SparsePart[] = [];
  readonly inContent = true;
  more = true;
  #count: number | undefined;
  #digits = '';
  #offset: number | undefined;

  take(block: Buffer, at: number): void {
    for (let i = at; i < at + BLOCK && this.more; i++) {
      const byte = block[i] as number;
      if (byte === 0x0a) this.#line();
      else {
        this.#digits += String.fromCharCode(byte);
        if (!/^[0-9]{1,16}$/.test(this.#digits)) throw badSparse('its map is no list of numbers');
      }
    }
  }

  #line(): void {
    const value = decimalOf(this.#digits);
    this.#digits = '';
    if (this.#count === undefined) {
      this.#count = value;
      if (value > MAX_SPARSE_PARTS) throw badSparse(`more than ${MAX_SPARSE_PARTS} parts`);
    } else if (this.#offset === undefined) this.#offset = value;
    else {
      addPart(this.parts, [this.#offset, value]);
      this.#offset = undefined;
      this.#count--;
    }
    this.more = this.#count > 0;
  }
}

/** What pax records say of a sparse file. */
export interface SparseRecords {
  major?: number;
  minor?: number;
  name?: ByteString;
  size?: number;
  /** How many parts the records promise. */
  count?: number;
  /** An offset whose length has not come yet. */
  offset?: number;
  parts: SparsePart[];
}

/** Adds one record. @param key without `GNU.sparse.` @throws CairnError `ERR_BAD_ARCHIVE` */
export function readSparseRecord(into: SparseRecords, key: string, value: Buffer): void {
  const text = value.toString('latin1');
  if (key === 'major' || key === 'minor') into[key] = decimalOf(text);
  else if (key === 'size' || key === 'realsize') into.size = decimalOf(text);
  else if (key === 'numblocks') into.count = decimalOf(text);
  else if (key === 'name') {
    if (text === '' || value.includes(0)) throw badSparse('a name that is none');
    into.name = text;
  } else if (key === 'map') {
    const numbers = text === '' ? [] : text.split(',').map(decimalOf);
    if (numbers.length % 2 !== 0) throw badSparse('an offset without a length');
    for (let i = 0; i < numbers.length; i += 2) addPart(into.parts, [numbers[i] as number, numbers[i + 1] as number]);
  } else if (key === 'offset' && into.offset === undefined) into.offset = decimalOf(text);
  else if (key === 'numbytes' && into.offset !== undefined) {
    addPart(into.parts, [into.offset, decimalOf(text)]);
    delete into.offset;
  } else throw badSparse(`"GNU.sparse.${key}" out of place`);
}

/** The size that records give, and the map, which may have to be read on. @throws CairnError `ERR_BAD_ARCHIVE` */
export function sparseOf({ major = 0, minor = 0, size, count, offset, parts }: SparseRecords): {
  size: number;
  map: MapReader;
} {
  const mapFollows = major === 1 && minor === 0;
  if (!mapFollows && (major !== 0 || minor > 1)) throw badSparse(`version ${major}.${minor} is not known`);
  if (size === undefined || offset !== undefined) throw badSparse('records are missing');
  if (mapFollows ? parts.length > 0 : count !== undefined && count !== parts.length) {
    throw badSparse('the number of its parts does not fit');
  }
  return { size, map: mapFollows ? new PaxMap() : { parts, more: false, inContent: false, take: () => {} } };
}

/**
 * Refuses a map that readers could take in several ways: its parts must lie in order, inside the file and beside each
 * other, and be as long together as what the archive holds.
 * @throws CairnError `ERR_BAD_ARCHIVE`
 */
export function checkMap(parts: readonly SparsePart[], size: number, stored: number): void {
  let end = 0;
  let sum = 0;
  for (const [offset, length] of parts) {
    if (offset < end) throw badSparse('its parts overlap or are out of order');
    end = offset + length;
    if (end > size) throw badSparse('a part lies beyond its end');
    sum += length;
  }
  if (sum !== stored) throw badSparse(`its parts have ${sum} bytes, the archive ${stored}`);
}

export interface SparseSink {
  content(bytes: Buffer): void;
  hole(length: number): void;
}

/** Cuts the bytes that an archive holds of a sparse file into its parts, and tells of the holes between. */
export class SparseContent {
  readonly #parts: readonly SparsePart[];
  readonly #size: number;
  readonly #out: SparseSink;
  #next = 0;
  /** Position in the file. */
  #at = 0;

  constructor(parts: readonly SparsePart[], size: number, out: SparseSink) {
    this.#parts = parts;
    this.#size = size;
    this.#out = out;
  }

  push(bytes: Buffer): void {
    for (let from = 0; from < bytes.length; ) {
      const [offset, length] = this.#parts[this.#next] as SparsePart;
      if (this.#at < offset) this.#hole(offset);
      const taken = Math.min(offset + length - this.#at, bytes.length - from);
      if (taken > 0) this.#out.content(bytes.subarray(from, from + taken));
      from += taken;
      this.#at += taken;
      if (this.#at === offset + length) this.#next++;
    }
  }

  end(): void {
    if (this.#at < this.#size) this.#hole(this.#size);
  }

  #hole(end: number): void {
    this.#out.hole(end - this.#at);
    this.#at = end;
  }
}

function addPart(parts: SparsePart[], part: SparsePart): void {
  if (parts.length === MAX_SPARSE_PARTS) throw badSparse(`more than ${MAX_SPARSE_PARTS} parts`);
  parts.push(part);
}

function decimalOf(text: string): number {
  if (!/^[0-9]{1,16}$/.test(text) || Number(text) > Number.MAX_SAFE_INTEGER)
    throw badSparse(`${JSON.stringify(toText(text.slice(0, 40)))} is not a number`);
  return Number(text);
}

/** The scanner knows the entry, and adds its name. */
function badSparse(why: string): CairnError {
  return new CairnError('ERR_BAD_ARCHIVE', `bad sparse file: ${why}`);
}
