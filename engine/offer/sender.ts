/** Gets the bytes of blobs and tars on their way: from where they are kept, or made anew and ready to be sent again. */
import * as fs from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { asDamage } from '../core/damage.js';
import { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { exportLayer } from '../export/layer-bytes.js';
import { exportEntries } from '../export/plan-bytes.js';
import type { LayerStack } from '../resolve/layer-stack.js';
import { planOf } from '../resolve/plan-image.js';
import type { StoreContext } from '../session/context.js';
import type { Work } from '../session/work.js';
import { type ByteRange, streamOf } from './offered-blob.js';
import type { BlobSource } from './offered-image.js';
import { type Made, type Recipe, Spool } from './spool.js';

export class Sender {
  readonly #contextOf: () => StoreContext;
  readonly #spool: Spool;
  readonly #stopped = new AbortController();

  /** @param contextOf gives the store as long as it is open */
  constructor(contextOf: () => StoreContext) {
    this.#contextOf = contextOf;
    const { staging, pool } = contextOf();
    this.#spool = new Spool(() => staging.make(), pool.size);
  }

  /** Bytes of what was made anew and lies ready. */
  get madeBytes(): number {
    return this.#spool.bytes;
  }

  async send(digest: string, source: BlobSource, range: ByteRange | undefined): Promise<Readable> {
    if (source.kind === 'kept') return this.#sendKept(digest, source, range);
    if (source.kind === 'layer') return this.#sendMade(this.#layerRecipe(source), range);
    const { start, end } = range ?? { start: 0, end: source.size };
    return Readable.from([source.bytes.subarray(start, end)]);
  }

  /** The sha256 of a layer's tar, which is made for it. @throws CairnError `ERR_DAMAGED` */
  async digestOfLayer(key: Key, size: number): Promise<string> {
    const { digest } = await this.#spool.make(this.#layerRecipe({ key, size }));
    return digest as string;
  }

  /** Makes the tar of a tree. @returns its size, and how to send it */
  async tree(stack: LayerStack): Promise<{ size: number; open: (range?: ByteRange) => Promise<Readable> }> {
    const make = (path: string): Promise<Made> =>
      this.#making((store, work) =>
        exportEntries(store, planOf(store, stack).entries, { work, output: { path }, compress: 'none' }),
      );
    const recipe = { name: `tree ${stack.treeId}`, size: 0, make };
    const { size } = await this.#spool.make(recipe);
    return { size, open: (range) => this.#sendMade(recipe, range) };
  }

  /** The lock is held while the file is opened only: gc may take its name, but not what an open descriptor reads. */
  async #sendKept(digest: string, { key, size }: { key: Key; size: number }, range: ByteRange | undefined) {
    const store = this.#contextOf();
    const path = store.layout.blob(key);
    const file = await store.uses.during(this.#stopped.signal, async () => {
      try {
        return await open(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
      } catch (cause) {
        throw asDamage(cause, 'a blob', path, '"cairn fsck --repair" tells what must be imported again');
      }
    });
    const found = (await file.stat()).size;
    if (found === size) return streamOf({ file, size, range, digest });
    await file.close();
    throw new CairnError('ERR_DAMAGED', 'a blob does not have the size that the index says', { path });
  }

  async #sendMade(recipe: Recipe, range: ByteRange | undefined): Promise<Readable> {
    const { file, size, closed } = await this.#spool.open(recipe);
    return streamOf({ file, size, range, closed });
  }

  #layerRecipe({ key, size }: { key: Key; size: number }): Recipe {
    const make = (path: string): Promise<Made> =>
      this.#making(async (store, work) => {
        const to = { work, output: { path }, compress: 'none', digests: true } as const;
        const made = await exportLayer(store, key, to);
        return { size: made.size, digest: `sha256:${made.diffId}` };
      });
    return { name: `layer ${key}`, size, make };
  }

  #making(make: (store: StoreContext, work: Work) => Promise<Made>): Promise<Made> {
    const store = this.#contextOf();
    const { signal } = this.#stopped;
    return store.uses.during(signal, () => store.pool.during({ signal }, (work) => make(store, work)));
  }

  /** Gives up what is being made. What is being sent is sent. */
  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#spool.close();
  }
}
