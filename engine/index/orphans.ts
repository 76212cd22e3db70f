/** Counts what waits for gc. */
import { FIRST_ORPHANED_OBJECT } from './keys.js';
import type { Index } from './open.js';
import { bytesOfBlob } from './references.js';

/** How many objects, and bytes of them, wait for gc: all that is counted but for the blobs, which are few. */
export function orphanedObjects(index: Index): { count: number; bytes: number } {
  let { orphans: count, orphanBytes: bytes } = index.totals;
  for (const orphan of index.orphans.keys({ end: FIRST_ORPHANED_OBJECT })) {
    const blob = orphan.kind === 'blob' ? index.blobs.get(orphan.key) : undefined;
    count--;
    if (blob !== undefined) bytes -= bytesOfBlob(blob);
  }
  return { count, bytes };
}
