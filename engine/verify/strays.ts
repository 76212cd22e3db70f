/** Takes away what lies in the store and is in no list. */
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { moveLeftoversAside } from '../collect/sweep.js';
import type { OperationOptions } from '../core/operation.js';
import { moveAside } from '../disk/durable.js';
import { tryLock } from '../disk/lock.js';
import { mountsBelow } from '../disk/mounts.js';
import { idOfPackFile } from '../objects/pack/format.js';
import type { StoreContext } from '../session/context.js';
import { compareWithDisk } from './fsck.js';

/**
 * @param trash gets the paths that the caller is to delete
 * @returns the paths that were strays
 */
export function removeStrays(
  store: StoreContext,
  { trash, ...options }: OperationOptions & { trash: string[] },
): string[] {
  const { layout } = store;
  const { stray } = compareWithDisk(store, options);
  if (stray.length === 0) return [];
  const dir = store.staging.make();
  trash.push(dir, ...moveLeftoversAside(store));
  return stray.filter((path, n) => {
    // Releasing a lock removes its file, so no one else can hold the lock when the file goes.
    if (dirname(path) === layout.locks) tryLock(path, true)?.release();
    // A pod's directory in which something is mounted has stayed.
    else if (dirname(path) === layout.packs) return removePack(store, path);
    else if (dirname(path) === layout.pods && mountsBelow(path).length > 0) return false;
    else moveAside(path, join(dir, `${n}`));
    return true;
  });
}

/** Nobody appends to a pack whose lock is free: those who take one look whether it is there. */
function removePack({ layout }: StoreContext, path: string): boolean {
  const pack = idOfPackFile(basename(path));
  const lock = pack === undefined ? undefined : tryLock(layout.packLock(pack), true);
  if (pack !== undefined && lock === undefined) return false;
  try {
    fs.rmSync(path, { force: true });
    return true;
  } finally {
    lock?.release();
  }
}
