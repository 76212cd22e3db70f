/** Tells whether a path is that of something to import. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../core/errors.js';

export const STDIN = '-';

/** Whether a path is the directory of an OCI image layout. */
export function isLayout(path: string): boolean {
  if (fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return false;
  return ['oci-layout', 'index.json'].some((name) => fs.existsSync(join(path, name)));
}

/** Whether an argument is a path to import, even if it is also an image's name. A name may be too long for a path. */
export function isSource(argument: string): boolean {
  try {
    return fs.statSync(argument, { throwIfNoEntry: false })?.isFile() === true || isLayout(argument);
  } catch (error) {
    if (hasCode(error, 'ENAMETOOLONG')) return false;
    throw error;
  }
}
