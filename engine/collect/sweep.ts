/**
 * Deletes files that the index no longer lists. First the index drops them, in its own commit; then the files are
 * deleted. A crash in between leaves files that nothing lists. A note of their names in staging lets the next sweep
 * find them.
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { deletePaths, deleteSmall, discard } from '../content/delete.js';
import { dropPlans } from '../content/plan-cache.js';
import { dropUrlNotes } from '../content/url-notes.js';
import { hasCode, isCairnError, naming, throwIfAborted, toCairnError } from '../core/errors.js';
import { hexOf, isTreeId, type Key, keyOfHex } from '../core/key.js';
import type { OperationOptions } from '../core/operation.js';
import { isUuid } from '../core/uuid.js';
import { moveAside, syncDirectory, syncFile } from '../disk/durable.js';
import { isUnfinishedFormat, type Layout, STAGED_CONTENT, stagedNames } from '../disk/layout.js';
import { namesIn } from '../disk/list-directory.js';
import { type Lock, tryLock } from '../disk/lock.js';
import { deadSessions } from '../disk/staging.js';
import { mustNotBeInUse } from '../disk/tree-use.js';
import { dropExtents, type Extent } from '../index/extents.js';
import type { Orphan } from '../index/keys.js';
import { bytesOf } from '../index/objects.js';
import type { Index } from '../index/open.js';
import { bytesOfBlob } from '../index/references.js';
import { addTotals } from '../index/totals.js';
import type { DeletedObject } from '../objects/home.js';
import type { StoreContext } from '../session/context.js';
import { sayLeftBehind } from '../session/context.js';
import { collectPacks, dropUnfinishedPacks, dropUnusedLinks } from './packs.js';

export interface Swept {
  objects: number;
  blobs: number;
  bytes: number;
  /** Staging directories of processes that are gone, and trees and pods that nothing lists. */
  staging: number;
}

export interface SweepOptions extends OperationOptions {
  /** Keep others from beginning something for a moment, so that the sweep has its turn. */
  waits?: boolean;
}

/** Orphans swept at a time: memory stays flat, and an interrupt waits for one batch at most. */
const BATCH = 50_000;

/**
 * Sweeps orphaned objects and blobs, and leftovers of dead processes.
 * @returns `undefined` if another operation relies on objects right now; the next sweep takes the orphans
 */
export async function sweep(store: StoreContext, options: SweepOptions = {}): Promise<Swept | undefined> {
  const alone = await takeAlone(store, options);
  if (alone === undefined) return undefined;
  let trash: string[] = [];
  let swept: Swept;
  try {
    swept = await sweepOrphans(store, options);
    if (store.lanes !== undefined) await collectPacks(store, options);
    else await dropUnfinishedPacks(store);
    trash = moveLeftoversAside(store);
    dropPlans(store);
    dropUrlNotes(store);
    swept.staging = trash.length;
  } finally {
    alone.release();
    await discard(store, trash);
  }
  if (store.objects.keepsLinks) await sweepLinks(store, options);
  return swept;
}

async function takeAlone({ uses }: StoreContext, { waits, signal }: SweepOptions): Promise<Lock | undefined> {
  return waits === true ? uses.soonAlone(signal) : uses.tryAlone();
}

/** Comes last, as trees that were just deleted may have had the other names. */
async function sweepLinks(store: StoreContext, options: SweepOptions): Promise<void> {
  const alone = await takeAlone(store, options);
  if (alone === undefined) return;
  try {
    await dropUnusedLinks(store);
  } finally {
    alone.release();
  }
}

async function sweepOrphans(store: StoreContext, { signal, onProgress }: OperationOptions): Promise<Swept> {
  const all = store.index.totals.orphans;
  const total: Swept = { objects: 0, blobs: 0, bytes: 0, staging: 0 };
  for (;;) {
    throwIfAborted(signal);
    onProgress?.({ what: 'collecting', unit: 'items', done: Math.min(all, total.objects + total.blobs), total: all });
    const orphans = [...store.index.orphans.keys({ limit: BATCH })];
    if (orphans.length === 0) return total;
    const swept = await sweepBatch(store, orphans);
    total.objects += swept.objects;
    total.blobs += swept.blobs;
    total.bytes += swept.bytes;
  }
}

async function sweepBatch(store: StoreContext, orphans: readonly Orphan[]): Promise<Swept> {
  const { index, layout, pool } = store;
  const notes = store.staging.make();
  try {
    leaveNote(store, notes, orphans.map(orphanName));
  } catch (error) {
    // A full disk must not keep the sweep from making room. Without the note, a crash now leaves work for fsck.
    if (!isCairnError(error, 'ERR_NO_SPACE')) throw error;
  }
  const { objects, blobs, bytes } = await index.commitRemoval(() => forget(index, orphans));
  try {
    const remove = (paths: string[]): Promise<void> => deletePaths(pool, paths);
    await store.objects.delete(objects, remove);
    await remove(blobs.map((key) => layout.blob(key)));
    // The note goes last: it must be there as long as any of the files is.
    await deleteSmall(pool, [notes]);
  } catch (error) {
    store.staging.abandon(notes);
    throw error;
  }
  return { objects: objects.length, blobs: blobs.length, bytes, staging: 0 };
}

interface Forgotten {
  objects: DeletedObject[];
  blobs: Key[];
  bytes: number;
}

/** Drops orphans from the index, inside a transaction. Those that something needs again by now stay. */
function forget(index: Index, orphans: readonly Orphan[]): Forgotten {
  const objects: DeletedObject[] = [];
  const blobs: Key[] = [];
  const extents: Extent[] = [];
  let objectBytes = 0;
  let blobBytes = 0;
  for (const orphan of orphans) {
    index.orphans.remove(orphan);
    if (orphan.kind === 'blob') {
      const blob = index.blobs.get(orphan.key);
      if (blob === undefined || blob.refs > 0) continue;
      index.blobs.remove(orphan.key);
      blobs.push(orphan.key);
      blobBytes += bytesOfBlob(blob);
      continue;
    }
    const object = index.objects.get(orphan.name);
    if (object === undefined || object.refs > 0) continue;
    index.objects.remove(orphan.name);
    if (object.at !== undefined) extents.push({ at: object.at, size: object.size });
    objects.push({ name: orphan.name, copies: object.copies, at: object.at });
    objectBytes += bytesOf(object);
  }
  dropExtents(index, extents);
  addTotals(index, {
    objects: -objects.length,
    objectBytes: -objectBytes,
    blobs: -blobs.length,
    blobBytes: -blobBytes,
    orphans: -orphans.length,
    orphanBytes: -(objectBytes + blobBytes),
  });
  return { objects, blobs, bytes: objectBytes + blobBytes };
}

/** The next sweep reads this note if this sweep ends after its commit. So the note is on disk before the commit. */
function leaveNote({ layout }: StoreContext, dir: string, names: readonly string[]): void {
  const note = stagedNames(dir);
  try {
    naming(note, () => fs.writeFileSync(note, names.join('\n'), { mode: 0o600 }));
    syncFile(note);
    for (let at = dir; at.length >= layout.staging.length; at = dirname(at)) syncDirectory(at);
  } catch (error) {
    throw toCairnError(error);
  }
}

function orphanName(orphan: Orphan): string {
  return orphan.kind === 'blob' ? hexOf(orphan.key) : orphan.name;
}

/** Moves leftovers of dead sessions and crashed commits aside. @returns paths to delete */
export function moveLeftoversAside(store: StoreContext): string[] {
  const { layout, staging } = store;
  const trash: string[] = [];
  const locks: Lock[] = [];
  try {
    for (const { dir, lock } of deadSessions(layout.staging, staging.session)) {
      locks.push(lock);
      for (const staged of importsBelow(dir)) removeUnlisted(store, staged);
      trash.push(dir);
    }
  } finally {
    for (const lock of locks) lock.release();
  }
  for (const name of fs.readdirSync(layout.locks)) takeAway(join(layout.locks, name), layout);
  // A process that was killed while it made the store left these.
  for (const name of fs.readdirSync(layout.dir)) if (isUnfinishedFormat(name)) trash.push(join(layout.dir, name));
  for (const name of fs.readdirSync(layout.trees)) {
    if (isListed(store, name)) continue;
    const place = join(staging.make(), 'tree');
    if (moveUnlistedAside(store, name, place)) trash.push(place);
  }
  return [...trash, ...moveUnlistedPodsAside(store)];
}

/** Removes a lock file whose holder was killed: the last holder that releases a lock removes its file. */
function takeAway(path: string, { useLock }: Layout): void {
  if (path !== useLock) tryLock(path, true)?.release();
}

/**
 * Moves a tree aside unless the index lists it. The index is read anew, since the last holder of the tree's lock may
 * have made the tree. A tree that cannot be moved, or is mounted, is reported, and left to the next gc: other trees
 * must not wait for it.
 * @returns whether the tree was moved
 */
export function moveUnlistedAside(store: StoreContext, name: string, trash: string): boolean {
  store.index.refresh();
  if (isListed(store, name)) return false;
  try {
    mustNotBeInUse(store.layout, name);
    return moveAside(store.layout.tree(name), trash);
  } catch (error) {
    sayLeftBehind(store, error, `tree ${name}: `);
    return false;
  }
}

/** A pod that is prepared anew gets an id that no other had, and its directory before its row, under the use lock. */
function moveUnlistedPodsAside(store: StoreContext): string[] {
  const { layout, staging, index } = store;
  const trash: string[] = [];
  index.refresh();
  for (const name of namesIn(layout.pods)) {
    if (isListedPod(store, name)) continue;
    const place = join(staging.make(), 'pod');
    try {
      if (moveAside(layout.pod(name), place)) trash.push(place);
    } catch (error) {
      sayLeftBehind(store, error, `pod ${name}: `);
    }
  }
  return trash;
}

export function isListedPod({ index }: Pick<StoreContext, 'index'>, name: string): boolean {
  return isUuid(name) && index.pods.get(name) !== undefined;
}

function isListed({ index }: StoreContext, name: string): boolean {
  return isTreeId(name) && index.trees.get(name) !== undefined;
}

/** Directories that may hold a note: an ACI's import has one; an OCI image's has one for each layer, further down. */
function* importsBelow(dir: string): Generator<string> {
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    if (!entry.isDirectory() || STAGED_CONTENT.has(entry.name)) continue;
    const below = join(dir, entry.name);
    yield below;
    yield* importsBelow(below);
  }
}

/** Deletes files that a note names and the index does not list. An import or a sweep died with them in place. */
function removeUnlisted(store: StoreContext, dir: string): void {
  const { index, layout, objects } = store;
  let names: string[];
  try {
    names = fs.readFileSync(stagedNames(dir), 'latin1').split('\n');
  } catch (error) {
    // A note that cannot be read must stay, and its directory with it.
    if (!hasCode(error, 'ENOENT')) throw error;
    return; // no note: nothing had left this directory
  }
  for (const name of names) {
    if (/^[0-9a-f]{128}$/.test(name)) {
      if (index.blobs.get(keyOfHex(name)) === undefined) fs.rmSync(layout.blob(keyOfHex(name)), { force: true });
    } else if (objects.isName(name) && index.objects.get(name) === undefined) objects.deleteOne(name);
  }
}
