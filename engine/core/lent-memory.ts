/**
 * Memory that is lent to one task after another on a thread: to touch fresh memory for the first time is expensive on a
 * virtual machine.
 */

/** Bytes of each piece. */
export const LENT_BYTES = 2 ** 20;
/** More pieces than these are let go. */
const MOST_FREE = 2;

const free: Buffer[] = [];

/** A piece that nobody else has, with whatever the last one left in it. Whoever borrows gives back once. */
export function borrowMemory(): Buffer {
  return free.pop() ?? Buffer.allocUnsafeSlow(LENT_BYTES);
}

export function giveBack(piece: Buffer): void {
  if (free.length < MOST_FREE) free.push(piece);
}
