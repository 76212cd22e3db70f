/**
 * A layer's *recipe*: all of its tar that is not file content (headers, padding, the end), in order, with the sizes of
 * the contents between. Recipe and objects give back the exact uncompressed bytes. The packed form is a run of frames,
 * each deflated by itself, so that writing and reading take little memory whatever the layer's size.
 *
 * A frame holds by turns `<length><frame bytes>` and the `<length>` of a content. A length is a 48-bit little-endian
 * number.
 */
import { inflateRawSync } from 'node:zlib';
import { CairnError } from '../core/errors.js';
import { deflated } from './deflate.js';

const MAGIC = Buffer.from('cairn-recipe 1\n', 'latin1');
const FRAME = 1 << 20;
const LENGTH = 6;
/** Deflate adds a few bytes to a frame that it cannot make smaller. */
const LARGEST_PACKED_FRAME = FRAME + 1024;

/** Packs a recipe. Each frame goes to `write` when it is full. */
export class RecipeWriter {
  readonly #buffer = Buffer.allocUnsafe(FRAME);
  /** The position of the open run's length, which is written when the run ends. */
  #runAt = 0;
  #at = LENGTH;
  readonly #write: (packed: Buffer) => void;

  constructor(write: (packed: Buffer) => void) {
    this.#write = write;
    write(MAGIC);
  }

  frame(bytes: Buffer): void {
    let from = 0;
    while (from < bytes.length) {
      if (this.#at + 2 * LENGTH >= this.#buffer.length) this.#flush();
      const taken = Math.min(bytes.length - from, this.#buffer.length - 2 * LENGTH - this.#at);
      bytes.copy(this.#buffer, this.#at, from, from + taken);
      this.#at += taken;
      from += taken;
    }
  }

  /** A file's content of `size` bytes follows. */
  content(size: number): void {
    if (this.#at + 3 * LENGTH >= this.#buffer.length) this.#flush();
    this.#closeRun();
    this.#at = this.#buffer.writeUIntLE(size, this.#at, LENGTH);
    this.#openRun();
  }

  finish(): void {
    this.#flush();
  }

  #openRun(): void {
    this.#runAt = this.#at;
    this.#at += LENGTH;
  }

  #closeRun(): void {
    this.#buffer.writeUIntLE(this.#at - this.#runAt - LENGTH, this.#runAt, LENGTH);
  }

  /** Ends the frame. An open run goes on in the next frame, after content of no bytes. */
  #flush(): void {
    this.#closeRun();
    this.#at = this.#buffer.writeUIntLE(0, this.#at, LENGTH);
    const packed = deflated(this.#buffer.subarray(0, this.#at));
    const head = Buffer.allocUnsafe(4);
    head.writeUInt32LE(packed.length);
    this.#write(head);
    this.#write(packed);
    this.#at = 0;
    this.#openRun();
  }
}

/** A piece of the tar: frame bytes as they stand, or the size of the next file's content. */
export type RecipePart = { frame: Buffer } | { content: number };

/**
 * Reads a packed recipe.
 * @throws CairnError `ERR_DAMAGED` for bytes that {@link RecipeWriter} does not write
 */
export async function* readRecipe(source: AsyncIterable<Buffer>): AsyncGenerator<RecipePart> {
  let held: Buffer = Buffer.alloc(0);
  let begun = false;
  for await (const chunk of source) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    if (!begun) {
      if (held.length < MAGIC.length) continue;
      if (!held.subarray(0, MAGIC.length).equals(MAGIC)) throw damaged('it does not begin as one');
      held = held.subarray(MAGIC.length);
      begun = true;
    }
    while (held.length >= 4) {
      const length = held.readUInt32LE(0);
      if (length > LARGEST_PACKED_FRAME) throw damaged('a frame is too long');
      if (held.length < 4 + length) break;
      yield* readFrame(held.subarray(4, 4 + length));
      held = held.subarray(4 + length);
    }
  }
  if (!begun || held.length > 0) throw damaged('it is cut short');
}

function* readFrame(packed: Buffer): Generator<RecipePart> {
  let body: Buffer;
  try {
    body = inflateRawSync(packed, { maxOutputLength: 2 * FRAME });
  } catch (cause) {
    throw damaged('a frame does not unpack', cause);
  }
  let at = 0;
  while (at + LENGTH <= body.length) {
    const length = body.readUIntLE(at, LENGTH);
    at += LENGTH;
    if (at + length + LENGTH > body.length) throw damaged('a frame is cut short');
    if (length > 0) yield { frame: body.subarray(at, at + length) };
    at += length;
    const content = body.readUIntLE(at, LENGTH);
    at += LENGTH;
    if (content > 0) yield { content };
  }
  if (at !== body.length) throw damaged('a frame is cut short');
}

function damaged(why: string, cause?: unknown): CairnError {
  return new CairnError('ERR_DAMAGED', `not a recipe: ${why}`, { cause });
}
