/** What fetches leave half done, for the next attempt: one file a blob, each with a lock while somebody works on it. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { makeOnce } from '../disk/durable.js';
import { type Lock, lock } from '../disk/lock.js';
import type { StoreContext } from '../session/context.js';

/** @param digest `sha256:` and 64 digits */
export function partialFile({ layout }: StoreContext, digest: string): string {
  makeOnce(layout.fetching);
  return join(layout.fetching, hexIn(digest));
}

export function removePartial(store: StoreContext, digest: string): void {
  fs.rmSync(partialFile(store, digest), { force: true });
}

/**
 * Waits until no other fetch works on any of these blobs. All take them in the same order, so that none waits for
 * another in a circle.
 * @throws CairnError `ERR_ABORTED`
 */
export async function lockBlobs(
  { layout }: StoreContext,
  digests: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Lock> {
  const held: Lock[] = [];
  const release = (): void => {
    for (const each of held.splice(0)) each.release();
  };
  try {
    for (const digest of [...new Set(digests)].sort())
      held.push(await lock(layout.fetchLock(hexIn(digest)), true, signal));
  } catch (error) {
    release();
    throw error;
  }
  return { release };
}

function hexIn(digest: string): string {
  return digest.slice('sha256:'.length);
}
