/**
 * Keeps plans that are needed twice: to list the objects that a tree links to, and to compare the tree once these are
 * checked. A plan takes some 440 bytes an entry, and a store may have hundreds of trees. So the first plan is kept, and
 * more while they are small. Any other plan is made again.
 */
import type { Plan } from '../plan/plan.js';

/** Entries of all kept plans, some 90 MB. The first plan may have more. */
const MOST_ENTRIES = 200_000;

export class PlanMemory {
  /** Tree → plan; `undefined` for a tree that has none. */
  readonly #kept = new Map<string, Plan | undefined>();
  #entries = 0;

  keep(id: string, plan: Plan | undefined): void {
    const entries = plan?.entries.length ?? 0;
    if (entries > 0 && this.#entries > 0 && this.#entries + entries > MOST_ENTRIES) return;
    this.#kept.set(id, plan);
    this.#entries += entries;
  }

  /** Gives a plan, which is not kept any longer. @param make makes a plan that was not kept */
  take(id: string, make: () => Plan | undefined): Plan | undefined {
    if (!this.#kept.has(id)) return make();
    const plan = this.#kept.get(id);
    this.#kept.delete(id);
    this.#entries -= plan?.entries.length ?? 0;
    return plan;
  }
}
