/** Notes which import is reading which layer, so that concurrent imports read no layer twice. */
export class Claims {
  readonly #held = new Map<string, Promise<void>>();

  /**
   * Claims all free names at once, so that no two claims can ever wait for one another.
   * @returns promises to wait for before the other names can be relied on, and a function that ends the claim
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
