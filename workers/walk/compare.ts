/** Compares a tree with what was noted of it. Files whose inodes are as they were are not read. */
import type { ByteString } from '../../engine/core/bytes.js';
import { CairnError } from '../../engine/core/errors.js';
import { joinPath } from '../../engine/core/path.js';
import type { FileStat } from '../../engine/disk/stat.js';
import { isAsSeen, SEEN_COLUMNS } from '../tasks/seen.js';
import type { Compared, CompareTreeTask } from '../tasks/walk.js';
import { Looker } from './look.js';

/** Column of a row's size. */
const SIZE = 4;

export function compareTree(task: CompareTreeTask): Compared {
  const { root, control, seen, from, to, thorough } = task;
  const paths = task.paths.split('\0');
  const gone: number[] = [];
  const looker = new Looker(root, control);
  try {
    for (let i = from; i < to; i++) {
      const path = paths[i] as ByteString;
      const stat = looker.statOf(path);
      if (stat === undefined) {
        // What could not be made in the first place is not gone.
        if (seen.inodes[i] !== 0n) gone.push(i);
        continue;
      }
      refuseMount(looker, path, stat);
      if (!thorough && isAsSeen(seen, i, stat)) continue;
      // A file of another size is another file, whatever it holds.
      looker.add(path, stat, stat.size === seen.numbers[i * SEEN_COLUMNS + SIZE]);
      if (stat.type === 'dir') addNew(looker, path, paths);
    }
    return { listing: looker.finish(), gone: Uint32Array.from(gone), looked: to - from };
  } finally {
    looker.close();
  }
}

/** Adds what is in a directory and was not noted, with all below. A directory that is as it was has nothing new. */
function addNew(looker: Looker, directory: ByteString, noted: readonly ByteString[]): void {
  for (const name of looker.namesIn(directory)) {
    const path = joinPath(directory, name);
    if (isAmong(noted, path)) continue;
    const stat = looker.statOf(path);
    // What comes and goes meanwhile is in no image.
    if (stat === undefined) continue;
    refuseMount(looker, path, stat);
    looker.add(path, stat);
    if (stat.type === 'dir') looker.addBelow(path);
  }
}

/** What a mount hides cannot be compared. */
function refuseMount(looker: Looker, path: ByteString, stat: FileStat): void {
  if (!looker.isMount(stat)) return;
  const full = looker.pathOf(path);
  throw new CairnError('ERR_HELD', `something is mounted on ${full}; unmount it first`, { path: full });
}

/** @param sorted in byte order */
function isAmong(sorted: readonly ByteString[], path: ByteString): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as ByteString) < path) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === path;
}
