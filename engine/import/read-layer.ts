/**
 * Ingests a layer from its source to staging, on one worker or on several that share it. The disk is set to work
 * meanwhile.
 */
import type { MessagePort } from 'node:worker_threads';
import type { ImageFormat, IngestedLayer, IngestResult, Lane } from '../../workers/tasks/import.js';
import type { Source } from '../../workers/tasks/parts.js';
import { breakRing, makeRing, type RingMemory, renewRing } from '../../workers/tasks/ring.js';
import { Semaphore } from '../core/concurrency.js';
import { isCairnError } from '../core/errors.js';
import { preferHugePages } from '../disk/huge-pages.js';
import { stagedArchive } from '../disk/layout.js';
import type { NewObject } from '../index/objects.js';
import type { StoreContext } from '../session/context.js';
import type { Counts, TaskInput, TaskResult, Work } from '../session/work.js';
import { ingestInto } from './ingest-into.js';
import { LayerRows } from './layer-rows.js';
import { SMALL_BYTES, SmallLayers } from './small-layers.js';
import { punchWaste } from './waste.js';

/** Time between two calls that set the disk to work on what is staged. */
const WRITE_BEHIND_MS = 500;

/** From this size on, workers share a layer. Smaller layers are faster side by side. */
const SHARED_BYTES = 4 * 2 ** 20;
/** The same limit while there are more sources than workers, so that each worker has a source of its own. */
const SHARED_OF_MANY_BYTES = 16 * 2 ** 20;

export interface ReadOptions {
  signal: AbortSignal | undefined;
  /** Called when the layer waits for its turn, and further sources may be looked at. */
  onWaiting?: (() => void) | undefined;
  /** Whether a layer that waits is still to be read. */
  isWanted?: (() => boolean) | undefined;
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
  readonly #small: SmallLayers;
  readonly #pipelines = new Semaphore();
  #lastWriteBehind = performance.now();
  #reading = 0;
  /** Rings that no layer uses, for the next. */
  #rings: RingMemory[] = [];
  /** The number of sources that are being read, or will be. */
  sources = 0;

  constructor(store: StoreContext) {
    this.#store = store;
    this.#small = new SmallLayers(store);
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

  async #read(sized: SizedSource, staging: string, options: ReadOptions): Promise<ReadLayer> {
    if (!isSmall(sized)) return this.#readAlone(sized, staging, options);
    const ingested = await this.#ingestSmall(sized, staging, options);
    return this.#finish(ingested, new LayerRows(this.#store.index, ingested.packed?.pack));
  }

  #ingestSmall(
    { source, size }: SizedSource & { size: number },
    staging: string,
    options: ReadOptions,
  ): Promise<IngestResult> {
    const { signal, onWaiting, isWanted = () => true } = options;
    return this.#store.pool.during({ signal, onProgress: this.#progressOf(options) }, (work) => {
      const layer = { ...layerTask(source, staging, options), flat: true, control: work.control };
      const reading = this.#small.read({ layer, size, signal, isWanted });
      if (this.#small.hasRoom) onWaiting?.();
      return reading;
    });
  }

  /** Reads the layer into a lane of its own, in a store that has lanes. */
  async #readAlone(sized: SizedSource, staging: string, options: ReadOptions): Promise<ReadLayer> {
    const { lanes, index } = this.#store;
    const lane = lanes?.take();
    const rows = new LayerRows(index, lane?.pack);
    let end: number | undefined;
    try {
      const read = await this.#finish(await this.#ingest(sized, staging, options, { lane, rows }), rows);
      end = read.ingested.packed?.end;
      return read;
    } finally {
      rows.close();
      if (lane !== undefined) lanes?.release(lane, end);
    }
  }

  async #finish(ingested: IngestResult, rows: LayerRows): Promise<ReadLayer> {
    const objects = await rows.finish(ingested);
    const { packed } = ingested;
    if (packed === undefined) return { ingested, objects };
    return { ingested: { ...ingested, packed: punchWaste(this.#store.layout, packed) }, objects };
  }

  #progressOf({ onRead }: ReadOptions): (counts: Counts) => void {
    return (counts) => {
      // What goes to a pack is written at once.
      if (this.#store.lanes === undefined) this.#writeBehind();
      onRead?.(counts.read);
    };
  }

  #ingest(
    { source, size }: SizedSource,
    staging: string,
    options: ReadOptions,
    { lane, rows }: { lane: Lane | undefined; rows: LayerRows },
  ): Promise<IngestResult> {
    const { pool } = this.#store;
    return pool.during({ signal: options.signal, onProgress: this.#progressOf(options) }, async (work) => {
      const shared = this.sources > pool.size ? SHARED_OF_MANY_BYTES : SHARED_BYTES;
      const alone = pool.pipelines === 0 || (size !== undefined && size < shared);
      // Workers that share a layer need the shards to find files.
      const flat = alone && size !== undefined && size < SHARED_BYTES;
      const task = { ...layerTask(source, staging, options), ...ingestInto(this.#store, lane), flat };
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

/** Whether a layer may be read in one task with others. One that still comes in would keep them waiting. */
function isSmall(sized: SizedSource): sized is SizedSource & { size: number } {
  const { source, size } = sized;
  return size !== undefined && size < SMALL_BYTES && 'path' in source && source.growth === undefined;
}

function layerTask(source: Source, staging: string, options: ReadOptions): Omit<IngestedLayer, 'control' | 'flat'> {
  const { format, keep, newObjects, vouched, isBare } = options;
  return {
    source,
    format,
    diffId: format === 'oci',
    keep: keep ? stagedArchive(staging) : undefined,
    staging,
    newObjects,
    vouched,
    isBare,
  };
}

/** Of the errors of workers that shared a layer, the one that stopped the others. */
function causeOf(settled: readonly PromiseSettledResult<unknown>[]): unknown {
  const reasons = settled.filter((each) => each.status === 'rejected').map(({ reason }) => reason as unknown);
  return reasons.find((reason) => !isCairnError(reason) || reason.code !== 'ERR_ABORTED') ?? reasons[0];
}
