/**
 * Copies a store to a directory that becomes a store itself, while the store is in use.
 *
 * snapshot of the index → a new one without trees, leases and orphans → the blobs, objects and pods that it lists, by
 * hard link or copy, and its settings → sync → cairn.json
 *
 * No objects are removed meanwhile, and the snapshot does not list added ones. `cairn.json` comes last, so that an
 * interrupted backup is no store. The next backup to the same place begins anew.
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { CloneResult } from '../../workers/tasks/export.js';
import { deletePaths } from '../content/delete.js';
import { batches } from '../core/batches.js';
import { toCairnError } from '../core/errors.js';
import { hexOf } from '../core/key.js';
import { mapped } from '../core/mapped.js';
import { type OperationOptions, telling } from '../core/operation.js';
import { Disk, makeOnce, syncDirectory } from '../disk/durable.js';
import type { Layout } from '../disk/layout.js';
import { indexReaders } from '../disk/layout.js';
import { RESERVE } from '../index/disk-reserve.js';
import { Index } from '../index/open.js';
import { packFileName } from '../objects/pack/format.js';
import { layoutOf, objectsIn } from '../session/choose-home.js';
import type { StoreContext } from '../session/context.js';
import { sayLeftBehind } from '../session/context.js';
import { readFormat, writeFormat } from '../session/format.js';
import { type BackupPlace, claimPlace } from './backup-destination.js';
import { fillBackupIndex } from './backup-index.js';
import { copyPods } from './pods.js';

export interface BackedUp {
  dest: string;
  images: number;
  layers: number;
  objects: number;
  blobs: number;
  /** Size of the blobs and objects. */
  bytes: number;
  /** Prepared pods: their manifests, not what they left when they were run. */
  pods: number;
  /** Files that the store and its backup share. */
  linked: number;
  copied: number;
  ms: number;
}

/**
 * @param dest a new or empty directory outside the store, or one that an interrupted backup left
 * @throws CairnError `ERR_EXISTS`, also while another backup writes there, `ERR_USAGE` for a place inside the store,
 * `ERR_DAMAGED` for a store that lacks something
 */
export async function backUp(store: StoreContext, dest: string, options: OperationOptions = {}): Promise<BackedUp> {
  const begun = performance.now();
  return store.uses.during(options.signal, async () => {
    const place = claimPlace(store.layout, dest);
    const { target } = place;
    try {
      await clear(store, target);
      fs.writeFileSync(target.unfinished, '', { mode: 0o600 });
      syncDirectory(target.dir);
      const counts = await copyStore(store, target, options);
      return { dest: target.dir, ...counts, ms: Math.round(performance.now() - begun) };
    } catch (error) {
      await giveUp(store, place);
      throw toCairnError(error, 'the backup cannot be written');
    } finally {
      place.release();
    }
  });
}

/** Deletes what a backup has made so far. Its mark goes last, so that an interrupted deletion can be repeated. */
async function clear(store: StoreContext, target: Layout): Promise<void> {
  if (!fs.existsSync(target.unfinished)) return;
  const paths = [...target.directories().filter((dir) => dir !== target.dir), target.packs];
  // First, and alone: a directory with this file passes for a complete store.
  fs.rmSync(target.format, { force: true });
  await deletePaths(store.pool, paths);
  for (const file of [target.settings, target.unfinished]) fs.rmSync(file, { force: true });
}

/** Clears the place. The caller is told of files that remain; the next backup to the same place clears them. */
async function giveUp(store: StoreContext, { target, isNew }: BackupPlace): Promise<void> {
  // A backup without the mark is complete. It is only not known to be on disk.
  if (!fs.existsSync(target.unfinished) && fs.existsSync(target.format)) return;
  try {
    await clear(store, target);
    if (isNew) fs.rmdirSync(target.dir);
  } catch (error) {
    sayLeftBehind(store, error);
  }
}

type Counts = Omit<BackedUp, 'dest' | 'ms'>;

async function copyStore(store: StoreContext, target: Layout, options: OperationOptions): Promise<Counts> {
  const disk = new Disk(target.dir);
  disk.open();
  try {
    for (const dir of target.directories()) makeOnce(dir);
    const snapshot = join(target.staging, 'index');
    await store.index.copyTo(snapshot);
    const index = Index.open(target.index, false);
    let counts: Counts;
    try {
      const old = Index.open(snapshot, true);
      try {
        await index.commit(() => fillBackupIndex(store, old, index));
      } finally {
        await old.close();
      }
      fs.rmSync(snapshot, { recursive: true });
      counts = await copyFiles(store, target, index, options);
    } finally {
      await index.close();
    }
    for (const path of [join(target.index, RESERVE), indexReaders(target.index)])
      fs.rmSync(path, { recursive: true, force: true });
    copySettings(store.layout, target);
    await disk.sync();
    writeFormat(target, { ...readFormat(store.layout), layout: layoutOf(store) });
    syncDirectory(dirname(target.dir));
    fs.rmSync(target.unfinished);
    syncDirectory(target.dir);
    return counts;
  } finally {
    await disk.close();
  }
}

/** What somebody has written for this store goes for its backup, too. A link might lead to anything. */
function copySettings({ settings }: Layout, target: Layout): void {
  if (fs.lstatSync(settings, { throwIfNoEntry: false })?.isFile() === true) fs.copyFileSync(settings, target.settings);
}

/** Copies objects and blobs. Those that a repair marked as gone are gone in the backup, too. */
async function copyFiles(
  store: StoreContext,
  target: Layout,
  index: Index,
  options: OperationOptions,
): Promise<Counts> {
  const { layout } = store;
  const objects = [...index.objects.entries()]
    .filter(({ value }) => value.gone !== true && value.at === undefined)
    .map(({ key, value }) => ({ name: key, size: value.size }));
  const parts = partsOfPacks(index);
  const packs = [...index.packs.entries()].map(({ key, value: { end } }) => ({
    from: join(layout.packs, packFileName(key)),
    to: join(target.packs, packFileName(key)),
    end,
    parts: Float64Array.from((parts.get(key) ?? []).sort(([a], [b]) => a - b).flat()),
  }));
  const blobs = [...index.blobs.entries()]
    .filter(({ value }) => value.gone !== true)
    .map(({ key, value }) => ({ name: hexOf(key), size: value.size }));
  const homes = { from: store.objects.at, to: objectsIn(target, layoutOf(store), index).at };
  const total = objects.length + packs.length + blobs.length;
  const onProgress = telling(options, { what: 'backing up', unit: 'items', total });
  const cloned = await store.pool.during({ signal: options.signal, onProgress }, async (work) => {
    const clonedObjects = await work.map('clone-objects', cloneTasks(objects, homes));
    if (packs.length > 0) makeOnce(target.packs);
    await work.map('clone-pack', packs);
    const inPlace = { from: layout.blobs, to: target.blobs };
    const clonedBlobs = await work.map('clone-blobs', cloneTasks(blobs, inPlace));
    await index.commit(() => noteSkipped(index, clonedObjects));
    return [...clonedObjects, ...clonedBlobs];
  });
  const pods = await copyPods(layout, target, index, options.signal);
  const { objectBytes, blobBytes } = index.totals;
  return {
    images: index.images.count(),
    layers: index.layers.count(),
    objects: index.totals.objects,
    blobs: blobs.length,
    bytes: objectBytes + blobBytes,
    pods,
    linked: cloned.reduce((sum, { linked }) => sum + linked, 0),
    copied: cloned.reduce((sum, { copied }) => sum + copied, packs.length),
  };
}

/** Pack → begin and length of what objects take there. */
function partsOfPacks(index: Index): Map<number, [number, number][]> {
  const parts = new Map<number, [number, number][]>();
  for (const { at, size, gone } of index.objects.values()) {
    if (at === undefined || gone === true) continue;
    const known = parts.get(at.pack);
    if (known === undefined) parts.set(at.pack, [[at.offset, size]]);
    else known.push([at.offset, size]);
  }
  return parts;
}

function cloneTasks<P>(files: readonly { name: string; size: number }[], where: { from: P; to: P }) {
  const own = batches(files, ({ size }) => size);
  return mapped(own, (batch) => ({ ...where, names: batch.map(({ name }) => name) }));
}

/** Copies may lack metadata that the objects have. */
function noteSkipped(index: Index, cloned: readonly CloneResult[]): void {
  for (const [name, what] of cloned.flatMap(({ skipped }) => Object.entries(skipped))) {
    const known = index.objects.get(name);
    if (known === undefined) continue;
    index.noteLacks(what);
    index.objects.put(name, { ...known, skipped: [...new Set([...(known.skipped ?? []), ...what])] });
  }
}
