/** Who is reading which layer: imports that go on at the same time read none twice. */
export class Claims {
  readonly #held = new Map<string, Promise<void>>();

  /**
   * Claims whatever nobody holds, all at once, so that no two can ever wait for one another.
   * @returns what to wait for before the rest can be relied on, and how to let go
   */
  take(names: Iterable<string>): { others: Promise<void>[]; release: () => void } {
    let end: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const others = new Set<Promise<void>>();
    const mine: string[] = [];
    for (const name of names) {
      const holder = this.#held.get(name);
      if (holder === ended) continue;
      if (holder !== undefined) others.add(holder);
      else {
        this.#held.set(name, ended);
        mine.push(name);
      }
    }
    const release = (): void => {
      for (const name of mine) this.#held.delete(name);
      end();
    };
    return { others: [...others], release };
  }
}
