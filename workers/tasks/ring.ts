/**
 * A stream of bytes from one thread to others through shared memory: a fixed number of slots, filled and emptied by
 * turns. The writer waits while all slots are full for any reader, a reader while all are empty. Readers get the bytes
 * in place, not a copy.
 */
import { aborted } from '../../engine/core/errors.js';

/** The threads share this memory; it is not copied. */
export interface RingMemory {
  slots: SharedArrayBuffer;
  /** Filled, state, the number of readers; what each of them has emptied; the length of each slot. */
  marks: Int32Array;
}

/** Few slots, so that little memory is touched. Large ones, since each wakes the waiting thread. */
const SLOTS = 8;
export const SLOT_BYTES = 2 ** 20;
const FILLED = 0;
const STATE = 1;
const READERS = 2;
const EMPTIED = 3;
const MOST_READERS = 2;
const LENGTHS = EMPTIED + MOST_READERS;

const OPEN = 0;
const ENDED = 1;
/** A thread failed or was cancelled. The threads at the ring stop, with no error of their own. */
const BROKEN = 2;

/** Ending and breaking wake a sleeping thread. A thread that is just falling asleep looks up after this time. */
const LOOK_UP_MS = 50;

/** Memory of WebAssembly begins at a page, as other shared memory does not: past the page cache only whole pages go. */
const PAGE_BYTES = 65_536;
/** Missing in the types of Node. */
const { WebAssembly: wasm } = globalThis as unknown as {
  WebAssembly: {
    Memory: new (size: { initial: number; maximum: number; shared: true }) => { buffer: SharedArrayBuffer };
  };
};

/** @param readers each of which gets all bytes */
export function makeRing(readers = 1): RingMemory {
  const pages = (SLOTS * SLOT_BYTES) / PAGE_BYTES;
  const slots = new wasm.Memory({ initial: pages, maximum: pages, shared: true }).buffer;
  return renewRing({ slots, marks: new Int32Array(new SharedArrayBuffer(4 * (LENGTHS + SLOTS))) }, readers);
}

/** Makes a ring of one that no thread uses any more. Its memory was touched before, which is slow the first time. */
export function renewRing({ slots, marks }: RingMemory, readers = 1): RingMemory {
  marks.fill(0);
  marks[READERS] = Math.min(readers, MOST_READERS);
  return { slots, marks };
}

/** Wakes and stops both sides. */
export function breakRing({ marks }: RingMemory): void {
  Atomics.store(marks, STATE, BROKEN);
  Atomics.notify(marks, FILLED);
  for (let reader = 0; reader < MOST_READERS; reader++) Atomics.notify(marks, EMPTIED + reader);
}

export class RingWriter {
  readonly #ring: RingMemory;
  readonly #bytes: Buffer;

  constructor(ring: RingMemory) {
    this.#ring = ring;
    this.#bytes = Buffer.from(ring.slots);
  }

  /** Hands on bytes; those that fill the beginning of {@link room} are not copied. @throws CairnError `ERR_ABORTED` */
  write(chunk: Buffer): void {
    if (chunk.buffer === this.#ring.slots) {
      this.send(chunk.length);
      return;
    }
    for (let from = 0; from < chunk.length; from += SLOT_BYTES) {
      const length = chunk.copy(this.room(), 0, from);
      this.send(length);
    }
  }

  /** The next slot, to be filled in place. @throws CairnError `ERR_ABORTED` once the ring is broken */
  room(): Buffer {
    const { marks } = this.#ring;
    const filled = Atomics.load(marks, FILLED);
    for (let reader = 0; reader < (marks[READERS] as number); ) {
      if (Atomics.load(marks, STATE) === BROKEN) throw aborted();
      const emptied = Atomics.load(marks, EMPTIED + reader);
      if (filled - emptied < SLOTS) reader++;
      else Atomics.wait(marks, EMPTIED + reader, emptied, LOOK_UP_MS);
    }
    const slot = filled % SLOTS;
    return this.#bytes.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES);
  }

  /** Hands over the slot that {@link room} gave. @param length bytes of the slot that were filled */
  send(length: number): void {
    const { marks } = this.#ring;
    const filled = Atomics.load(marks, FILLED);
    marks[LENGTHS + (filled % SLOTS)] = length;
    Atomics.store(marks, FILLED, filled + 1);
    Atomics.notify(marks, FILLED);
  }

  end(): void {
    const { marks } = this.#ring;
    Atomics.compareExchange(marks, STATE, OPEN, ENDED);
    Atomics.notify(marks, FILLED);
  }
}

/**
 * Each slot is valid until the next is asked for.
 * @param reader which of the ring's readers this is, counted from 0
 * @throws CairnError `ERR_ABORTED` once the ring is broken
 */
export function* readRing({ slots, marks }: RingMemory, reader = 0): Generator<Buffer> {
  const bytes = Buffer.from(slots);
  for (let taken = 0; ; taken++) {
    for (;;) {
      const filled = Atomics.load(marks, FILLED);
      if (Atomics.load(marks, STATE) === BROKEN) throw aborted();
      if (filled > taken) break;
      if (Atomics.load(marks, STATE) === ENDED && Atomics.load(marks, FILLED) === taken) return;
      Atomics.wait(marks, FILLED, filled, LOOK_UP_MS);
    }
    const slot = taken % SLOTS;
    yield bytes.subarray(slot * SLOT_BYTES, slot * SLOT_BYTES + (marks[LENGTHS + slot] as number));
    Atomics.store(marks, EMPTIED + reader, taken + 1);
    Atomics.notify(marks, EMPTIED + reader);
  }
}
