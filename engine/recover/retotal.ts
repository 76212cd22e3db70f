/** What a store counts once its objects have moved and are listed anew, all of them needed. */
import { noteMove } from '../index/extents.js';
import type { Index } from '../index/open.js';
import { bytesOfBlob } from '../index/references.js';

/** Runs inside the transaction. */
export function retotal(index: Index, objects: number, objectBytes: number): void {
  const { blobs, blobBytes } = index.totals;
  let orphans = 0;
  let orphanBytes = 0;
  for (const orphan of index.orphans.keys()) {
    const blob = orphan.kind === 'blob' ? index.blobs.get(orphan.key) : undefined;
    if (blob === undefined) continue;
    orphans++;
    orphanBytes += bytesOfBlob(blob);
  }
  noteMove(index);
  index.meta.put('totals', { objects, objectBytes, blobs, blobBytes, orphans, orphanBytes });
}
