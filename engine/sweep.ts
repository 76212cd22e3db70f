/**
 * Deleting what the index no longer lists. The index lets go first, in its own commit; then files are deleted. A crash in between
 * leaves files that nothing lists, and a note in staging of what they are called, by which the next sweep finds them.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { StoreContext } from './context.js';
import { bury } from './durable.js';
import { addTotals, bytesOf, readOrphan } from './index/contents.js';
import { objectKey, objectName } from './index/open.js';
import { keyBytes, keyOf } from './key.js';
import { stagedNames } from './layout.js';
import type { Lock } from './lock.js';
import { isTreeId } from './plan/tree-hash.js';
import { deadSessions } from './staging.js';

export interface Swept {
  objects: number;
  blobs: number;
  bytes: number;
  /** Staging directories of processes that are gone, and trees that nothing lists. */
  staging: number;
}

/**
 * Sweeps orphaned objects and blobs, and what dead processes left.
 * @returns `undefined` when someone relies on objects right now; they are swept the next time
 */
export async function sweep(store: StoreContext): Promise<Swept | undefined> {
  const alone = store.uses.tryAlone();
  if (alone === undefined) return undefined;
  let graves: string[] = [];
  try {
    const swept = await sweepOrphans(store);
    graves = buryLeftovers(store);
    swept.staging = graves.length;
    return swept;
  } finally {
    alone.release();
    if (graves.length > 0) await store.pool.run<'remove'>({ kind: 'remove', paths: graves });
  }
}

async function sweepOrphans(store: StoreContext): Promise<Swept> {
  const { index, layout } = store;
  const swept: Swept = { objects: 0, blobs: 0, bytes: 0, staging: 0 };
  if (index.orphans.getKeysCount({ limit: 1 }) === 0) return swept;
  const notes = store.staging.make();
  // By it the next sweep finds what this one leaves if its process dies after the commit.
  const names = [...index.orphans.getKeys()].map(orphanName);
  try {
    fs.writeFileSync(stagedNames(notes), names.join('\n'), { mode: 0o600 });
  } catch (error) {
    // A full disk is no reason not to make room on it; without the note, a crash now leaves work for fsck.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
  const paths = await index.commitRemoval(() => {
    // It may run twice, see commitRemoval.
    swept.objects = 0;
    swept.blobs = 0;
    const gone: string[] = [];
    const before = index.totals;
    let objectBytes = 0;
    let blobBytes = 0;
    for (const orphan of [...index.orphans.getKeys()]) {
      const { kind, key } = readOrphan(orphan);
      index.orphans.remove(orphan);
      if (kind === 'blob') {
        const blob = index.blobs.get(key);
        if (blob === undefined || blob.refs > 0) continue;
        index.blobs.remove(key);
        gone.push(layout.blob(keyOf(key)));
        swept.blobs++;
        blobBytes += blob.size;
        continue;
      }
      const object = index.objects.get(key);
      if (object === undefined || object.refs > 0) continue;
      index.objects.remove(key);
      const path = layout.object(objectName(key));
      gone.push(path);
      for (let n = 1; n <= object.copies || fs.existsSync(`${path}+${n}`); n++) gone.push(`${path}+${n}`);
      swept.objects++;
      objectBytes += bytesOf(object);
    }
    swept.bytes = objectBytes + blobBytes;
    addTotals(index, {
      objects: -swept.objects,
      objectBytes: -objectBytes,
      blobs: -swept.blobs,
      blobBytes: -blobBytes,
      orphans: -before.orphans,
      orphanBytes: -before.orphanBytes,
    });
    return gone;
  });
  await store.pool.run<'remove'>({ kind: 'remove', paths: [...paths, notes] });
  return swept;
}

function orphanName(orphan: Buffer): string {
  const { kind, key } = readOrphan(orphan);
  return kind === 'blob' ? key.toString('hex') : objectName(key);
}

/** Moves out of the way what dead sessions and crashed commits left. @returns directories to delete */
function buryLeftovers(store: StoreContext): string[] {
  const { layout, staging } = store;
  const graves: string[] = [];
  const locks: Lock[] = [];
  for (const { dir, lock } of deadSessions(layout.staging, staging.session)) {
    for (const name of fs.readdirSync(dir)) removeUnlisted(store, join(dir, name));
    graves.push(dir);
    locks.push(lock);
  }
  for (const lock of locks) lock.release();
  for (const name of fs.readdirSync(layout.trees)) {
    if (isTreeId(name) && store.index.trees.get(name) !== undefined) continue;
    const grave = join(staging.make(), 'tree');
    bury(join(layout.trees, name), grave);
    graves.push(grave);
  }
  return graves;
}

/** Deletes what a note names and the index does not: placed by an import, or half swept, when its process died. */
function removeUnlisted(store: StoreContext, dir: string): void {
  const { index, layout } = store;
  let names: string[];
  try {
    names = fs.readFileSync(stagedNames(dir), 'latin1').split('\n');
  } catch {
    return; // no note: nothing had left this directory
  }
  for (const name of names) {
    if (/^[0-9a-f]{128}$/.test(name)) {
      if (index.blobs.get(keyBytes(`sha512-${name}`)) === undefined)
        fs.rmSync(layout.blob(`sha512-${name}`), { force: true });
    } else if (/^[0-9a-f]{128}\.[0-9a-z.,]+$/.test(name) && index.objects.get(objectKey(name)) === undefined) {
      fs.rmSync(layout.object(name), { force: true });
      for (let n = 1; fs.existsSync(`${layout.object(name)}+${n}`); n++) fs.rmSync(`${layout.object(name)}+${n}`);
    }
  }
}
