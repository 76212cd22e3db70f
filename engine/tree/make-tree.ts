/** Makes a tree that is not there: plan, stage, render, sync, publish. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { discard } from '../content/delete.js';
import { dropTreeRecord } from '../content/drop-references.js';
import { findPlan, isWorthKeeping, keepPlan, stagePlan } from '../content/plan-cache.js';
import { readBlob } from '../content/read-blob.js';
import { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { bury, place } from '../disk/durable.js';
import { mustNotBeMounted } from '../disk/mounts.js';
import type { ImageRecord, TreeRecord } from '../index/records.js';
import { retainLayer } from '../index/references.js';
import { type PackedPlan, packPlan } from '../plan/packed-plan.js';
import type { Plan } from '../plan/plan.js';
import type { Ingredients } from '../resolve/layer-stack.js';
import { planOf } from '../resolve/plan-image.js';
import type { StoreContext } from '../session/context.js';
import { checkPathLengths, execute } from './execute.js';
import { noteCopies } from './object-copies.js';
import type { RenderOptions } from './options.js';

/** The caller holds the tree's lock and relies on objects. @throws as rendering does */
export async function makeTree(
  store: StoreContext,
  image: ImageRecord,
  ingredients: Ingredients,
  options: RenderOptions,
  given?: Plan,
): Promise<TreeRecord> {
  const { layout, disk, index, pool } = store;
  const { treeId, layers } = ingredients;
  const mode = options.mode ?? 'link';
  const staging = store.staging.make();
  try {
    await pool.warm('render');
    const found = given === undefined ? findPlan(store, image.key, treeId) : undefined;
    const plan = found ?? packPlan(given ?? planOf(store, ingredients), store.identity, pool.size);
    checkPathLengths(plan, layout.rootfs(treeId));
    const isNew = found === undefined && isWorthKeeping(store, plan.entries);
    const executing = execute(store, plan, join(staging, 'rootfs'), disk, mode, 0, options);
    const hashing = finishPlan(plan, treeId, isNew ? `${staging}.plan` : undefined);
    // Whichever fails, nothing may still be written when staging is cleared.
    await Promise.allSettled([executing, hashing]);
    const made = await executing;
    const hash = await hashing;
    const manifest = readBlob(store, image.manifest);
    fs.writeFileSync(join(staging, 'manifest'), manifest, { mode: 0o600 });
    await disk.sync();
    const others = await clearTheWay(store, treeId, staging);
    place(staging, layout.tree(treeId));
    await disk.sync();
    const now = Date.now();
    const tree: TreeRecord = {
      id: treeId,
      images: [image.key],
      layers,
      hash,
      files: plan.files,
      entries: plan.entries,
      bytes: plan.bytes,
      uniqueBytes: mode === 'copy' ? plan.bytes : 0,
      mode,
      renderedAt: now,
      lastUsed: now,
      skipped: made.skipped,
      manifest: { key: image.manifest, size: manifest.length },
    };
    await index.commit(() => {
      const known = index.image(image.key);
      if (known === undefined || layers.some((layer) => index.layer(layer) === undefined)) {
        throw new CairnError('ERR_NOT_FOUND', `${image.name} was removed while it was being rendered`);
      }
      for (const layer of new Set(layers)) retainLayer(index, layer);
      const images = [...new Set([...others.filter((key) => index.image(key) !== undefined), image.key])];
      index.trees.put(treeId, { ...tree, images });
      index.images.put(image.key, { ...known, lastUsed: now });
      noteCopies(store, made.copies);
    });
    if (isNew) keepPlan(store, image.key, `${staging}.plan`);
    return tree;
  } catch (error) {
    // What was placed but not committed is nobody's; where it stands it would only wait for gc.
    if (isUnlisted(store, treeId)) bury(layout.tree(treeId), `${staging}.unwanted`);
    throw error;
  } finally {
    await discard(store, [staging, `${staging}.unwanted`, `${staging}.plan`]);
  }
}

/**
 * What is left to do of a plan, one thing at a time, while the workers are at their shards: they wait for the file system more than for
 * this thread.
 * @param staged where to stage it, if it is to be kept
 * @returns the tree's hash
 */
async function finishPlan(plan: PackedPlan, treeId: string, staged: string | undefined): Promise<Key> {
  await setImmediate();
  const hash = plan.hash();
  await setImmediate();
  if (staged !== undefined) stagePlan(plan, treeId, staged);
  return hash;
}

/** Not of an index that has failed: it cannot be asked any more, and what it would say matters. */
function isUnlisted({ index }: StoreContext, treeId: string): boolean {
  try {
    return index.trees.get(treeId) === undefined;
  } catch {
    return false;
  }
}

/**
 * Takes a tree that is to be rebuilt, or one that a crash left without a record, out of the way.
 * @returns the images that it was made of
 */
async function clearTheWay(store: StoreContext, treeId: string, staging: string): Promise<readonly Key[]> {
  const { index, layout } = store;
  mustNotBeMounted(layout.tree(treeId));
  const old = index.trees.get(treeId);
  if (old !== undefined) await index.commit(() => dropTreeRecord(store, treeId));
  const grave = `${staging}.old`;
  if (bury(layout.tree(treeId), grave)) await discard(store, [grave]);
  return old?.images ?? [];
}
