/** Which holes can be punched where parts of a file are dead. Pure. */
import { BLOCK, roundDown, roundUp } from '../../core/extent.js';
import type { DeadPart } from './unused-parts.js';

export interface Punching {
  /** Whole blocks, all of them dead. */
  holes: DeadPart[];
  /** Ragged ends, too small for a block of their own until their neighbours die, too. */
  rest: DeadPart[];
}

/** @param dead in rising order, not overlapping */
export function holesIn(dead: Iterable<DeadPart>): Punching {
  const punching: Punching = { holes: [], rest: [] };
  for (const part of merged(dead)) {
    const end = part.offset + part.length;
    const from = roundUp(part.offset, BLOCK);
    const to = roundDown(end, BLOCK);
    if (from >= to) {
      punching.rest.push(part);
      continue;
    }
    punching.holes.push({ offset: from, length: to - from });
    if (part.offset < from) punching.rest.push({ offset: part.offset, length: from - part.offset });
    if (to < end) punching.rest.push({ offset: to, length: end - to });
  }
  return punching;
}

/** Parts that touch become one. */
function* merged(dead: Iterable<DeadPart>): Generator<DeadPart> {
  let open: DeadPart | undefined;
  for (const { offset, length } of dead) {
    if (open !== undefined && open.offset + open.length === offset) {
      open = { offset: open.offset, length: open.length + length };
      continue;
    }
    if (open !== undefined) yield open;
    open = { offset, length };
  }
  if (open !== undefined) yield open;
}
