/** Checks that the index's tables hold what was written to them. */
import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../core/errors.js';
import { xxhash } from '../core/xxhash.js';
import { type RowHash, SUMS_KEY, type TableSums } from './checksums.js';
import { damagedIndex } from './damage.js';
import type { Snapshot } from './environment.js';
import type { Index } from './open.js';
import type { ObjectRecord } from './records.js';
import type { Table } from './table.js';

/** Rows between two pauses, in which other work on this thread has its turn. */
const ROWS_AT_ONCE = 1024;

export interface RowsOptions {
  signal?: AbortSignal | undefined;
  /** Takes each object as its row is read, which saves the caller a second read of all rows. */
  onObject?: ((name: string, record: ObjectRecord) => void) | undefined;
}

/**
 * Reads every row of one moment's index, and looks each up by its key. An index from before there were sums gets them
 * with its next commit. Until then its rows are compared with none.
 * @param path of the index
 * @throws CairnError `ERR_DAMAGED`; the first error of `onObject`, if all rows are as they were written
 */
export async function checkRows(index: Index, path: string, options: RowsOptions = {}): Promise<void> {
  const { h32Raw } = await xxhash();
  const snapshot = index.snapshot();
  try {
    const sums = index.meta.getAt(SUMS_KEY, snapshot) as TableSums | undefined;
    const trouble: unknown[] = [];
    for (const table of index.all) {
      const fault = await faultOfTable(table, { hash: h32Raw, snapshot, sums, trouble, ...options });
      if (fault !== undefined) throw damagedIndex(path, fault);
    }
    // Errors of `onObject` count only if all rows are sound: a damaged row may have caused them.
    if (trouble.length > 0) throw trouble[0];
  } finally {
    snapshot.done();
  }
}

interface Look extends RowsOptions {
  hash: RowHash;
  snapshot: Snapshot;
  sums: TableSums | undefined;
  /** Takes the errors that `onObject` throws. */
  trouble: unknown[];
}

async function faultOfTable(table: Table<unknown, unknown>, look: Look): Promise<string | undefined> {
  const { hash, snapshot, sums, trouble, signal } = look;
  const onRow = table.name === 'objects' ? (look.onObject as (key: unknown, value: unknown) => void) : undefined;
  let total = 0;
  let rows = 0;
  for (const { key, value, sum, isFound } of table.scan(hash, snapshot)) {
    if (key === SUMS_KEY) continue;
    try {
      onRow?.(key, value());
    } catch (error) {
      trouble.push(error);
    }
    total = (total + sum) >>> 0;
    if (!isFound) return `does not find an entry of "${table.name}" by its key`;
    if (++rows % ROWS_AT_ONCE > 0) continue;
    await setImmediate();
    throwIfAborted(signal);
  }
  return sums !== undefined && total !== (sums[table.name] ?? 0)
    ? `does not hold what was written to "${table.name}"`
    : undefined;
}
