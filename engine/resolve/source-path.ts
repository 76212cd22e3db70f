/** Tells whether a path is that of something to import. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { hasCode, isCairnError } from '../core/errors.js';
import { readRegular } from '../disk/regular-file.js';
import { identifyBytes } from '../layer/compression.js';
import { BLOCK } from '../layer/tar/header.js';

export const STDIN = '-';

export interface SourcePath {
  path: string;
  /** Of one of several images there. */
  reference: string | undefined;
}

/** Whether a path is the directory of an OCI image layout. */
export function isLayout(path: string): boolean {
  if (fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return false;
  return ['oci-layout', 'index.json'].some((name) => fs.existsSync(join(path, name)));
}

/** Whether an argument is the path of something to import, even if it is also an image's name. */
export function isPath(argument: string): boolean {
  try {
    return fs.statSync(argument, { throwIfNoEntry: false })?.isFile() === true || isLayout(argument);
  } catch (error) {
    // A name may be too long for a path.
    if (hasCode(error, 'ENAMETOOLONG')) return false;
    throw error;
  }
}

/** Finds what an argument names to import: a path, or a path and the reference of one of its images. */
export function locateSource(argument: string): SourcePath | undefined {
  try {
    if (isPath(argument)) return { path: argument, reference: undefined };
    const { path, reference } = splitReference(argument);
    return reference !== undefined && (isLayout(path) || isArchive(path)) ? { path, reference } : undefined;
  } catch (error) {
    if (hasCode(error, 'ENAMETOOLONG')) return undefined;
    throw error;
  }
}

/** Whether {@link locateSource} finds anything. */
export function isSource(argument: string): boolean {
  return locateSource(argument) !== undefined;
}

/** Splits `PATH[:REFERENCE]`. The path is all of it if that exists, else its longest beginning that exists. */
export function splitReference(source: string): SourcePath {
  if (!fs.existsSync(source)) {
    for (let colon = source.lastIndexOf(':'); colon > 0; colon = source.lastIndexOf(':', colon - 1)) {
      const path = source.slice(0, colon);
      if (fs.existsSync(path)) return { path, reference: source.slice(colon + 1) };
    }
  }
  return { path: source, reference: undefined };
}

/** Whether a path is a file that may hold images. A file of any other kind gives no name with a colon a meaning. */
function isArchive(path: string): boolean {
  if (fs.statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  try {
    identifyBytes(readRegular(path, BLOCK), path);
    return true;
  } catch (error) {
    if (isCairnError(error) || hasCode(error, 'EACCES')) return false;
    throw error;
  }
}
