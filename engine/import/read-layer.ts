/**
 * Ingests a layer from its source to staging, on one worker or on several that share it. The disk is set to work
 * meanwhile.
 */
import type { MessagePort } from 'node:worker_threads';
import type { ImageFormat, IngestResult, Lane } from '../../workers/tasks/import.js';
import type { Source } from '../../workers/tasks/parts.js';
import { breakRing, makeRing, type RingMemory, renewRing } from '../../workers/tasks/ring.js';
import { Semaphore } from '../core/concurrency.js';
import { defined } from '../core/defined.js';
import { isCairnError } from '../core/errors.js';
import { preferHugePages } from '../disk/huge-pages.js';
import { stagedArchive } from '../disk/layout.js';
import type { NewObject } from '../index/objects.js';
import type { StoreContext } from '../session/context.js';
import { tocVersionIn } from '../session/format.js';
import type { Counts, TaskInput, TaskResult, Work } from '../session/work.js';
import { LayerRows } from './layer-rows.js';
import { punchWaste } from './waste.js';

/** Time between two calls that set the disk to work on what is staged. */
const WRITE_BEHIND_MS = 500;

/** From this size on, workers share a layer. Smaller layers are faster side by side. */
const SHARED_BYTES = 4 * 2 ** 20;
/** The same limit while there are more sources than workers, so that each worker has a source of its own. */
const SHARED_OF_MANY_BYTES = 16 * 2 ** 20;

export interface ReadOptions {
  signal: AbortSignal | undefined;
  /** Hears how many bytes of the source have been read. */
  onRead: ((bytes: number) => void) | undefined;
  format: ImageFormat;
  /** Keep the archive's bytes as they come. */
  keep: boolean;
  /** Where new objects are staged. The layers of one import share this directory. */
  newObjects: string;
  /** A digest that the caller knows vouches for the archive, whatever its end looks like. */
  vouched: boolean;
  /** The tar came by itself, of no image. */
  isBare: boolean;
}

/** What a layer that several threads take apart needs. */
type SharedLayer = TaskInput<'ingest'> & { rows?: MessagePort };

export interface ReadLayer {
  ingested: IngestResult;
  objects: NewObject[];
}

export interface SizedSource {
  source: Source;
  /** Bytes; `undefined` for a stream. */
  size: number | undefined;
}

export class LayerReader {
  readonly #store: StoreContext;
  readonly #pipelines = new Semaphore();
  #lastWriteBehind = performance.now();
  #reading = 0;
  /** Rings that no layer uses, for the next. */
  #rings: RingMemory[] = [];
  /** The number of sources that are being read, or will be. */
  sources = 0;

  constructor(store: StoreContext) {
    this.#store = store;
  }

  /** Whether a layer is being read. */
  get busy(): boolean {
    return this.#reading > 0;
  }

  /**
   * @param staging an existing empty directory
   */
  async read(sized: SizedSource, staging: string, options: ReadOptions): Promise<ReadLayer> {
    this.#reading++;
    try {
      return await this.#read(sized, staging, options);
    } finally {
      this.#reading--;
      if (this.#reading === 0) this.#rings = [];
    }
  }

  /** Reads the layer into a lane of its own, in a store that has lanes. */
  async #read(sized: SizedSource, staging: string, options: ReadOptions): Promise<ReadLayer> {
    const { lanes, index, layout } = this.#store;
    const lane = lanes?.take();
    const rows = new LayerRows(index, lane?.pack);
    let end: number | undefined;
    try {
      const ingested = await this.#ingest(sized, staging, options, { lane, rows });
      const objects = await rows.finish(ingested);
      const { packed } = ingested;
      end = packed?.end;
      return {
        ingested: packed === undefined ? ingested : { ...ingested, packed: punchWaste(layout, packed) },
        objects,
      };
    } finally {
      rows.close();
      if (lane !== undefined) lanes?.release(lane, end);
    }
  }

  #ingest(
    { source, size }: SizedSource,
    staging: string,
    options: ReadOptions,
    { lane, rows }: { lane: Lane | undefined; rows: LayerRows },
  ): Promise<IngestResult> {
    const { pool, objects, index, limits, format, staging: staged } = this.#store;
    const onProgress = (counts: Counts): void => {
      // What goes to a pack is written at once.
      if (lane === undefined) this.#writeBehind();
      options.onRead?.(counts.read);
    };
    return pool.during({ signal: options.signal, onProgress }, async (work) => {
      const shared = this.sources > pool.size ? SHARED_OF_MANY_BYTES : SHARED_BYTES;
      const alone = pool.pipelines === 0 || (size !== undefined && size < shared);
      const task = {
        source,
        format: options.format,
        diffId: options.format === 'oci',
        keep: options.keep ? stagedArchive(staging) : undefined,
        staging,
        newObjects: options.newObjects,
        // Workers that share a layer need the shards to find files.
        flat: alone && size !== undefined && size < SHARED_BYTES,
        objects: objects.at,
        limits,
        identity: staged.identity,
        vouched: options.vouched,
        isBare: options.isBare,
        storeIsEmpty: index.totals.objects === 0,
        tocVersion: tocVersionIn(format),
        ...defined({ lane }),
      };
      if (!alone)
        return this.#pipeline(work, lane === undefined ? task : { ...task, rows: rows.open() }, options.signal);
      // A stream may keep its thread waiting. It takes no slot from other layers.
      return size === undefined ? work.ask('ingest', task) : work.askLimited('ingest', task);
    });
  }

  /**
   * Four workers share a layer. The pool hands tasks out in order: the oldest layer always has all of its threads, and
   * never waits for a younger one. The next layer starts when this one is decoded, so that its decoding uses the time
   * that the end of this one leaves idle.
   */
  async #pipeline(work: Work, task: SharedLayer, signal: AbortSignal | undefined): Promise<IngestResult> {
    const { source, limits, diffId, keep, newObjects, objects, identity, lane } = task;
    const ring = this.#ring(2);
    const parcels = this.#ring(1);
    // When one stage fails or the signal fires, all stages may be asleep. Broken rings wake them.
    const release = (): void => {
      breakRing(ring);
      breakRing(parcels);
    };
    const stage = async <K extends 'decode' | 'digest-tar' | 'scan' | 'write-objects' | 'write-pack'>(
      kind: K,
      input: TaskInput<K>,
      ports: readonly MessagePort[] = [],
    ): Promise<TaskResult<K>> => {
      try {
        return await work.ask(kind, input, ports);
      } catch (error) {
        release();
        throw error;
      }
    };
    signal?.addEventListener('abort', release, { once: true });
    const releaseSlot = await this.#pipelines.acquire(this.#store.pool.pipelines);
    const settled = await Promise.allSettled([
      stage('decode', { source, ring, limits, keep }).finally(releaseSlot),
      stage('scan', { ring, parcels, ...task }, task.rows === undefined ? [] : [task.rows]),
      stage('digest-tar', { ring, diffId }),
      lane === undefined
        ? stage('write-objects', { ring: parcels, staging: newObjects, objects, identity })
        : stage('write-pack', { ring: parcels, lane }),
    ]);
    signal?.removeEventListener('abort', release);
    const [poured, ingested, digested, staged] = settled;
    if (
      poured.status !== 'fulfilled' ||
      ingested.status !== 'fulfilled' ||
      digested.status !== 'fulfilled' ||
      staged.status !== 'fulfilled'
    ) {
      throw causeOf(settled);
    }
    this.#rings.push(ring, parcels);
    const skipped = { ...ingested.value.skipped, ...(staged.value ?? {}) };
    return { ...poured.value, ...digested.value, ...ingested.value, skipped };
  }

  #ring(readers: number): RingMemory {
    const used = this.#rings.pop();
    if (used !== undefined) return renewRing(used, readers);
    const ring = makeRing(readers);
    preferHugePages(ring.slots);
    return ring;
  }

  /** Lets the disk take what workers have written while they still read and hash. */
  #writeBehind(): void {
    const now = performance.now();
    if (now - this.#lastWriteBehind < WRITE_BEHIND_MS) return;
    this.#lastWriteBehind = now;
    this.#store.disk.writeBehind();
  }
}

/** Of the errors of workers that shared a layer, the one that stopped the others. */
function causeOf(settled: readonly PromiseSettledResult<unknown>[]): unknown {
  const reasons = settled.filter((each) => each.status === 'rejected').map(({ reason }) => reason as unknown);
  return reasons.find((reason) => !isCairnError(reason) || reason.code !== 'ERR_ABORTED') ?? reasons[0];
}
