/**
 * Makes prepared imports visible: sync, move into place, sync, one transaction. Then packs give back what turned out to
 * be there twice. Imports that become ready while a batch is being committed, or while others are being read, form the
 * next batch. So many small images share the waits for the disk.
 */
import * as fs from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { PackedLayer } from '../../workers/tasks/import.js';
import { commitImages, stageDocument } from '../content/document-writer.js';
import { documentOf, encodeImageDocument } from '../content/image-document.js';
import { isWorthKeeping, keepPlan, stagePlan } from '../content/plan-cache.js';
import { aborted, naming } from '../core/errors.js';
import { keyOfBytes } from '../core/key.js';
import { mapped } from '../core/mapped.js';
import { stagedNames, stagedPlan } from '../disk/layout.js';
import type { Index } from '../index/open.js';
import type { BlobRef, LayerRecord } from '../index/records.js';
import { treeIdOf } from '../plan/tree-hash.js';
import { packForWorkers } from '../resolve/plan-image.js';
import type { StoreContext } from '../session/context.js';
import { Shares } from './placement.js';
import type { NewLayer, Outcome, Prepared } from './prepared-image.js';
import type { LayerReader } from './read-layer.js';
import { layerRecord, record, withArchives } from './record-import.js';
import { punchDoubled } from './waste.js';

/** Whether an image may come in. */
type Verdict = { isIn: true } | { isIn: false; why: Error };

interface Waiting {
  prepared: Prepared;
  signal: AbortSignal | undefined;
  releaseSlot: () => void;
  /** Why the image must be refused; `none` once it has been found acceptable. */
  verdict?: Verdict;
  resolve: (outcome: Outcome) => void;
  reject: (error: unknown) => void;
}

/** A commit costs the disk about as much for ten images as for one, so a batch waits this long for more of them. */
const GATHER_MS = 200;
const LOOK_UP_MS = 10;

/**
 * Waiting imports take memory, and room on the disk even for contents that several of them bring. At these limits,
 * no further source is read.
 */
const MOST_WAITING = { images: 64, memory: 64 * 2 ** 20, content: 256 * 2 ** 20 };
/** Memory for an entry of a table of contents (340) and for an object's row (530). */
const ENTRY_BYTES = 870;

export class Committer {
  readonly #store: StoreContext;
  readonly #reader: Pick<LayerReader, 'busy'>;
  #waiting: Waiting[] = [];
  #running = false;

  constructor(store: StoreContext, reader: Pick<LayerReader, 'busy'>) {
    this.#store = store;
    this.#reader = reader;
  }

  /**
   * Resolves when the image is durable.
   * @param releaseSlot is called when another source may be read: at once, unless much is waiting
   * @throws CairnError `ERR_ABORTED` if the signal fires before the batch is moved into place; nothing of the import
   * has left staging then
   */
  add(prepared: Prepared, signal?: AbortSignal, releaseSlot: () => void = () => {}): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ prepared, signal, releaseSlot, resolve, reject });
      if (this.hasRoom) releaseSlot();
      if (!this.#running) void this.#run();
    });
  }

  /** Whether more imports may come to wait. */
  get hasRoom(): boolean {
    const layers = this.#waiting.flatMap(({ prepared }) => prepared.layers);
    const sum = (of: (layer: NewLayer) => number): number => layers.reduce((total, layer) => total + of(layer), 0);
    return (
      this.#waiting.length < MOST_WAITING.images &&
      sum(({ ingested }) => ingested.entries * ENTRY_BYTES) < MOST_WAITING.memory &&
      sum(({ ingested }) => ingested.contentBytes) < MOST_WAITING.content
    );
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      await this.#gather();
      await this.#commitBatch(this.#take());
    }
    this.#running = false;
  }

  /** Waits for imports that are being read. An image that comes alone waits for nothing. */
  async #gather(): Promise<void> {
    const until = performance.now() + GATHER_MS;
    while (this.#reader.busy && this.hasRoom && performance.now() < until) await setTimeout(LOOK_UP_MS);
  }

  #take(): Waiting[] {
    const all = this.#waiting;
    this.#waiting = [];
    for (const { releaseSlot } of all) releaseSlot();
    return all.filter(({ signal, reject }) => {
      if (signal?.aborted !== true) return true;
      reject(aborted(signal.reason));
      return false;
    });
  }

  /** Commits a batch. If it fails because of one image, each image is tried by itself. */
  async #commitBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.#commit(batch);
      for (const [i, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[i] as Outcome | Error;
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      }
    } catch (error) {
      if (error instanceof BatchItemError && batch.length > 1) for (const one of batch) await this.#commitBatch([one]);
      else for (const { reject } of batch) reject(error instanceof BatchItemError ? error.cause : error);
    }
  }

  async #commit(waiting: readonly Waiting[]): Promise<(Outcome | Error)[]> {
    if (waiting.length === 0) return [];
    const { disk, index } = this.#store;
    const all = waiting.map(({ prepared }) => prepared);
    const staged = new Map(all.map((prepared) => [prepared, stageImageDocument(index, prepared)]));
    for (const { staging, ingested } of all.flatMap((prepared) => prepared.layers)) {
      const { kept } = ingested;
      const note = stagedNames(staging);
      if (kept !== undefined) naming(note, () => fs.appendFileSync(note, `\n${kept.sha512}`));
    }
    const written = disk.sync();
    for (const one of waiting) one.verdict ??= this.#judge(one.prepared);
    await written;
    for (const one of waiting) if (one.signal?.aborted) one.verdict = { isIn: false, why: aborted(one.signal.reason) };
    const batch = waiting.filter(({ verdict }) => verdict?.isIn === true).map(({ prepared }) => prepared);
    try {
      await this.#place(batch, staged).catch(failBatchItem);
      await disk.sync();
      const rows = batch.flatMap(({ layers }) => layers).reduce((sum, { objects }) => sum + objects.length, 0);
      const outcomes = await commitImages(
        this.#store,
        (writer) =>
          waiting.map(({ prepared, verdict }) => {
            if (verdict?.isIn === false) return verdict.why;
            return recordOne(() => record(this.#store, writer, prepared, staged.get(prepared)));
          }),
        (work) => index.commit(work, rows),
      );
      for (const [i, { prepared }] of waiting.entries()) {
        const outcome = outcomes[i];
        const isListed = outcome !== 'lost' && !(outcome instanceof Error);
        if (isListed) keepPlan(this.#store, prepared.image.key, stagedPlan(prepared.staging));
      }
      await punchDoubled(this.#store, packedIn(batch));
      return outcomes;
    } catch (error) {
      // Some files may be in place already. The notes in staging tell the next gc which.
      for (const { staging } of batch) this.#store.staging.abandon(staging);
      throw error;
    }
  }

  /** Called once per import: when a batch is tried again, the files to read may have left staging. */
  #judge({ plan, onPlan, image, staging }: Prepared): Verdict {
    try {
      const planned = plan?.();
      if (planned === undefined) return { isIn: true };
      if (onPlan !== undefined) onPlan(planned);
      // What lies in packs is mounted as a rule. Whoever renders it otherwise keeps the plan then.
      else if (this.#store.lanes === undefined && isWorthKeeping(this.#store, planned.entries.length)) {
        const packed = packForWorkers(this.#store, planned);
        stagePlan(packed, treeIdOf(image.layers.toReversed()), stagedPlan(staging));
      }
      return { isIn: true };
    } catch (error) {
      return { isIn: false, why: error as Error };
    }
  }

  async #place(batch: readonly Prepared[], staged: ReadonlyMap<Prepared, BlobRef | undefined>): Promise<void> {
    const { pool } = this.#store;
    const shares = new Shares(this.#store, pool.size);
    for (const prepared of batch) shares.add(prepared, staged.get(prepared));
    await pool.map(
      'place',
      mapped(shares.all, (moves) => ({ moves })),
    );
  }
}

function packedIn(batch: readonly Prepared[]): PackedLayer[] {
  return batch.flatMap(({ layers }) => layers.flatMap(({ ingested: { packed } }) => packed ?? []));
}

/** An error that may concern only one image of a batch. */
class BatchItemError extends Error {}

function failBatchItem(cause: unknown): never {
  throw new BatchItemError('one of a batch', { cause });
}

function recordOne<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    return failBatchItem(error);
  }
}

/**
 * Stages the document of an image that is not here yet, so that the document shares the sync of its batch.
 * @returns `undefined` for an image that is here, or lacks layers
 */
function stageImageDocument(index: Index, { image, layers, staging }: Prepared): BlobRef | undefined {
  if (index.image(image.key) !== undefined) return undefined;
  const newLayers = new Map(layers.map((layer) => [layer.key, layer]));
  const records: LayerRecord[] = [];
  for (const key of new Set(image.layers)) {
    const known = index.layer(key);
    const layer = newLayers.get(key);
    if (layer !== undefined)
      records.push(withArchives(known ?? layerRecord(layer, image.format), layer.archiveDigests));
    else if (known !== undefined) records.push(known);
    else return undefined;
  }
  const bytes = encodeImageDocument(documentOf(image, records, 1));
  const key = keyOfBytes(bytes);
  stageDocument(staging, key, bytes);
  return { key, size: bytes.length };
}
