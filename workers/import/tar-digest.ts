/** The digests of a layer's uncompressed tar. */
import { createHash } from 'node:crypto';
import type { TarDigests } from '../tasks/import.js';

export class TarDigest {
  readonly #sha512 = createHash('sha512');
  readonly #sha256: ReturnType<typeof createHash> | undefined;

  /** @param diffId whether sha256 is asked for, too */
  constructor({ diffId }: { diffId?: boolean }) {
    this.#sha256 = diffId === true ? createHash('sha256') : undefined;
  }

  update(chunk: Buffer): void {
    this.#sha512.update(chunk);
    this.#sha256?.update(chunk);
  }

  finish(): TarDigests {
    const sha512 = this.#sha512.digest('hex');
    return this.#sha256 === undefined ? { sha512 } : { sha512, diffId: this.#sha256.digest('hex') };
  }
}
