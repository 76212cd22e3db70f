/** The progress of imports. */
import type { ImportOptions } from './options.js';

/** What is told of one source, or of one of its images. */
export interface SourceProgress {
  /** So many bytes will be read. Until this is called nobody knows. */
  expect(bytes: number): void;
  /** So many bytes have been read. */
  read(bytes: number): void;
}

/** Adds up the bytes that several imports read, and are going to read. */
export class Meter {
  readonly #done = new Map<string, number>();
  readonly #totals = new Map<string, number | undefined>();
  readonly #options: ImportOptions;
  readonly #what: string;

  /** @param sizes bytes of those sources that are files */
  constructor(sources: readonly string[], sizes: readonly (number | undefined)[], options: ImportOptions) {
    this.#options = options;
    this.#what = sources.length === 1 ? `importing ${sources[0]}` : `importing ${sources.length} sources`;
    for (const [i, source] of sources.entries()) this.#totals.set(source, sizes[i]);
  }

  /** @param part of a source that holds several images */
  of(part: string): SourceProgress | undefined {
    if (this.#options.onProgress === undefined) return undefined;
    if (!this.#totals.has(part)) this.#totals.set(part, undefined);
    return {
      expect: (bytes) => this.#totals.set(part, bytes),
      read: (bytes) => {
        this.#done.set(part, bytes);
        this.#tell();
      },
    };
  }

  /** No more will be read of this source. */
  end(source: string): void {
    this.#totals.set(source, this.#done.get(source) ?? 0);
  }

  #tell(): void {
    const sum = (all: Iterable<number | undefined>): number =>
      [...all].reduce<number>((total, each) => total + (each ?? 0), 0);
    const isKnown = [...this.#totals.values()].every((total) => total !== undefined);
    const done = sum(this.#done.values());
    const total = isKnown ? { total: Math.max(done, sum(this.#totals.values())) } : {};
    this.#options.onProgress?.({ what: this.#what, unit: 'bytes', done, ...total });
  }
}
