/** Adds up what belongs to a run: its time, without the time between, or the bytes that it needed. */
import { type Command, type Runner, run } from './process.js';
import { endedChildren } from './rusage.js';

/** What one run took. */
export interface Spent {
  /** Elapsed time, the flush included. */
  wallMs: number;
  /** The time of the flush alone; zero for a program that makes its results durable itself. */
  flushMs: number;
  /** Processor time; `undefined` where it cannot be told. */
  userMs: number | undefined;
  sysMs: number | undefined;
  /** Of memory, or on disk, where a scenario asks for that. */
  bytes?: number;
}

export class Stopwatch implements Runner {
  readonly spent: Spent = { wallMs: 0, flushMs: 0, userMs: 0, sysMs: 0 };

  async run(command: Command): Promise<string> {
    const before = endedChildren();
    const begun = performance.now();
    const printed = await run(command);
    this.spent.wallMs += performance.now() - begun;
    const after = endedChildren();
    this.#add(before && after && { userMs: after.userMs - before.userMs, sysMs: after.sysMs - before.sysMs });
    return printed;
  }

  /** Makes a peer's result durable: cairn's results are on disk when it ends, so a peer must sync to do as much. */
  async flush(path: string): Promise<void> {
    const before = this.spent.wallMs;
    await this.run(['sync', '-f', path]);
    this.spent.flushMs += this.spent.wallMs - before;
  }

  /** Times work in this process. */
  async task<T>(work: () => Promise<T>): Promise<T> {
    const before = process.cpuUsage();
    const begun = performance.now();
    const result = await work();
    this.spent.wallMs += performance.now() - begun;
    const { user, system } = process.cpuUsage(before);
    this.#add({ userMs: user / 1000, sysMs: system / 1000 });
    return result;
  }

  /** Notes how many bytes the run needed. */
  needs(bytes: number): void {
    this.spent.bytes = bytes;
  }

  #add(time: { userMs: number; sysMs: number } | undefined): void {
    const { spent } = this;
    spent.userMs = time === undefined || spent.userMs === undefined ? undefined : spent.userMs + time.userMs;
    spent.sysMs = time === undefined || spent.sysMs === undefined ? undefined : spent.sysMs + time.sysMs;
  }
}
