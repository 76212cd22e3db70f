/** Runs work side by side, with a bound on how much at a time. */
import { throwIfAborted } from './errors.js';

/** Waits for all of them, also after one has failed. */
export async function allOf<T>(parts: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(parts);
  return Promise.all(parts);
}

/**
 * Runs `work` on each item, at most `width` at a time. After the first failure no further item is begun. The failure is
 * thrown once all begun items have ended.
 * @param work may call `releaseSlot` before it has ended: the next item then begins while this one waits for something
 *   that items share
 */
export async function eachOf<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T, index: number, releaseSlot: () => void) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const failures: unknown[] = [];
  const begun: Promise<void>[] = [];
  const attend = async (i: number, releaseSlot: () => void): Promise<void> => {
    try {
      results[i] = await work(items[i] as T, i, releaseSlot);
    } catch (error) {
      failures.push(error);
    }
  };
  const lane = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const i = next++;
      await new Promise<void>((releaseSlot) => begun.push(attend(i, releaseSlot).finally(releaseSlot)));
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(width, items.length)) }, lane));
  await Promise.all(begun);
  if (failures.length > 0) throw failures[0];
  return results;
}

/** Lets a limited number of callers in at a time, in order of arrival. */
export class Semaphore {
  #inside = 0;
  readonly #waiting = new Set<() => void>();

  /**
   * @param width the same for all callers
   * @returns a function that gives the place back, to be called once
   * @throws CairnError `ERR_ABORTED` to one who still waits by then
   */
  async acquire(width: number, signal?: AbortSignal): Promise<() => void> {
    throwIfAborted(signal);
    if (this.#inside < width) this.#inside++;
    else await this.#wait(signal);
    return () => this.#leave();
  }

  /** Waits for a place that is handed over. */
  async #wait(signal: AbortSignal | undefined): Promise<void> {
    let wake = (): void => {};
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.#waiting.add(wake);
    signal?.addEventListener('abort', wake);
    try {
      await woken;
    } finally {
      signal?.removeEventListener('abort', wake);
    }
    if (signal?.aborted !== true) return;
    // A place that was given meanwhile is the next one's.
    if (!this.#waiting.delete(wake)) this.#leave();
    throwIfAborted(signal);
  }

  /** The place goes to whoever waits longest, before a newcomer can take it. */
  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#inside--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
