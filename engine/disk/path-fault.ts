/** What keeps a path of the store from being looked at. That is damage like any other: it must not end the look at all the rest. */
import * as fs from 'node:fs';

const FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'missing',
  // What should be a directory on the way there is none.
  ENOTDIR: 'missing',
  EACCES: 'cannot be read: permission denied',
  EPERM: 'cannot be read: permission denied',
  EIO: 'cannot be read: input/output error',
};

/** @throws what was thrown, if it is not about the path alone */
export function faultOf(error: unknown): string {
  const fault = FAULTS[(error as NodeJS.ErrnoException).code ?? ''];
  if (fault === undefined) throw error;
  return fault;
}

/** What lies at a path, or else what is wrong there. */
export function statOrFault(path: string | Buffer): fs.BigIntStats | string {
  try {
    return fs.lstatSync(path, { bigint: true });
  } catch (error) {
    return faultOf(error);
  }
}
