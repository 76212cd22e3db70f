/** The totals that are kept beside the records, so that nobody has to read all records. */
import type { Index } from './open.js';
import type { Totals } from './records.js';

/** Runs inside the transaction that changes the records. */
export function addTotals(index: Index, by: Partial<Totals>): void {
  const totals = index.totals;
  for (const [name, amount] of Object.entries(by)) totals[name as keyof Totals] += amount;
  index.meta.put('totals', totals);
}
