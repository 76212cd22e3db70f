/**
 * A file that the main thread still writes while a worker reads it, such as a layer that is being fetched. Shared
 * memory says how far it is.
 */
import { aborted } from '../../engine/core/errors.js';

/** The threads share this memory; it is not copied. */
export interface Growth {
  /** Bytes that are there to be read, and the state. */
  marks: BigInt64Array;
}

const LENGTH = 0;
const STATE = 1;

const GROWING = 0n;
const ENDED = 1n;
/** The rest will not come. The reader stops, with no error of its own. */
const BROKEN = 2n;

/** A reader that is just falling asleep looks up after this time. */
const LOOK_UP_MS = 50;

export function makeGrowth(): Growth {
  return { marks: new BigInt64Array(new SharedArrayBuffer(16)) };
}

/** @param length bytes of the file that are there by now; never fewer than before */
export function grow({ marks }: Growth, length: number): void {
  Atomics.store(marks, LENGTH, BigInt(length));
  Atomics.notify(marks, LENGTH);
}

export function endGrowth({ marks }: Growth): void {
  Atomics.compareExchange(marks, STATE, GROWING, ENDED);
  Atomics.notify(marks, LENGTH);
}

export function breakGrowth({ marks }: Growth): void {
  Atomics.compareExchange(marks, STATE, GROWING, BROKEN);
  Atomics.notify(marks, LENGTH);
}

/**
 * Waits until there are more bytes than a reader has.
 * @param mayGoOn throws when it is time to stop
 * @returns bytes that are there; as many as the reader has, at the end
 * @throws CairnError `ERR_ABORTED` when the rest will not come
 */
export function waitForGrowth({ marks }: Growth, have: number, mayGoOn: () => void): number {
  for (;;) {
    mayGoOn();
    const state = Atomics.load(marks, STATE);
    const length = Atomics.load(marks, LENGTH);
    if (state === BROKEN) throw aborted();
    if (Number(length) > have || state === ENDED) return Number(length);
    Atomics.wait(marks, LENGTH, length, LOOK_UP_MS);
  }
}
