/**
 * Chooses the thread for a task: an idle one that has done tasks of that kind before. Each thread compiles what it runs
 * by itself, and grows its heap for it.
 */

/** What the pool says of a thread. */
export interface Thread {
  id: number;
  currentUsage: number;
  terminating: boolean;
}

export class ThreadChooser {
  /** By thread, the kinds of tasks that it was chosen for. */
  readonly #done = new Map<number, Set<string>>();

  /** @returns the thread for a task of this kind, or null while none is idle */
  choose<T extends Thread>(kind: string, threads: readonly T[]): T | null {
    let chosen: T | null = null;
    for (const thread of threads) {
      if (thread.currentUsage > 0 || thread.terminating) continue;
      if (this.#kindsOf(thread).has(kind)) {
        chosen = thread;
        break;
      }
      if (chosen === null || this.#kindsOf(thread).size < this.#kindsOf(chosen).size) chosen = thread;
    }
    if (chosen !== null) this.#kindsOf(chosen).add(kind);
    return chosen;
  }

  #kindsOf({ id }: Thread): Set<string> {
    const kinds = this.#done.get(id) ?? new Set();
    this.#done.set(id, kinds);
    return kinds;
  }
}
