/** A tree of entries, some of them files in a directory, as a source for imports and archives. */
import type { TreeTar } from '../../workers/tasks/parts.js';

import { packShard } from '../plan/shard.js';
import type { StoreContext } from '../session/context.js';
import { directoryFiles, type TreeEntry } from './difference.js';

/** An entry whose content is an object of the store, or, with an inode, a file of the directory. */
export type SourceEntry = TreeEntry;

/** @param root the directory */
export function treeTar(
  { objects }: StoreContext,
  root: string,
  entries: readonly SourceEntry[],
  manifest?: Buffer,
): TreeTar {
  // A file without a key is read where it lies.
  const rows = entries.map(({ entry, inode }) => (inode === undefined ? entry : { ...entry, key: '' }));
  return {
    shard: packShard(rows),
    sizes: Float64Array.from(rows, ({ type, size }) => (type === 'file' ? size : 0)),
    groups: rows.map(({ group }) => group).join('\0'),
    objects: objects.at,
    ...(entries.some(({ inode }) => inode !== undefined) ? { directory: directoryFiles(root, entries) } : {}),
    ...(manifest === undefined ? {} : { manifest }),
  };
}

const HEADERS = 1024;

/** About how many bytes the tar will have. */
export function sizeOfTar({ sizes, manifest }: TreeTar): number {
  return sizes.reduce((sum, size) => sum + size, sizes.length * HEADERS + (manifest?.length ?? 0));
}
