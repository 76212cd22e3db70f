/** A queue that gives back what has the least key, and of equal keys what came first. */

interface Entry<T> {
  key: number;
  order: number;
  value: T;
}

export class Heap<T> {
  #entries: Entry<T>[] = [];
  #pushed = 0;

  get least(): Entry<T> | undefined {
    return this.#entries[0];
  }

  clear(): void {
    this.#entries = [];
  }

  push(key: number, value: T): void {
    const entries = this.#entries;
    const entry = { key, order: this.#pushed++, value };
    let at = entries.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(entry, entries[above] as Entry<T>)) break;
      entries[at] = entries[above] as Entry<T>;
      at = above;
    }
    entries[at] = entry;
  }

  pop(): T | undefined {
    const entries = this.#entries;
    const least = entries[0];
    const last = entries.pop();
    if (least === undefined || last === undefined || entries.length === 0) return least?.value;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= entries.length) break;
      if (below + 1 < entries.length && isBefore(entries[below + 1] as Entry<T>, entries[below] as Entry<T>)) below++;
      if (!isBefore(entries[below] as Entry<T>, last)) break;
      entries[at] = entries[below] as Entry<T>;
      at = below;
    }
    entries[at] = last;
    return least.value;
  }
}

function isBefore<T>(a: Entry<T>, b: Entry<T>): boolean {
  return a.key < b.key || (a.key === b.key && a.order < b.order);
}
