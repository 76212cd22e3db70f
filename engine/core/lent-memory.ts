/**
 * Memory that is lent to one task after another on a thread: to touch fresh memory for the first time is expensive on a
 * virtual machine.
 */

/** Bytes of each piece. */
export const LENT_BYTES = 2 ** 20;
/** More pieces than these are let go. A thread that ingests a layer by itself uses as many. */
const MOST_FREE = 4;

const free: Buffer[] = [];

/** A piece that nobody else has, with whatever the last one left in it. Whoever borrows gives back once. */
export function borrowMemory(): Buffer {
  return free.pop() ?? Buffer.allocUnsafeSlow(LENT_BYTES);
}

export function giveBack(piece: Buffer): void {
  if (free.length < MOST_FREE) free.push(piece);
}

/** The pieces that one task has borrowed. */
export class Loan {
  readonly #pieces: Buffer[] = [];

  borrow(): Buffer {
    const piece = borrowMemory();
    this.#pieces.push(piece);
    return piece;
  }

  end(): void {
    for (const piece of this.#pieces.splice(0)) giveBack(piece);
  }
}
