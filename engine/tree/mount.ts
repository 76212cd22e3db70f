/**
 * Mounts trees: the other way to carry out a plan.
 *
 * plan → image in staging → sync → in place → sync → a mount that nobody sees → index → attached
 *
 * The mount holds the image open, so from there on gc finds the tree in use. It is made before the index commits: the
 * transaction that finds the tree listed comes before or after the one that drops it, and that one looks who uses it.
 */
import * as fs from 'node:fs';
import { resolve } from 'node:path';
import { discard } from '../content/delete.js';
import { putUse } from '../content/last-used.js';
import { CairnError, naming } from '../core/errors.js';
import { moveAside, moveIntoPlace, syncDirectory, syncFile } from '../disk/durable.js';
import { besideStaging, imageIn, manifestIn, mountedPart } from '../disk/layout.js';
import { lock } from '../disk/lock.js';
import { createTreeMount, type TreeParts } from '../disk/mount-tree.js';
import { mountAt } from '../disk/mounts.js';
import { markPassing, passingTrees, takeMountAway, unmarkPassing } from '../disk/passing-mounts.js';
import { makeMountPoint, runDirectory } from '../disk/run-directory.js';
import { imageMustBeFree, isTreeMountedAt, mountLabel, mountPoint } from '../disk/tree-use.js';
import { movesOf } from '../index/extents.js';
import type { ImageRecord, TreeImage, TreeRecord } from '../index/records.js';
import type { Plan } from '../plan/plan.js';
import { treeHashOf } from '../plan/tree-hash.js';
import { mustBeComplete } from '../resolve/completeness.js';
import type { LayerStack } from '../resolve/layer-stack.js';
import { planOf } from '../resolve/plan-image.js';
import { keptPlan } from '../resolve/recent-plans.js';
import { mustWrite, type StoreContext } from '../session/context.js';
import { describeTree } from './describe.js';
import { isUnlisted, listTree } from './list-tree.js';
import type { Mounted, MountOptions } from './options.js';
import { isSound, writeTreeImage } from './tree-image.js';

export interface MountRequest extends MountOptions {
  image: ImageRecord;
  stack: LayerStack;
  /** The plan of the tree, if it has just been made. */
  plan?: Plan | undefined;
  /** Make the tree's image, and mount it nowhere. */
  imageOnly?: boolean;
  /** Nobody asked for a mount, so one that is made now may go with the tree. */
  passing?: boolean;
}

/**
 * Mounts a tree, after making its image if there is none. A tree that is mounted there already stays so.
 * @throws CairnError `ERR_UNSUPPORTED` where trees cannot be mounted, `ERR_HELD` for a mounted tree that is to be made
 *   anew, `ERR_EXISTS` for a directory where something else is mounted, and as rendering does
 */
export async function mountTree(store: StoreContext, request: MountRequest): Promise<Mounted> {
  const begun = performance.now();
  mustWrite(store);
  const { image, stack, dir, signal } = request;
  mustBeComplete(store, stack);
  const own = mountPoint(store.layout, stack.treeId);
  const point = dir === undefined ? own : givenPoint(store, dir, stack.treeId);
  return store.uses.during(signal, async () => {
    const held = await lock(store.layout.treeLock(stack.treeId), true, signal);
    try {
      const { tree, existed } = await mountOnce(store, request, request.imageOnly === true ? undefined : point);
      const described = describeTree(store, tree, { image, path: point, existed, begun, mode: 'mount' });
      return { ...described, mode: 'mount', imageBytes: tree.image?.size ?? 0 };
    } finally {
      held.release();
    }
  });
}

function givenPoint({ layout }: StoreContext, dir: string, treeId: string): string {
  const path = resolve(dir);
  if (fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new CairnError('ERR_NOT_FOUND', `${dir} is no directory to mount at`, { path });
  const real = fs.realpathSync(path);
  if (mountAt(real) !== undefined && !isTreeMountedAt(layout, treeId, real))
    throw new CairnError('ERR_EXISTS', `something is mounted at ${dir} already`, { path: real });
  return real;
}

interface MountedTree {
  tree: TreeRecord;
  /** The tree's image was there. */
  existed: boolean;
}

/** The caller holds the tree's lock and relies on objects. */
async function mountOnce(store: StoreContext, request: MountRequest, point: Place['point']): Promise<MountedTree> {
  const { index, layout } = store;
  const { image, stack, passing, rebuild = false } = request;
  const { treeId } = stack;
  for (;;) {
    // The index is read anew: another holder of the lock may have made the tree meanwhile, or removed it.
    index.refresh();
    const old = index.trees.get(treeId);
    const there = rebuild ? undefined : soundImage(store, old);
    if (there === undefined) return { tree: await makeAndMount(store, request, { old, point }), existed: false };
    const use = (): Promise<TreeRecord | undefined> => index.commitRemoval(() => putUse(index, image.key, treeId));
    const isMounted = point !== undefined && isTreeMountedAt(layout, treeId, point);
    if (isMounted && passing !== true && point === mountPoint(layout, treeId)) unmarkPassing(layout, treeId);
    const tree = isMounted ? await use() : await mountListed(store, { treeId, point, passing, image: there }, use);
    // Else it was removed just now.
    if (tree !== undefined) return { tree, existed: true };
  }
}

interface Place {
  treeId: string;
  /** Where to mount it, if at all. */
  point: string | undefined;
  passing: MountRequest['passing'];
  /** The image that is there now. */
  image: TreeImage;
}

function soundImage({ layout, index }: StoreContext, tree: TreeRecord | undefined): TreeImage | undefined {
  const image = tree?.image;
  if (tree === undefined || image === undefined || (image.moves ?? 0) !== movesOf(index)) return undefined;
  return isSound(layout.treeImage(tree.id), image) ? image : undefined;
}

/** @param list lists the tree, or finds it listed; `undefined` when it is not, and then it is not mounted either */
async function mountListed<T extends TreeRecord | undefined>(
  store: StoreContext,
  { treeId, point, passing, image }: Place,
  list: () => Promise<T>,
): Promise<T> {
  if (point === undefined) return list();
  const { layout } = store;
  const run = runDirectory(layout.dir);
  const isOwn = point === mountPoint(layout, treeId);
  if (isOwn) makeOwnPoint(store, run, point);
  const mount = createTreeMount({
    ...partsOfMount(store, treeId, image),
    scratch: mountedPart(run, treeId),
    label: mountLabel(layout, treeId),
  });
  try {
    const tree = await list();
    if (tree === undefined) return tree;
    if (isOwn) {
      unmarkPassing(layout, treeId);
      // Whoever has just taken a mount away has taken the directory, too.
      makeMountPoint(run, point);
    }
    mount.attach(point);
    if (isOwn && passing === true) markPassing(layout, treeId);
    return tree;
  } finally {
    mount.close();
  }
}

/** @throws CairnError `ERR_EXISTS` where somebody has mounted something else at a tree's own place */
function makeOwnPoint({ layout }: StoreContext, run: string, point: string): void {
  makeMountPoint(run, point);
  const there = mountAt(point);
  if (there === undefined || there.source.startsWith(mountLabel(layout, ''))) return;
  throw new CairnError('ERR_EXISTS', `something is mounted at ${point} already`, { path: point });
}

/** What the mount of a tree is made of. */
export function partsOfMount(
  { layout, objects }: StoreContext,
  treeId: string,
  { devices = [] }: TreeImage,
): Omit<TreeParts, 'scratch'> {
  return {
    image: layout.treeImage(treeId),
    devices: devices.map((name) => layout.pack(name)),
    layers: objects.layers(),
  };
}

/** Makes a tree's image, whether or not the tree is there as files. */
async function makeAndMount(
  store: StoreContext,
  request: MountRequest,
  { old, point }: { old: TreeRecord | undefined } & Pick<Place, 'point'>,
): Promise<TreeRecord> {
  const { layout, index } = store;
  const { image, stack } = request;
  const { treeId } = stack;
  // Whoever has it mounted must not lose what shows that.
  await index.commitRemoval(() => {
    if (passingTrees(layout).has(treeId)) takeMountAway(layout, treeId);
    imageMustBeFree(layout, treeId);
  });
  const staging = store.staging.make();
  const beside = besideStaging(staging);
  try {
    const tree = await stageImage(store, request, { old, staging });
    if (old !== undefined && fs.existsSync(layout.tree(treeId))) {
      moveIntoPlace(imageIn(staging), layout.treeImage(treeId));
      syncDirectory(layout.tree(treeId));
    } else {
      moveAside(layout.tree(treeId), beside.old);
      moveIntoPlace(staging, layout.tree(treeId));
      syncDirectory(layout.trees);
    }
    return await mountListed(store, { treeId, point, passing: request.passing, image: tree.image }, () =>
      index.commit(() => listTree(store, image, tree)),
    );
  } catch (error) {
    // A tree in place that the index does not list would only wait for gc, so it is moved aside.
    if (isUnlisted(store, treeId)) moveAside(layout.tree(treeId), beside.unwanted);
    throw error;
  } finally {
    // Mostly nothing is left, and a thread need not start to find that out.
    await discard(store, [staging, beside.old, beside.unwanted].filter(fs.existsSync));
  }
}

/** Writes the image, with the manifest beside it, durably. @returns the tree's record */
async function stageImage(
  store: StoreContext,
  { image, stack, plan: given, ...options }: MountRequest,
  { old, staging }: { old: TreeRecord | undefined; staging: string },
): Promise<TreeRecord & { image: TreeImage }> {
  const { treeId, layers } = stack;
  const plan = given ?? keptPlan(store, stack) ?? planOf(store, stack);
  const hash = treeHashOf(plan);
  const written = await writeTreeImage(store, { plan, layers, hash, path: imageIn(staging) }, options);
  const manifest = stack.documents(image.manifest);
  naming(manifestIn(staging), () => fs.writeFileSync(manifestIn(staging), manifest, { mode: 0o600 }));
  syncFile(manifestIn(staging));
  syncDirectory(staging);
  const now = Date.now();
  if (old !== undefined && old.mode !== 'mount') return { ...old, image: written, lastUsed: now };
  return {
    ...{ id: treeId, images: [image.key], layers, hash, files: plan.files, entries: plan.entries.length },
    ...{ bytes: plan.bytes, uniqueBytes: 0, mode: 'mount', renderedAt: now, lastUsed: now },
    ...{ skipped: written.skipped, image: written },
    manifest: { key: image.manifest, size: manifest.length },
  };
}
