/** Names in directories that others may be changing, or that nobody may read. */
import * as fs from 'node:fs';
import { type ByteString, toFsPath } from '../core/bytes.js';
import { hasCode } from '../core/errors.js';
import { faultOf } from './path-fault.js';

/** None where a directory is missing, or cannot be read for a reason that is damage. @throws as `readdir` does otherwise */
export function namesIn(dir: string): string[] {
  try {
    return fs.readdirSync(dir);
  } catch (error) {
    faultOf(error);
    return [];
  }
}

/** None where a directory is missing; `undefined` where the system does not let us look. */
export function byteNamesIn(dir: ByteString): ByteString[] | undefined {
  try {
    return fs.readdirSync(toFsPath(dir), { encoding: 'latin1' });
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    if (hasCode(error, 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}

/** With what each is. @throws as `readdir` does */
export function entriesIn(dir: ByteString): fs.Dirent[] {
  return fs.readdirSync(toFsPath(dir), { withFileTypes: true, encoding: 'latin1' });
}
