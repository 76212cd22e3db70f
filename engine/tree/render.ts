/**
 * The read path: an image becomes a tree.
 *
 * resolve → ingredients → (rendered already?) → plan → staging → shards on the workers → directory times → sync → rename →
 * sync → index
 */
import * as fs from 'node:fs';
import type { Skipped } from '../../workers/tasks/parts.js';
import type { RenderMode } from '../../workers/tasks/render.js';
import { type Key, keyBytes } from '../core/key.js';
import { lock } from '../disk/lock.js';
import type { ImageRecord, TreeRecord } from '../index/records.js';
import type { Plan } from '../plan/plan.js';
import { mustBeWhole } from '../resolve/completeness.js';
import { ingredientsOf } from '../resolve/layer-stack.js';
import { mustWrite, type OperationOptions, type StoreContext } from '../session/context.js';

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
      const tree = await makeTree(store, image, ingredients, options, plan);
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

/**
 * Rendering counts as use. If it cannot be noted, that is told, and what was asked for goes on.
 * @returns false for a tree that is no longer listed
 */
export async function noteUse(store: StoreContext, image: ImageRecord, tree?: TreeRecord): Promise<boolean> {
  if (store.readOnly) return true;
  const { index } = store;
  const lastUsed = Date.now();
  try {
    return await index.commit(() => {
      const rendered = tree === undefined ? undefined : index.trees.get(tree.id);
      if (tree !== undefined && rendered === undefined) return false;
      const known = index.image(image.key);
      if (known !== undefined) index.images.put(keyBytes(image.key), { ...known, lastUsed });
      if (rendered === undefined) return true;
      const images = rendered.images.includes(image.key) ? rendered.images : [...rendered.images, image.key];
      index.trees.put(rendered.id, { ...rendered, images, lastUsed });
      return true;
    });
  } catch (error) {
    store.notice(`the time of this use was not noted: ${(error as Error).message}`);
    return true;
  }
}
