/** What an import has staged, and where each piece of it belongs. */
import * as fs from 'node:fs';
import { hexOf, type Key, keyOfHex } from '../core/key.js';
import {
  type Layout,
  shardedPath,
  stagedArchive,
  stagedDocument,
  stagedObjects,
  stagedRecipe,
  stagedToc,
} from '../disk/layout.js';
import type { BlobRef } from '../index/records.js';
import type { Prepared } from './prepared-image.js';

/** `[from, to]` pairs. */
export type Moves = [string, string][];

/** Collects moves in shares. Each shard of a directory is in one share only: workers that rename in the same one wait for one another. */
export class Shares {
  readonly #shares: Moves[];
  readonly #layout: Layout;

  constructor(layout: Layout, count: number) {
    this.#layout = layout;
    this.#shares = Array.from({ length: count }, () => []);
  }

  get all(): readonly Moves[] {
    return this.#shares.filter((moves) => moves.length > 0);
  }

  /** @param document of the image itself, if one was staged */
  add({ staging, documents, layers }: Prepared, document: BlobRef | undefined): void {
    for (const { staging: dir, absorbed } of layers) {
      this.#addBlob(stagedToc(dir), keyOfHex(absorbed.toc.sha512));
      this.#addBlob(stagedRecipe(dir), keyOfHex(absorbed.recipe.sha512));
      if (absorbed.kept !== undefined) this.#addBlob(stagedArchive(dir), keyOfHex(absorbed.kept.sha512));
    }
    for (const key of documents.keys()) this.#addBlob(stagedDocument(staging, key), key);
    if (document !== undefined) this.#addBlob(stagedDocument(staging, document.key), document.key);
    if (layers.length > 0) this.#addObjects(stagedObjects(staging));
  }

  #addBlob(from: string, key: Key): void {
    this.#shareOf(hexOf(key)).push([from, this.#layout.blob(key)]);
  }

  /** Objects lie there in shards, or by themselves where there are few. */
  #addObjects(dir: string): void {
    const { objects } = this.#layout;
    for (const name of fs.readdirSync(dir)) {
      const isShard = name.length === 2;
      this.#shareOf(name).push([`${dir}/${name}`, isShard ? `${objects}/${name}` : shardedPath(objects, name)]);
    }
  }

  #shareOf(hex: string): Moves {
    return this.#shares[Number.parseInt(hex.slice(0, 2), 16) % this.#shares.length] as Moves;
  }
}
