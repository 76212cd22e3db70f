/**
 * Finds what ended processes left in staging and among the locks, and changes nothing. gc or a repair takes it away.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../core/errors.js';
import { type Layout, sessionLock } from '../disk/layout.js';
import { tryFlock } from '../disk/native.js';

/** Sessions whose process is gone, and lock files without a holder. @param own the caller's session */
export function leftovers(layout: Layout, own: string | undefined): string[] {
  const sessions = fs
    .readdirSync(layout.staging)
    .filter((name) => name !== own)
    .map((name) => join(layout.staging, name));
  const locks = fs.readdirSync(layout.locks).map((name) => join(layout.locks, name));
  return [
    ...sessions.filter((dir) => !isHeld(sessionLock(dir))),
    ...locks.filter((path) => path !== layout.useLock && !isHeld(path)),
  ];
}

/** Taking the lock would make its file, and releasing it would remove the file. This test does neither. */
function isHeld(path: string): boolean {
  let fd: number;
  try {
    fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_NOFOLLOW);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
  try {
    return !tryFlock(fd, true);
  } finally {
    fs.closeSync(fd);
  }
}
