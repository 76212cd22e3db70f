/** Reads one 512-byte tar header, strictly: POSIX.1-2017 "ustar", GNU and v7. */
import type { ByteString } from '../../core/bytes.js';
import { CairnError } from '../../core/errors.js';

export const BLOCK = 512;

/** The raw fields of a header, before pax records are applied. */
export interface RawHeader {
  name: ByteString;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtime: number;
  /** The type flag as a character; NUL reads as `0`. */
  flag: string;
  link: ByteString;
  devMajor: number;
  devMinor: number;
}

const SPACE = 0x20;
const ZERO = 0x30;
const SEVEN = 0x37;

export function isZeroBlock(block: Buffer, at: number): boolean {
  for (let i = at; i < at + BLOCK; i += 4) if (block.readInt32LE(i) !== 0) return false;
  return true;
}

/** Whether the checksum fits. Real archives have sums over unsigned and over signed bytes; both are taken. */
export function checksumFits(block: Buffer, at: number): boolean {
  const stored = octal(block, at + 148, 8);
  if (stored === undefined) return false;
  const sum = 8 * SPACE + sumOf(block, at, at + 148) + sumOf(block, at + 156, at + BLOCK);
  return sum === stored || sum - 256 * (highIn(block, at, at + 148) + highIn(block, at + 156, at + BLOCK)) === stored;
}

/** The sum of bytes, four by four, which takes half the time. Every entry has its header summed up. */
function sumOf(block: Buffer, begin: number, end: number): number {
  let sum = 0;
  for (let i = begin; i < end; i += 4) {
    sum += (block[i] as number) + (block[i + 1] as number) + (block[i + 2] as number) + (block[i + 3] as number);
  }
  return sum;
}

/** How many bytes have their highest bit set. */
function highIn(block: Buffer, begin: number, end: number): number {
  let high = 0;
  for (let i = begin; i < end; i++) high += (block[i] as number) >> 7;
  return high;
}

/**
 * An octal field: spaces, digits, then only spaces and NULs.
 * @returns 0 for an empty field, `undefined` for no number
 */
function octal(block: Buffer, at: number, length: number): number | undefined {
  let i = at;
  const end = at + length;
  while (i < end && block[i] === SPACE) i++;
  let value = 0;
  while (i < end) {
    const byte = block[i] as number;
    if (byte < ZERO || byte > SEVEN) break;
    value = value * 8 + (byte - ZERO);
    i++;
  }
  while (i < end) {
    const byte = block[i] as number;
    if (byte !== 0 && byte !== SPACE) return undefined;
    i++;
  }
  return value;
}

/** A numeric field: octal, or GNU's base-256, which has the first bit set (big-endian two's complement). */
export function number(block: Buffer, at: number, length: number, what: string): number {
  const value = signed(block, at, length, what);
  if (value < 0) throw bad(block, at, `negative ${what}`);
  return value;
}

/** As {@link number}. Base-256 can spell numbers below zero. */
function signed(block: Buffer, at: number, length: number, what: string): number {
  const first = block[at] as number;
  let value: number | undefined;
  if (first < 0x80) value = octal(block, at, length);
  else if (first === 0x80 || first === 0xff) {
    value = first === 0xff ? -1 : 0;
    for (let i = at + 1; i < at + length; i++) value = value * 256 + (block[i] as number);
  }
  if (value === undefined) throw bad(block, at, `${what} is not a number`);
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw bad(block, at, `${what} is larger than 2^53`);
  return value;
}

/** A text field. Its first NUL ends it (POSIX.1-2017, "ustar Interchange Format"), whatever a writer left behind it. */
function text(block: Buffer, at: number, length: number): ByteString {
  let end = at;
  while (end < at + length && block[end] !== 0) end++;
  return block.toString('latin1', at, end);
}

function bad(block: Buffer, near: number, why: string): CairnError {
  const start = near - (near % BLOCK);
  let end = start;
  while (end < start + 100 && block[end] !== 0) end++;
  const entry = block.toString('utf8', start, end);
  return new CairnError('ERR_BAD_ARCHIVE', `bad header: ${why}`, { entry });
}

/**
 * Reads the header at `at`, a multiple of 512. The caller has checked the checksum (see {@link checksumFits}).
 * @throws CairnError `ERR_BAD_ARCHIVE` for fields that are no numbers, over 2^53, or negative, except for the time
 */
export function readHeader(block: Buffer, at: number): RawHeader {
  let name = text(block, at, 100);
  // Only POSIX headers have a prefix of the name here; GNU's have times in the same bytes.
  const posix = block.toString('latin1', at + 257, at + 263) === 'ustar\0';
  if (posix && block[at + 345] !== 0) name = `${text(block, at + 345, 155)}/${name}`;
  const byte = block[at + 156] as number;
  const flag = byte === 0 ? '0' : String.fromCharCode(byte);
  const device = flag === '3' || flag === '4';
  return {
    name,
    mode: number(block, at + 100, 8, 'mode'),
    uid: number(block, at + 108, 8, 'uid'),
    gid: number(block, at + 116, 8, 'gid'),
    size: number(block, at + 124, 12, 'size'),
    mtime: signed(block, at + 136, 12, 'mtime'),
    flag,
    link: text(block, at + 157, 100),
    devMajor: device ? number(block, at + 329, 8, 'device number') : 0,
    devMinor: device ? number(block, at + 337, 8, 'device number') : 0,
  };
}
