/** The progress of imports. */
import type { ImportOptions } from './options.js';

/** Adds up the bytes that several imports have read. */
export class Meter {
  readonly #done = new Map<string, number>();
  readonly #options: ImportOptions;
  readonly #what: string;

  constructor(sources: readonly string[], options: ImportOptions) {
    this.#options = options;
    this.#what = sources.length === 1 ? `importing ${sources[0]}` : `importing ${sources.length} images`;
  }

  of(source: string): ((bytes: number) => void) | undefined {
    const { onProgress } = this.#options;
    if (onProgress === undefined) return undefined;
    return (bytes) => {
      this.#done.set(source, bytes);
      let done = 0;
      for (const each of this.#done.values()) done += each;
      onProgress({ what: this.#what, unit: 'bytes', done });
    };
  }

  skip(source: string): void {
    this.#done.delete(source);
  }
}
