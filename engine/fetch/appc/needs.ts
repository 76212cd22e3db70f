/**
 * What images need, brought in side by side and each once, whoever needs it. Who would wait for itself is told so.
 * Nothing here knows what an image is.
 */
import { CairnError } from '../../core/errors.js';
import { limitFlag } from '../../core/limits.js';

export class Needs<T> {
  readonly #most: number;
  readonly #brought = new Map<string, Promise<T[]>>();
  /** Who waits for whom. */
  readonly #waiting = new Map<string, Set<string>>();

  /** @param most things that may be brought */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Brings what one thing needs, and waits for it.
   * @param by what needs it
   * @param needed by their names; what has one name is one thing
   * @param bring gets what it brought, with all that this needed in turn
   * @throws the first failure, when all have ended; CairnError `ERR_DEPENDENCY_CYCLE`, `ERR_LIMIT`
   */
  async bring(by: string, needed: readonly string[], bring: (name: string, i: number) => Promise<T[]>): Promise<T[]> {
    const results = await Promise.allSettled(
      needed.map(async (name, i) => {
        this.#mayWait(by, name);
        const brought = this.#brought.get(name) ?? this.#begin(name, () => bring(name, i));
        try {
          return await brought;
        } finally {
          this.#waiting.get(by)?.delete(name);
        }
      }),
    );
    const failed = results.find((each) => each.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    // What several need would be told as often as there are ways to it.
    return [...new Set(results.flatMap((each) => (each.status === 'fulfilled' ? each.value : [])))];
  }

  #begin(name: string, bring: () => Promise<T[]>): Promise<T[]> {
    if (this.#brought.size >= this.#most)
      throw new CairnError('ERR_LIMIT', `more than ${this.#most} dependencies (${limitFlag('maxDependencies')})`);
    const brought = Promise.resolve().then(bring);
    this.#brought.set(name, brought);
    return brought;
  }

  /** Notes that one waits for another, if the other does not wait for it already. */
  #mayWait(by: string, name: string): void {
    const back = this.#path(name, by);
    if (back !== undefined) {
      const chain = [by, ...back].join(' → ');
      throw new CairnError('ERR_DEPENDENCY_CYCLE', `${by} depends on itself: ${chain}`, { entry: by });
    }
    const waiting = this.#waiting.get(by) ?? new Set();
    this.#waiting.set(by, waiting.add(name));
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
      for (const next of this.#waiting.get(at) ?? []) {
        if (seen.has(next)) continue;
        seen.add(next);
        before.set(next, at);
        open.push(next);
      }
    }
    return undefined;
  }
}
