/** Tells the name of an archive's first member from the archive's first bytes. */
import type { Limits } from '../../core/limits.js';
import { cleanPath } from '../../core/path.js';
import { entriesOnly } from './entries-only.js';
import { TarScanner } from './scan.js';

export class FirstMember {
  /** Cleaned, of the first member besides the root; empty until that member came. */
  name = '';
  readonly #scanner: TarScanner;

  constructor(limits: Limits) {
    const sink = entriesOnly(({ name }) => {
      if (this.name === '') this.name = cleanPath(name, limits);
    });
    this.#scanner = new TarScanner(sink, limits);
  }

  /** @throws CairnError as {@link TarScanner} does */
  push(bytes: Buffer): void {
    if (this.name === '') this.#scanner.push(bytes);
  }
}
