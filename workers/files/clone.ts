/** Gives a backup the files of its store: by hard link where that is possible, else as copies. */
import { defined } from '../../engine/core/defined.js';
import { CairnError, hasCode } from '../../engine/core/errors.js';
import { linkOrCopy } from '../../engine/disk/copy-file.js';
import { intoShard, shardedPath } from '../../engine/disk/shards.js';
import { homeAt } from '../../engine/objects/homes.js';
import { checkCancelled, countItems } from '../tasks/control.js';
import type { CloneBlobsTask, CloneObjectsTask, CloneResult } from '../tasks/export.js';

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
