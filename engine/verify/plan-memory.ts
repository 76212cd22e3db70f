/**
 * Plans that are needed twice: to know of which objects a tree has names, and to compare the tree once these are looked at. A plan takes
 * some 440 bytes an entry, and a store may have hundreds of trees: so the first one is kept, and more while they are small; any other is made again.
 */
import type { Plan } from '../plan/plan.js';

/** Of all that are kept, beside the first: some 90 MB. */
const MOST_ENTRIES = 200_000;

export class PlanMemory {
  /** `undefined` for what has none. */
  readonly #kept = new Map<string, Plan | undefined>();
  #entries = 0;

  keep(id: string, plan: Plan | undefined): void {
    const entries = plan?.entries.length ?? 0;
    if (entries > 0 && this.#entries > 0 && this.#entries + entries > MOST_ENTRIES) return;
    this.#kept.set(id, plan);
    this.#entries += entries;
  }

  /** Lets go of a plan. @param make for one that was not kept */
  take(id: string, make: () => Plan | undefined): Plan | undefined {
    if (!this.#kept.has(id)) return make();
    const plan = this.#kept.get(id);
    this.#kept.delete(id);
    this.#entries -= plan?.entries.length ?? 0;
    return plan;
  }
}
