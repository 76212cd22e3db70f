/** Further copies of objects: what a render made because a file system allows one file only so many names. */
import { addTotals } from '../index/totals.js';
import type { StoreContext } from '../session/context.js';

/** Inside a transaction. @param copies by their names, `<object>+<n>` */
export function noteCopies({ index }: StoreContext, copies: Readonly<Record<string, number>>): void {
  for (const name of Object.keys(copies)) {
    const plus = name.lastIndexOf('+');
    const object = name.slice(0, plus);
    const known = index.objects.get(object);
    const more = Number(name.slice(plus + 1)) - (known?.copies ?? 0);
    if (known === undefined || more <= 0) continue;
    index.objects.put(object, { ...known, copies: known.copies + more });
    addTotals(index, { objectBytes: more * known.size });
  }
}
