/** The first half of bzip2: decodes a block's bits to its permuted bytes. */
import { badCompression } from './byte-source.js';
import type { Bzip2Block } from './bzip2-block.js';

/** Bits of the longest code. */
export const LONGEST_CODE = 20;
/** Codes up to this length are nearly all; a table has them. */
const SHORT_CODE = 10;
/** From this distance on, `copyWithin` is faster than a loop. */
const FAR = 16;
/** Symbols that share a table. */
const GROUP = 50;
const RUN_B = 1;
const LARGEST_ALPHABET = 258;

/** The bits of a buffer, the highest of each byte first. After its end come zeros, see {@link checkLength}. */
export class Bits {
  readonly #bytes: Buffer;
  #next: number;
  #hold = 0;
  #count = 0;

  constructor(bytes: Buffer, skip: number) {
    this.#bytes = bytes;
    this.#next = 0;
    this.take(skip);
  }

  /** The number of bits taken so far. */
  get at(): number {
    return this.#next * 8 - this.#count;
  }

  /** The next 20 bits. They are not taken. */
  peek(): number {
    this.#fill();
    return (this.#hold >>> (this.#count - LONGEST_CODE)) & 0xfffff;
  }

  /** Takes bits that were peeked at. */
  drop(count: number): void {
    this.#count -= count;
  }

  /** @param count at most 24 */
  take(count: number): number {
    if (count === 0) return 0;
    this.#fill();
    this.#count -= count;
    return (this.#hold >>> this.#count) & ((1 << count) - 1);
  }

  /** A signed number of 32 bits. */
  take32(): number {
    return (this.take(16) << 16) | this.take(16);
  }

  /** @throws CairnError `ERR_BAD_COMPRESSION` when more bits were taken than there are */
  checkLength(): void {
    if (this.at > this.#bytes.length * 8) throw badCompression('bzip2', 'it is cut short');
  }

  /** Reads until at least 25 bits are at hand. */
  #fill(): void {
    while (this.#count <= 24) {
      this.#hold = (this.#hold << 8) | (this.#bytes[this.#next++] ?? 0);
      this.#count += 8;
    }
  }
}

/** A table of canonical codes. */
interface CodeTable {
  /** By the first 10 bits: `symbol << 5 | length`, or 0 for a longer code. */
  short: Uint16Array;
  /** By length: the first 20 bits that no code of this length or a shorter one begins. */
  limits: Int32Array;
  /** By length: the number to add to a code for the index of its symbol. */
  bases: Int32Array;
  symbols: Uint16Array;
}

/** The codes of a block. A selector names the table of each group of symbols. */
interface Codes {
  selectors: Uint8Array;
  tables: readonly CodeTable[];
}

/** Reads a block from after its checksum. @throws CairnError `ERR_BAD_COMPRESSION` */
export function readBlock(bits: Bits, block: Bzip2Block): void {
  if (bits.take(1) !== 0) throw badCompression('bzip2', 'randomised blocks, which bzip2 has not made since 1997');
  const origin = bits.take(24);
  const list = usedBytes(bits);
  const tableCount = bits.take(3);
  const selectorCount = bits.take(15);
  if (list.length === 0 || tableCount < 2 || tableCount > 6 || selectorCount === 0)
    throw badCompression('bzip2', 'a block without tables');
  const selectors = readSelectors(bits, selectorCount, tableCount);
  const tables = Array.from({ length: tableCount }, () => readTable(bits, list.length + 2));
  block.start();
  readSymbols(bits, block, list, { selectors, tables });
  block.finish(origin);
}

function usedBytes(bits: Bits): Uint8Array {
  const rows = bits.take(16);
  const used: number[] = [];
  for (let row = 0; row < 16; row++) {
    if ((rows & (0x8000 >> row)) === 0) continue;
    const columns = bits.take(16);
    for (let column = 0; column < 16; column++) if ((columns & (0x8000 >> column)) !== 0) used.push(row * 16 + column);
  }
  return Uint8Array.from(used);
}

function readSelectors(bits: Bits, count: number, tables: number): Uint8Array {
  const recent = Uint8Array.from({ length: tables }, (_, i) => i);
  return Uint8Array.from({ length: count }, () => {
    let index = 0;
    while (bits.take(1) === 1) if (++index >= tables) throw badCompression('bzip2', 'a selector of no table');
    return toFront(recent, index);
  });
}

function readTable(bits: Bits, symbolCount: number): CodeTable {
  const lengths = new Uint8Array(LARGEST_ALPHABET);
  let length = bits.take(5);
  for (let symbol = 0; symbol < symbolCount; symbol++) {
    for (;;) {
      if (length < 1 || length > LONGEST_CODE) throw badCompression('bzip2', 'a code of no possible length');
      if (bits.take(1) === 0) break;
      length += bits.take(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  const limits = new Int32Array(LONGEST_CODE + 1);
  const bases = new Int32Array(LONGEST_CODE + 1);
  const symbols = new Uint16Array(symbolCount);
  const short = new Uint16Array(1 << SHORT_CODE);
  let code = 0;
  let placed = 0;
  for (let each = 1; each <= LONGEST_CODE; each++) {
    bases[each] = placed - code;
    for (let symbol = 0; symbol < symbolCount; symbol++) {
      if (lengths[symbol] !== each) continue;
      symbols[placed++] = symbol;
      const spare = SHORT_CODE - each;
      if (spare >= 0) short.fill((symbol << 5) | each, code << spare, (code + 1) << spare);
      code++;
    }
    if (code > 2 ** each) throw badCompression('bzip2', 'more codes than there can be');
    limits[each] = code << (LONGEST_CODE - each);
    code *= 2;
  }
  return { short, limits, bases, symbols };
}

function readSymbols(bits: Bits, block: Bzip2Block, list: Uint8Array, { selectors, tables }: Codes): void {
  const end = list.length + 1;
  let run = 0;
  let weight = 1;
  for (const selector of selectors) {
    const table = tables[selector] as CodeTable;
    for (let left = GROUP; left > 0; left--) {
      const ahead = bits.peek();
      const found = table.short[ahead >>> (LONGEST_CODE - SHORT_CODE)] as number;
      const symbol = found === 0 ? longCode(bits, ahead, table) : found >>> 5;
      if (found !== 0) bits.drop(found & 31);
      if (symbol <= RUN_B) {
        run += weight << symbol;
        weight *= 2;
        // Checked at each step, so that the run cannot overflow.
        if (run > block.capacity) throw badCompression('bzip2', 'a block larger than its size');
        continue;
      }
      if (run > 0) {
        block.add(list[0] as number, run);
        run = 0;
        weight = 1;
      }
      if (symbol === end) return;
      block.add(toFront(list, symbol - 1), 1);
    }
  }
  throw badCompression('bzip2', 'a block without an end');
}

function longCode(bits: Bits, ahead: number, { limits, bases, symbols }: CodeTable): number {
  let length = SHORT_CODE + 1;
  while (length <= LONGEST_CODE && ahead >= (limits[length] as number)) length++;
  if (length > LONGEST_CODE) throw badCompression('bzip2', 'bits that are no code');
  bits.drop(length);
  return symbols[(ahead >>> (LONGEST_CODE - length)) + (bases[length] as number)] as number;
}

/** Moves an element to the front. @returns it */
function toFront(list: Uint8Array, index: number): number {
  const value = list[index] as number;
  if (index >= FAR) list.copyWithin(1, 0, index);
  else for (let i = index; i > 0; i--) list[i] = list[i - 1] as number;
  list[0] = value;
  return value;
}
