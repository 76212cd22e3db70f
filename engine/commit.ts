/**
 * Makes prepared imports visible: sync, place, sync, one transaction. Imports that become ready while another batch is being
 * committed go together in the next one, so that many small images share the waits for the disk.
 */
import * as fs from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { Absorber } from './absorb.js';
import type { StoreContext } from './context.js';
import { commitImages, keyOfBytes, stageDocument } from './documents.js';
import { documentOf, encodeImageDocument } from './image-document.js';
import type { Index } from './index/open.js';
import type { BlobRef, LayerRecord } from './index/records.js';
import { stagedArchive, stagedDocument, stagedNames, stagedObjects, stagedRecipe, stagedToc } from './layout.js';
import { eachOf } from './pool.js';
import type { Outcome, Prepared } from './prepared.js';
import { layerRecord, record, withTransports } from './record.js';

interface Waiting {
  prepared: Prepared;
  resolve: (outcome: Outcome) => void;
  reject: (error: unknown) => void;
}

/** A commit costs the disk about as much for ten images as for one, so a batch waits this long for more of them. */
const GATHER_MS = 200;
const LOOK_UP_MS = 10;

export class Committer {
  readonly #store: StoreContext;
  readonly #absorber: Pick<Absorber, 'busy'>;
  #waiting: Waiting[] = [];
  #running = false;

  constructor(store: StoreContext, absorber: Pick<Absorber, 'busy'>) {
    this.#store = store;
    this.#absorber = absorber;
  }

  /** Resolves when the image is durable. */
  add(prepared: Prepared): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ prepared, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      await this.#gather();
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const outcomes = await this.#commit(batch.map(({ prepared }) => prepared));
        for (const [i, { resolve, reject }] of batch.entries()) {
          const outcome = outcomes[i] as Outcome | Error;
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        }
      } catch (error) {
        // Some of it may have been placed already; its notes in staging tell the next gc what.
        this.#store.staging.abandon();
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running = false;
  }

  /** Only for company that is on its way: the image of a source that comes alone waits for nothing. */
  async #gather(): Promise<void> {
    const until = performance.now() + GATHER_MS;
    while (this.#absorber.busy && performance.now() < until) await setTimeout(LOOK_UP_MS);
  }

  async #commit(all: readonly Prepared[]): Promise<(Outcome | Error)[]> {
    const { pool, disk, layout, index } = this.#store;
    const staged = new Map(all.map((prepared) => [prepared, stageImageDocument(index, prepared)]));
    for (const { staging, absorbed } of all.flatMap((prepared) => prepared.layers)) {
      if (absorbed.kept !== undefined) fs.appendFileSync(stagedNames(staging), `\n${absorbed.kept.sha512}`);
    }
    const written = disk.sync();
    const refusals = new Map(all.map((prepared) => [prepared, refusalOf(prepared)]));
    await written;
    const batch = all.filter((prepared) => refusals.get(prepared) === undefined);
    const layers = batch.flatMap((prepared) => prepared.layers);
    const files = [
      ...layers.flatMap(({ staging, absorbed }): [string, string][] => [
        [stagedToc(staging), layout.blob(`sha512-${absorbed.toc.sha512}`)],
        [stagedRecipe(staging), layout.blob(`sha512-${absorbed.recipe.sha512}`)],
      ]),
      ...layers.flatMap(({ staging, absorbed: { kept } }): [string, string][] =>
        kept === undefined ? [] : [[stagedArchive(staging), layout.blob(`sha512-${kept.sha512}`)]],
      ),
      ...batch.flatMap((prepared): [string, string][] => {
        const document = staged.get(prepared);
        const keys = [...prepared.documents.keys(), ...(document === undefined ? [] : [document.key])];
        return keys.map((key) => [stagedDocument(prepared.staging, key), layout.blob(key)]);
      }),
    ];
    const newObjects = batch.filter((each) => each.layers.length > 0).map(({ staging }) => stagedObjects(staging));
    const shares = Array.from({ length: pool.size }, (_none, share) => share);
    await eachOf(shares, pool.size, (share) =>
      pool.run<'place'>({
        kind: 'place',
        newObjects,
        objects: layout.objects,
        files: share === 0 ? files : [],
        share,
        of: pool.size,
      }),
    );
    await disk.sync();
    return commitImages(this.#store, (writer) =>
      all.map((each) => refusals.get(each) ?? record(this.#store, writer, each, staged.get(each))),
    );
  }
}

function refusalOf({ check }: Prepared): Error | undefined {
  try {
    check?.();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/**
 * Stages the document of an image that is not here yet, so that it needs no sync of its own.
 * @returns `undefined` for one that is here, or whose layers are not all here
 */
function stageImageDocument(index: Index, { image, layers, staging }: Prepared): BlobRef | undefined {
  if (index.image(image.key) !== undefined) return undefined;
  const fresh = new Map(layers.map((layer) => [layer.key, layer]));
  const records: LayerRecord[] = [];
  for (const key of new Set(image.layers)) {
    const known = index.layer(key);
    const layer = fresh.get(key);
    if (layer !== undefined) records.push(withTransports(known ?? layerRecord(layer, image.format), layer.transports));
    else if (known !== undefined) records.push(known);
    else return undefined;
  }
  const bytes = encodeImageDocument(documentOf(image, records, 1));
  const key = keyOfBytes(bytes);
  stageDocument(staging, key, bytes);
  return { key, size: bytes.length };
}
