/** The second half of bzip2: puts a block's permuted bytes in order and spells out its runs. */
import { badCompression } from './byte-source.js';

/** After so many equal bytes, the next byte says how many more of them follow. */
const RUN = 4;
/** The most bytes for each cell: the five cells of a longest run give 4 + 255 bytes. */
const MOST_PER_CELL = Math.ceil((RUN + 255) / (RUN + 1));

const CRC = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value;
});

/** Serves one block after the other: {@link start}, {@link add}, {@link finish}, then {@link read} to the end. */
export class Bzip2Block {
  /** The most bytes that the present block may have. */
  capacity = 0;
  /** The low 8 bits hold the permuted bytes. Once finished, the bits above hold the index of the next cell. */
  #cells = new Uint32Array(0);
  readonly #counts = new Int32Array(256);
  #length = 0;
  #left = 0;
  #cell = 0;
  #previous = -1;
  #equal = 0;
  #repeat = 0;
  #crc = -1;

  /** Begins a block. Memory is set aside here: a stream without blocks, of 14 bytes, must not cost megabytes. */
  start(): void {
    if (this.#cells.length < this.capacity) this.#cells = new Uint32Array(this.capacity);
    this.#length = 0;
    this.#counts.fill(0);
  }

  add(byte: number, times: number): void {
    const end = this.#length + times;
    if (end > this.capacity) throw badCompression('bzip2', 'a block larger than its size');
    this.#counts[byte] = (this.#counts[byte] as number) + times;
    if (times === 1) this.#cells[this.#length] = byte;
    else this.#cells.fill(byte, this.#length, end);
    this.#length = end;
  }

  /** Undoes the permutation. @param origin the cell of the first byte */
  finish(origin: number): void {
    if (origin >= this.#length) throw badCompression('bzip2', 'a block that begins outside itself');
    const cells = this.#cells;
    const starts = this.#counts;
    let sum = 0;
    for (let byte = 0; byte < 256; byte++) {
      const count = starts[byte] as number;
      starts[byte] = sum;
      sum += count;
    }
    for (let i = 0; i < this.#length; i++) {
      const byte = (cells[i] as number) & 0xff;
      const at = starts[byte] as number;
      starts[byte] = at + 1;
      cells[at] = (cells[at] as number) | (i << 8);
    }
    this.#left = this.#length;
    this.#cell = (cells[origin] as number) >>> 8;
    this.#previous = -1;
    this.#equal = 0;
    this.#repeat = 0;
    this.#crc = -1;
  }

  /** Up to `most` bytes in a buffer of their own; none at the end. */
  read(most: number): Buffer {
    const size = Math.min(most, this.#repeat + (this.#left + RUN) * MOST_PER_CELL);
    const out = Buffer.allocUnsafe(size);
    const cells = this.#cells;
    let at = 0;
    let left = this.#left;
    let cell = this.#cell;
    let previous = this.#previous;
    let equal = this.#equal;
    let crc = this.#crc;
    while (at < size) {
      if (this.#repeat > 0) {
        out[at++] = previous;
        crc = (crc << 8) ^ (CRC[(crc >>> 24) ^ previous] as number);
        this.#repeat--;
        continue;
      }
      if (left === 0) break;
      left--;
      const both = cells[cell] as number;
      const byte = both & 0xff;
      cell = both >>> 8;
      if (equal === RUN) {
        this.#repeat = byte;
        equal = 0;
        continue;
      }
      equal = byte === previous ? equal + 1 : 1;
      previous = byte;
      out[at++] = byte;
      crc = (crc << 8) ^ (CRC[(crc >>> 24) ^ byte] as number);
    }
    this.#left = left;
    this.#cell = cell;
    this.#previous = previous;
    this.#equal = equal;
    this.#crc = crc;
    return out.subarray(0, at);
  }

  /** CRC-32 of the bytes that were read, signed. */
  get checksum(): number {
    return ~this.#crc;
  }
}
