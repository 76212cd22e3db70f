/**
 * The read path: an image becomes a tree.
 *
 * resolve → layer stack → (rendered already?) → plan → staging → shards on the workers → directory times
 * → sync → rename → sync → index
 */
import * as fs from 'node:fs';
import { noteUse } from '../content/last-used.js';
import type { ReadDocument } from '../content/read-blob.js';
import { isCairnError } from '../core/errors.js';
import { lock } from '../disk/lock.js';
import type { ImageRecord, TreeRecord } from '../index/records.js';
import type { Plan } from '../plan/plan.js';
import { resolveArgument } from '../resolve/argument.js';
import { isComplete, mustBeComplete } from '../resolve/completeness.js';
import { tellForeign } from '../resolve/foreign-platform.js';
import { type LayerStack, layerStackOf, listedStackOf } from '../resolve/layer-stack.js';
import { mustWrite, type StoreContext } from '../session/context.js';
import type { Rendered, RenderOptions } from './options.js';

/**
 * Finds the existing tree of the image that an argument means, by the index alone.
 * @returns `undefined` if there is no tree, or if the index alone cannot tell
 * @throws CairnError as resolving the argument does
 */
export async function findRendered(store: StoreContext, argument: string): Promise<Rendered | undefined> {
  const begun = performance.now();
  const image = listedImage(store, argument);
  if (image === undefined) return undefined;
  tellForeign(store, argument, image);
  const stack = listedStack(store, image);
  if (stack === undefined) return undefined;
  const tree = await useTree(store, image, stack.treeId);
  return tree === undefined ? undefined : describe(store, tree, { image, existed: true, begun });
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
  const find = async (): Promise<TreeRecord | undefined> =>
    options.rebuild === true ? undefined : useTree(store, image, stack.treeId);
  const present = await find();
  if (present !== undefined) return describe(store, present, { image, existed: true, begun });
  mustWrite(store);
  return store.uses.during(options.signal, async () => {
    const held = await lock(store.layout.treeLock(stack.treeId), true, options.signal);
    try {
      // The index is read anew: another holder of the lock may have made the tree meanwhile, or removed it.
      store.index.refresh();
      const meanwhile = await find();
      if (meanwhile !== undefined) return describe(store, meanwhile, { image, existed: true, begun });
      // The module is loaded only when a tree is to be made: finding a tree should cost next to nothing.
      const { makeTree } = await import('./make-tree.js');
      const tree = await makeTree(store, { image, stack, options, plan });
      return describe(store, tree, { image, existed: false, begun });
    } finally {
      held.release();
    }
  });
}

/** Finds a tree and notes its use. If that fails, a gc is just taking the tree, and was faster. */
async function useTree(store: StoreContext, image: ImageRecord, treeId: string): Promise<TreeRecord | undefined> {
  const tree = store.index.trees.get(treeId);
  if (tree === undefined || !fs.existsSync(store.layout.rootfs(treeId))) return undefined;
  return (await noteUse(store, image, tree)) ? tree : undefined;
}

function describe(
  store: StoreContext,
  tree: TreeRecord,
  { image, existed, begun }: { image: ImageRecord; existed: boolean; begun: number },
): Rendered {
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
