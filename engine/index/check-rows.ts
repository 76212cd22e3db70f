/** Looks whether the index's tables hold what was written to them. */
import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../core/errors.js';
import { xxhash } from '../core/xxhash.js';
import { rowSum, SUMS_KEY, type TableSums } from './checksums.js';
import { damagedIndex } from './damage.js';
import type { Index } from './open.js';
import type { ObjectRecord } from './records.js';

/** So many rows at a time, that others on this thread have their turn. */
const ROWS_AT_ONCE = 1024;

export interface RowsOptions {
  signal?: AbortSignal | undefined;
  /** Takes each object on the way, so that nobody needs to read them all again. */
  onObject?: ((key: Buffer, record: ObjectRecord) => void) | undefined;
}

/**
 * Reads every row of one moment's index, and looks for it by its key. One from before there were sums has them once it was written to.
 * @param path of the index
 * @throws CairnError `ERR_DAMAGED`
 */
export async function checkRows(index: Index, path: string, options: RowsOptions = {}): Promise<void> {
  const fault = await faultOfRows(index, options);
  if (fault !== undefined) throw damagedIndex(path, fault);
}

async function faultOfRows(index: Index, { signal, onObject }: RowsOptions): Promise<string | undefined> {
  const { h32 } = await xxhash();
  const transaction = index.env.useReadTransaction();
  const options = { transaction };
  try {
    const sums = index.meta.get(SUMS_KEY, options) as TableSums | undefined;
    let trouble: unknown;
    for (const [name, table] of index.tables) {
      const take = name === 'objects' ? (onObject as ((key: unknown, value: unknown) => void) | undefined) : undefined;
      let sum = 0;
      let rows = 0;
      for (const { key, value } of table.getRange(options)) {
        if (key === SUMS_KEY) continue;
        try {
          take?.(key, value);
        } catch (error) {
          // Of a row that is damaged, as the sums will tell.
          trouble ??= error;
        }
        if (sums !== undefined) sum = (sum + rowSum(h32, key, value)) >>> 0;
        if (!table.doesExist(key, undefined, options)) return `does not find an entry of "${name}" by its key`;
        if (++rows % ROWS_AT_ONCE > 0) continue;
        await setImmediate();
        throwIfAborted(signal);
      }
      if (sums !== undefined && sum !== (sums[name] ?? 0)) return `does not hold what was written to "${name}"`;
    }
    if (trouble !== undefined) throw trouble;
    return undefined;
  } finally {
    transaction.done();
  }
}
