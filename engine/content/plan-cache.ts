/**
 * Plans of large images are kept in the store as the workers take them: a render of the same tree begins at once then, where reading
 * tables of contents and merging them takes as long as a third of its links. Like any cache it may be missing, old or damaged: then the plan
 * is made again. The index does not know of it; what it says is believed only with its own hash, and `check` compares trees with
 * plans that it makes anew.
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

/** To be raised with whatever changes what a plan or a shard says. */
const VERSION = 2;
/** Smaller ones are made as soon as they are read; larger ones, of some 230 bytes an entry, would take much memory at once. */
const LEAST_ENTRIES = 2000;
const MOST_ENTRIES = 400_000;
/** Of what is free on the disk: what matters must still fit. */
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

/** @returns the plan of an image's tree, if that is kept and its tree is still the same */
export function findPlan(store: StoreContext, image: Key, treeId: string): PackedPlan | undefined {
  if (store.identity.uid !== 0) return undefined;
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

/** As a user any object may lack something, and which it is must be asked of all of them. */
export function isWorthKeeping({ identity }: StoreContext, entries: number): boolean {
  return identity.uid === 0 && entries >= LEAST_ENTRIES && entries <= MOST_ENTRIES;
}

/** Writes a plan to a new file in staging, from where {@link keepPlan} takes it. That it cannot be written is no harm. */
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

/** Once its image is listed, and the disk has what was staged of it, if anything was. */
export function keepPlan({ layout }: StoreContext, image: Key, staged: string): void {
  if (!fs.existsSync(staged)) return;
  try {
    makeOnce(layout.plans);
    moveIntoPlace(staged, layout.plan(image));
  } catch {
    // No room.
  }
}

/** Takes away the plans of images that are gone. What cannot be taken away is told of; it keeps nothing else from being swept. */
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

/** What is read are views of the whole file, all of which would cross to the worker with each of them. */
function owned(shard: Shard): Shard {
  const xattrs: Shard['xattrs'] = shard.xattrs.map(([i, all]) => [
    i,
    all.map(([name, value]) => [name, Uint8Array.from(value)]),
  ]);
  return { ...shard, meta: Float64Array.from(shard.meta), xattrs };
}
