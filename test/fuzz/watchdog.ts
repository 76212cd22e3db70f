/**
 * Ends the process, and keeps the archive that was at hand, when one takes longer than it may or all together more memory. On a
 * thread of its own: a loop without end on this one would never let a timer fire.
 */
import { Worker } from 'node:worker_threads';

/** Shared with the thread. */
export interface Bench {
  /** Items begun; bytes of the archive at hand. */
  state: Int32Array;
  archive: Uint8Array;
  hangMs: number;
  maxRss: number;
}

const ROOM = 2 ** 22;

export class Watchdog {
  readonly #bench: Bench;
  readonly #thread: Worker;

  constructor({ hangMs, maxRss }: Pick<Bench, 'hangMs' | 'maxRss'>) {
    const state = new Int32Array(new SharedArrayBuffer(16));
    this.#bench = { state, archive: new Uint8Array(new SharedArrayBuffer(ROOM)), hangMs, maxRss };
    this.#thread = new Worker(new URL('./watchdog-thread.js', import.meta.url), { workerData: this.#bench });
    this.#thread.unref();
  }

  /** The next archive is under trial from here on. */
  watch(archive: Uint8Array): void {
    const { state, archive: kept } = this.#bench;
    const length = Math.min(archive.length, ROOM);
    kept.set(archive.subarray(0, length));
    Atomics.store(state, 1, length);
    Atomics.add(state, 0, 1);
  }

  async stop(): Promise<void> {
    await this.#thread.terminate();
  }
}
