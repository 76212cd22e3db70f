/**
 * The read path: an image becomes a tree.
 *
 * resolve → ingredients → (rendered already?) → plan → staging → shards on the workers → directory times → sync → rename →
 * sync → index
 */
import * as fs from 'node:fs';
import { noteUse } from '../content/last-used.js';
import { lock } from '../disk/lock.js';
import type { ImageRecord, TreeRecord } from '../index/records.js';
import type { Plan } from '../plan/plan.js';
import { mustBeWhole } from '../resolve/completeness.js';
import { ingredientsOf } from '../resolve/layer-stack.js';
import { mustWrite, type StoreContext } from '../session/context.js';
import type { Rendered, RenderOptions } from './options.js';

/**
 * Renders an image, or finds its tree. Concurrent renders of one tree, also by other processes, do the work once.
 * @param plan of the image's tree, if it has just been made
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_DEPENDENCY_CYCLE`, `ERR_DAMAGED`, `ERR_NO_SPACE`, `ERR_ABORTED`, …
 */
export async function renderImage(
  store: StoreContext,
  image: ImageRecord,
  options: RenderOptions = {},
  plan?: Plan,
): Promise<Rendered> {
  const begun = performance.now();
  const ingredients = ingredientsOf(store, image);
  mustBeWhole(store, ingredients);
  const { treeId } = ingredients;
  const present = options.rebuild === true ? undefined : await useTree(store, image, treeId);
  if (present !== undefined) return describe(store, image, present, true, begun);
  mustWrite(store);
  return store.uses.during(options.signal, async () => {
    const held = await lock(store.layout.treeLock(treeId), true, options.signal);
    try {
      // Asked anew: whoever held the lock may have made the tree, or removed it.
      store.index.refresh();
      const meanwhile = options.rebuild === true ? undefined : await useTree(store, image, treeId);
      if (meanwhile !== undefined) return describe(store, image, meanwhile, true, begun);
      // Loaded only when there is something to make: finding a tree should cost next to nothing.
      const { makeTree } = await import('./make-tree.js');
      const tree = await makeTree(store, { image, stack: ingredients, options, plan });
      return describe(store, image, tree, false, begun);
    } finally {
      held.release();
    }
  });
}

/** Finds a tree and notes its use; a gc that is just taking it was faster unless that succeeds. */
async function useTree(store: StoreContext, image: ImageRecord, treeId: string): Promise<TreeRecord | undefined> {
  const tree = store.index.trees.get(treeId);
  if (tree === undefined || !fs.existsSync(store.layout.rootfs(treeId))) return undefined;
  return (await noteUse(store, image, tree)) ? tree : undefined;
}

function describe(
  store: StoreContext,
  image: ImageRecord,
  tree: TreeRecord,
  existed: boolean,
  begun: number,
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
