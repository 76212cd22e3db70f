/** The engine's side of the worker pool: typed tasks in, typed answers or errors out. Threads start with the first task. */

import * as fs from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Piscina } from 'piscina';
import type { Answer, Tasks } from '../../workers/tasks/protocol.js';
import { Semaphore } from '../core/concurrency.js';
import { errorFromJSON } from '../core/errors.js';
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

/** More workers than this gain nothing: the file system's own locks take over. */
const MOST_WORKERS = 8;
const IDLE_MS = 30_000;

/**
 * What a thread begins with. Bundled as CommonJS it is there in three quarters of the time, as one module and without a loader of its
 * own. This module lies two levels below the workers' parent directory; as part of the program's bundle, one.
 */
const ENTRIES = ['..', '../..'].flatMap((up) => [`${up}/workers/worker.cjs`, `${up}/workers/worker.js`]);

/**
 * Piscina loads a worker's file with `require`, an ES module, too, where Node lets it; a thread that is stopped in the middle of that
 * takes the whole process down.
 */
const OWN_FLAGS = ['--no-experimental-require-module'].filter((flag) => process.allowedNodeEnvironmentFlags.has(flag));

function entryFile(): string {
  const files = ENTRIES.map((entry) => fileURLToPath(new URL(entry, import.meta.url)));
  return files.find((file) => fs.existsSync(file)) as string;
}

export function defaultWorkers(): number {
  return Math.min(availableParallelism(), MOST_WORKERS);
}

export class Pool implements TaskRunner {
  readonly size: number;
  /** Layers that several workers may share at the same time; none on a single thread. */
  readonly pipelines: number;
  #piscina: Promise<Piscina> | undefined;
  readonly #turns = new Semaphore();

  constructor(size = defaultWorkers()) {
    this.size = Math.max(1, size);
    this.pipelines = Math.floor(this.size / 2);
  }

  /**
   * Starts the threads, so that they are up by the time the first task is ready: once this resolves they load by themselves, and what
   * keeps the main thread busy, as planning does, no longer holds them up.
   * @param first the kind that it will be; what does it is loaded at once
   */
  async warm(first?: keyof Tasks): Promise<void> {
    await this.#threads(first);
  }

  async #threads(first?: keyof Tasks): Promise<Piscina> {
    this.#piscina ??= this.#start(first);
    return this.#piscina;
  }

  /** The package is loaded here, as many commands need no worker at all. */
  async #start(first: keyof Tasks | undefined): Promise<Piscina> {
    const { Piscina } = await import('piscina');
    const make = (execArgv: string[]): Piscina =>
      new Piscina({ ...this.#options(execArgv), workerData: first ?? null });
    try {
      return make([...process.execArgv, ...OWN_FLAGS]);
    } catch (error) {
      // Threads take the process's own flags, loaders for one, but none that set up V8.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_INVALID_EXEC_ARGV') throw error;
      return make(OWN_FLAGS);
    }
  }

  #options(execArgv: string[]): ConstructorParameters<typeof Piscina>[0] {
    return {
      filename: entryFile(),
      name: 'run',
      minThreads: this.size,
      // A pipeline's three parts wait for one another, and a short task should not wait for any of them.
      maxThreads: Math.max(this.size, 3 * this.pipelines) + 1,
      // An idle worker must not sleep in the kernel: a task may leave streams to be closed.
      atomics: 'disabled',
      // Threads beyond the first are costly to start and cheap to keep.
      idleTimeout: IDLE_MS,
      recordTiming: false,
      execArgv,
      // Streams make much short-lived garbage; with room for it, little survives to be collected slowly.
      resourceLimits: { maxYoungGenerationSizeMb: 64 },
    };
  }

  async run<K extends keyof Tasks>(task: Tasks[K][0]): Promise<Tasks[K][1]> {
    const piscina = await this.#threads();
    const answer = (await piscina.run(task)) as Answer<Tasks[K][1]>;
    if ('error' in answer) throw errorFromJSON(answer.error);
    return answer.value;
  }

  /** For tasks that wait for no other: of these no more are begun than there are processors, however many are asked for at once. */
  async runLimited<K extends keyof Tasks>(task: Tasks[K][0]): Promise<Tasks[K][1]> {
    const release = await this.#turns.acquire(this.size);
    try {
      return await this.run<K>(task);
    } finally {
      release();
    }
  }

  /** A long operation of several kinds of tasks, which share cancelling and counting. */
  during<T>(options: WorkOptions, body: (work: Work) => Promise<T>): Promise<T> {
    return runWork(this, options, body);
  }

  /** A long operation of one kind of tasks, see {@link Work.map}. */
  map<K extends Kind>(
    kind: K,
    inputs: Iterable<TaskInput<K>>,
    options: WorkOptions & MapOptions<K> = {},
  ): Promise<TaskResult<K>[]> {
    return this.during(options, (work) => work.map(kind, inputs, options));
  }

  /** A long operation of one task, see {@link Work.ask}. */
  ask<K extends Kind>(kind: K, input: TaskInput<K>, options: WorkOptions = {}): Promise<TaskResult<K>> {
    return this.during(options, (work) => work.ask(kind, input));
  }

  async close(): Promise<void> {
    await (await this.#piscina)?.destroy();
    this.#piscina = undefined;
  }
}
