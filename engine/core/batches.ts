/** Cuts work into tasks: large enough to be worth sending, small enough to share out evenly. */
const BATCH_BYTES = 64 * 2 ** 20;
const BATCH_ITEMS = 2000;

/** Collects items one by one until they are enough for a task. */
export class Batch<T> {
  #items: T[] = [];
  #bytes = 0;

  /** @returns the items collected, once they are enough; then the next batch begins */
  add(item: T, bytes: number): T[] | undefined {
    this.#items.push(item);
    this.#bytes += bytes;
    return this.#bytes < BATCH_BYTES && this.#items.length < BATCH_ITEMS ? undefined : this.rest();
  }

  rest(): T[] {
    const items = this.#items;
    this.#items = [];
    this.#bytes = 0;
    return items;
  }
}

/** Cuts a list into runs of bounded bytes and length. */
export function batches<T>(items: Iterable<T>, bytesOf: (item: T) => number): T[][] {
  const cut: T[][] = [];
  const batch = new Batch<T>();
  for (const item of items) {
    const full = batch.add(item, bytesOf(item));
    if (full !== undefined) cut.push(full);
  }
  const rest = batch.rest();
  return rest.length > 0 ? [...cut, rest] : cut;
}
