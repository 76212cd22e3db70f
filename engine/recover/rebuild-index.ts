/**
 * Makes a lost index anew from the other files of the store.
 *
 * documents of images → are their blobs, layers and objects there? → a new index in staging → sync → the old
 * one to quarantine, the new one into its place
 *
 * No other process uses the store meanwhile. A rebuild that is killed leaves the old index or the new one, and can be
 * run again.
 */
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { deletePaths } from '../content/delete.js';
import { CairnError } from '../core/errors.js';
import { type OperationOptions, telling } from '../core/operation.js';
import { Disk, moveAside, moveIntoPlace, trade } from '../disk/durable.js';
import { indexData, Layout } from '../disk/layout.js';
import { lock } from '../disk/lock.js';
import { mountsBelow } from '../disk/mounts.js';
import { passingTrees, takeMountAway } from '../disk/passing-mounts.js';
import { Quarantine } from '../disk/quarantine.js';
import { Staging } from '../disk/staging.js';
import { mustNotBeInUse } from '../disk/tree-use.js';
import { RESERVE } from '../index/disk-reserve.js';
import { Index } from '../index/open.js';
import { putPod } from '../index/pods.js';
import type { ObjectHome } from '../objects/home.js';
import { objectsIn } from '../session/choose-home.js';
import type { StoreContext } from '../session/context.js';
import { sayLeftBehind } from '../session/context.js';
import { DOCUMENTED_FORMAT, readFormat } from '../session/format.js';
import { ensureWritable, type OpenOptions } from '../session/open.js';
import { makeOurs } from '../session/owner.js';
import { defaultWorkers, Pool } from '../session/pool.js';
import { type Filled, fillIndex } from './fill-index.js';
import { dropHollow, fillPacks } from './fill-packs.js';
import { type FoundPods, mustNotRunNow, readPods } from './pods.js';
import { type Lost, readDocuments } from './read-documents.js';
import { objectsOnDisk, type Salvage, salvage } from './salvage.js';

export type { Lost } from './read-documents.js';

export interface Rebuilt {
  rebuilt: Pick<Filled, 'images' | 'layers' | 'objects' | 'blobs'> & { pods: number };
  /** Of those blobs: those that nothing names, kept as if they had been put. */
  putBlobs: number;
  /** Objects and documents that nothing needs; the next gc sweeps them. */
  orphans: number;
  /** The number of deleted trees. Trees are made of layers, so they are not restored. Their leases are gone, too. */
  droppedTrees: number;
  /** Images that cannot be restored. */
  lost: Lost[];
  /** Pods that cannot be restored. */
  lostPods: FoundPods['lost'];
  /** Where the old index lies now; null if there was none. */
  oldIndex: string | null;
  /** Paths in quarantine: of the old index, and of files that an import must not find, as their names were wrong. */
  quarantined: string[];
}

/**
 * Makes the index of a store anew. No other process may have the store open.
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_NOT_A_STORE`, `ERR_UNSUPPORTED` for a store of format 1, `ERR_READ_ONLY`,
 * `ERR_HELD` while a tree is mounted, `ERR_NO_SPACE`, …
 */
export async function rebuildIndex(options: OpenOptions & OperationOptions): Promise<Rebuilt> {
  if (!fs.existsSync(options.dir))
    throw new CairnError('ERR_NOT_FOUND', `there is no store at ${options.dir}`, { path: options.dir });
  const layout = new Layout(fs.realpathSync(options.dir));
  if (!fs.existsSync(layout.format))
    throw new CairnError('ERR_NOT_A_STORE', `${layout.dir} is no cairn store`, { path: layout.dir });
  if (readFormat(layout).format < DOCUMENTED_FORMAT) {
    const why =
      'a store of format 1 says only in its index what its images are: open it for writing once, while it has one';
    throw new CairnError('ERR_UNSUPPORTED', why, { path: layout.dir });
  }
  makeOurs(layout, options.foreign === true, options.onNotice ?? (() => {}));
  ensureWritable(layout);
  const alone = await lock(layout.useLock, true, options.signal);
  const pool = new Pool(options.workers ?? defaultWorkers());
  const disk = new Disk(layout.dir);
  const staging = new Staging(layout.staging);
  try {
    // Trees go with the old index, and what only they need with the next gc.
    for (const tree of passingTrees(layout)) takeMountAway(layout, tree);
    for (const tree of fs.readdirSync(layout.trees)) mustNotBeInUse(layout, tree);
    disk.open();
    return await rebuild({ layout, pool, disk, staging }, options);
  } finally {
    await pool.close();
    await disk.close();
    staging.close();
    alone.release();
  }
}

/** The parts of a store that work without its index. */
type Rebuilding = Pick<StoreContext, 'layout' | 'pool' | 'disk' | 'staging'>;

async function rebuild(
  { layout, pool, disk, staging }: Rebuilding,
  options: OpenOptions & OperationOptions,
): Promise<Rebuilt> {
  const { signal, onNotice = () => {} } = options;
  mustNotRunNow(layout);
  const found = readDocuments(layout, signal);
  const { pods, lost: lostPods } = readPods(layout);
  const heard = { signal, onProgress: telling(options, { what: 'looking', unit: 'items' }) };
  const dir = staging.make();
  const path = join(dir, 'index');
  fs.mkdirSync(path, { mode: 0o700 });
  const index = Index.open(path, false);
  const objects = objectsIn(layout, readFormat(layout).layout, index);
  let salvaged: Salvage;
  let filled: Filled;
  try {
    await index.checkSchema(false);
    // First of all, so that the objects can be looked at where they lie.
    if (objects.at.packs !== undefined) await index.commit(() => fillPacks(index, layout, objects));
    salvaged = await pool.during(heard, (work) => salvage({ layout, objects }, work, found));
    filled = await index.commit(() => {
      for (const pod of pods) putPod(index, pod);
      const all = fillIndex(index, found, salvaged, objectsOnDisk(objects));
      if (objects.at.packs !== undefined) dropHollow(index, layout);
      const { objects: listed, orphans } = index.totals;
      return { ...all, objects: listed, orphans };
    });
  } finally {
    objects.close();
    await index.close();
  }
  const damaged = quarantineFiles(layout, objects, salvaged.damaged, lostPods);
  const oldIndex = await publish(layout, disk, path);
  const trees = fs.readdirSync(layout.trees);
  for (const tree of trees) moveAside(layout.tree(tree), join(dir, basename(tree)));
  try {
    await deletePaths(pool, [dir]);
  } catch (error) {
    // The new index is in place, and the caller must learn of lost images. The next gc tries again to delete.
    sayLeftBehind({ notice: onNotice }, error);
  }
  const { putBlobs, orphans, ...counts } = filled;
  const rebuilt = { ...counts, pods: pods.length };
  const quarantined = [...(oldIndex === null ? [] : [oldIndex]), ...damaged];
  return {
    rebuilt,
    putBlobs,
    orphans,
    droppedTrees: trees.length,
    lost: salvaged.lost,
    lostPods,
    oldIndex,
    quarantined,
  };
}

/** Moves damaged files aside, since an import keeps files that are in place already. @returns where they lie now */
function quarantineFiles(
  layout: Layout,
  home: ObjectHome,
  { blobs, objects }: Salvage['damaged'],
  pods: FoundPods['lost'],
): string[] {
  const quarantine = new Quarantine(layout);
  for (const key of blobs) quarantine.take(layout.blob(key));
  for (const name of objects) home.quarantine({ name, copy: 0 }, quarantine);
  for (const { pod } of pods) if (mountsBelow(layout.pod(pod)).length === 0) quarantine.take(layout.pod(pod));
  return quarantine.taken;
}

/**
 * Moves the new index into place. Where two names cannot trade places, there is no index between the two renames, and
 * opening the store says so.
 * @returns where the old index lies now
 */
async function publish(layout: Layout, disk: Disk, staged: string): Promise<string | null> {
  await disk.sync();
  if (!fs.existsSync(indexData(layout.index))) {
    fs.rmSync(layout.index, { recursive: true, force: true });
    moveIntoPlace(staged, layout.index);
    await disk.sync();
    return null;
  }
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  let quarantined = join(layout.quarantine, `index-${stamp}`);
  for (let n = 1; fs.existsSync(quarantined); n++) quarantined = join(layout.quarantine, `index-${stamp}-${n}`);
  if (trade(staged, layout.index)) moveIntoPlace(staged, quarantined);
  else {
    moveIntoPlace(layout.index, quarantined);
    moveIntoPlace(staged, layout.index);
  }
  fs.rmSync(join(quarantined, RESERVE), { recursive: true, force: true });
  // gc reads here how long the index has been in quarantine.
  fs.utimesSync(quarantined, new Date(), new Date());
  await disk.sync();
  return quarantined;
}
