/**
 * Keeps tables of contents that a check needs twice: to look for the objects of a layer, and to plan a tree. An entry
 * takes some 340 bytes. So tables are kept while they are small, and others are read again.
 */
import { readToc } from '../content/read-blob.js';
import { isCairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import type { StoreContext } from '../session/context.js';

type Toc = ReturnType<typeof readToc>;

/** Entries of all kept tables, some 70 MB. */
const MOST_ENTRIES = 200_000;

export class TocMemory {
  readonly #store: StoreContext;
  readonly #kept = new Map<Key, Toc>();
  #entries = 0;

  constructor(store: StoreContext) {
    this.#store = store;
  }

  /** @throws CairnError `ERR_DAMAGED` */
  read(layer: Key): Toc {
    const known = this.#kept.get(layer);
    if (known !== undefined) return known;
    const toc = readToc(this.#store, layer);
    if (this.#entries + toc.length > MOST_ENTRIES) return toc;
    this.#kept.set(layer, toc);
    this.#entries += toc.length;
    return toc;
  }

  /** @returns `undefined` for a table that is damaged, or gone */
  get(layer: Key): Toc | undefined {
    try {
      return this.read(layer);
    } catch (error) {
      if (isCairnError(error, 'ERR_DAMAGED')) return undefined;
      throw error;
    }
  }

  clear(): void {
    this.#kept.clear();
    this.#entries = 0;
  }
}
