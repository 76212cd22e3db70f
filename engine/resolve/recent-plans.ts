/**
 * Keeps the plan that was asked for last, for a while: whoever looks at one file of an image looks at more of them. A
 * plan of a large image takes as long to make as a hundred small files to read.
 */
import type { Plan } from '../plan/plan.js';
import type { StoreContext } from '../session/context.js';
import type { LayerStack } from './layer-stack.js';
import { planOf } from './plan-image.js';

/** Entries of a plan that is kept, some 90 MB. */
const MOST_ENTRIES = 200_000;
const KEPT_MS = 30_000;

interface Recent {
  treeId: string;
  plan: Plan;
  forget: NodeJS.Timeout;
}

const recent = new WeakMap<StoreContext, Recent>();

/** The plan of a stack, which is kept. @throws CairnError as {@link planOf} does */
export function recentPlan(store: StoreContext, stack: LayerStack): Plan {
  const known = recent.get(store);
  if (known?.treeId === stack.treeId) {
    known.forget.refresh();
    return known.plan;
  }
  const plan = planOf(store, stack);
  clearTimeout(known?.forget);
  recent.delete(store);
  if (plan.entries.length <= MOST_ENTRIES) {
    const forget = setTimeout(() => recent.delete(store), KEPT_MS).unref();
    recent.set(store, { treeId: stack.treeId, plan, forget });
  }
  return plan;
}

/** The plan of a stack if it is kept. The tree's id names all that it is made of. */
export function keptPlan(store: StoreContext, { treeId }: LayerStack): Plan | undefined {
  const known = recent.get(store);
  return known?.treeId === treeId ? known.plan : undefined;
}
