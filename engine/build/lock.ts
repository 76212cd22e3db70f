/** One command at a time works on a build. Each first clears up after a run that was killed. */
import { CairnError } from '../core/errors.js';
import { type FileLock, tryLock } from '../disk/lock.js';
import { clearAfterRun } from './overlay.js';
import type { BuildPlace } from './place.js';

/**
 * Does something that nobody else may do to the same build meanwhile.
 * @throws CairnError `ERR_HELD` while somebody does
 */
export async function withBuildLock<T>(place: BuildPlace, work: (lock: FileLock) => T | Promise<T>): Promise<T> {
  const held = lockBuild(place);
  try {
    clearAfterRun(place);
    return await work(held);
  } finally {
    held.release();
  }
}

function lockBuild({ dir, lock }: BuildPlace): FileLock {
  const held = tryLock(lock, true);
  if (held !== undefined) return held;
  throw new CairnError('ERR_HELD', `another command is at work on the build in ${dir}`, { path: dir });
}
