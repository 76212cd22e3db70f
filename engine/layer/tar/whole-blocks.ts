/** Puts blocks of 512 bytes together that chunks of the input cut through. */
import { BLOCK } from './header.js';

export class WholeBlocks {
  readonly #held = Buffer.alloc(BLOCK);
  #length = 0;

  /** The beginning of a block whose rest has not come. */
  get rest(): Buffer {
    return this.#held.subarray(0, this.#length);
  }

  /** @param use gets the next block, if it is whole by now @returns the position in the chunk after what was taken */
  take(chunk: Buffer, at: number, use: (block: Buffer, at: number) => void): number {
    if (this.#length === 0 && chunk.length - at >= BLOCK) {
      use(chunk, at);
      return at + BLOCK;
    }
    const taken = Math.min(BLOCK - this.#length, chunk.length - at);
    chunk.copy(this.#held, this.#length, at, at + taken);
    this.#length += taken;
    if (this.#length === BLOCK) {
      this.#length = 0;
      use(this.#held, 0);
    }
    return at + taken;
  }
}
