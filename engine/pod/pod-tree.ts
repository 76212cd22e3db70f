/**
 * The trees of pods. Whoever prepares a pod is told where its trees are, so they are made of files. A pod that is run
 * at once is nobody else's. Where the machine can mount trees, its trees are images, there in an instant, and mounted
 * for each app.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { defined } from '../core/defined.js';
import { CairnError, isCairnError } from '../core/errors.js';
import { unmount } from '../disk/mount.js';
import { createTreeMount } from '../disk/mount-tree.js';
import type { ImageRecord, TreeRecord } from '../index/records.js';
import { layerStackOf } from '../resolve/layer-stack.js';
import type { StoreContext } from '../session/context.js';
import { type RenderRequest, renderImage } from '../tree/render.js';
import type { PreparedApp } from './prepared.js';

/** Whether a tree is listed and there: as files, or else, if that will do, as an image. */
export function isTreeThere({ index, layout }: StoreContext, treeId: string, mayMount: boolean): boolean {
  const tree = index.trees.get(treeId);
  if (tree === undefined) return false;
  if (fs.existsSync(layout.rootfs(treeId))) return true;
  return mayMount && tree.mode === 'mount' && fs.existsSync(layout.treeImage(treeId));
}

/** Makes the tree of an app's image, and lists it. @returns its id @throws CairnError as rendering does */
export async function makePodTree(
  store: StoreContext,
  image: ImageRecord,
  { mayMount, ...request }: Pick<RenderRequest, 'documents' | 'signal' | 'onProgress'> & { mayMount: boolean },
): Promise<string> {
  if (mayMount) {
    const { mountTree } = await import('../tree/mount.js');
    const stack = layerStackOf(store, image, request.documents);
    try {
      return (await mountTree(store, { ...request, image, stack, imageOnly: true })).treeId;
    } catch (error) {
      // Some trees are beyond the format.
      if (!isCairnError(error, 'ERR_UNSUPPORTED')) throw error;
    }
  }
  return (await renderImage(store, image, { ...request, mode: 'link' })).treeId;
}

/**
 * Has something done while an app's tree can be read.
 * @param dir the app's own directory, where a tree without files is mounted meanwhile
 */
export async function withTree<T>(
  store: StoreContext,
  { app, dir, signal }: { app: PreparedApp; dir: string; signal: AbortSignal | undefined },
  use: (app: PreparedApp) => Promise<T>,
): Promise<T> {
  const { index, layout } = store;
  if (index.trees.get(app.treeId)?.mode !== 'mount' || fs.existsSync(layout.rootfs(app.treeId))) return use(app);
  const { mountTree } = await import('../tree/mount.js');
  const { treeToMount } = await import('../tree/mounts.js');
  const point = join(dir, 'tree');
  fs.mkdirSync(point, { mode: 0o700 });
  try {
    await mountTree(store, { ...treeToMount(store, listed(store, app)), dir: point, ...defined({ signal }) });
    return await use({ ...app, rootfs: point, isMounted: true });
  } finally {
    unmountIfMounted(point);
    fs.rmdirSync(point);
  }
}

/**
 * Mounts a tree that is mounted for reading already, with a place for changes.
 * @throws CairnError `ERR_UNSUPPORTED`, `ERR_IO`
 */
export async function mountWithChanges(
  store: StoreContext,
  app: PreparedApp,
  {
    dir,
    target,
    changes,
  }: { dir: string; target: string; changes: { upper: string; work: string; volatile: boolean } },
): Promise<void> {
  const { partsOfMount } = await import('../tree/mount.js');
  const { image } = listed(store, app);
  if (image === undefined) throw gone(app);
  const parts = partsOfMount(store, app.treeId, image);
  const mount = createTreeMount({ ...parts, scratch: join(dir, 'part'), label: 'cairn', changes });
  try {
    mount.attach(target);
  } finally {
    mount.close();
  }
}

function listed({ index }: StoreContext, app: PreparedApp): TreeRecord {
  index.refresh();
  const tree = index.trees.get(app.treeId);
  if (tree === undefined) throw gone(app);
  return tree;
}

function gone({ name, treeId }: PreparedApp): CairnError {
  return new CairnError('ERR_NOT_FOUND', `app ${name}: its tree was removed meanwhile`, { entry: treeId });
}

function unmountIfMounted(point: string): void {
  try {
    unmount(point, { lazy: true });
  } catch (error) {
    // Mounting it failed, and that is the error to tell.
    if (!isCairnError(error)) throw error;
  }
}
