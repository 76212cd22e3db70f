/**
 * One long operation on the pool: its tasks share cancelling and counting. The signal reaches workers within one chunk
 * of work. `onProgress` hears every 100 ms how far they are.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Control } from '../../workers/tasks/parts.js';
import type { Tasks } from '../../workers/tasks/protocol.js';
import { throwIfAborted } from '../core/errors.js';

const COUNT_EVERY_MS = 100;

/** Has tasks done by workers, as the pool does. */
export interface TaskRunner {
  /** How many workers there are. */
  readonly size: number;
  /** @param ports in the task, which become the thread's */
  run<K extends Kind>(task: Tasks[K][0], ports?: readonly MessagePort[]): Promise<TaskResult<K>>;
  /** Runs a task that waits for no other. Begins no more such tasks at once than there are workers. */
  runLimited<K extends Kind>(task: Tasks[K][0]): Promise<TaskResult<K>>;
}

/** How much tasks have done so far. */
export interface Counts {
  bytes: number;
  items: number;
  /** Bytes of sources as they come, which may be compressed. */
  read: number;
}

export interface WorkOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((counts: Counts) => void) | undefined;
}

export type Kind = keyof Tasks;
/** A task without the fields that the pool adds. */
export type TaskInput<K extends Kind> = Omit<Tasks[K][0], 'kind' | 'control'>;
export type TaskResult<K extends Kind> = Tasks[K][1];

export interface MapOptions<K extends Kind> {
  /** How many tasks run at a time. Default: the number of workers. */
  width?: number;
  /** Called for each task when it has ended, in no particular order. */
  onResult?: (result: TaskResult<K>, index: number) => void;
  /** Keeps beginning tasks after one has failed. */
  keepGoing?: boolean;
}

export class Work {
  readonly #pool: TaskRunner;
  /** For tasks that are begun elsewhere. */
  readonly control: Control = {
    cancel: new Int32Array(new SharedArrayBuffer(4)),
    done: new BigInt64Array(new SharedArrayBuffer(24)),
  };

  constructor(pool: TaskRunner) {
    this.#pool = pool;
  }

  /** Tells the workers to stop. */
  cancel(): void {
    Atomics.store(this.control.cancel, 0, 1);
  }

  get counts(): Counts {
    const { done } = this.control;
    const at = (i: number): number => Number(Atomics.load(done, i));
    return { bytes: at(0), items: at(1), read: at(2) };
  }

  /** Has one task done at once, however many are under way. The task may keep its thread waiting. */
  ask<K extends Kind>(kind: K, input: TaskInput<K>, ports: readonly MessagePort[] = []): Promise<TaskResult<K>> {
    return this.#pool.run<K>(this.#task(kind, input), ports);
  }

  /** As {@link ask}, for a task that waits for no other. Begins no more such tasks at once than there are workers. */
  askLimited<K extends Kind>(kind: K, input: TaskInput<K>): Promise<TaskResult<K>> {
    return this.#pool.runLimited<K>(this.#task(kind, input));
  }

  /**
   * Has tasks done that wait for no other. Takes each input only when a worker is free for it.
   * @returns results in the order of the inputs
   * @throws the first failure, once all begun tasks have ended; no task is begun after it, unless with `keepGoing`
   */
  async map<K extends Kind>(
    kind: K,
    inputs: Iterable<TaskInput<K>>,
    { width = this.#pool.size, onResult, keepGoing = false }: MapOptions<K> = {},
  ): Promise<TaskResult<K>[]> {
    const results: TaskResult<K>[] = [];
    const failures: unknown[] = [];
    let begun = 0;
    const iterator = inputs[Symbol.iterator]();
    const lane = async (): Promise<void> => {
      while (failures.length === 0 || keepGoing) {
        const next = iterator.next();
        if (next.done === true) return;
        const index = begun++;
        try {
          const result = await this.askLimited(kind, next.value);
          results[index] = result;
          onResult?.(result, index);
        } catch (error) {
          failures.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.max(1, width) }, lane));
    if (failures.length > 0) throw failures[0];
    return results;
  }

  #task<K extends Kind>(kind: K, input: TaskInput<K>): Tasks[K][0] {
    return { ...input, kind, control: this.control } as unknown as Tasks[K][0];
  }
}

/** Runs `body`. However `body` ends, the signal is listened to no longer, and progress is reported a last time. */
export async function runWork<T>(
  pool: TaskRunner,
  { signal, onProgress }: WorkOptions,
  body: (work: Work) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const work = new Work(pool);
  const cancel = (): void => work.cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  const timer = onProgress === undefined ? undefined : setInterval(() => onProgress(work.counts), COUNT_EVERY_MS);
  try {
    return await body(work);
  } catch (error) {
    // One part of the work failed: the other parts must not go on, as nobody waits for them.
    work.cancel();
    throw error;
  } finally {
    clearInterval(timer);
    signal?.removeEventListener('abort', cancel);
    onProgress?.(work.counts);
  }
}
