/** Files with all that their inodes carry, under a further name: by hard link where that is possible, else as a copy. */
import * as fs from 'node:fs';
import { fromText } from '../../engine/core/bytes.js';
import { CairnError, hasCode } from '../../engine/core/errors.js';
import { makeOnce } from '../../engine/disk/durable.js';
import { shardedPath } from '../../engine/disk/layout.js';
import { listXattrs } from '../../engine/disk/xattrs.js';
import { checkCancelled, countItems } from '../tasks/control.js';
import type { CloneFilesTask, CloneResult } from '../tasks/export.js';
import { isRefusal, setPathTimes, setXattrs } from './metadata.js';
import { isHostXattr } from './verify-metadata.js';

/** Why a link cannot be had where a copy can: other file system, too many links, not allowed, not known here. */
const NO_LINK = ['EXDEV', 'EMLINK', 'EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'] as const;

/** Gives sharded files the same names below another root. @throws CairnError `ERR_DAMAGED` for one that is missing */
export function cloneFiles(task: CloneFilesTask): CloneResult {
  const result: CloneResult = { linked: 0, copied: 0, skipped: {} };
  const shards = new Set<string>();
  for (const name of task.names) {
    checkCancelled(task.control);
    const shard = name.slice(0, 2);
    if (!shards.has(shard)) makeOnce(`${task.to}/${shard}`);
    shards.add(shard);
    const from = shardedPath(task.from, name);
    const to = shardedPath(task.to, name);
    try {
      if (linkFile(from, to)) result.linked++;
      else {
        const skipped = copyFile(from, to);
        if (skipped.length > 0) result.skipped[name] = skipped;
        result.copied++;
      }
    } catch (error) {
      if (!hasCode(error, 'ENOENT') || fs.existsSync(from)) throw error;
      throw new CairnError('ERR_DAMAGED', 'a file is missing; "cairn fsck" tells what needs it', { path: from });
    }
    countItems(task.control, 1);
  }
  return result;
}

function linkFile(from: string, to: string): boolean {
  try {
    fs.linkSync(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, ...NO_LINK)) return false;
    throw error;
  }
}

/** A reflink where the file system has them. @returns metadata that could not be set */
export function copyFile(from: string, to: string): string[] {
  const stat = fs.lstatSync(from, { bigint: true });
  fs.copyFileSync(from, to, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE);
  const skipped: string[] = [];
  let mode = Number(stat.mode & 0o7777n);
  try {
    fs.chownSync(to, Number(stat.uid), Number(stat.gid));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    skipped.push('owner');
    // Whoever owns it now was never meant to lend anyone their rights.
    if ((mode & 0o6000) !== 0) skipped.push('mode');
    mode &= 0o1777;
  }
  fs.chmodSync(to, mode);
  const xattrs = [...(listXattrs(fromText(from)) ?? [])].map(([name, value]) => ({ name, value }));
  const own = xattrs.filter(({ name }) => !isHostXattr(name));
  skipped.push(...setXattrs(fromText(to), own));
  skipped.push(
    ...setPathTimes(fromText(to), Number(stat.mtimeNs / 1_000_000_000n), Number(stat.mtimeNs % 1_000_000_000n)),
  );
  return skipped;
}
