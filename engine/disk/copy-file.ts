/** Gives a file with all its metadata a further name: by hard link where that is possible, else as a copy. */
import * as fs from 'node:fs';
import { fromText } from '../core/bytes.js';
import { hasCode } from '../core/errors.js';
import type { SkippedKind } from '../core/metadata.js';
import { isHostXattr } from './compare-metadata.js';
import { isRefusal, setPathTimes, setXattrs } from './set-metadata.js';
import { listXattrs } from './xattrs.js';

/** Errors of a link where a copy can be made: other file system, too many links, not allowed, not known here. */
const NO_LINK = ['EXDEV', 'EMLINK', 'EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'] as const;
const NANO = 1_000_000_000n;

/** @returns whether the file was linked, and the metadata that a copy could not get */
export function linkOrCopy(from: string, to: string): { isLinked: boolean; lacks: SkippedKind[] } {
  try {
    fs.linkSync(from, to);
    return { isLinked: true, lacks: [] };
  } catch (error) {
    if (!hasCode(error, ...NO_LINK)) throw error;
    return { isLinked: false, lacks: copyFile(from, to) };
  }
}

/** Copies a file, by reflink where the file system has those. @returns metadata that could not be set */
export function copyFile(from: string, to: string): SkippedKind[] {
  const stat = fs.lstatSync(from, { bigint: true });
  fs.copyFileSync(from, to, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE);
  const skipped: SkippedKind[] = [];
  let mode = Number(stat.mode & 0o7777n);
  try {
    fs.chownSync(to, Number(stat.uid), Number(stat.gid));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    skipped.push('owner');
    // Drops setuid and setgid: they would lend the rights of a wrong owner.
    if ((mode & 0o6000) !== 0) skipped.push('mode');
    mode &= 0o1777;
  }
  fs.chmodSync(to, mode);
  const xattrs = [...(listXattrs(fromText(from)) ?? [])].map(([name, value]) => ({ name, value }));
  const own = xattrs.filter(({ name }) => !isHostXattr(name));
  skipped.push(...setXattrs(fromText(to), own));
  skipped.push(...setPathTimes(fromText(to), Number(stat.mtimeNs / NANO), Number(stat.mtimeNs % NANO)));
  return skipped;
}
