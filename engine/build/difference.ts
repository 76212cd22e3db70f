/** Finds what has changed in a working tree since its build began, and what the tree is now. */
import type { DirectoryFiles } from '../../workers/tasks/parts.js';
import { type SeenStat, seenAt } from '../../workers/tasks/seen.js';
import type { Compared } from '../../workers/tasks/walk.js';
import type { ByteString } from '../core/bytes.js';
import type { Metadata, SkippedKind, Time, Xattr } from '../core/metadata.js';
import { isXattrKind } from '../core/metadata.js';
import { type OperationOptions, telling } from '../core/operation.js';
import { ffiFault } from '../disk/native.js';
import type { PlanEntry } from '../plan/plan.js';
import type { StoreContext } from '../session/context.js';
import type { Base } from './base.js';
import { type ListedEntry, readListing, withGroups } from './listing.js';
import type { BuildState } from './state.js';

/** An entry of the working tree, and what its inode was when it was looked at. */
export interface TreeEntry {
  entry: PlanEntry;
  inode: Pick<SeenStat, 'ino' | 'changedSec' | 'changedNsec'> | undefined;
}

export interface Difference {
  /** Of the base: entries of all paths that may have changed or are gone. */
  before: PlanEntry[];
  /** Of the working tree: what those and new paths are now, in byte order. A file has no key unless it was hashed. */
  after: TreeEntry[];
  /** Gives all of the working tree, in byte order. */
  all: () => TreeEntry[];
  /** The entry of the root. */
  root: TreeEntry;
  /** Sockets, which are passed over. */
  sockets: string[];
}

export interface CompareOptions extends OperationOptions {
  /** Hash every file, whatever its inode says. */
  thorough?: boolean;
}

/** @throws CairnError `ERR_HELD` for a tree that something is mounted in, `ERR_IO` for one that changes meanwhile */
export async function differenceOf(
  store: StoreContext,
  { root, base, state }: { root: string; base: Base; state: BuildState },
  options: CompareOptions,
): Promise<Difference> {
  const compared = await compare(store, root, base, options);
  const before: PlanEntry[] = [];
  const after: ListedEntry[] = [];
  const changed = new Set<number>();
  const positions = positionsOf(base);
  for (const { listing, gone } of compared) {
    for (const i of gone) {
      changed.add(i);
      before.push(base.entry(i));
    }
    for (const listed of readListing(listing)) {
      const i = positions(listed.entry.path);
      if (i === undefined) {
        after.push({ ...listed, entry: withOwner(listed.entry, state) });
        continue;
      }
      changed.add(i);
      const planned = base.entry(i);
      before.push(planned);
      const was = seenAt(base.seen, i);
      after.push({
        ...listed,
        entry: was === undefined ? withOwner(listed.entry, state) : unset(listed.entry, planned, was, state),
      });
    }
  }
  after.sort((a, b) => (a.entry.path < b.entry.path ? -1 : 1));
  before.sort((a, b) => (a.path < b.path ? -1 : 1));
  const grouped = withGroups(after);
  const all = (): TreeEntry[] => {
    const same: TreeEntry[] = [];
    for (let i = 0; i < base.count; i++)
      if (!changed.has(i)) same.push({ entry: base.entry(i), inode: seenAt(base.seen, i) });
    return [...same, ...grouped].sort((a, b) => (a.entry.path < b.entry.path ? -1 : 1));
  };
  const [first] = grouped;
  const top = first?.entry.path === '' ? first : { entry: base.entry(0), inode: seenAt(base.seen, 0) };
  return { before, after: grouped, all, root: top, sockets: compared.flatMap(({ listing }) => listing.sockets) };
}

/** One thread looks at so many paths, or hashes so many files, while another one starts. */
const LEAST_LOOKED = 65_536;
const LEAST_HASHED = 8192;

async function compare(
  { pool }: StoreContext,
  root: string,
  { count, pathText, seen }: Base,
  options: CompareOptions,
): Promise<Compared[]> {
  const onProgress = telling(options, { what: 'comparing', unit: 'items', total: count });
  const least = options.thorough === true ? LEAST_HASHED : LEAST_LOOKED;
  const length = Math.max(least, Math.ceil(count / pool.size));
  const tasks = Array.from({ length: Math.ceil(count / length) }, (_none, i) => ({
    root,
    paths: pathText,
    seen,
    from: i * length,
    to: Math.min(count, (i + 1) * length),
    thorough: options.thorough === true,
  }));
  return pool.map('compare-tree', tasks, { signal: options.signal, onProgress });
}

function positionsOf({ paths }: Base): (path: ByteString) => number | undefined {
  return (path) => {
    let low = 0;
    let high = paths.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((paths[middle] as ByteString) < path) low = middle + 1;
      else high = middle;
    }
    return paths[low] === path ? low : undefined;
  };
}

/**
 * Takes from the plan whatever nobody has changed since: what was on the disk then may have been less than what was
 * planned.
 */
function unset(now: PlanEntry, planned: PlanEntry, was: SeenStat, state: BuildState): PlanEntry {
  if (now.type !== planned.type) return withOwner(now, state);
  const isOwners = now.uid === was.uid && now.gid === was.gid;
  const isTime = now.sec === was.sec && now.nsec === was.nsec;
  return {
    ...withOwner(now, state),
    ...(isOwners ? pickOwner(planned) : {}),
    ...(now.mode === was.mode ? { mode: planned.mode } : {}),
    ...(isTime ? pickTime(planned) : {}),
    xattrs: xattrsOf(now.xattrs, planned.xattrs, state.skipped),
  };
}

function pickOwner({ uid, gid }: PlanEntry): Pick<Metadata, 'uid' | 'gid'> {
  return { uid, gid };
}

function pickTime({ sec, nsec }: PlanEntry): Time {
  return { sec, nsec };
}

/** Who can give files to nobody else owns all of them. In the image that means root. */
function withOwner(entry: PlanEntry, { ownedBy }: BuildState): PlanEntry {
  if (ownedBy === undefined || entry.uid !== ownedBy.uid) return entry;
  return { ...entry, uid: 0, gid: entry.gid === ownedBy.gid ? 0 : entry.gid };
}

/** Attributes that could not be set are not missed. */
function xattrsOf(now: readonly Xattr[], planned: readonly Xattr[], skipped: readonly SkippedKind[]): readonly Xattr[] {
  // Without direct system calls none can be seen.
  if (ffiFault() !== undefined) return planned;
  const never = new Set(skipped.filter(isXattrKind).map((kind) => kind.slice('xattr '.length)));
  const kept = planned.filter(({ name }) => never.has(name) && !now.some((each) => each.name === name));
  return kept.length === 0 ? now : [...now, ...kept].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What a packer must know of the inodes of entries. */
export function directoryFiles(root: string, entries: readonly TreeEntry[]): DirectoryFiles {
  const inodes = new BigUint64Array(entries.length);
  const changes = new Float64Array(2 * entries.length);
  entries.forEach(({ inode }, i) => {
    if (inode === undefined) return;
    inodes[i] = inode.ino;
    changes[2 * i] = inode.changedSec;
    changes[2 * i + 1] = inode.changedNsec;
  });
  return { root, inodes, changes };
}
