/** Cuts work into tasks: large enough to be worth sending, small enough to share out evenly. */
const ENOUGH: Enough = { bytes: 64 * 2 ** 20, items: 2000 };

/** What is enough for a task. */
export interface Enough {
  bytes: number;
  items: number;
}

/** Collects items one by one until they are enough for a task. */
export class Batch<T> {
  readonly #enough: Enough;
  #items: T[] = [];
  #bytes = 0;

  constructor(enough: Enough = ENOUGH) {
    this.#enough = enough;
  }

  /** @returns the items collected, once they are enough; then the next batch begins */
  add(item: T, bytes: number): T[] | undefined {
    this.#items.push(item);
    this.#bytes += bytes;
    return this.#bytes < this.#enough.bytes && this.#items.length < this.#enough.items ? undefined : this.rest();
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
