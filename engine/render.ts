/**
 * The read path: an image becomes a tree.
 *
 * resolve → ingredients → (rendered already?) → plan → staging → shards on the workers → directory times → sync → rename →
 * sync → index
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { RenderMode, RenderResult, Skipped } from '../workers/protocol.js';
import { toText } from './bytes.js';
import { mustWrite, type OperationOptions, type StoreContext } from './context.js';
import { bury, place } from './durable.js';
import { CairnError } from './errors.js';
import { addTotals, retainLayer } from './index/contents.js';
import { objectKey } from './index/open.js';
import type { ImageRecord, TreeRecord } from './index/records.js';
import { type Key, keyBytes } from './key.js';
import { lock } from './lock.js';
import { variantOf } from './object.js';
import type { Plan, PlanEntry } from './plan/plan.js';
import { treeHashOf } from './plan/tree-hash.js';
import { type Ingredients, ingredientsOf, planOf, readBlob } from './planning.js';
import { eachOf, withControl } from './pool.js';
import { dropTreeRecord } from './release.js';
import { cutShards, packShard } from './render/shard.js';

export interface RenderOptions extends OperationOptions {
  /** How files get their content; `link` where none is given. A tree that exists keeps the mode it was made in. */
  mode?: RenderMode;
  /** Makes the tree anew even if it exists. */
  rebuild?: boolean;
}

export interface Rendered {
  image: Key;
  treeId: string;
  /** The root file system itself. */
  path: string;
  hash: Key;
  files: number;
  bytes: number;
  uniqueBytes: number;
  mode: RenderMode;
  existed: boolean;
  /** What could not be set, by kind; empty for root on a file system that has everything. */
  skipped: Skipped;
  ms: number;
}

/** Shards for each worker: enough that a slow one does not hold up the end. */
const SHARDS_PER_WORKER = 4;
const MAX_EXAMPLES = 10;

/**
 * Renders an image, or finds its tree. Concurrent renders of one tree, also by other processes, do the work once.
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_DEPENDENCY_CYCLE`, `ERR_DAMAGED`, `ERR_NO_SPACE`, `ERR_ABORTED`, …
 */
export async function renderImage(
  store: StoreContext,
  image: ImageRecord,
  options: RenderOptions = {},
): Promise<Rendered> {
  const begun = performance.now();
  const ingredients = ingredientsOf(store, image);
  const { treeId } = ingredients;
  const present = options.rebuild === true ? undefined : findTree(store, treeId);
  if (present !== undefined) return finish(store, image, present, true, begun);
  mustWrite(store);
  store.pool.warm();
  return store.uses.during(options.signal, async () => {
    const held = await lock(store.layout.treeLock(treeId), true, options.signal);
    try {
      const meanwhile = options.rebuild === true ? undefined : findTree(store, treeId);
      if (meanwhile !== undefined) return finish(store, image, meanwhile, true, begun);
      const tree = await makeTree(store, image, ingredients, options);
      return finish(store, image, tree, false, begun);
    } finally {
      held.release();
    }
  });
}

function findTree(store: StoreContext, treeId: string): TreeRecord | undefined {
  const tree = store.index.trees.get(treeId);
  return tree !== undefined && fs.existsSync(store.layout.rootfs(treeId)) ? tree : undefined;
}

function finish(store: StoreContext, image: ImageRecord, tree: TreeRecord, existed: boolean, begun: number): Rendered {
  if (existed) noteUse(store, image, tree);
  return {
    image: image.key,
    treeId: tree.id,
    path: store.layout.rootfs(tree.id),
    hash: tree.hash,
    files: tree.files,
    bytes: tree.bytes,
    uniqueBytes: tree.uniqueBytes,
    mode: tree.mode,
    existed,
    skipped: tree.skipped,
    ms: Math.round(performance.now() - begun),
  };
}

/** Rendering counts as use. Nobody waits for this to be durable: losing it in a power cut loses a timestamp. */
export function noteUse(store: StoreContext, image: ImageRecord, tree?: TreeRecord): void {
  if (store.readOnly) return;
  const { index } = store;
  const lastUsed = Date.now();
  void index
    .commit(() => {
      const known = index.image(image.key);
      if (known !== undefined) index.images.put(keyBytes(image.key), { ...known, lastUsed });
      const rendered = tree === undefined ? undefined : index.trees.get(tree.id);
      if (rendered === undefined) return;
      const images = rendered.images.includes(image.key) ? rendered.images : [...rendered.images, image.key];
      index.trees.put(rendered.id, { ...rendered, images, lastUsed });
    })
    .catch((error: Error) => store.notice(`the time of this use was not noted: ${error.message}`));
}

async function makeTree(
  store: StoreContext,
  image: ImageRecord,
  ingredients: Ingredients,
  options: RenderOptions,
): Promise<TreeRecord> {
  const { layout, pool, disk, index } = store;
  const { treeId, layers } = ingredients;
  const mode = options.mode ?? 'link';
  const staging = store.staging.make();
  try {
    const plan = planOf(store, ingredients);
    checkPathLengths(plan, layout.rootfs(treeId));
    const made = await execute(store, plan, join(staging, 'rootfs'), mode, 0, options);
    const hash = treeHashOf(plan);
    fs.writeFileSync(join(staging, 'manifest'), readBlob(store, image.manifest), { mode: 0o600 });
    await disk.sync();
    await clearTheWay(store, treeId, staging);
    place(staging, layout.tree(treeId));
    await disk.sync();
    const now = Date.now();
    const tree: TreeRecord = {
      id: treeId,
      images: [image.key],
      layers,
      hash,
      files: plan.files,
      entries: plan.entries.length,
      bytes: plan.bytes,
      uniqueBytes: mode === 'copy' ? plan.bytes : 0,
      mode,
      renderedAt: now,
      lastUsed: now,
      skipped: made.skipped,
    };
    await index.commit(() => {
      const known = index.image(image.key);
      if (known === undefined || layers.some((layer) => index.layer(layer) === undefined)) {
        throw new CairnError('ERR_NOT_FOUND', `${image.name} was removed while it was being rendered`);
      }
      for (const layer of new Set(layers)) retainLayer(index, layer);
      index.trees.put(treeId, tree);
      index.images.put(keyBytes(image.key), { ...known, lastUsed: now });
      noteCopies(store, made.copies);
    });
    return tree;
  } catch (error) {
    // What was placed but not committed is nobody's; where it stands it would only wait for gc.
    if (index.trees.get(treeId) === undefined) bury(layout.tree(treeId), `${staging}.unwanted`);
    throw error;
  } finally {
    await pool.run<'remove'>({ kind: 'remove', paths: [staging, `${staging}.unwanted`] });
  }
}

/** Takes a tree that is to be rebuilt, or one that a crash left without a record, out of the way. */
async function clearTheWay(store: StoreContext, treeId: string, staging: string): Promise<void> {
  const { index, layout, pool } = store;
  const old = index.trees.get(treeId);
  if (old !== undefined) await index.commit(() => dropTreeRecord(store, treeId));
  const grave = `${staging}.old`;
  if (bury(layout.tree(treeId), grave)) await pool.run<'remove'>({ kind: 'remove', paths: [grave] });
}

/** Linux takes no longer path, and what is removed is moved somewhat deeper first. */
const MAX_PATH_ON_DISK = 4095 - 64;

/**
 * A tree whose paths cannot be named where it will lie could neither be checked nor removed again.
 * @throws CairnError `ERR_LIMIT`
 */
export function checkPathLengths(plan: Plan, root: string): void {
  const room = MAX_PATH_ON_DISK - Buffer.byteLength(root) - 1;
  const long = plan.entries.find(({ path }) => path.length > room);
  if (long === undefined) return;
  throw new CairnError('ERR_LIMIT', `a path of ${long.path.length} bytes; below ${root} there is room for ${room}`, {
    entry: toText(long.path),
  });
}

function noteCopies(store: StoreContext, copies: Readonly<Record<string, number>>): void {
  for (const name of Object.keys(copies)) {
    const plus = name.lastIndexOf('+');
    const key = objectKey(name.slice(0, plus));
    const known = store.index.objects.get(key);
    const more = Number(name.slice(plus + 1)) - (known?.copies ?? 0);
    if (known === undefined || more <= 0) continue;
    store.index.objects.put(key, { ...known, copies: known.copies + more });
    addTotals(store.index, { objectBytes: more * known.size });
  }
}

/**
 * Makes what a plan says at `root`, which must not exist; its parent must.
 * @param uidShift added to every owner
 */
export async function execute(
  store: StoreContext,
  plan: Plan,
  root: string,
  mode: RenderMode,
  uidShift: number,
  options: OperationOptions,
): Promise<RenderResult> {
  const { pool, layout, identity } = store;
  const { onProgress } = options;
  const total = plan.entries.length;
  const onCount =
    onProgress &&
    ((_bytes: number, done: number) =>
      onProgress({ what: 'rendering', unit: 'items', done: Math.min(done, total), total }));
  const result: RenderResult = { skipped: {}, copies: {} };
  await withControl(options.signal, onCount, async (control) => {
    // A further name of an inode comes after all first names, wherever its shard would have been.
    const firsts = plan.entries.filter(({ group, path }) => group === '' || group === path);
    const links = plan.entries.filter(({ group, path }) => group !== '' && group !== path);
    await eachOf(cutShards(firsts, pool.size * SHARDS_PER_WORKER), pool.size + 1, async (entries) => {
      const shard = packShard(entries);
      const part = await pool.run<'render'>({
        kind: 'render',
        control,
        root,
        objects: layout.objects,
        shard,
        mode,
        identity,
        uidShift,
      });
      mergeSkipped(result.skipped, part.skipped);
      Object.assign(result.copies, part.copies);
    });
    if (links.length > 0) {
      await pool.run<'join'>({ kind: 'join', root, links: links.map(({ group, path }) => [group, path]) });
    }
    const directories = plan.entries.filter(({ type }) => type === 'dir');
    for (const part of await settle(store, directories, root, uidShift)) mergeSkipped(result.skipped, part.skipped);
    if (mode === 'link') mergeSkipped(result.skipped, skippedOfObjects(store, plan.entries));
  });
  return result;
}

/** Directories by depth halves: as root in any order, as a user deepest first, on one worker. */
async function settle(store: StoreContext, directories: readonly PlanEntry[], root: string, uidShift: number) {
  const { pool, identity } = store;
  const lanes = identity.uid === 0 ? pool.size : 1;
  const length = Math.ceil(directories.length / lanes);
  return eachOf(Array.from({ length: lanes }), lanes, (_none, i) => {
    const shard = packShard(directories.slice(i * length, (i + 1) * length));
    return pool.run<'settle'>({ kind: 'settle', root, shard, identity, uidShift });
  });
}

/** A link has the metadata of its object, and lacks what the object lacks. */
function skippedOfObjects(store: StoreContext, entries: readonly PlanEntry[]): Skipped {
  const skipped: Skipped = {};
  for (const entry of entries) {
    // As root only extended attributes can fail to stick, and few files have any.
    if (entry.type !== 'file' || (store.identity.uid === 0 && entry.xattrs.length === 0)) continue;
    const record = store.index.objects.get(objectKey(`${entry.key}.${variantOf(entry)}`));
    for (const what of record?.skipped ?? []) mergeSkipped(skipped, { [what]: { count: 1, paths: [entry.path] } });
  }
  return skipped;
}

export function mergeSkipped(into: Skipped, more: Skipped): void {
  for (const [what, { count, paths }] of Object.entries(more)) {
    into[what] ??= { count: 0, paths: [] };
    const known = into[what] as Skipped[string];
    known.count += count;
    known.paths.push(...paths.slice(0, MAX_EXAMPLES - known.paths.length));
  }
}
