/**
 * The columns of a table of contents in its bytes. In version 1 each column stands as it is. In version 2 columns are
 * deflated; one of random bytes, or that is too short or too long, stands as it is there, too.
 *
 * ```
 * 1: "cairn-toc 1\n", then each column: <length> <bytes>
 * 2: "cairn-toc 2\n", then each column: <length> <length as it stands here> <bytes>
 * ```
 */
import { inflateRawSync } from 'node:zlib';
import type { TocVersion } from '../../workers/tasks/import.js';
import { CairnError } from '../core/errors.js';
import { MAX_PACKED_COLUMN } from '../core/limits.js';
import { deflated } from './deflate.js';

const MAGICS: readonly { version: TocVersion; magic: Buffer }[] = [
  { version: 1, magic: Buffer.from('cairn-toc 1\n') },
  { version: 2, magic: Buffer.from('cairn-toc 2\n') },
];
const LENGTH = 8;
/** Columns of fewer bytes stand as they are: packing takes longer than it is worth. */
const LEAST_PACKED = 128;
/** Least room that zlib takes. */
const LEAST_ROOM = 64;

export interface TocColumn {
  bytes: Buffer;
  /** Deflate does not make it smaller. */
  isRandom?: boolean;
}

export function joinColumns(columns: readonly TocColumn[], version: TocVersion): Buffer {
  const parts = MAGICS.filter((each) => each.version === version).map(({ magic }) => magic);
  for (const { bytes, isRandom } of columns) {
    if (version === 1) {
      parts.push(lengths(bytes.length), bytes);
      continue;
    }
    const stored = isRandom === true ? bytes : packed(bytes);
    parts.push(lengths(bytes.length, stored.length), stored);
  }
  return Buffer.concat(parts);
}

/** The same bytes where packing makes them no smaller, or a reader would not unpack them. */
function packed(bytes: Buffer): Buffer {
  if (bytes.length < LEAST_PACKED || bytes.length > MAX_PACKED_COLUMN) return bytes;
  const smaller = deflated(bytes);
  return smaller.length < bytes.length ? smaller : bytes;
}

function lengths(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(numbers.length * LENGTH);
  for (const [i, number] of numbers.entries()) bytes.writeDoubleLE(number, i * LENGTH);
  return bytes;
}

/** Gives column after column of a table of contents. */
export class ColumnReader {
  readonly #bytes: Buffer;
  readonly #version: TocVersion;
  #at: number;

  /** @throws CairnError `ERR_DAMAGED`, as {@link next} does */
  constructor(bytes: Buffer) {
    const known = MAGICS.find(({ magic }) => bytes.subarray(0, magic.length).equals(magic));
    if (known === undefined) throw damagedToc('it does not begin as one');
    this.#bytes = bytes;
    this.#version = known.version;
    this.#at = known.magic.length;
  }

  next(): Buffer {
    const { stored, length } = this.#stored();
    return stored.length === length ? stored : unpacked(stored, length);
  }

  passOver(): void {
    this.#stored();
  }

  #stored(): { stored: Buffer; length: number } {
    const length = this.#length();
    const storedLength = this.#version === 1 ? length : this.#length();
    const begin = this.#at;
    this.#at += storedLength;
    if (this.#at > this.#bytes.length) throw damagedToc('it is cut short');
    return { stored: this.#bytes.subarray(begin, this.#at), length };
  }

  #length(): number {
    if (this.#at + LENGTH > this.#bytes.length) throw damagedToc('it is cut short');
    const length = this.#bytes.readDoubleLE(this.#at);
    if (!Number.isSafeInteger(length) || length < 0) throw damagedToc('a length that is none');
    this.#at += LENGTH;
    return length;
  }
}

function unpacked(stored: Buffer, length: number): Buffer {
  if (length < stored.length || length > MAX_PACKED_COLUMN) throw damagedToc('a column has an impossible length');
  let bytes: Buffer;
  try {
    // Room for one byte more: zlib goes on in a second buffer when the first is full.
    const chunkSize = Math.max(LEAST_ROOM, length + 1);
    bytes = inflateRawSync(stored, { chunkSize, maxOutputLength: length });
  } catch (cause) {
    throw damagedToc('a column does not unpack', cause);
  }
  if (bytes.length !== length) throw damagedToc('a column has another length');
  return bytes;
}

export function damagedToc(why: string, cause?: unknown): CairnError {
  return new CairnError('ERR_DAMAGED', `not a table of contents: ${why}`, { cause });
}
