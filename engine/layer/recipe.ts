/**
 * A layer's *recipe*: all of its tar that is not file content (headers, padding, the end), in order, with the places where content goes.
 * Recipe and objects give back the exact uncompressed bytes. The packed form is a run of frames, each deflated on its own,
 * so that both writing and reading need little memory whatever the layer's size.
 *
 * Inside the frames: `<length><frame bytes>` and `<length>` of content by turns, lengths as 48-bit little-endian numbers.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { CairnError } from '../core/errors.js';

const MAGIC = Buffer.from('cairn-recipe 1\n', 'latin1');
const FRAME = 1 << 20;
const LENGTH = 6;
/** What a frame may take packed: deflate adds a few bytes to what it cannot make smaller. */
const LARGEST_PACKED_FRAME = FRAME + 1024;

/** Collects a recipe; hands packed bytes to `write` as they fill up. */
export class RecipeWriter {
  readonly #buffer = Buffer.allocUnsafe(FRAME);
  /** Where the length of the open run of frame bytes will be put. */
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

  /** A file's content of `size` bytes goes here. */
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

  /** Ends the frame; a run that goes on continues in the next one, after content of no bytes. */
  #flush(): void {
    this.#closeRun();
    this.#at = this.#buffer.writeUIntLE(0, this.#at, LENGTH);
    const packed = deflateRawSync(this.#buffer.subarray(0, this.#at), { level: 1 });
    const head = Buffer.allocUnsafe(4);
    head.writeUInt32LE(packed.length);
    this.#write(head);
    this.#write(packed);
    this.#at = 0;
    this.#openRun();
  }
}

/** A piece of the tar: frame bytes as they stand, or so many bytes of the next file's content. */
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
