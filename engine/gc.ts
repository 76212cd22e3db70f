/**
 * Collecting what nobody needs: trees first, then images, layers, objects, and what dead processes left in staging.
 *
 * Roots are images used within the grace period, pins, leases and the newest of each name that `keepLast` asks for, with all that
 * they depend on. Everything else goes, in one transaction; a dry run is that transaction, taken back.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { mustWrite, type OperationOptions, type StoreContext } from './context.js';
import { withDependencies } from './dependencies.js';
import { throwIfAborted } from './errors.js';
import { orphanedObjects } from './index/contents.js';
import { allImages } from './index/images.js';
import { TAKE_BACK } from './index/open.js';
import type { ImageRecord, Totals, TreeRecord } from './index/records.js';
import type { Key } from './key.js';
import { dropImageRecord, dropTreeRecord } from './release.js';
import { deleteTrees } from './remove.js';
import { heldImages, leasedTrees } from './roots.js';
import { deadSessions } from './staging.js';
import { sweep } from './sweep.js';

export const DEFAULT_GRACE_MS = 24 * 3600 * 1000;

export interface GcOptions extends OperationOptions {
  /** Milliseconds for which anything used stays. 24 hours; none where `keepStorage` is given without it. */
  graceMs?: number;
  /** Evict least recently used first until no more than this many bytes are stored. */
  keepStorage?: number;
  /** Keep the newest so many images of each name. */
  keepLast?: number;
  dryRun?: boolean;
}

export interface Collected {
  dryRun: boolean;
  removed: { trees: number; images: number; layers: number; objects: number; staging: number };
  freedBytes: number;
  keptBytes: number;
  ms: number;
}

interface Decision {
  trees: string[];
  images: Key[];
  layers: number;
  objects: number;
  treeBytes: number;
  totals: Totals;
  keptTreeBytes: number;
}

export async function collect(store: StoreContext, options: GcOptions = {}): Promise<Collected> {
  const begun = performance.now();
  mustWrite(store);
  const dryRun = options.dryRun === true;
  throwIfAborted(options.signal);
  // Before anything is let go of: what is dropped now must not be counted as left by a crash.
  const leftovers = measureLeftovers(store);
  const decision = await decide(store, options, dryRun);
  const removed = {
    trees: decision.trees.length,
    images: decision.images.length,
    layers: decision.layers,
    objects: 0,
    staging: 0,
  };
  const { totals } = decision;
  removed.objects = decision.objects;
  removed.staging = leftovers.count;
  let freedBytes = decision.treeBytes + totals.orphanBytes + leftovers.bytes;
  let keptBytes = totals.objectBytes + totals.blobBytes - totals.orphanBytes + decision.keptTreeBytes;
  if (!dryRun) {
    await deleteTrees(store, decision.trees);
    const swept = await sweep(store);
    if (swept === undefined) {
      store.notice('another process relies on objects right now; they are left to the next gc');
      freedBytes -= totals.orphanBytes + leftovers.bytes;
      keptBytes += totals.orphanBytes;
      removed.objects = 0;
      removed.staging = 0;
    }
  }
  return { dryRun, removed, freedBytes, keptBytes, ms: Math.round(performance.now() - begun) };
}

/** What the index would let go of now, without a trace. */
export async function wouldFree(store: StoreContext, options: GcOptions = {}): Promise<number> {
  if (store.readOnly) return store.index.totals.orphanBytes;
  const { treeBytes, totals } = await decide(store, options, true);
  return treeBytes + totals.orphanBytes;
}

async function decide(store: StoreContext, options: GcOptions, takeBack: boolean): Promise<Decision> {
  let decision: Decision | undefined;
  await store.index.commitRemoval(() => {
    decision = dropUnneeded(store, options);
    return takeBack ? TAKE_BACK : undefined;
  });
  return decision as unknown as Decision;
}

/** Inside a transaction. */
function dropUnneeded(store: StoreContext, options: GcOptions): Decision {
  const { index } = store;
  const now = Date.now();
  const graceMs = options.graceMs ?? (options.keepStorage === undefined ? DEFAULT_GRACE_MS : 0);
  const oldest = now - graceMs;
  for (const { key, value } of [...index.leases.getRange()]) if (value.expiresAt <= now) index.leases.remove(key);
  const leased = leasedTrees(store);
  const held = heldImages(store);
  const decision: Decision = {
    trees: [],
    images: [],
    layers: 0,
    objects: 0,
    treeBytes: 0,
    totals: index.totals,
    keptTreeBytes: 0,
  };
  const protectedImages = withDependencies(index, [
    ...[...held].map((key) => index.image(key)).filter((image) => image !== undefined),
    ...recentImages(store, oldest),
    ...newestOfEachName(store, options.keepLast ?? 0),
  ]);
  const limit = options.keepStorage ?? Number.NEGATIVE_INFINITY;

  for (const tree of treesByUse(store)) {
    if (storedBytes(store) <= limit) break;
    if (leased.has(tree.id) || tree.lastUsed > oldest || tree.images.some((key) => held.has(key))) continue;
    dropTree(store, tree, decision);
  }
  for (const image of imagesByUse(store)) {
    if (storedBytes(store) <= limit) break;
    if (protectedImages.has(image.key)) continue;
    for (const { value: tree } of [...index.trees.getRange()]) {
      if (!tree.images.includes(image.key)) continue;
      const others = tree.images.filter((key) => key !== image.key);
      if (others.length > 0) index.trees.put(tree.id, { ...tree, images: others });
      else dropTree(store, tree, decision);
    }
    decision.layers += dropImageRecord(store, image).layers;
    decision.images.push(image.key);
  }
  decision.totals = index.totals;
  decision.objects = orphanedObjects(index).count;
  for (const { value } of index.trees.getRange()) decision.keptTreeBytes += value.uniqueBytes;
  return decision;
}

function dropTree(store: StoreContext, tree: TreeRecord, decision: Decision): void {
  decision.layers += dropTreeRecord(store, tree.id).layers;
  decision.treeBytes += tree.uniqueBytes;
  decision.trees.push(tree.id);
}

function recentImages(store: StoreContext, oldest: number): ImageRecord[] {
  const recent: ImageRecord[] = [];
  for (const image of allImages(store.index)) if (image.lastUsed > oldest) recent.push(image);
  // A tree in use needs its image, also when that was not touched itself.
  for (const { value: tree } of store.index.trees.getRange()) {
    if (tree.lastUsed <= oldest) continue;
    for (const key of tree.images) {
      const image = store.index.image(key);
      if (image !== undefined) recent.push(image);
    }
  }
  return recent;
}

function newestOfEachName(store: StoreContext, keep: number): ImageRecord[] {
  if (keep <= 0) return [];
  const byName = new Map<string, ImageRecord[]>();
  for (const image of allImages(store.index)) byName.set(image.name, [...(byName.get(image.name) ?? []), image]);
  return [...byName.values()].flatMap((images) => images.sort((a, b) => b.importTime - a.importTime).slice(0, keep));
}

function treesByUse(store: StoreContext): TreeRecord[] {
  return [...store.index.trees.getRange()].map(({ value }) => value).sort((a, b) => a.lastUsed - b.lastUsed);
}

/**
 * Least recently used first, where using an image uses all that it depends on: no image goes before the last one that needs it.
 */
function imagesByUse(store: StoreContext): ImageRecord[] {
  const images = [...allImages(store.index)];
  const used = new Map<Key, number>();
  const dependents = new Map<Key, number>();
  for (const image of images) {
    const needed = withDependencies(store.index, [image]);
    for (const key of needed) {
      used.set(key, Math.max(used.get(key) ?? 0, image.lastUsed));
      dependents.set(key, (dependents.get(key) ?? 0) + 1);
    }
  }
  const by = (map: Map<Key, number>, image: ImageRecord): number => map.get(image.key) ?? 0;
  return images.sort((a, b) => by(used, a) - by(used, b) || by(dependents, a) - by(dependents, b));
}

/** Bytes that something needs, as far as the index knows. */
function storedBytes(store: StoreContext): number {
  const { objectBytes, blobBytes, orphanBytes } = store.index.totals;
  let bytes = objectBytes + blobBytes - orphanBytes;
  for (const { value } of store.index.trees.getRange()) bytes += value.uniqueBytes;
  return bytes;
}

/** What dead processes left, without touching it. */
function measureLeftovers(store: StoreContext): { count: number; bytes: number } {
  let count = 0;
  let bytes = 0;
  for (const { dir, lock } of deadSessions(store.layout.staging, store.staging.session)) {
    count++;
    bytes += bytesBelow(dir);
    lock.release();
  }
  for (const id of fs.readdirSync(store.layout.trees)) if (store.index.trees.get(id) === undefined) count++;
  return { count, bytes };
}

function bytesBelow(dir: string): number {
  let bytes = 0;
  for (const entry of fs.readdirSync(dir, { withFileTypes: true, recursive: true })) {
    const stat = fs.lstatSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false });
    if (stat?.isFile() === true) bytes += stat.size;
  }
  return bytes;
}
