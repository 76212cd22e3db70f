/** What workers list of a directory, as entries of a plan. */
import { type SeenStat, seenAt } from '../../workers/tasks/seen.js';
import type { Listing } from '../../workers/tasks/walk.js';
import type { ByteString } from '../core/bytes.js';
import type { PlanEntry } from '../plan/plan.js';
import { unpackShard } from '../plan/shard.js';

export interface ListedEntry {
  entry: PlanEntry;
  inode: SeenStat;
  /** Names of the inode, wherever they are. */
  links: number;
}

export function readListing({ shard, sizes, seen, links }: Listing): ListedEntry[] {
  return unpackShard(shard).map(({ source, ...row }, i) => ({
    entry: {
      ...row,
      size: sizes[i] as number,
      key: row.type === 'file' ? source : '',
      link: row.type === 'symlink' ? source : '',
      group: '',
      layer: 0,
      home: -1,
      file: -1,
    },
    inode: seenAt(seen, i) as SeenStat,
    links: links[i] as number,
  }));
}

/** Finds names that share an inode. @param listed in byte order, with all names of each inode */
export function withGroups(listed: readonly ListedEntry[]): ListedEntry[] {
  const names = new Map<bigint, ListedEntry[]>();
  for (const each of listed) {
    if (each.links < 2 || each.entry.type === 'dir') continue;
    const same = names.get(each.inode.ino);
    if (same === undefined) names.set(each.inode.ino, [each]);
    else same.push(each);
  }
  const groups = new Map<ListedEntry, ByteString>();
  for (const same of names.values()) {
    const [first] = same as [ListedEntry];
    if (same.length > 1) for (const each of same) groups.set(each, first.entry.path);
  }
  return listed.map((each) => {
    const group = groups.get(each);
    if (group === undefined) return each;
    return { ...each, entry: { ...each.entry, group } };
  });
}
