/** Opens an index that other processes may have open, too: in its turn, or, to read it once, from a copy. */
import { IndexLock } from './index-lock.js';
import { Index } from './open.js';
import { PrivateCopy } from './private-copy.js';

/** How long a reader waits for another process that opens or closes the index, or commits to it. */
const PATIENCE_MS = 200;

export interface Access {
  readOnly: boolean;
  /** With `readOnly`: others may write meanwhile. */
  shared: boolean;
  /** With `shared`: sees what others write from now on, so it waits for the lock rather than read a copy. */
  follow?: boolean;
}

/**
 * Opens an index that others may have open, too. A reader that does not follow waits for the lock only for a moment,
 * then reads a copy.
 * @param check looks at the file before LMDB does
 */
export async function openIndex(
  path: string,
  { readOnly, shared, follow = false }: Access,
  check: () => void,
): Promise<Index> {
  if (readOnly && !shared) {
    check();
    return Index.open(path, true, PrivateCopy.link(path));
  }
  for (;;) {
    const lock = new IndexLock(path);
    const release = await lock.take(readOnly && !follow ? PATIENCE_MS : undefined);
    if (release !== undefined) {
      try {
        check();
        return Index.open(path, readOnly, lock);
      } catch (error) {
        void lock.close();
        throw error;
      } finally {
        release();
      }
    }
    await lock.close();
    check();
    const copy = PrivateCopy.copy(path);
    if (copy !== undefined) return Index.open(path, true, copy);
  }
}
