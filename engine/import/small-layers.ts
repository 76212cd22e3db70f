/**
 * Reads small layers, several to a task. A task for each would cost the main thread as much as some layers take to
 * read, and a worker would wait for its next one whenever the main thread commits.
 */
import type { IngestedLayer, IngestResult } from '../../workers/tasks/import.js';
import { aborted, errorFromJSON } from '../core/errors.js';
import type { StoreContext } from '../session/context.js';
import { ingestInto } from './ingest-into.js';

/** Layers of more compressed bytes go to a worker by themselves. */
export const SMALL_BYTES = 2 ** 20;
/** Layers of one task: enough that a worker is busy for as long as the main thread is with a commit. */
const MOST = { bytes: 4 * 2 ** 20, layers: 64 };
/** Enough that there is a full task for each worker while the main thread commits. */
const MOST_WAITING = 128;

export interface SmallLayer {
  layer: IngestedLayer;
  /** Bytes of the source. */
  size: number;
  signal: AbortSignal | undefined;
  /** Whether it is still to be read when its turn comes. */
  isWanted: () => boolean;
}

interface Waiting extends SmallLayer {
  resolve: (ingested: IngestResult) => void;
  reject: (error: unknown) => void;
}

export class SmallLayers {
  readonly #store: StoreContext;
  #waiting: Waiting[] = [];
  /** How many take turns for what waits. */
  #attending = 0;

  constructor(store: StoreContext) {
    this.#store = store;
  }

  /** Whether more layers may come to wait. */
  get hasRoom(): boolean {
    return this.#waiting.length < MOST_WAITING;
  }

  /** @throws CairnError as a task `ingest` does; `ERR_ABORTED` for a layer that nobody wants when its turn has come */
  read(small: SmallLayer): Promise<IngestResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...small, resolve, reject });
      if (this.#attending < this.#store.pool.size) void this.#attend();
    });
  }

  /** Takes a turn for each batch, so that other tasks take theirs in between. */
  async #attend(): Promise<void> {
    this.#attending++;
    while (this.#waiting.length > 0) {
      const end = await this.#store.pool.turn();
      const batch = this.#take();
      if (batch.length > 0) await this.#readAll(batch).catch((error) => rejectAll(batch, error));
      end();
    }
    this.#attending--;
  }

  /** The next layers, in the order in which they came: so many that all workers end at about the same time. */
  #take(): Waiting[] {
    const share = Math.ceil(this.#waiting.length / (2 * this.#store.pool.size));
    const batch: Waiting[] = [];
    let bytes = 0;
    while (batch.length < Math.min(share, MOST.layers)) {
      const next = this.#waiting[0];
      if (next === undefined || (batch.length > 0 && bytes + next.size > MOST.bytes)) break;
      this.#waiting.shift();
      if (next.signal?.aborted === true || !next.isWanted()) next.reject(aborted(next.signal?.reason));
      else {
        batch.push(next);
        bytes += next.size;
      }
    }
    return batch;
  }

  async #readAll(batch: readonly Waiting[]): Promise<void> {
    const { pool, lanes } = this.#store;
    const lane = lanes?.take();
    // Cut off at its present end, unless all goes well.
    let end = lane?.base;
    let hasFailed = true;
    try {
      const answers = await pool.run<'ingest-small'>({
        kind: 'ingest-small',
        layers: batch.map(({ layer }) => layer),
        into: ingestInto(this.#store, lane),
      });
      hasFailed = answers.some((answer) => 'error' in answer);
      for (const [i, { resolve, reject }] of batch.entries()) {
        const answer = answers[i] as (typeof answers)[number];
        if ('error' in answer) reject(errorFromJSON(answer.error));
        else {
          end = answer.value.packed?.end ?? end;
          resolve(answer.value);
        }
      }
    } finally {
      if (lane !== undefined && end !== undefined) {
        if (hasFailed) lanes?.release({ ...lane, base: end });
        else lanes?.release(lane, end);
      }
    }
  }
}

function rejectAll(batch: readonly Waiting[], error: unknown): void {
  for (const { reject } of batch) reject(error);
}
