/** What the index lists and cannot be read is damage of the store, not a failure of whoever reads. */
import { CairnError } from './errors.js';

/** The file is not there, is something else, or neither its sectors nor its mode let anyone read it. */
const UNREADABLE = new Set(['ENOENT', 'EISDIR', 'ELOOP', 'EIO', 'EACCES', 'EPERM']);

/** @returns a CairnError `ERR_DAMAGED`, or the error as it is when it says nothing about the file */
export function asDamage(error: unknown, what: string, path: string, advice: string): unknown {
  const errno = (error as NodeJS.ErrnoException).code ?? '';
  if (!UNREADABLE.has(errno)) return error;
  const how = errno === 'ENOENT' ? 'is missing' : 'cannot be read';
  return new CairnError('ERR_DAMAGED', `${what} ${how}; ${advice}`, { path, errno, cause: error });
}
