/**
 * Reads a file piece by piece, one piece ahead of who takes them. The pieces share a few buffers: on a virtual machine
 * fresh memory for each costs more than reading them.
 */
import * as fs from 'node:fs';
import { promisify } from 'node:util';

const read = promisify(fs.read);

/** The piece that was given last, the one before it, and the one that is being read. */
const BUFFERS = 3;

/** Lends buffers by turns. One that was lent is lent again after {@link BUFFERS} turns. */
export class Buffers {
  readonly #length: number;
  readonly #made: Buffer[] = [];
  #turns = 0;

  /** @param length of each, in bytes */
  constructor(length: number) {
    this.#length = length;
  }

  next(): Buffer {
    const turn = this.#turns++ % BUFFERS;
    this.#made[turn] ??= Buffer.allocUnsafeSlow(this.#length);
    return this.#made[turn];
  }
}

/**
 * Closes the file in the end.
 * @param part where to begin, and where to end, in bytes
 * @param length of a piece
 * @returns pieces, each of which stays as it is until the second one after it is asked for; fewer bytes where the file
 *   ends before the part does
 */
export async function* readAhead(
  fd: number,
  part: { start: number; end: number },
  length: number,
): AsyncGenerator<Buffer> {
  const buffers = new Buffers(length);
  let at = part.start;
  const begin = async (): Promise<Buffer> => {
    const buffer = buffers.next();
    const { bytesRead } = await read(fd, buffer, 0, Math.min(length, part.end - at), at);
    at += bytesRead;
    return buffer.subarray(0, bytesRead);
  };
  let reading = begin();
  try {
    for (;;) {
      const piece = await reading;
      if (piece.length === 0) return;
      reading = begin();
      // Who takes the piece may fail before this is waited for.
      reading.catch(() => undefined);
      yield piece;
    }
  } finally {
    await reading.catch(() => undefined);
    fs.closeSync(fd);
  }
}
