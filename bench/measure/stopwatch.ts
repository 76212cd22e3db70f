/** Adds up what belongs to a run; what happens between is not counted. */
import { type Command, type Runner, run } from './process.js';
import { endedChildren } from './rusage.js';

/** What one run took. */
export interface Spent {
  /** Elapsed, with the flush. */
  wallMs: number;
  /** The part of it that made the result durable where the program itself does not. */
  flushMs: number;
  /** Processor time; `undefined` where it cannot be told. */
  userMs: number | undefined;
  sysMs: number | undefined;
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

  /** cairn's trees are on disk when it says so; a peer must sync to have done as much. */
  async flush(path: string): Promise<void> {
    const before = this.spent.wallMs;
    await this.run(['sync', '-f', path]);
    this.spent.flushMs += this.spent.wallMs - before;
  }

  /** Work in this very process. */
  async task<T>(work: () => Promise<T>): Promise<T> {
    const before = process.cpuUsage();
    const begun = performance.now();
    const result = await work();
    this.spent.wallMs += performance.now() - begun;
    const { user, system } = process.cpuUsage(before);
    this.#add({ userMs: user / 1000, sysMs: system / 1000 });
    return result;
  }

  #add(time: { userMs: number; sysMs: number } | undefined): void {
    const { spent } = this;
    spent.userMs = time === undefined || spent.userMs === undefined ? undefined : spent.userMs + time.userMs;
    spent.sysMs = time === undefined || spent.sysMs === undefined ? undefined : spent.sysMs + time.sysMs;
  }
}
