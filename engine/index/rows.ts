/** Looks whether the index's tables hold what was written to them. */
import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../errors.js';
import { xxhash } from '../hash.js';
import { damagedIndex } from './guard.js';
import type { Index } from './open.js';
import { rowSum, SUMS_KEY, type TableSums } from './sums.js';

/** So many rows at a time, that others on this thread have their turn. */
const ROWS_AT_ONCE = 4096;

/**
 * Reads every row of one moment's index, also by its key. One from before there were sums is only checked once it was written to.
 * @param path of the index
 * @throws CairnError `ERR_DAMAGED`
 */
export async function checkRows(index: Index, path: string, signal?: AbortSignal): Promise<void> {
  const fault = await faultOfRows(index, signal);
  if (fault !== undefined) throw damagedIndex(path, fault);
}

async function faultOfRows(index: Index, signal: AbortSignal | undefined): Promise<string | undefined> {
  const { h32 } = await xxhash();
  const transaction = index.env.useReadTransaction();
  const options = { transaction };
  try {
    const sums = index.meta.get(SUMS_KEY, options) as TableSums | undefined;
    if (sums === undefined) return undefined;
    for (const [name, table] of index.tables) {
      let sum = 0;
      let rows = 0;
      for (const { key, value } of table.getRange(options)) {
        if (key === SUMS_KEY) continue;
        sum = (sum + rowSum(h32, key, value)) >>> 0;
        if (table.get(key, options) === undefined) return `does not find an entry of "${name}" by its key`;
        if (++rows % ROWS_AT_ONCE > 0) continue;
        await setImmediate();
        throwIfAborted(signal);
      }
      if (sum !== (sums[name] ?? 0)) return `does not hold what was written to "${name}"`;
    }
    return undefined;
  } finally {
    transaction.done();
  }
}
