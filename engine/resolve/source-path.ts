/** Whether a path is that of images that may be imported. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../core/errors.js';

export const STDIN = '-';

/** Whether this is the directory of an OCI image layout. */
export function isLayout(path: string): boolean {
  if (fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return false;
  return ['oci-layout', 'index.json'].some((name) => fs.existsSync(join(path, name)));
}

/** Whether an argument names something to import, be it an image's name or not. A name may be longer than a path can be. */
export function isSource(argument: string): boolean {
  try {
    return fs.statSync(argument, { throwIfNoEntry: false })?.isFile() === true || isLayout(argument);
  } catch (error) {
    if (hasCode(error, 'ENAMETOOLONG')) return false;
    throw error;
  }
}
