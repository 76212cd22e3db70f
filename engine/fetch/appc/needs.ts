/**
 * What images need, brought in side by side and each once, whoever needs it. Who would wait for itself is told so.
 * Nothing here knows what an image is.
 */
import { once } from 'node:events';
import { aborted, CairnError } from '../../core/errors.js';
import { limitFlag } from '../../core/limits.js';

/** Brings a thing, and gives what it brought, with all that this needed in turn, until the signal fires. */
export type Bring<T> = (name: string, i: number, signal: AbortSignal) => Promise<T[]>;

interface Coming<T> {
  brought: Promise<T[]>;
  stop: AbortController;
  /** How many wait for it. */
  waiting: number;
}

export class Needs<T> {
  readonly #most: number;
  readonly #coming = new Map<string, Coming<T>>();
  /** Who waits for whom, and how often: what was stopped may come again while it still ends. */
  readonly #waiting = new Map<string, Map<string, number>>();

  /** @param most things that may be brought */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Brings what one thing needs, and waits for it. After the first failure the others are stopped, as far as nobody
   * else waits for them.
   * @param by what needs it
   * @param needed by their names; what has one name is one thing
   * @throws the first failure, when what was stopped has ended; CairnError `ERR_DEPENDENCY_CYCLE`, `ERR_LIMIT`,
   *   `ERR_ABORTED`
   */
  async bring(by: string, needed: readonly string[], bring: Bring<T>, signal?: AbortSignal): Promise<T[]> {
    const leaving = new AbortController();
    const leave = (): void => leaving.abort();
    const left = once(leaving.signal, 'abort');
    const failures: unknown[] = [];
    const attend = async (name: string, i: number): Promise<T[]> => {
      let waits = false;
      try {
        this.#mayWait(by, name);
        waits = true;
        if (leaving.signal.aborted) throw aborted();
        const coming = this.#coming.get(name) ?? this.#begin(name, (stop) => bring(name, i, stop));
        return await this.#await(name, coming, left);
      } catch (error) {
        failures.push(error);
        leave();
        return [];
      } finally {
        if (waits) this.#waitNoMore(by, name);
      }
    };
    signal?.addEventListener('abort', leave);
    if (signal?.aborted === true) leave();
    const brought = await Promise.all(needed.map(attend));
    signal?.removeEventListener('abort', leave);
    if (failures.length > 0) throw failures[0];
    // What several need would be told as often as there are ways to it.
    return [...new Set(brought.flat())];
  }

  /** Waits for a thing. Who leaves while nobody else waits stops it, and then waits until it has ended. */
  async #await(name: string, coming: Coming<T>, left: Promise<unknown>): Promise<T[]> {
    coming.waiting++;
    try {
      const isLeft = await Promise.race([left.then(() => true), coming.brought.then(() => false)]);
      if (isLeft && coming.waiting > 1) throw aborted();
      if (isLeft) {
        this.#coming.delete(name);
        coming.stop.abort();
      }
      return await coming.brought;
    } finally {
      coming.waiting--;
    }
  }

  #begin(name: string, bring: (stop: AbortSignal) => Promise<T[]>): Coming<T> {
    if (this.#coming.size >= this.#most)
      throw new CairnError('ERR_LIMIT', `more than ${this.#most} dependencies (${limitFlag('maxDependencies')})`);
    const stop = new AbortController();
    const brought = Promise.resolve().then(() => bring(stop.signal));
    const coming = { brought, stop, waiting: 0 };
    this.#coming.set(name, coming);
    return coming;
  }

  /** Notes that one waits for another, if the other does not wait for it already. */
  #mayWait(by: string, name: string): void {
    const back = this.#path(name, by);
    if (back !== undefined) {
      const chain = [by, ...back].join(' → ');
      throw new CairnError('ERR_DEPENDENCY_CYCLE', `${by} depends on itself: ${chain}`, { entry: by });
    }
    const waiting = this.#waiting.get(by) ?? new Map<string, number>();
    this.#waiting.set(by, waiting.set(name, (waiting.get(name) ?? 0) + 1));
  }

  #waitNoMore(by: string, name: string): void {
    const waiting = this.#waiting.get(by);
    const count = waiting?.get(name) ?? 0;
    if (count > 1) waiting?.set(name, count - 1);
    else waiting?.delete(name);
  }

  /** The way from one to another along who waits for whom; both are part of it. */
  #path(from: string, to: string): string[] | undefined {
    const before = new Map<string, string>();
    const open = [from];
    const seen = new Set(open);
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (at === to) {
        const path = [to];
        for (let step = to; step !== from; path.unshift(step)) step = before.get(step) as string;
        return path;
      }
      for (const next of this.#waiting.get(at)?.keys() ?? []) {
        if (seen.has(next)) continue;
        seen.add(next);
        before.set(next, at);
        open.push(next);
      }
    }
    return undefined;
  }
}
