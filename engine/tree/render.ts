/**
 * The read path: an image becomes a tree.
 *
 * resolve → layer stack → (rendered already?) → plan → staging → shards on the workers → directory times
 * → sync → rename → sync → index, or, for a tree that is to be mounted, as `mount.ts` says
 */
import * as fs from 'node:fs';
import { noteUse } from '../content/last-used.js';
import type { ReadDocument } from '../content/read-blob.js';
import { type ErrorCode, isCairnError } from '../core/errors.js';
import { lock } from '../disk/lock.js';
import { unmarkPassing } from '../disk/passing-mounts.js';
import { isTreeMountedAt, mountPoint } from '../disk/tree-use.js';
import type { ImageRecord, TreeMode, TreeRecord } from '../index/records.js';
import type { Plan } from '../plan/plan.js';
import { resolveArgument } from '../resolve/argument.js';
import { isComplete, mustBeComplete } from '../resolve/completeness.js';
import { tellForeign } from '../resolve/foreign-platform.js';
import { type LayerStack, layerStackOf, listedStackOf } from '../resolve/layer-stack.js';
import { layoutOf } from '../session/choose-home.js';
import { mustWrite, type StoreContext } from '../session/context.js';
import { canMountTrees } from '../session/modes.js';
import { describeTree, isToBeMounted } from './describe.js';
import type { MountRequest } from './mount.js';
import type { Rendered, RenderOptions } from './options.js';

/**
 * Finds the existing tree of the image that an argument means, by the index alone.
 * @returns `undefined` if there is no tree, or if the index alone cannot tell
 * @throws CairnError as resolving the argument does
 */
export async function findRendered(
  store: StoreContext,
  argument: string,
  mode?: TreeMode,
): Promise<Rendered | undefined> {
  const begun = performance.now();
  const image = listedImage(store, argument);
  if (image === undefined) return undefined;
  tellForeign(store, argument, image);
  const stack = listedStack(store, image);
  if (stack === undefined) return undefined;
  const tree = await useTree(store, image, stack.treeId, mode);
  return tree === undefined ? undefined : describeTree(store, tree, { image, existed: true, begun, mode });
}

/** What is not here may yet be fetched. */
function listedImage({ index, argumentType: type }: StoreContext, argument: string): ImageRecord | undefined {
  try {
    const listed = resolveArgument(index, argument, { type });
    return 'image' in listed ? listed.image : undefined;
  } catch (error) {
    if (isCairnError(error, 'ERR_NOT_FOUND')) return undefined;
    throw error;
  }
}

function listedStack(store: StoreContext, image: ImageRecord): LayerStack | undefined {
  try {
    const stack = listedStackOf(store, image);
    return stack.nodes.every((node) => isComplete(store.index, node.image)) ? stack : undefined;
  } catch (error) {
    if (isCairnError(error)) return undefined;
    throw error;
  }
}

export interface RenderRequest extends RenderOptions {
  /** The plan of the image's tree, if it has just been made. */
  plan?: Plan | undefined;
  /** A reader that holds manifests which this operation has already read. */
  documents?: ReadDocument;
}

/**
 * Renders an image, or finds its tree. Concurrent renders of one tree, also by other processes, do the work once.
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_DEPENDENCY_CYCLE`, `ERR_DAMAGED`, `ERR_NO_SPACE`, `ERR_ABORTED`, …
 */
export async function renderImage(
  store: StoreContext,
  image: ImageRecord,
  { plan, documents, ...options }: RenderRequest = {},
): Promise<Rendered> {
  const begun = performance.now();
  const stack = layerStackOf(store, image, documents);
  mustBeComplete(store, stack);
  const { mode, rebuild = false } = options;
  const find = async (): Promise<TreeRecord | undefined> =>
    rebuild ? undefined : useTree(store, image, stack.treeId, mode);
  const present = await find();
  if (present !== undefined) return describeTree(store, present, { image, existed: true, begun, mode });
  mustWrite(store);
  const mounted = await mountWanted(store, { ...options, image, stack, plan });
  if (mounted !== undefined) return mounted;
  return store.uses.during(options.signal, async () => {
    const held = await lock(store.layout.treeLock(stack.treeId), true, options.signal);
    try {
      // The index is read anew: another holder of the lock may have made the tree meanwhile, or removed it.
      store.index.refresh();
      const meanwhile = await find();
      if (meanwhile !== undefined) return describeTree(store, meanwhile, { image, existed: true, begun, mode });
      // The module is loaded only when a tree is to be made: finding a tree should cost next to nothing.
      const { makeTree } = await import('./make-tree.js');
      const files = mode === undefined || mode === 'mount' ? 'link' : mode;
      const tree = await makeTree(store, { image, stack, options, mode: files, plan });
      return describeTree(store, tree, { image, existed: false, begun, mode: files });
    } finally {
      held.release();
    }
  });
}

/** Why a tree cannot be mounted that need not be. */
const HINDRANCES: readonly ErrorCode[] = ['ERR_UNSUPPORTED', 'ERR_FOREIGN_STORE', 'ERR_EXISTS'];

/** Mounts a tree that is asked for as a mount, or is there only to be mounted, if that can be done. */
async function mountWanted(
  store: StoreContext,
  { mode, ...request }: MountRequest & Pick<RenderOptions, 'mode'>,
): Promise<Rendered | undefined> {
  if (!isMountWanted(store, mode, store.index.trees.get(request.stack.treeId))) return undefined;
  const { mountTree } = await import('./mount.js');
  try {
    return await mountTree(store, { ...request, passing: mode === undefined });
  } catch (error) {
    // A tree that was made to be mounted elsewhere, by root perhaps, is made of files here, and so is one for which
    // there is no place to mount it.
    const isHindered = isCairnError(error) && HINDRANCES.includes(error.code);
    if (mode === 'mount' || !isHindered) throw error;
    return undefined;
  }
}

/** By default a tree that is not there is mounted where files would be copies: where contents lie in packs. */
function isMountWanted(store: StoreContext, mode: TreeMode | undefined, tree: TreeRecord | undefined): boolean {
  if (mode !== undefined || tree !== undefined) return isToBeMounted(mode, tree);
  return layoutOf(store) === 'packs' && canMountTrees(store);
}

/** Finds a tree and notes its use. If that fails, a gc is just taking the tree, and was faster. */
async function useTree(
  store: StoreContext,
  image: ImageRecord,
  treeId: string,
  mode: TreeMode | undefined,
): Promise<TreeRecord | undefined> {
  const { index, layout } = store;
  const tree = index.trees.get(treeId);
  if (tree === undefined) return undefined;
  const isThere = isToBeMounted(mode, tree)
    ? tree.image !== undefined && isTreeMountedAt(layout, treeId, mountPoint(layout, treeId))
    : tree.mode !== 'mount' && fs.existsSync(layout.rootfs(treeId));
  if (!isThere) return undefined;
  // A gc that comes after the use finds that somebody asked for the mount; one that came before has taken the tree.
  if (mode === 'mount') unmarkPassing(layout, treeId);
  return (await noteUse(store, image, tree)) ? tree : undefined;
}
