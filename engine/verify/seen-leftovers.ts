/**
 * Finds what ended processes left in staging and among the locks, and changes nothing. gc or a repair takes it away.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type Layout, sessionLock } from '../disk/layout.js';
import { isHeld } from '../disk/lock.js';

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
