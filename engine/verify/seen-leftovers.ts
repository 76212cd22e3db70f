/** What ended processes left in staging and among the locks, seen without a trace: taking it away is gc's, or a repair's. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../core/errors.js';
import { type Layout, sessionLock } from '../disk/layout.js';
import { tryFlock } from '../disk/native.js';

/** Sessions whose process is gone, and lock files that nobody holds. @param own the session of whoever asks */
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

/** Unlike one who takes the lock, this one neither makes its file nor removes it. */
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
