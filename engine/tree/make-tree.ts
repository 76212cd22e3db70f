/** Makes a tree that does not exist: plan, stage, render, sync, move into place. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { RenderMode, RenderResult } from '../../workers/tasks/render.js';
import { discard } from '../content/delete.js';
import { dropTreeRecord } from '../content/drop-references.js';
import { findPlan, isWorthKeeping, keepPlan, stagePlan } from '../content/plan-cache.js';
import { naming } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { moveAside, moveIntoPlace } from '../disk/durable.js';
import { besideStaging, imageIn, manifestIn, rootfsIn } from '../disk/layout.js';
import { mustNotBeMounted } from '../disk/mounts.js';
import type { ImageRecord, TreeRecord } from '../index/records.js';
import type { PackedPlan } from '../plan/packed-plan.js';
import type { Plan } from '../plan/plan.js';
import type { LayerStack } from '../resolve/layer-stack.js';
import { packForWorkers, planOf } from '../resolve/plan-image.js';
import type { StoreContext } from '../session/context.js';
import { checkPathLengths, execute, keepFiles } from './execute.js';
import { isUnlisted, listTree } from './list-tree.js';
import { noteCopies } from './note-copies.js';
import type { RenderOptions } from './options.js';

export interface TreeRequest {
  image: ImageRecord;
  stack: LayerStack;
  options: Omit<RenderOptions, 'mode'>;
  mode: RenderMode;
  /** The plan of the tree, if it has just been made. */
  plan: Plan | undefined;
}

/** The caller holds the tree's lock and relies on objects. @throws as rendering does */
export async function makeTree(store: StoreContext, request: TreeRequest): Promise<TreeRecord> {
  const { layout, disk, index } = store;
  const { image, stack } = request;
  const staging = store.staging.make();
  const beside = besideStaging(staging);
  try {
    const { tree, copies, plan } = await stageTree(store, request, staging);
    const old = index.trees.get(stack.treeId);
    const kept = keptImage(store, old, staging);
    await disk.sync();
    if (old?.mode === 'mount' && kept.image !== undefined) addFiles(store, stack.treeId, staging);
    else {
      await clearTheWay(store, stack.treeId, beside.old);
      moveIntoPlace(staging, layout.tree(stack.treeId));
    }
    await disk.sync();
    const images = [...(old?.images ?? []), image.key];
    const listed = await index.commit(() => {
      noteCopies(store, copies);
      return listTree(store, image, { ...tree, ...kept, images });
    });
    keepPlan(store, image.key, beside.plan);
    // Files that lack metadata would be shared under a name that says they have it.
    const isWhole = store.staging.identity.overridesModes && Object.keys(tree.skipped).length === 0;
    if (tree.mode === 'link' && store.objects.keepsLinks && isWhole) {
      const anew = request.options.rebuild === true;
      await keepFiles(store, plan, { root: layout.rootfs(stack.treeId), anew });
    }
    return listed;
  } catch (error) {
    // A tree in place that the index does not list would only wait for gc, so it is moved aside.
    if (isUnlisted(store, stack.treeId)) moveAside(layout.tree(stack.treeId), beside.unwanted);
    throw error;
  } finally {
    await discard(store, [staging, beside.unwanted, beside.plan]);
  }
}

interface StagedTree {
  tree: TreeRecord;
  copies: RenderResult['copies'];
  plan: PackedPlan;
}

/** Renders to staging, with the image's manifest beside the root. A plan to keep is staged beside this directory. */
async function stageTree(
  store: StoreContext,
  { image, stack, options, mode, plan: given }: TreeRequest,
  staging: string,
): Promise<StagedTree> {
  const { treeId, layers } = stack;
  await store.pool.warm('render');
  const found = given === undefined ? findPlan(store, image.key, treeId) : undefined;
  const plan = found ?? packForWorkers(store, given ?? planOf(store, stack));
  checkPathLengths(plan, store.layout.rootfs(treeId));
  const isNew = found === undefined && isWorthKeeping(store, plan.entries);
  // What trees share may be what is wrong with them: a tree that is rebuilt gets files of its own, for others to share.
  const how = options.rebuild === true && store.objects.keepsLinks && mode === 'link' ? 'copy' : mode;
  const place = { root: rootfsIn(staging), disk: store.disk, mode: how, uidShift: 0, identity: store.staging.identity };
  const executing = execute(store, plan, place, options);
  const hashing = finishPlan(plan, treeId, isNew ? besideStaging(staging).plan : undefined);
  // Both must have ended before staging is cleared, even if one fails: nothing may still be written there.
  await Promise.allSettled([executing, hashing]);
  const { skipped, copies } = await executing;
  const hash = await hashing;
  const manifest = stack.documents(image.manifest);
  naming(manifestIn(staging), () => fs.writeFileSync(manifestIn(staging), manifest, { mode: 0o600 }));
  const { files, entries, bytes } = plan;
  const now = Date.now();
  const tree = {
    ...{ id: treeId, images: [image.key], layers, hash, files, entries, bytes, mode, skipped },
    ...{ uniqueBytes: 0, renderedAt: now, lastUsed: now },
    manifest: { key: image.manifest, size: manifest.length },
  };
  return { tree, copies, plan };
}

/**
 * Does the rest of the work on a plan, in small steps, while the workers render. The workers mostly wait for the file
 * system, not for this thread.
 * @param staged where to stage the plan, if it is to be kept
 * @returns the tree's hash
 */
async function finishPlan(plan: PackedPlan, treeId: string, staged: string | undefined): Promise<Key> {
  await setImmediate();
  const hash = plan.hash();
  await setImmediate();
  if (staged !== undefined) stagePlan(plan, treeId, staged);
  return hash;
}

/** Moves a tree aside that is to be rebuilt, or that a crash left without a record. */
async function clearTheWay(store: StoreContext, treeId: string, trash: string): Promise<void> {
  const { index, layout } = store;
  mustNotBeMounted(layout.tree(treeId));
  if (index.trees.get(treeId) !== undefined) await index.commit(() => dropTreeRecord(store, treeId));
  if (moveAside(layout.tree(treeId), trash)) await discard(store, [trash]);
}

/** Gives the image of a tree a further name in staging: it may be mounted, and stays with the tree. */
function keptImage({ layout }: StoreContext, old: TreeRecord | undefined, staging: string): Pick<TreeRecord, 'image'> {
  if (old?.image === undefined || !fs.existsSync(layout.treeImage(old.id))) return {};
  fs.linkSync(layout.treeImage(old.id), imageIn(staging));
  return { image: old.image };
}

/** Puts files into a tree that was there only to be mounted, and stays listed. */
function addFiles({ layout }: StoreContext, treeId: string, staging: string): void {
  const place = layout.rootfs(treeId);
  // A crash may have left some there.
  moveAside(place, join(staging, 'old'));
  moveIntoPlace(rootfsIn(staging), place);
}
