/**
 * Keeps plans of large images in the store, in the form for workers. A render of the same tree then begins at once:
 * reading tables of contents and merging them takes as long as a third of its links. A kept plan may be missing, old or
 * damaged, as in any cache: then the plan is made again. The index does not know of kept plans. A kept plan is believed
 * only with its own hash, and `check` compares trees with plans that it makes anew.
 */
import { hash } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Shard } from '../../workers/tasks/parts.js';
import { type Key, keyOf } from '../core/key.js';
import { makeOnce, moveIntoPlace } from '../disk/durable.js';
import type { PackedPlan, PlanSummary } from '../plan/packed-plan.js';
import type { StoreContext } from '../session/context.js';
import { sayLeftBehind } from '../session/context.js';

/** Raised with every change of what a plan or a shard says. */
const VERSION = 2;
/** Smaller plans are made as fast as read. Larger plans, of some 230 bytes an entry, would take much memory at once. */
const LEAST_ENTRIES = 2000;
const MOST_ENTRIES = 400_000;
/** The largest part of the disk's free space that a plan may take: more important data must still fit. */
const MOST_OF_FREE = 0.02;
const HASH_BYTES = 64;

interface StoredPlan {
  version: number;
  treeId: string;
  summary: PlanSummary;
  hash: Key;
  shards: Shard[];
  directories: Shard[];
}

/** @returns the plan of an image's tree, if that plan is kept and the tree is still the same */
export function findPlan(store: StoreContext, image: Key, treeId: string): PackedPlan | undefined {
  if (store.index.anyLacks) return undefined;
  try {
    const bytes = fs.readFileSync(store.layout.plan(image));
    const body = bytes.subarray(HASH_BYTES);
    if (!hash('sha512', body, 'buffer').equals(bytes.subarray(0, HASH_BYTES))) return undefined;
    const stored = deserialize(body) as StoredPlan;
    return stored.version === VERSION && stored.treeId === treeId ? unpack(stored) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether to keep a plan. None is kept where any object may lack metadata, so that all must be asked. */
export function isWorthKeeping({ index }: StoreContext, entries: number): boolean {
  return !index.anyLacks && entries >= LEAST_ENTRIES && entries <= MOST_ENTRIES;
}

/** Writes a plan to a new file in staging, from where {@link keepPlan} takes it. A failure to write it does no harm. */
export function stagePlan(plan: PackedPlan, treeId: string, staged: string): void {
  try {
    const body = serialize(storedPlan(plan, treeId));
    const { bavail, bsize } = fs.statfsSync(dirname(staged));
    if (body.length > bavail * bsize * MOST_OF_FREE) return;
    fs.writeFileSync(staged, Buffer.concat([hash('sha512', body, 'buffer'), body]), { mode: 0o600 });
  } catch {
    fs.rmSync(staged, { force: true });
  }
}

function storedPlan(plan: PackedPlan, treeId: string): StoredPlan {
  const { entries, files, bytes, longestPath, links, maybeIncomplete } = plan;
  return {
    version: VERSION,
    treeId,
    summary: { entries, files, bytes, longestPath, links, maybeIncomplete },
    hash: plan.hash(),
    shards: Array.from({ length: plan.shards }, (_none, i) => plan.shard(i)),
    directories: Array.from({ length: plan.directoryShards }, (_none, i) => plan.directoryShard(i)),
  };
}

/** Keeps a staged plan, if there is one. Called once the plan's image is listed and the staged file is on disk. */
export function keepPlan({ layout }: StoreContext, image: Key, staged: string): void {
  if (!fs.existsSync(staged)) return;
  try {
    makeOnce(layout.plans);
    moveIntoPlace(staged, layout.plan(image));
  } catch {
    // The disk has no room.
  }
}

/** Deletes the plans of images that are gone. A failure gives a notice, and keeps nothing else from being swept. */
export function dropPlans(store: StoreContext): void {
  const { index, layout } = store;
  try {
    for (const name of fs.existsSync(layout.plans) ? fs.readdirSync(layout.plans) : []) {
      const isListed = /^[0-9a-f]{128}$/.test(name) && index.image(keyOf(Buffer.from(name, 'hex'))) !== undefined;
      if (!isListed) fs.rmSync(join(layout.plans, name), { force: true });
    }
  } catch (error) {
    sayLeftBehind(store, error);
  }
}

/** Deletes all kept plans. They name objects, which have other names now. */
export function dropAllPlans({ layout }: Pick<StoreContext, 'layout'>): void {
  fs.rmSync(layout.plans, { recursive: true, force: true });
}

function unpack({ summary, hash: treeHash, shards, directories }: StoredPlan): PackedPlan {
  return {
    ...summary,
    hash: () => treeHash,
    shards: shards.length,
    shard: (i) => owned(shards[i] as Shard),
    directoryShards: directories.length,
    directoryShard: (i) => owned(directories[i] as Shard),
  };
}

/** Copies a shard. Its arrays as read are views of the whole file, which would cross to the worker with each array. */
function owned(shard: Shard): Shard {
  const xattrs: Shard['xattrs'] = shard.xattrs.map(([i, all]) => [
    i,
    all.map(([name, value]) => [name, Uint8Array.from(value)]),
  ]);
  return { ...shard, meta: Float64Array.from(shard.meta), xattrs };
}
