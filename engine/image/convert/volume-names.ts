/** Names of volumes that have none of their own, made of the paths where they appear. */

/** Names that differ from one another. Paths that make the same name get numbers, in the order in which they come. */
export class VolumeNames {
  readonly #taken = new Set<string>();
  readonly #next = new Map<string, number>();

  /** An AC Name. */
  next(path: string): string {
    const base = `volume-${path}`
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/-$/, '');
    let name = base;
    for (let number = this.#next.get(base) ?? 1; this.#taken.has(name); number++) {
      name = `${base}-${number}`;
      this.#next.set(base, number + 1);
    }
    this.#taken.add(name);
    return name;
  }
}
