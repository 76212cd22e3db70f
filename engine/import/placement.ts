/** Lists the files that an import has staged, and the place of each. */
import { hexOf, type Key, keyOfHex } from '../core/key.js';
import { type Layout, stagedArchive, stagedDocument, stagedObjects, stagedRecipe, stagedToc } from '../disk/layout.js';
import type { BlobRef } from '../index/records.js';
import type { ObjectHome } from '../objects/home.js';
import type { StoreContext } from '../session/context.js';
import type { Prepared } from './prepared-image.js';

/** `[from, to]` pairs. */
export type Moves = [string, string][];

/** One thread has moved fewer by the time that another one has started. */
const LEAST_SHARED = 1024;

/**
 * Collects moves in shares. Each shard of a directory is in one share only, because workers that rename files in the
 * same directory wait for one another.
 */
export class Shares {
  readonly #shares: Moves[];
  readonly #layout: Layout;
  readonly #objects: ObjectHome;

  constructor({ layout, objects }: Pick<StoreContext, 'layout' | 'objects'>, count: number) {
    this.#layout = layout;
    this.#objects = objects;
    this.#shares = Array.from({ length: count }, () => []);
  }

  get all(): readonly Moves[] {
    const count = this.#shares.reduce((sum, { length }) => sum + length, 0);
    const shares = count < LEAST_SHARED ? [this.#shares.flat()] : this.#shares;
    return shares.filter((moves) => moves.length > 0);
  }

  /** @param document the image's own, if one was staged */
  add({ staging, documents, layers }: Prepared, document: BlobRef | undefined): void {
    for (const { staging: dir, ingested } of layers) {
      this.#addBlob(stagedToc(dir), keyOfHex(ingested.toc.sha512));
      this.#addBlob(stagedRecipe(dir), keyOfHex(ingested.recipe.sha512));
      if (ingested.kept !== undefined) this.#addBlob(stagedArchive(dir), keyOfHex(ingested.kept.sha512));
    }
    for (const key of documents.keys()) this.#addBlob(stagedDocument(staging, key), key);
    if (document !== undefined) this.#addBlob(stagedDocument(staging, document.key), document.key);
    if (layers.length > 0) this.#addObjects(stagedObjects(staging));
  }

  #addBlob(from: string, key: Key): void {
    this.#shareOf(hexOf(key)).push([from, this.#layout.blob(key)]);
  }

  #addObjects(dir: string): void {
    for (const { prefix, from, to } of this.#objects.movesFrom(dir)) this.#shareOf(prefix).push([from, to]);
  }

  #shareOf(hex: string): Moves {
    return this.#shares[Number.parseInt(hex.slice(0, 2), 16) % this.#shares.length] as Moves;
  }
}
