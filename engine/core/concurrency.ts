/** Doing several things side by side, so many at a time. */

/**
 * Runs `work` on each item, at most `width` at a time. After the first failure no further item is begun; it is thrown once all
 * that had begun have ended.
 * @param work may call `releaseSlot` before it has ended, so that the next item begins while it waits for something that they share
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

/** Lets so many in at a time, in order of arrival. */
export class Semaphore {
  #inside = 0;
  readonly #waiting: (() => void)[] = [];

  /** @returns what lets go of the place, to be called once */
  async acquire(width: number): Promise<() => void> {
    while (this.#inside >= width) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#inside++;
    return () => {
      this.#inside--;
      this.#waiting.shift()?.();
    };
  }
}
