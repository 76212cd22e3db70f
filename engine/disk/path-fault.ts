/** Faults that keep a path of the store from being checked. They are damage, and must not end the check of the rest. */
import * as fs from 'node:fs';

const FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'missing',
  // Something on the way there is no directory, as it should be.
  ENOTDIR: 'missing',
  EACCES: 'cannot be read: permission denied',
  EPERM: 'cannot be read: permission denied',
  EIO: 'cannot be read: input/output error',
};

/** Words for an error that is about a path alone. @throws the error, if it is about more */
export function faultOf(error: unknown): string {
  const fault = FAULTS[(error as NodeJS.ErrnoException).code ?? ''];
  if (fault === undefined) throw error;
  return fault;
}

/** The stat of a path, or else what is wrong there. */
export function statOrFault(path: string | Buffer): fs.BigIntStats | string {
  try {
    return fs.lstatSync(path, { bigint: true });
  } catch (error) {
    return faultOf(error);
  }
}
