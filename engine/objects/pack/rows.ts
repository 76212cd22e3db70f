/**
 * Rows that say which contents lie where in a pack: of a table in the pack, and on their way to the index. Tens of
 * thousands of them come with one layer, so they are bytes, not objects.
 *
 * ```
 * <sha512, 64 bytes> <offset, 8> <length, 8>
 * ```
 */

export interface PackedContent {
  /** 128 hex digits. */
  sha512: string;
  offset: number;
  size: number;
}

export const HASH_BYTES = 64;
export const ROW_BYTES = HASH_BYTES + 16;
/** Of the eight bytes of a number, those that a JavaScript number of bytes may need. */
const NUMBER_BYTES = 6;
/** Rows are handed on in chunks of so many. */
const CHUNK_ROWS = 1024;

/** Collects rows. */
export class PackRows {
  readonly #full: Buffer[] = [];
  #chunk: Buffer | undefined;
  #filled = 0;
  readonly #onChunk: ((rows: Buffer) => void) | undefined;

  /** @param onChunk hears of rows whenever there are a thousand new ones */
  constructor(onChunk?: (rows: Buffer) => void) {
    this.#onChunk = onChunk;
  }

  static of(contents: Iterable<PackedContent>): PackRows {
    const rows = new PackRows();
    for (const content of contents) rows.add(content);
    return rows;
  }

  get count(): number {
    return this.#full.length * CHUNK_ROWS + this.#filled / ROW_BYTES;
  }

  add({ sha512, offset, size }: PackedContent): void {
    this.#chunk ??= Buffer.alloc(CHUNK_ROWS * ROW_BYTES);
    const at = this.#filled;
    this.#chunk.write(sha512, at, HASH_BYTES, 'hex');
    this.#chunk.writeUIntLE(offset, at + HASH_BYTES, NUMBER_BYTES);
    this.#chunk.writeUIntLE(size, at + HASH_BYTES + 8, NUMBER_BYTES);
    this.#filled += ROW_BYTES;
    if (this.#filled < this.#chunk.length) return;
    this.#full.push(this.#chunk);
    this.#onChunk?.(this.#chunk);
    this.#chunk = undefined;
    this.#filled = 0;
  }

  /** Rows that nobody has heard of. */
  get untold(): Buffer {
    return this.#onChunk === undefined ? Buffer.concat(this.pieces) : Buffer.from(this.#rest);
  }

  /** All rows, in pieces. */
  get pieces(): Buffer[] {
    return [...this.#full, this.#rest];
  }

  get #rest(): Buffer {
    return (this.#chunk ?? Buffer.alloc(0)).subarray(0, this.#filled);
  }
}

export function* readRows(rows: Buffer): Generator<PackedContent> {
  for (let at = 0; at + ROW_BYTES <= rows.length; at += ROW_BYTES) {
    yield {
      sha512: rows.toString('hex', at, at + HASH_BYTES),
      offset: Number(rows.readBigUInt64LE(at + HASH_BYTES)),
      size: Number(rows.readBigUInt64LE(at + HASH_BYTES + 8)),
    };
  }
}
