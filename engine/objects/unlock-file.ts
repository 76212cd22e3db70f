/** Lets the owner of a store read a file in it. */
import * as fs from 'node:fs';
import { fromText, toFsPath } from '../core/bytes.js';
import { isRefusal } from '../disk/set-metadata.js';
import { fileStat } from '../disk/stat.js';

const OWNER_READS = 0o400;

/**
 * @param wanted the bits of the mode that an unlocked file gets
 * @returns whether the file's mode kept its owner from reading it; if so, it no longer does
 */
export function unlockFile(path: string, wanted = OWNER_READS): boolean {
  const file = fromText(path);
  const stat = fileStat(file);
  if (stat?.type !== 'file' || (stat.mode & OWNER_READS) !== 0) return false;
  try {
    fs.accessSync(path, fs.constants.R_OK);
    return false;
  } catch {
    // The next reader says why the file cannot be read, if it still cannot.
  }
  try {
    fs.chmodSync(toFsPath(file), stat.mode | wanted);
    return true;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return false;
  }
}
