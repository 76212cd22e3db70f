/** A plan as the workers take it: cut into shards, with what the main thread must still know of the whole. */

import type { Shard } from '../../workers/tasks/parts.js';
import type { ByteString } from '../core/bytes.js';
import type { Key } from '../core/key.js';
import type { Identity } from '../core/metadata.js';
import type { FileContent } from '../core/object.js';
import type { Plan, PlanEntry } from './plan.js';
import { cutShards, packShard } from './shard.js';
import { treeHashOf } from './tree-hash.js';

/** For each worker: enough that a slow one does not hold up the end. */
const SHARDS_PER_WORKER = 4;

/** What is known of a plan as a whole. */
export interface PlanSummary {
  /** Paths. */
  entries: number;
  /** As {@link Plan} has them. */
  files: number;
  bytes: number;
  longestPath: ByteString;
  /** Further names of an inode: an earlier one, and itself. They come after all first names, wherever their shard would have been. */
  links: readonly [ByteString, ByteString][];
  /** Paths of files whose objects may lack some of their metadata, and the names of the objects. */
  maybeIncomplete: readonly [ByteString, string][];
}

export interface PackedPlan extends PlanSummary {
  hash(): Key;
  /** How many there are; {@link shard} gives one of them. */
  shards: number;
  shard(i: number): Shard;
  /** The same for directories alone, in byte order. */
  directoryShards: number;
  directoryShard(i: number): Shard;
}

export interface Packing {
  identity: Identity;
  /** How many share the work. */
  workers: number;
  /** What the object of a file is called. */
  nameOf: (file: FileContent) => string;
}

/** Shards are packed when they are first asked for, so that the workers have something to do meanwhile. */
export function packPlan(plan: Plan, { identity, workers, nameOf }: Packing): PackedPlan {
  const { entries, files, bytes } = plan;
  const firsts = entries.filter(({ group, path }) => group === '' || group === path);
  const runs = cutShards(firsts, workers * SHARDS_PER_WORKER);
  const directories = inRuns(
    entries.filter(({ type }) => type === 'dir'),
    workers,
  );
  let hash: Key | undefined;
  const shards: Shard[] = [];
  return {
    entries: entries.length,
    files,
    bytes,
    longestPath: entries.reduce((longest, { path }) => (path.length > longest.length ? path : longest), ''),
    links: entries.filter(({ group, path }) => group !== '' && group !== path).map(({ group, path }) => [group, path]),
    maybeIncomplete: entries.filter((entry) => mayLack(entry, identity)).map((entry) => [entry.path, nameOf(entry)]),
    hash: () => (hash ??= treeHashOf(plan)),
    shards: runs.length,
    // A plan that is to be kept is asked once more.
    shard: (i) => (shards[i] ??= packShard(runs[i] as PlanEntry[])),
    directoryShards: directories.length,
    directoryShard: (i) => packShard(directories[i] as PlanEntry[]),
  };
}

function inRuns(entries: readonly PlanEntry[], count: number): PlanEntry[][] {
  const length = Math.ceil(entries.length / count);
  const runs: PlanEntry[][] = [];
  for (let from = 0; from < entries.length; from += length) runs.push(entries.slice(from, from + length));
  return runs;
}

/** As root only extended attributes can fail to stick, and few files have any. */
function mayLack({ type, xattrs }: PlanEntry, identity: Identity): boolean {
  return type === 'file' && (identity.uid !== 0 || xattrs.length > 0);
}
