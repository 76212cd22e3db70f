/** Makes a tree that does not exist: plan, stage, render, sync, move into place. */
import * as fs from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { RenderResult } from '../../workers/tasks/render.js';
import { discard } from '../content/delete.js';
import { dropTreeRecord } from '../content/drop-references.js';
import { findPlan, isWorthKeeping, keepPlan, stagePlan } from '../content/plan-cache.js';
import { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { moveAside, moveIntoPlace } from '../disk/durable.js';
import { besideStaging, manifestIn, rootfsIn } from '../disk/layout.js';
import { mustNotBeMounted } from '../disk/mounts.js';
import { noteEvent } from '../index/events.js';
import type { ImageRecord, TreeRecord } from '../index/records.js';
import { retainLayer } from '../index/references.js';
import type { PackedPlan } from '../plan/packed-plan.js';
import type { Plan } from '../plan/plan.js';
import type { LayerStack } from '../resolve/layer-stack.js';
import { packForWorkers, planOf } from '../resolve/plan-image.js';
import type { StoreContext } from '../session/context.js';
import { checkPathLengths, execute } from './execute.js';
import { noteCopies } from './note-copies.js';
import type { RenderOptions } from './options.js';

export interface TreeRequest {
  image: ImageRecord;
  stack: LayerStack;
  options: RenderOptions;
  /** The plan of the tree, if it has just been made. */
  plan: Plan | undefined;
}

/** The caller holds the tree's lock and relies on objects. @throws as rendering does */
export async function makeTree(store: StoreContext, request: TreeRequest): Promise<TreeRecord> {
  const { layout, disk } = store;
  const { image, stack } = request;
  const staging = store.staging.make();
  const beside = besideStaging(staging);
  try {
    const { tree, copies } = await stageTree(store, request, staging);
    await disk.sync();
    const others = await clearTheWay(store, stack.treeId, beside.old);
    moveIntoPlace(staging, layout.tree(stack.treeId));
    await disk.sync();
    await listTree(store, image, { ...tree, images: [...others, image.key] }, copies);
    keepPlan(store, image.key, beside.plan);
    return tree;
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
}

/** Renders to staging, with the image's manifest beside the root. A plan to keep is staged beside this directory. */
async function stageTree(
  store: StoreContext,
  { image, stack, options, plan: given }: TreeRequest,
  staging: string,
): Promise<StagedTree> {
  const { treeId, layers } = stack;
  const mode = options.mode ?? 'link';
  await store.pool.warm('render');
  const found = given === undefined ? findPlan(store, image.key, treeId) : undefined;
  const plan = found ?? packForWorkers(store, given ?? planOf(store, stack));
  checkPathLengths(plan, store.layout.rootfs(treeId));
  const isNew = found === undefined && isWorthKeeping(store, plan.entries);
  const place = { root: rootfsIn(staging), disk: store.disk, mode, uidShift: 0, identity: store.staging.identity };
  const executing = execute(store, plan, place, options);
  const hashing = finishPlan(plan, treeId, isNew ? besideStaging(staging).plan : undefined);
  // Both must have ended before staging is cleared, even if one fails: nothing may still be written there.
  await Promise.allSettled([executing, hashing]);
  const { skipped, copies } = await executing;
  const hash = await hashing;
  const manifest = stack.documents(image.manifest);
  fs.writeFileSync(manifestIn(staging), manifest, { mode: 0o600 });
  const { files, entries, bytes } = plan;
  const now = Date.now();
  const tree = {
    ...{ id: treeId, images: [image.key], layers, hash, files, entries, bytes, mode, skipped },
    ...{ uniqueBytes: mode === 'copy' ? bytes : 0, renderedAt: now, lastUsed: now },
    manifest: { key: image.manifest, size: manifest.length },
  };
  return { tree, copies };
}

/** @throws CairnError `ERR_NOT_FOUND` when the image or one of its layers is gone by now */
async function listTree(
  store: StoreContext,
  image: ImageRecord,
  tree: TreeRecord,
  copies: RenderResult['copies'],
): Promise<void> {
  const { index } = store;
  await index.commit(() => {
    const known = index.image(image.key);
    if (known === undefined || tree.layers.some((layer) => index.layer(layer) === undefined)) {
      throw new CairnError('ERR_NOT_FOUND', `${image.name} was removed while it was being rendered`);
    }
    for (const layer of new Set(tree.layers)) retainLayer(index, layer);
    const images = [...new Set(tree.images)].filter((key) => index.image(key) !== undefined);
    index.trees.put(tree.id, { ...tree, images });
    index.images.put(image.key, { ...known, lastUsed: tree.lastUsed });
    noteCopies(store, copies);
    noteEvent(index, { event: 'rendered', tree: tree.id, image: image.key });
  });
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

/** @returns `false` also for an index that has failed: it cannot be read any more, and may list the tree */
function isUnlisted({ index }: StoreContext, treeId: string): boolean {
  try {
    return index.trees.get(treeId) === undefined;
  } catch {
    return false;
  }
}

/**
 * Moves a tree aside that is to be rebuilt, or that a crash left without a record.
 * @returns the images that the tree was made of
 */
async function clearTheWay(store: StoreContext, treeId: string, trash: string): Promise<readonly Key[]> {
  const { index, layout } = store;
  mustNotBeMounted(layout.tree(treeId));
  const old = index.trees.get(treeId);
  if (old !== undefined) await index.commit(() => dropTreeRecord(store, treeId));
  if (moveAside(layout.tree(treeId), trash)) await discard(store, [trash]);
  return old?.images ?? [];
}
