/** Makes the index's rows of a layer's objects ready, most of them while threads still read the layer. */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { LayerResult, PackedLayer } from '../../workers/tasks/import.js';
import { objectsInRows } from '../content/packed-objects.js';
import { inOrder, makeReady, type NewObject, newObjects } from '../index/objects.js';
import type { Index } from '../index/open.js';

export class LayerRows {
  #own: MessagePort | undefined;
  readonly #index: Index;
  readonly #pack: number | undefined;
  readonly #ready: Promise<NewObject[]>[] = [];

  /** @param pack that new objects go to, in a store that has packs */
  constructor(index: Index, pack: number | undefined) {
    this.#index = index;
    this.#pack = pack;
  }

  /** @returns a port for a thread that fills the pack and tells of rows ahead of its end; to be called once */
  open(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    port1.on('message', (rows: PackedLayer['rows']) => this.#take(rows));
    // Whoever waits for the layer waits for its threads.
    port1.unref();
    this.#own = port1;
    return port2;
  }

  /** @returns all objects of the layer, in the order in which the index takes them best */
  async finish({ objects, sizes, skipped, packed }: LayerResult): Promise<NewObject[]> {
    for (let next = this.#next(); next !== undefined; next = this.#next()) this.#take(next);
    if (packed !== undefined) this.#take(packed.rows);
    const names = objects === '' ? [] : objects.split('\n');
    this.#ready.push(makeReady(this.#index, newObjects(names, { sizes, skipped })));
    return inOrder((await Promise.all(this.#ready)).flat());
  }

  close(): void {
    this.#own?.close();
  }

  /** Rows that have come and were not taken so far. */
  #next(): PackedLayer['rows'] | undefined {
    if (this.#own === undefined) return undefined;
    return receiveMessageOnPort(this.#own)?.message as PackedLayer['rows'] | undefined;
  }

  #take(rows: PackedLayer['rows']): void {
    if (this.#pack === undefined || rows.length === 0) return;
    const ready = makeReady(this.#index, objectsInRows({ pack: this.#pack, rows }));
    // Whoever finishes the layer hears of a failure; a layer that is given up has another reason.
    ready.catch(() => {});
    this.#ready.push(ready);
  }
}
