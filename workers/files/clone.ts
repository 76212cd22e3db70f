/** Gives a backup the files of its store: by hard link where that is possible, else as copies. */
import * as fs from 'node:fs';
import { defined } from '../../engine/core/defined.js';
import { CairnError, hasCode } from '../../engine/core/errors.js';
import { linkOrCopy } from '../../engine/disk/copy-file.js';
import { copyRange, writtenRanges } from '../../engine/disk/file-ranges.js';
import { intoShard, shardedPath } from '../../engine/disk/shards.js';
import { homeAt } from '../../engine/objects/homes.js';
import { checkCancelled, countItems } from '../tasks/control.js';
import type { CloneBlobsTask, CloneObjectsTask, ClonePackTask, CloneResult } from '../tasks/export.js';

/** @throws CairnError `ERR_DAMAGED` for a missing object */
export function cloneObjects(task: CloneObjectsTask): CloneResult {
  const from = homeAt(task.from);
  const to = homeAt(task.to);
  return cloneAll(task, (name) => to.adopt(name, from));
}

/** @throws CairnError `ERR_DAMAGED` for a missing blob */
export function cloneBlobs(task: CloneBlobsTask): CloneResult {
  return cloneAll(task, (name) => {
    const to = shardedPath(task.to, name);
    return intoShard(to, () => linkOrCopy(shardedPath(task.from, name), to));
  });
}

/** A cancelled backup waits for so many bytes at most. */
const PACK_CHUNK = 64 * 2 ** 20;

export function clonePack({ from, to, end, control }: ClonePackTask): null {
  const { O_RDONLY, O_NOFOLLOW } = fs.constants;
  const source = orMissing(() => fs.openSync(from, O_RDONLY | O_NOFOLLOW));
  try {
    const target = fs.openSync(to, 'wx', 0o600);
    try {
      for (const { offset, length } of writtenRanges(source, end)) {
        for (let done = 0; done < length; done += PACK_CHUNK) {
          checkCancelled(control);
          const part = { offset: offset + done, length: Math.min(PACK_CHUNK, length - done) };
          copyRange(source, part, target, part.offset);
        }
      }
      fs.ftruncateSync(target, end);
    } finally {
      fs.closeSync(target);
    }
  } finally {
    fs.closeSync(source);
  }
  countItems(control, 1);
  return null;
}

type Clone = ReturnType<typeof linkOrCopy>;

function cloneAll({ names, control }: CloneBlobsTask | CloneObjectsTask, clone: (name: string) => Clone): CloneResult {
  const result: CloneResult = { linked: 0, copied: 0, skipped: {} };
  for (const name of names) {
    checkCancelled(control);
    const { isLinked, lacks } = orMissing(() => clone(name));
    if (isLinked) result.linked++;
    else result.copied++;
    if (lacks.length > 0) result.skipped[name] = lacks;
    countItems(control, 1);
  }
  return result;
}

/** Shards have been made by then, so a missing path is the file itself. */
function orMissing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    const { path } = error as NodeJS.ErrnoException;
    const why = 'a file is missing; "cairn fsck --repair" tells what needs it';
    throw new CairnError('ERR_DAMAGED', why, { ...defined({ path }), cause: error });
  }
}
