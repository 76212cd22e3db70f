/** A file that the index lists and that cannot be read is damage of the store, not a failure of its reader. */
import { CairnError } from './errors.js';

/** Errors of a file that is missing, is something else, or has sectors or a mode that keep it from being read. */
const UNREADABLE = new Set(['ENOENT', 'EISDIR', 'ELOOP', 'EIO', 'EACCES', 'EPERM']);

/** @returns a CairnError `ERR_DAMAGED`, or the given error when that says nothing about the file */
export function asDamage(error: unknown, what: string, path: string, advice: string): unknown {
  const errno = (error as NodeJS.ErrnoException).code ?? '';
  if (!UNREADABLE.has(errno)) return error;
  const how = errno === 'ENOENT' ? 'is missing' : 'cannot be read';
  return new CairnError('ERR_DAMAGED', `${what} ${how}; ${advice}`, { path, errno, cause: error });
}
