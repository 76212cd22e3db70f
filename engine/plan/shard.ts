/**
 * Parts of a plan in the form that crosses to a worker: a few long strings and one array of numbers. Thousands of
 * objects would take longer to clone than to render.
 */
import type { Shard } from '../../workers/tasks/parts.js';
import type { ByteString } from '../core/bytes.js';
import type { Metadata, NodeType, Xattr } from '../core/metadata.js';
import type { FileContent } from '../core/object.js';
import { parentOf } from '../core/path.js';
import type { PlanEntry } from './plan.js';

/** A row as the worker sees it. */
export interface ShardRow extends Metadata {
  path: ByteString;
  type: NodeType;
  devMajor: number;
  devMinor: number;
  /** A file's key or a symlink's target. */
  source: string;
}

/** The content of a row that is a file. */
export function contentOf(row: ShardRow): FileContent {
  return { ...row, key: row.source };
}

const LETTERS: Readonly<Record<NodeType, string>> = {
  dir: 'd',
  file: 'f',
  symlink: 's',
  char: 'c',
  block: 'b',
  fifo: 'p',
};
const TYPES = new Map(Object.entries(LETTERS).map(([type, letter]) => [letter, type as NodeType]));
const COLUMNS = 7;
const NO_XATTRS: readonly Xattr[] = [];

/** What of an entry goes into a shard. */
type ShardEntry = Omit<PlanEntry, 'size' | 'group' | 'layer' | 'home' | 'file'>;

export function packShard(entries: readonly ShardEntry[]): Shard {
  const meta = new Float64Array(entries.length * COLUMNS);
  const paths: string[] = new Array(entries.length);
  const sources: string[] = new Array(entries.length);
  const xattrs: Shard['xattrs'] = [];
  let types = '';
  entries.forEach((entry, i) => {
    types += LETTERS[entry.type];
    paths[i] = entry.path;
    sources[i] = entry.type === 'file' ? entry.key : entry.link;
    const at = i * COLUMNS;
    meta[at] = entry.mode;
    meta[at + 1] = entry.uid;
    meta[at + 2] = entry.gid;
    meta[at + 3] = entry.sec;
    meta[at + 4] = entry.nsec;
    meta[at + 5] = entry.devMajor;
    meta[at + 6] = entry.devMinor;
    if (entry.xattrs.length > 0) xattrs.push([i, entry.xattrs.map(({ name, value }) => [name, value])]);
  });
  return { types, paths: paths.join('\0'), sources: sources.join('\0'), meta, xattrs };
}

export function unpackShard(shard: Shard): ShardRow[] {
  const { types, meta } = shard;
  const paths = shard.paths.split('\0');
  const sources = shard.sources.split('\0');
  const xattrs = new Map(shard.xattrs);
  const rows: ShardRow[] = new Array(types.length);
  for (let i = 0; i < types.length; i++) {
    const at = i * COLUMNS;
    rows[i] = {
      path: paths[i] as string,
      type: TYPES.get(types[i] as string) as NodeType,
      mode: meta[at] as number,
      uid: meta[at + 1] as number,
      gid: meta[at + 2] as number,
      sec: meta[at + 3] as number,
      nsec: meta[at + 4] as number,
      devMajor: meta[at + 5] as number,
      devMinor: meta[at + 6] as number,
      source: sources[i] as string,
      xattrs: xattrs.get(i)?.map(([name, value]) => ({ name, value: Buffer.from(value) })) ?? NO_XATTRS,
    };
  }
  return rows;
}

/**
 * Cuts a plan into runs of about equal length. Each run begins with the directories above its entries, so that no run
 * waits for another to be rendered.
 */
export function cutShards(entries: readonly PlanEntry[], count: number): PlanEntry[][] {
  const byPath = new Map<ByteString, PlanEntry>();
  for (const entry of entries) if (entry.type === 'dir') byPath.set(entry.path, entry);
  const length = Math.max(1, Math.ceil(entries.length / count));
  const shards: PlanEntry[][] = [];
  for (let from = 0; from < entries.length; from += length) {
    const run = entries.slice(from, from + length);
    // Byte order of paths puts "a-b" between "a" and "a/c", so the run may need parents of later entries, too.
    const spine = new Set<PlanEntry>();
    const own = new Set<ByteString>(['']);
    let last: ByteString | undefined;
    for (const entry of run) {
      if (entry.type === 'dir') own.add(entry.path);
      const above = parentOf(entry.path);
      // Most entries stand beside the one before.
      if (above === last) continue;
      last = above;
      for (let parent = above; !own.has(parent); parent = parentOf(parent)) {
        own.add(parent);
        spine.add(byPath.get(parent) as PlanEntry);
      }
    }
    const root = entries[0] as PlanEntry;
    const above = [...spine].sort((a, b) => (a.path < b.path ? -1 : 1));
    shards.push(from === 0 ? [...above, ...run] : [root, ...above, ...run]);
  }
  return shards;
}
