/** Gives LMDB's reports of system errors the shape that the engine knows, and finds one of them before LMDB does. */
import * as fs from 'node:fs';
import { CairnError, isCairnError, toCairnError } from '../core/errors.js';

/** Files that LMDB keeps open. */
const DESCRIPTORS = 4;

/** Names of system errors by the words of `strerror`, in which LMDB reports them. */
const REASONS: readonly [RegExp, string][] = [
  [/No space left|MDB_MAP_FULL/i, 'ENOSPC'],
  [/Disk quota/i, 'EDQUOT'],
  [/Read-only/i, 'EROFS'],
  [/Permission denied/i, 'EACCES'],
  [/Too many open files/i, 'EMFILE'],
  [/Input\/output error/i, 'EIO'],
];

/** Makes a CairnError of a system error, which LMDB reports as text. */
export function indexError(cause: unknown, path: string, doing: string): CairnError {
  if (isCairnError(cause)) return cause;
  const { message, code } = cause as NodeJS.ErrnoException;
  // In this case LMDB itself has written half a line to stderr.
  if (message.includes('Attempting to write page')) process.stderr.write('\n');
  const errno = REASONS.find(([reason]) => reason.test(message))?.[1] ?? (typeof code === 'string' ? code : undefined);
  const told = Object.assign(new Error(message.replace(/: Attempting to write page.*/, ''), { cause }), {
    code: errno,
    path,
  });
  const error = toCairnError(told, doing);
  return isCairnError(error) ? error : new CairnError('ERR_IO', `${doing}: ${message}`, { path, cause });
}

/**
 * Opens a file as often as LMDB will, to report a failure in LMDB's place: its package (version 3.5.6) would crash.
 * Not for `lock.mdb`: closing that file would drop the locks that this process may have on it.
 */
export function checkOpenable(file: string, readOnly: boolean): void {
  const { O_RDONLY, O_RDWR, O_CREAT } = fs.constants;
  const opened: number[] = [];
  try {
    for (let i = 0; i < DESCRIPTORS; i++) opened.push(fs.openSync(file, readOnly ? O_RDONLY : O_RDWR | O_CREAT, 0o664));
  } finally {
    for (const fd of opened) fs.closeSync(fd);
  }
}
