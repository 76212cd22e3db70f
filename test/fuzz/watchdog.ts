/**
 * Ends the process when an archive takes too long, or the process too much memory, and keeps the archive. It works on a
 * thread of its own: an endless loop on the main thread lets no timer fire.
 */
import { Worker } from 'node:worker_threads';

/** Memory shared with the thread, and the thread's limits. */
export interface Bench {
  /** The number of archives begun, and the length of the present one. */
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

  /** Tells the thread of the next archive. Its time begins now. */
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
