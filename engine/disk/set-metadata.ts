/** Sets mode, owner, times and extended attributes of files, and notes what the system would not let us set. */
import * as fs from 'node:fs';
import { type ByteString, toFsPath } from '../core/bytes.js';
import { hasCode } from '../core/errors.js';
import type { Identity, Metadata, Xattr } from '../core/metadata.js';
import { isOverlayXattr, type SkippedKind } from '../core/metadata.js';
import { setTimes } from './native.js';
import { setXattr } from './xattrs.js';

/** Every file system keeps times up to here (2038). */
const FAR_FUTURE = 0x7fff_ffff;

/** Most bytes of an attribute that surely fits: ext4 reports "no space" for one that does not fit its one block. */
const SMALL_XATTR = 1024;

/** Errors that mean "not you" or "not here", as opposed to a disk that fails. */
const REFUSALS = ['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL'] as const;

export function isRefusal(error: unknown): boolean {
  return hasCode(error, ...REFUSALS);
}

/** Whether a new file of ours needs a chown to have the owners in `meta`. */
export function needsOwner(meta: Pick<Metadata, 'uid' | 'gid'>, identity: Identity): boolean {
  return meta.uid !== identity.uid || meta.gid !== identity.gid;
}

/** Without root, owners must keep the right to read their files, or the store could not check them. */
export function feasibleMode(mode: number, identity: Identity): number {
  return identity.uid === 0 ? mode : mode | 0o400;
}

/** As {@link feasibleMode}, for directories: owners must also keep the right to enter them. */
export function feasibleDirectoryMode(mode: number, identity: Identity): number {
  return identity.uid === 0 ? mode : mode | 0o500;
}

/** Whether `open(…, mode)` or `mkdir` gives less than `mode`, so that a chmod must follow. */
export function needsChmod(mode: number, identity: Identity): boolean {
  return (mode & identity.umask) !== 0 || mode > 0o777;
}

/** Finishes a new file that is still open. @returns what could not be set */
export function finishFile(fd: number, path: ByteString, meta: Metadata, identity: Identity): SkippedKind[] {
  const skipped: SkippedKind[] = [];
  let mode = feasibleMode(meta.mode, identity);
  if (mode !== meta.mode) skipped.push('mode');
  if (needsOwner(meta, identity)) {
    try {
      fs.fchownSync(fd, meta.uid, meta.gid);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      skipped.push('owner');
      // Drops setuid and setgid: they would lend the rights of a wrong owner.
      mode &= 0o1777;
      if (mode !== feasibleMode(meta.mode, identity)) skipped.push('mode');
    }
    fs.fchmodSync(fd, mode);
  } else if (needsChmod(mode, identity)) fs.fchmodSync(fd, mode);
  if (meta.xattrs.length > 0) {
    skipped.push(...setXattrs(path, meta.xattrs));
    // An access control list among the attributes has changed the mode.
    fs.fchmodSync(fd, mode);
  }
  if (meta.nsec === 0 && meta.sec <= FAR_FUTURE) fs.futimesSync(fd, meta.sec, meta.sec);
  else skipped.push(...setPathTimes(path, meta.sec, meta.nsec));
  return skipped;
}

/** @returns what could not be set: `xattr NAME` each */
export function setXattrs(path: ByteString, xattrs: readonly Xattr[]): SkippedKind[] {
  const skipped: SkippedKind[] = [];
  for (const xattr of xattrs) {
    if (isOverlayXattr(xattr.name)) {
      skipped.push(`xattr ${xattr.name}`);
      continue;
    }
    try {
      setXattr(path, xattr);
    } catch (error) {
      const tooLarge = xattr.value.length > SMALL_XATTR && hasCode(error, 'ENOSPC', 'E2BIG', 'ERANGE');
      if (!isRefusal(error) && !tooLarge) throw error;
      skipped.push(`xattr ${xattr.name}`);
    }
  }
  return skipped;
}

/** Sets the times of any path, without following a symlink. @returns what could not be set */
export function setPathTimes(path: ByteString, sec: number, nsec: number): SkippedKind[] {
  const skipped = nsec === 0 ? [] : setFractionalTimes(path, sec, nsec);
  if (nsec === 0) fs.lutimesSync(toFsPath(path), sec, sec);
  if (sec <= FAR_FUTURE) return skipped;
  // A file system silently replaces a time past its own end by the last moment that it knows.
  const kept = fs.lstatSync(toFsPath(path), { bigint: true }).mtimeNs / 1_000_000_000n;
  return kept === BigInt(sec) ? skipped : ['time'];
}

function setFractionalTimes(path: ByteString, sec: number, nsec: number): SkippedKind[] {
  if (setTimes(path, sec, nsec)) return [];
  // Node's own calls take seconds as a double: whole microseconds at best.
  const time = sec + Math.floor(nsec / 1000) / 1e6;
  fs.lutimesSync(toFsPath(path), time, time);
  return ['time below a microsecond'];
}
