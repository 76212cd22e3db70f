/** Sets mode, owner, times and extended attributes of files, and notes what the system would not let us set. */
import * as fs from 'node:fs';
import { type ByteString, toFsPath } from '../core/bytes.js';
import { hasCode } from '../core/errors.js';
import type { Identity, Metadata, Xattr } from '../core/metadata.js';
import { isOverlayXattr, type SkippedKind } from '../core/metadata.js';
import { isHostXattr } from './compare-metadata.js';
import { setTimes } from './native.js';
import { fileStat } from './stat.js';
import { listXattrs, removeXattr, setXattr } from './xattrs.js';

const SETGID = 0o2000;
const OWNER_WRITES = 0o200;
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

/** Unless modes mean nothing to us, we must keep the right to read our files, or the store could not check them. */
export function feasibleMode(mode: number, identity: Identity): number {
  return identity.overridesModes ? mode : mode | 0o400;
}

/** As {@link feasibleMode}, for directories, which we must also keep the right to enter. */
export function feasibleDirectoryMode(mode: number, identity: Identity): number {
  return identity.overridesModes ? mode : mode | 0o500;
}

/** Whether `open(…, mode)` or `mkdir` gives less than `mode`, so that a chmod must follow. */
export function needsChmod(mode: number, identity: Identity): boolean {
  return (mode & identity.umask) !== 0 || mode > 0o777;
}

/** Finishes a new file that is still open. @returns what could not be set */
export function finishFile(fd: number, path: ByteString, meta: Metadata, identity: Identity): SkippedKind[] {
  const skipped: SkippedKind[] = [];
  let mode = feasibleMode(meta.mode, identity);
  let chmod = mode !== meta.mode || needsChmod(mode, identity);
  if (needsOwner(meta, identity)) {
    chmod = true;
    if (!giveOwner(meta, identity, (uid, gid) => fs.fchownSync(fd, uid, gid))) {
      skipped.push('owner');
      mode &= WITHOUT_RIGHTS;
    }
  }
  if (chmod) fs.fchmodSync(fd, mode);
  if (meta.xattrs.length > 0) {
    skipped.push(...setXattrs(path, meta.xattrs));
    // An access control list among the attributes has changed the mode.
    fs.fchmodSync(fd, mode);
  }
  if (mode !== meta.mode || lostSetgid(mode, meta.gid, identity, () => fs.fstatSync(fd))) skipped.push('mode');
  if (meta.nsec === 0 && isKeptEverywhere(meta.sec)) fs.futimesSync(fd, meta.sec, meta.sec);
  else skipped.push(...setPathTimes(path, meta.sec, meta.nsec));
  return skipped;
}

/** Attributes that are unknown stay as they are. */
type WantedMetadata = Omit<Metadata, 'xattrs'> & { xattrs: readonly Xattr[] | undefined };

/**
 * Gives an old file metadata that it had before, whatever it has now. What the system refuses stays as it is.
 * @param fd the open file, for which reading is enough
 */
export function resetFile(fd: number, path: ByteString, meta: WantedMetadata, identity: Identity): void {
  const { uid, gid } = fs.fstatSync(fd);
  const here = { ...identity, uid, gid };
  let mode = feasibleMode(meta.mode, identity);
  if (needsOwner(meta, here) && !giveOwner(meta, here, (...owners) => fs.fchownSync(fd, ...owners))) {
    mode &= WITHOUT_RIGHTS;
  }
  if (meta.xattrs !== undefined) {
    // Attributes of users can be changed by whoever may write. Access control lists among them change the mode.
    unlessRefused(() => fs.fchmodSync(fd, mode | OWNER_WRITES));
    for (const name of listXattrs(fd)?.keys() ?? []) {
      if (!isHostXattr(name) && !meta.xattrs.some((xattr) => xattr.name === name)) removeXattr(path, name);
    }
    setXattrs(path, meta.xattrs);
  }
  unlessRefused(() => fs.fchmodSync(fd, mode));
  unlessRefused(() => {
    if (meta.nsec === 0 && isKeptEverywhere(meta.sec)) fs.futimesSync(fd, meta.sec, meta.sec);
    else setPathTimes(path, meta.sec, meta.nsec);
  });
}

function unlessRefused(change: () => void): void {
  try {
    change();
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
}

/** Mode bits of a file whose owners could not be set: setuid and setgid would lend the rights of a wrong owner. */
export const WITHOUT_RIGHTS = 0o1777;

/** @returns whether the owners could be set */
export function giveOwner(
  { uid, gid }: Pick<Metadata, 'uid' | 'gid'>,
  identity: Identity,
  chown: (uid: number, gid: number) => void,
): boolean {
  if (uid !== identity.uid && !identity.givesAway) return false;
  try {
    chown(uid, gid);
    return true;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return false;
  }
}

/** Whether a chmod left setgid out, as it silently does for a group that is not ours. */
export function lostSetgid(mode: number, gid: number, identity: Identity, stat: () => fs.Stats): boolean {
  return (mode & SETGID) !== 0 && gid !== identity.gid && (stat().mode & SETGID) === 0;
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

/** Whether every file system, and every call of Node's, takes this time. */
function isKeptEverywhere(sec: number): boolean {
  return sec >= 0 && sec <= FAR_FUTURE;
}

/** Sets the times of any path, without following a symlink. @returns what could not be set */
export function setPathTimes(path: ByteString, sec: number, nsec: number): SkippedKind[] {
  const skipped: SkippedKind[] = [];
  if (nsec === 0 && sec >= 0) fs.lutimesSync(toFsPath(path), sec, sec);
  else if (!setTimes(path, sec, nsec)) {
    // Node's own calls take seconds as a double: whole microseconds at best, and before 1970 as a date of milliseconds.
    const time = sec + Math.floor(nsec / 1000) / 1e6;
    const date = sec < 0 ? new Date(Math.floor(time * 1000)) : time;
    fs.lutimesSync(toFsPath(path), date, date);
    if (nsec > 0) skipped.push(sec < 0 ? 'time' : 'time below a microsecond');
  }
  if (isKeptEverywhere(sec) || skipped.includes('time')) return skipped;
  // A file system silently replaces a time beyond its own ends by the nearest moment that it knows.
  return fileStat(path)?.sec === sec ? skipped : ['time'];
}
