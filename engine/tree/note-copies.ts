/** Notes further copies of objects. Renders make them, since a file system allows one file only so many names. */
import { addTotals } from '../index/totals.js';
import type { StoreContext } from '../session/context.js';

/** Runs inside a transaction. @param copies object → the highest number of a copy that was linked to */
export function noteCopies({ index }: Pick<StoreContext, 'index'>, copies: Readonly<Record<string, number>>): void {
  for (const [name, highest] of Object.entries(copies)) {
    const known = index.objects.get(name);
    const more = highest - (known?.copies ?? 0);
    if (known === undefined || more <= 0) continue;
    index.objects.put(name, { ...known, copies: known.copies + more });
    addTotals(index, { objectBytes: more * known.size });
  }
}
