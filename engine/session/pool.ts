/** The engine's side of the worker pool: typed tasks in, typed answers or errors out. The first task starts threads. */
import * as fs from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { MessagePort } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import type { Answer, Task, Tasks } from '../../workers/tasks/protocol.js';
import { Semaphore } from '../core/concurrency.js';
import { CairnError, errorFromJSON } from '../core/errors.js';
import { ThreadChooser } from './choose-thread.js';
import {
  type Kind,
  type MapOptions,
  runWork,
  type TaskInput,
  type TaskResult,
  type TaskRunner,
  type Work,
  type WorkOptions,
} from './work.js';

/** More workers than this gain nothing: they wait for the file system's own locks. */
const MOST_WORKERS = 8;
const IDLE_MS = 30_000;

/**
 * The file that a thread begins with. Its CommonJS bundle is one module, needs no loader of its own, and loads in three
 * quarters of the time. This module lies two levels below the workers' parent directory, in the program's bundle one.
 */
const ENTRIES = ['..', '../..'].flatMap((up) => [`${up}/workers/worker.cjs`, `${up}/workers/worker.js`]);

/**
 * Keeps Node from loading ES modules by `require`. Piscina would load a worker's file that way, and a thread stopped in
 * the middle of it takes the whole process down.
 */
const OWN_FLAGS = ['--no-experimental-require-module'].filter((flag) => process.allowedNodeEnvironmentFlags.has(flag));

/** @throws CairnError `ERR_UNSUPPORTED` where a bundler has taken this module away from the threads' own */
function entryFile(): string {
  const files = ENTRIES.map((entry) => fileURLToPath(new URL(entry, import.meta.url)));
  const found = files.find((file) => fs.existsSync(file));
  if (found !== undefined) return found;
  const why = 'the file that threads begin with is not here; a bundler must leave cairn-store external';
  throw new CairnError('ERR_UNSUPPORTED', why, { path: files[0] as string });
}

export function defaultWorkers(): number {
  return Math.min(availableParallelism(), MOST_WORKERS);
}

export class Pool implements TaskRunner {
  readonly size: number;
  /** How many layers may be read by several workers each at the same time; none on a single thread. */
  readonly pipelines: number;
  #piscina: Promise<Piscina> | undefined;
  readonly #turns = new Semaphore();
  readonly #chooser = new ThreadChooser();
  /** Where a task tells the pool its kind. */
  #kind: symbol | undefined;

  constructor(size = defaultWorkers()) {
    this.size = Math.max(1, size);
    this.pipelines = Math.floor(this.size / 2);
  }

  /**
   * Starts the threads, so that they are up by the time the first task is ready. Once this resolves they load by
   * themselves, and work that keeps the main thread busy, such as planning, no longer holds them up.
   * @param first the kind of the first task, whose code the threads load at once
   * @param count of threads to start, by default all; others start when there is more to do
   */
  async warm(first?: keyof Tasks, count = this.size): Promise<void> {
    await this.#threads(first, count);
  }

  async #threads(first?: keyof Tasks, count = this.size): Promise<Piscina> {
    this.#piscina ??= this.#start(first, count);
    return this.#piscina;
  }

  /** Loads the package only now, as many commands need no worker at all. */
  async #start(first: keyof Tasks | undefined, count: number): Promise<Piscina> {
    const { Piscina } = await import('piscina');
    this.#kind = Piscina.queueOptionsSymbol;
    const make = (execArgv: string[]): Piscina =>
      new Piscina({ ...this.#options(execArgv), minThreads: count, workerData: first ?? null });
    try {
      return make([...process.execArgv, ...OWN_FLAGS]);
    } catch (error) {
      // Threads take the process's own flags, such as loaders, but no flags that set up V8.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_INVALID_EXEC_ARGV') throw error;
      return make(OWN_FLAGS);
    }
  }

  #options(execArgv: string[]): ConstructorParameters<typeof Piscina>[0] {
    return {
      filename: entryFile(),
      name: 'run',
      // The four parts of a pipeline wait for one another. One more thread keeps short tasks from waiting for them.
      maxThreads: Math.max(this.size, 4 * this.pipelines) + 1,
      // An idle worker must not sleep in the kernel: a task may leave streams to be closed.
      atomics: 'disabled',
      // Threads beyond the first are costly to start and cheap to keep.
      idleTimeout: IDLE_MS,
      loadBalancer: (task, threads) => {
        const { kind } = task[this.#kind as keyof typeof task] as unknown as Pick<Task, 'kind'>;
        return this.#chooser.choose(kind, threads);
      },
      recordTiming: false,
      execArgv,
      // Garbage in little memory, over and over: fresh memory is expensive to touch, and a small heap stays in caches.
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    };
  }

  async run<K extends keyof Tasks>(task: Tasks[K][0], ports: readonly MessagePort[] = []): Promise<Tasks[K][1]> {
    const piscina = await this.#threads();
    const { kind } = task;
    const chosenFor = { ...task, [this.#kind as symbol]: { kind } };
    const answer = (await piscina.run(chosenFor, { transferList: [...ports] })) as Answer<Tasks[K][1]>;
    if ('error' in answer) throw errorFromJSON(answer.error);
    return answer.value;
  }

  /** Waits until it is a further task's turn that waits for no other. @returns ends the turn */
  turn(): Promise<() => void> {
    return this.#turns.acquire(this.size);
  }

  /** Runs a task that waits for no other. No more of these are begun than there are workers, however many are asked. */
  async runLimited<K extends keyof Tasks>(task: Tasks[K][0]): Promise<Tasks[K][1]> {
    const release = await this.turn();
    try {
      return await this.run<K>(task);
    } finally {
      release();
    }
  }

  /** Holds what threads read by themselves, until what this gives is called. */
  hold: () => () => void = () => () => {};

  /** Runs a long operation of several kinds of tasks, which share cancelling and counting. */
  during<T>(options: WorkOptions, body: (work: Work) => Promise<T>): Promise<T> {
    return runWork(this, options, async (work) => {
      const letGo = this.hold();
      try {
        return await body(work);
      } finally {
        letGo();
      }
    });
  }

  /** Runs a long operation of one kind of tasks, see {@link Work.map}. */
  map<K extends Kind>(
    kind: K,
    inputs: Iterable<TaskInput<K>>,
    options: WorkOptions & MapOptions<K> = {},
  ): Promise<TaskResult<K>[]> {
    return this.during(options, (work) => work.map(kind, inputs, options));
  }

  /** Runs a long operation of one task, see {@link Work.ask}. */
  ask<K extends Kind>(kind: K, input: TaskInput<K>, options: WorkOptions = {}): Promise<TaskResult<K>> {
    return this.during(options, (work) => work.ask(kind, input));
  }

  async close(): Promise<void> {
    await (await this.#piscina)?.destroy();
    this.#piscina = undefined;
  }
}
