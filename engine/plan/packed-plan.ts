/** A plan in the form for workers: cut into shards, with the facts that the main thread still needs of the whole. */
import type { Shard } from '../../workers/tasks/parts.js';
import type { ByteString } from '../core/bytes.js';
import type { Key } from '../core/key.js';
import type { FileContent } from '../core/object.js';
import type { Plan, PlanEntry } from './plan.js';
import { cutShards, packShard } from './shard.js';
import { treeHashOf } from './tree-hash.js';

/** Enough shards that a slow worker does not hold up the end. */
const SHARDS_PER_WORKER = 4;

/** Facts about a plan as a whole. */
export interface PlanSummary {
  /** Paths. */
  entries: number;
  /** As {@link Plan} has them. */
  files: number;
  bytes: number;
  longestPath: ByteString;
  /** Further names of inodes: each an earlier name, then the new one. They come after the first names of all shards. */
  links: readonly [ByteString, ByteString][];
  /** Paths of files whose objects may lack some of their metadata, and the names of the objects. */
  maybeIncomplete: readonly [ByteString, string][];
}

export interface PackedPlan extends PlanSummary {
  hash(): Key;
  /** How many shards there are; {@link shard} gives one of them. */
  shards: number;
  shard(i: number): Shard;
  /** The same for shards of directories alone, in byte order. */
  directoryShards: number;
  directoryShard(i: number): Shard;
}

export interface Packing {
  /** Objects may lack more than extended attributes, so that all of them must be asked. */
  anyLacks: boolean;
  /** How many workers share the work. */
  workers: number;
  /** The name of a file's object. */
  nameOf: (file: FileContent) => string;
}

/** Packs each shard only when it is first asked for: workers render the first shards while others are packed. */
export function packPlan(plan: Plan, { anyLacks, workers, nameOf }: Packing): PackedPlan {
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
    maybeIncomplete: entries.filter((entry) => mayLack(entry, anyLacks)).map((entry) => [entry.path, nameOf(entry)]),
    hash: () => (hash ??= treeHashOf(plan)),
    shards: runs.length,
    // Keeps packed shards: a plan that goes into the cache is asked for them once more.
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

/** Whether a file's object may lack metadata. Mostly only extended attributes can be lacking; few files have any. */
function mayLack({ type, xattrs }: PlanEntry, anyLacks: boolean): boolean {
  return type === 'file' && (anyLacks || xattrs.length > 0);
}
