/** Gives a file with all its metadata a further name: by hard link where that is possible, else as a copy. */
import * as fs from 'node:fs';
import { fromText } from '../core/bytes.js';
import { hasCode } from '../core/errors.js';
import { type SkippedKind, timeOf } from '../core/metadata.js';
import { isHostXattr } from './compare-metadata.js';
import { isRefusal, setPathTimes, setXattrs } from './set-metadata.js';
import { writeAll } from './write-all.js';
import { listXattrs } from './xattrs.js';

/** Errors of a link where a copy can be made: other file system, too many links, not allowed, not known here. */
const NO_LINK = ['EXDEV', 'EMLINK', 'EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'] as const;
/** The unit of `blocks` in a stat. */
const SECTOR = 512;
/** File systems keep holes in blocks of this size, or of a part of it. */
const HOLE = 64 * 1024;
const ZEROS = Buffer.alloc(HOLE);

function cloneOrCopy(from: string, to: string): void {
  try {
    fs.copyFileSync(from, to, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE_FORCE);
  } catch (error) {
    if (!hasCode(error, 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'ENOSYS', 'EINVAL', 'ENOTTY')) throw error;
    copyBytes(from, to);
  }
}

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

/** Makes a file of the same bytes. Holes stay holes. */
export function copyBytes(from: string, to: string | Buffer): void {
  const { size, blocks } = fs.lstatSync(from);
  if (blocks * SECTOR >= size) fs.copyFileSync(from, to, fs.constants.COPYFILE_EXCL);
  else copyAroundHoles(from, to, size);
}

/** Node tells no holes. Runs of zeros, aligned as holes are, stand for them. */
function copyAroundHoles(from: string, to: string | Buffer, size: number): void {
  const input = fs.openSync(from, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  const output = fs.openSync(to, 'wx', 0o600);
  try {
    const room = Buffer.allocUnsafe(HOLE);
    for (let at = 0; at < size; ) {
      const taken = fs.readSync(input, room, 0, HOLE, at);
      if (taken === 0) break;
      const bytes = room.subarray(0, taken);
      if (!isZero(bytes)) writeAll(output, bytes, at);
      at += taken;
    }
    fs.ftruncateSync(output, size);
  } finally {
    fs.closeSync(input);
    fs.closeSync(output);
  }
}

function isZero(bytes: Buffer): boolean {
  return bytes.equals(ZEROS.subarray(0, bytes.length));
}

/** Copies a file, by reflink where the file system has those. @returns metadata that could not be set */
export function copyFile(from: string, to: string): SkippedKind[] {
  const stat = fs.lstatSync(from, { bigint: true });
  cloneOrCopy(from, to);
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
  const { sec, nsec } = timeOf(stat.mtimeNs);
  skipped.push(...setPathTimes(fromText(to), sec, nsec));
  return skipped;
}
