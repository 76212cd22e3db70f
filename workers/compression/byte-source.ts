/** Compressed bytes in the portions that decoders ask for: any, a certain number, all that are left. */
import { CairnError } from '../../engine/core/errors.js';
import type { Compression } from '../tasks/parts.js';

type Name = Exclude<Compression, 'none'>;

export function badCompression(name: Name, why: string, cause?: unknown): CairnError {
  return new CairnError('ERR_BAD_COMPRESSION', `corrupt or truncated ${name}: ${why}`, { cause });
}

/** The error of a corrupt stream for an error of Node's zlib, whose codes begin with Z. Other errors are returned. */
export function asBadCompression(name: Name, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  return code?.startsWith('Z') === true ? badCompression(name, message, error) : error;
}

/** @throws CairnError `ERR_BAD_COMPRESSION` unless all are zero */
export function checkPadding(name: Name, bytes: Buffer): void {
  if (bytes.some((byte) => byte !== 0)) throw badCompression(name, 'data after its end');
}

export class CompressedBytes {
  readonly #name: Name;
  readonly #chunks: AsyncIterator<Buffer>;
  /** Bytes that were read and not taken. */
  #held: Buffer = Buffer.alloc(0);

  constructor(name: Name, chunks: AsyncIterable<Buffer>) {
    this.#name = name;
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** At least `length` bytes, or all that are left. They are not taken. */
  async peek(length: number): Promise<Buffer> {
    if (this.#held.length >= length) return this.#held;
    const parts = [this.#held];
    for (let total = this.#held.length; total < length; ) {
      const { done, value } = await this.#chunks.next();
      if (done === true) break;
      parts.push(value);
      total += value.length;
    }
    this.#held = parts.length === 1 ? this.#held : Buffer.concat(parts);
    return this.#held;
  }

  /** Takes bytes that were peeked at. */
  skip(length: number): void {
    this.#held = this.#held.subarray(length);
  }

  /** Takes the bytes at hand, or the next that come; none at the end. */
  async some(): Promise<Buffer> {
    const bytes = await this.peek(1);
    this.#held = Buffer.alloc(0);
    return bytes;
  }

  /** Takes `length` bytes. @throws CairnError `ERR_BAD_COMPRESSION` when fewer are left */
  async exactly(length: number): Promise<Buffer> {
    const bytes = await this.peek(length);
    if (bytes.length < length) throw badCompression(this.#name, 'it is cut short');
    this.skip(length);
    return bytes.subarray(0, length);
  }

  /** Takes all bytes to the end. @throws CairnError `ERR_BAD_COMPRESSION` unless all are zero */
  async padding(): Promise<void> {
    for (let bytes = await this.some(); bytes.length > 0; bytes = await this.some()) checkPadding(this.#name, bytes);
  }

  /** Ends the source. For a decoder that stops before the source does. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
