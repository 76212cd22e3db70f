/** Damage that LMDB finds while it reads, told as what it is. */
import type { Database, Key as LmdbKey } from 'lmdb';
import { CairnError, isCairnError, toCairnError } from '../core/errors.js';

export const HOW_TO_REBUILD = '"cairn fsck --rebuild-index" makes it anew from what the store holds';

/** The error for an index that cannot be used. @param path of the index */
export function damagedIndex(path: string, what: string, cause?: unknown): CairnError {
  return new CairnError('ERR_DAMAGED', `the index ${what}; ${HOW_TO_REBUILD}`, { path, cause });
}

/** What LMDB says of a file that is not as it left it. */
export function isDamage(error: unknown): boolean {
  return error instanceof Error && /^MDB_(CORRUPTED|PAGE_NOTFOUND|INVALID|VERSION_MISMATCH)\b/.test(error.message);
}

/** After a write that failed an environment does nothing more until it is opened again: the failure was told then. */
function hasFailed(error: unknown): boolean {
  return error instanceof Error && /\bMDB_PANIC\b/.test(error.message);
}

/** Makes reading a database throw `ERR_DAMAGED` for pages and values that cannot be read. @returns the same database */
export function guardReads<V, K extends LmdbKey>(database: Database<V, K>, path: string): Database<V, K> {
  const guarded = <T>(read: () => T): T => {
    try {
      return read();
    } catch (thrown) {
      const error = toCairnError(thrown);
      if (isCairnError(error)) throw error;
      const why = `cannot be read: ${(thrown as Error).message}`;
      if (hasFailed(thrown)) throw new CairnError('ERR_IO', `the index ${why}`, { path, cause: thrown });
      throw damagedIndex(path, why, thrown);
    }
  };
  const get = database.get.bind(database);
  const getRange = database.getRange.bind(database);
  database.get = ((...args: Parameters<typeof get>) => guarded(() => get(...args))) as typeof database.get;
  const doesExist = database.doesExist.bind(database);
  database.doesExist = ((...args: Parameters<typeof doesExist>) =>
    guarded(() => doesExist(...args))) as typeof database.doesExist;
  database.getRange = (options) => {
    const range = guarded(() => getRange(options));
    const iterate = range[Symbol.iterator].bind(range);
    range[Symbol.iterator] = () => {
      const iterator = guarded(iterate);
      const { next } = iterator;
      iterator.next = () => guarded(() => next.call(iterator));
      return iterator;
    };
    return range;
  };
  return database;
}
