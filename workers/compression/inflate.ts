/**
 * Inflates gzip on this thread, into room that the caller gives, by the object that Node's own streams of zlib drive.
 * The streams themselves take as long again: each piece goes to another thread and back, to a new buffer, and is copied
 * from there. Node promises nothing about that object. So it is tried once, and where it is not as it was, the streams
 * do the work.
 */
import { constants, createGunzip, gzipSync } from 'node:zlib';
import { badCompression, checkPadding } from './byte-source.js';

/** What is used of it, by the names that Node gives. */
interface Handle {
  writeSync(flush: number, input: Buffer, at: number, length: number, out: Buffer, outAt: number, room: number): void;
  onerror: (message: string, errno: number, code: string) => void;
}

interface Driven {
  _handle?: Handle;
  /** After each call: bytes of room that are left, and of input. */
  _writeState?: Uint32Array;
}

export class Inflater {
  readonly #stream = createGunzip();
  readonly #handle: Handle;
  readonly #left: Uint32Array;
  #failure: string | undefined;

  /** @throws TypeError where Node has no such object */
  constructor() {
    const { _handle, _writeState } = this.#stream as Driven;
    if (typeof _handle?.writeSync !== 'function' || !(_writeState instanceof Uint32Array)) throw new TypeError('zlib');
    this.#handle = _handle;
    this.#left = _writeState;
    _handle.onerror = (message) => {
      this.#failure = message;
    };
  }

  /**
   * Inflates some of the input.
   * @param last whether no input follows
   * @returns bytes that were filled and taken; zlib stops at a zero byte behind a member
   * @throws CairnError `ERR_BAD_COMPRESSION`
   */
  inflate(input: Buffer, out: Buffer, last: boolean): { filled: number; taken: number } {
    const flush = last ? constants.Z_FINISH : constants.Z_NO_FLUSH;
    this.#handle.writeSync(flush, input, 0, input.length, out, 0, out.length);
    if (this.#failure !== undefined) throw badCompression('gzip', this.#failure);
    const [room, rest] = this.#left as unknown as [number, number];
    return { filled: out.length - room, taken: input.length - rest };
  }

  close(): void {
    this.#stream.close();
  }
}

let works: boolean | undefined;

/** Whether gzip can be inflated here by {@link inflatedInto}. */
export function canInflateInPlace(): boolean {
  works ??= tryInflater();
  return works;
}

function tryInflater(): boolean {
  const content = Buffer.from('content');
  try {
    const inflater = new Inflater();
    const out = Buffer.alloc(2 * content.length);
    const { filled } = inflater.inflate(gzipSync(content), out, true);
    inflater.close();
    return content.equals(out.subarray(0, filled));
  } catch {
    return false;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * @param room gives the buffer to fill next
 * @returns what was filled, to be taken before the next is asked for
 * @throws CairnError `ERR_BAD_COMPRESSION`
 */
export async function* inflatedInto(chunks: AsyncIterable<Buffer>, room: () => Buffer): AsyncGenerator<Buffer> {
  const inflater = new Inflater();
  let isOver = false;
  let out: Buffer = NOTHING;
  let filled = 0;
  try {
    for await (const chunk of chunks) {
      let input = chunk;
      while (!isOver) {
        if (out.length === 0) out = room();
        const made = inflater.inflate(input, out.subarray(filled), false);
        input = input.subarray(made.taken);
        filled += made.filled;
        if (filled === out.length) {
          yield out;
          out = NOTHING;
          filled = 0;
        } else if (input.length > 0) isOver = true;
        else break;
      }
      if (isOver) checkPadding('gzip', input);
    }
    if (filled > 0) yield out.subarray(0, filled);
    if (!isOver) inflater.inflate(NOTHING, Buffer.alloc(1), true);
  } finally {
    inflater.close();
  }
}
