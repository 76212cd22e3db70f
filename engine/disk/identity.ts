/**
 * Finds out what new files get and what may be done to them, by doing it. Being root does not say: root can lack
 * capabilities, or be root of a user namespace alone.
 */
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fromText } from '../core/bytes.js';
import { hasCode, naming } from '../core/errors.js';
import type { Identity } from '../core/metadata.js';
import { isRefusal } from './set-metadata.js';
import { removeXattr } from './xattrs.js';

const SETGID = 0o2000;
const ACLS = ['system.posix_acl_default', 'system.posix_acl_access'];
/** A user that nobody is. */
const STRANGER = 65_533;

/**
 * Takes from a new directory of ours what the directory above has handed down to it, and what it would hand down to
 * all that is made in it: a setgid bit, an access control list, or the group (on a file system with `grpid`).
 */
export function handNothingDown(dir: string): void {
  for (const acl of ACLS) removeXattr(fromText(dir), acl);
  const { gid, mode } = fs.lstatSync(dir);
  const own = process.getegid?.() ?? gid;
  if (gid !== own) tolerating(() => fs.chownSync(dir, -1, own));
  if ((mode & SETGID) !== 0) fs.chmodSync(dir, 0o700);
}

/** @param dir of our own, to which {@link handNothingDown} was done */
export function findIdentity(dir: string): Identity {
  const path = join(dir, `probe-${randomUUID()}`);
  const fd = fs.openSync(path, 'wx', 0o777);
  try {
    return naming(path, () => {
      const { uid, gid, mode } = fs.fstatSync(fd);
      const overridesModes = canReadWhatNobodyMay(fd, path);
      return { uid, gid, umask: 0o777 & ~mode, overridesModes, givesAway: overridesModes && staysOurs(fd) };
    });
  } finally {
    fs.closeSync(fd);
    fs.unlinkSync(path);
  }
}

function canReadWhatNobodyMay(fd: number, path: string): boolean {
  fs.fchmodSync(fd, 0);
  try {
    fs.closeSync(fs.openSync(path, 'r'));
    return true;
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM')) throw error;
    return false;
  }
}

/** Whether a file that was given to another user can still be changed. True also where none can be given away. */
function staysOurs(fd: number): boolean {
  if (!tolerating(() => fs.fchownSync(fd, STRANGER, -1))) return true;
  return tolerating(() => fs.fchmodSync(fd, 0o600));
}

function tolerating(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return false;
  }
}
