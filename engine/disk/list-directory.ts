/** Lists directories that others may be changing, or that cannot be read. */
import * as fs from 'node:fs';
import { type ByteString, toFsPath } from '../core/bytes.js';
import { hasCode } from '../core/errors.js';
import { faultOf } from './path-fault.js';

/** Names; none if the directory is missing or its damage keeps it from being read. @throws as `readdir` otherwise */
export function namesIn(dir: string): string[] {
  try {
    return fs.readdirSync(dir);
  } catch (error) {
    faultOf(error);
    return [];
  }
}

/** Names; none if the directory is missing, `undefined` if the system does not let us look. */
export function byteNamesIn(dir: ByteString): ByteString[] | undefined {
  try {
    return fs.readdirSync(toFsPath(dir), { encoding: 'latin1' });
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    if (hasCode(error, 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}

/** Names with their types. @throws as `readdir` does */
export function entriesIn(dir: ByteString): fs.Dirent[] {
  return fs.readdirSync(toFsPath(dir), { withFileTypes: true, encoding: 'latin1' });
}
