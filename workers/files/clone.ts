/** Gives a backup the files of its store: by hard link where that is possible, else as copies. */
import * as fs from 'node:fs';
import { defined } from '../../engine/core/defined.js';
import { CairnError, hasCode } from '../../engine/core/errors.js';
import { linkOrCopy } from '../../engine/disk/copy-file.js';
import { copyRange, type FileRange, writtenRanges } from '../../engine/disk/file-ranges.js';
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

/** @throws CairnError `ERR_DAMAGED` for a pack that is missing, or lacks a part that an object takes */
export function clonePack({ from, to, end, parts, control }: ClonePackTask): null {
  const { O_RDONLY, O_NOFOLLOW } = fs.constants;
  const source = orMissing(() => fs.openSync(from, O_RDONLY | O_NOFOLLOW));
  try {
    const written = [...writtenRanges(source, end)];
    if (lacksPart(written, parts)) throw missing(from);
    const target = fs.openSync(to, 'wx', 0o600);
    try {
      for (const { offset, length } of written) {
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

/** @param parts begin and length of each, in rising order */
function lacksPart(written: readonly FileRange[], parts: Float64Array): boolean {
  let n = 0;
  for (let i = 0; i < parts.length; i += 2) {
    const [begin, length] = [parts[i] as number, parts[i + 1] as number];
    const reaches = (range: FileRange): boolean => begin + length <= range.offset + range.length;
    while (n < written.length && !reaches(written[n] as FileRange)) n++;
    if (length > 0 && begin < (written[n]?.offset ?? Number.POSITIVE_INFINITY)) return true;
  }
  return false;
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
    throw missing((error as NodeJS.ErrnoException).path, error);
  }
}

function missing(path: string | undefined, cause?: unknown): CairnError {
  const why = 'a file or a part of one is missing; "cairn fsck --repair" tells what needs it';
  return new CairnError('ERR_DAMAGED', why, defined({ path, cause }));
}
