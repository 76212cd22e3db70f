/**
 * Moves the objects of a store from files to packs, or back, while nobody else uses the store. A store of an older
 * format comes to the newest one first, whether objects move or not.
 *
 * all objects copied to their new home → sync → one transaction that lists them there → cairn.json → the old home goes
 *
 * The index says which home counts. Until its transaction the old home does: a repack that is killed leaves a store
 * that works, and the next one goes on with what is there already. Should the index be lost, cairn.json says which home
 * is whole. After a kill between transaction and cairn.json, whoever opens the store first for writing makes them
 * agree.
 */
import { deletePaths } from '../content/delete.js';
import { CairnError } from '../core/errors.js';
import type { OperationOptions } from '../core/operation.js';
import { passingTrees, takeMountAway } from '../disk/passing-mounts.js';
import { imageMustBeFree } from '../disk/tree-use.js';
import { LAYOUT_KEY } from '../index/open.js';
import { layoutOf, objectsIn } from '../session/choose-home.js';
import { mustWrite, type StoreContext } from '../session/context.js';
import { DOCUMENTED_FORMAT, FORMAT_VERSION, type ObjectLayout, readFormat, writeFormat } from '../session/format.js';
import { type OpenOptions, openContext } from '../session/open.js';
import { migrate } from './migrate.js';
import { repackToLoose } from './repack-to-loose.js';
import { repackToPacks } from './repack-to-packs.js';

export interface Repacked {
  layout: ObjectLayout;
  /** The store had this layout already. */
  existed: boolean;
  /** The store had an older format until now. */
  raised: boolean;
  /** Objects in the new home, and their bytes. */
  objects: number;
  bytes: number;
  ms: number;
}

export type RepackOptions = Omit<OpenOptions, 'create' | 'readOnly' | 'layout'> &
  OperationOptions & { layout: ObjectLayout };

/**
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_NOT_A_STORE`, `ERR_READ_ONLY`, `ERR_NO_SPACE`, `ERR_HELD` while a
 *   tree is mounted, `ERR_DAMAGED` for a store with an object that is not what it should be
 */
export async function repackStore({ layout, ...options }: RepackOptions): Promise<Repacked> {
  const begun = performance.now();
  const store = await openContext({ ...options, create: false });
  try {
    mustWrite(store);
    if (store.format < DOCUMENTED_FORMAT) await migrate(store);
    const existed = layoutOf(store) === layout;
    const raised = readFormat(store.layout).format < FORMAT_VERSION;
    if (raised || !existed) {
      await store.uses.alone(options.signal, async () => {
        raise(store);
        if (!existed) await moveObjects(store, layout, options);
      });
    }
    const { objects, objectBytes } = store.index.totals;
    return { layout, existed, raised, objects, bytes: objectBytes, ms: Math.round(performance.now() - begun) };
  } finally {
    await closeContext(store);
  }
}

/**
 * Brings the store to the newest format. Versions that do not know it refuse the store from here on, before anything is
 * in it that they could not read. What is there already is of the new format as it is.
 */
function raise(store: StoreContext): void {
  if (readFormat(store.layout).format >= FORMAT_VERSION) return;
  writeFormat(store.layout, { format: FORMAT_VERSION, layout: layoutOf(store) });
}

async function moveObjects(store: StoreContext, layout: ObjectLayout, options: OperationOptions): Promise<void> {
  const { index } = store;
  index.refresh();
  await index.commitRemoval(() => freeTrees(store));
  const now = index.meta.get(LAYOUT_KEY);
  if (now === layout) throw new CairnError('ERR_EXISTS', 'another process has just repacked the store');
  // Said before cairn.json is written: from then on the index alone decides.
  if (now === undefined) await index.commit(() => index.meta.put(LAYOUT_KEY, layout === 'packs' ? 'loose' : 'packs'));
  if (layout === 'packs') await repackToPacks(store, options);
  else await repackToLoose(store, options);
  writeFormat(store.layout, { format: FORMAT_VERSION, layout });
  await removeOldHome(store, layout);
}

/** Takes the mounts away that nobody asked for, if no others are in the way. @throws CairnError `ERR_HELD` */
function freeTrees({ index, layout }: StoreContext): void {
  const passing = passingTrees(layout);
  for (const { tree, expiresAt } of index.leases.values()) if (expiresAt > Date.now()) passing.delete(tree);
  const ids = [...index.trees.values()].filter(({ image }) => image !== undefined).map(({ id }) => id);
  for (const id of ids) if (!passing.has(id)) imageMustBeFree(layout, id);
  for (const id of ids) if (passing.has(id) && !takeMountAway(layout, id)) imageMustBeFree(layout, id);
}

/** Of the files of objects, those that trees have names of are shared on; the next gc takes them. */
async function removeOldHome({ layout, index, pool }: StoreContext, now: ObjectLayout): Promise<void> {
  await deletePaths(pool, now === 'packs' ? [...objectsIn(layout, 'packs', index).unusedLinks()] : [layout.packs]);
}

async function closeContext({ objects, pool, disk, staging, index, lanes }: StoreContext): Promise<void> {
  await pool.close();
  await disk.close();
  staging.close();
  lanes?.close();
  objects.close();
  await index.close();
}
