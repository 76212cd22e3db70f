/** Reports damage that LMDB finds while reading as `ERR_DAMAGED`. */
import { CairnError, isCairnError, toCairnError } from '../core/errors.js';

export const HOW_TO_REBUILD = '"cairn fsck --rebuild-index" makes it anew from what the store holds';

/** The error for an index that cannot be used. @param path of the index */
export function damagedIndex(path: string, what: string, cause?: unknown): CairnError {
  return new CairnError('ERR_DAMAGED', `the index ${what}; ${HOW_TO_REBUILD}`, { path, cause });
}

/** Whether an error is LMDB's report of a damaged file. */
export function isDamage(error: unknown): boolean {
  return error instanceof Error && /^MDB_(CORRUPTED|PAGE_NOTFOUND|INVALID|VERSION_MISMATCH)\b/.test(error.message);
}

/** After a failed write an environment does nothing more until it is opened again. The failure itself was reported. */
function hasFailed(error: unknown): boolean {
  return error instanceof Error && /\bMDB_PANIC\b/.test(error.message);
}

/**
 * Reads the index.
 * @throws CairnError `ERR_DAMAGED` for pages and values that cannot be read, `ERR_IO` for an index that has failed
 */
export function guarded<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    const error = toCairnError(thrown);
    if (isCairnError(error)) throw error;
    const why = `cannot be read: ${(thrown as Error).message}`;
    if (hasFailed(thrown)) throw new CairnError('ERR_IO', `the index ${why}`, { path, cause: thrown });
    throw damagedIndex(path, why, thrown);
  }
}
