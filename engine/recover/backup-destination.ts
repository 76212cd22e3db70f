/**
 * The directory of a backup, locked while a backup writes there. A second backup would take the files of the first for
 * those of an interrupted one, and might clear them away.
 *
 * The lock is on the directory itself, so that there is no file to make or remove. The kernel drops the lock when its
 * holder dies.
 */
import * as fs from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { CairnError, hasCode, toCairnError } from '../core/errors.js';
import { areNested } from '../core/path.js';
import { Layout } from '../disk/layout.js';
import { tryFlock } from '../disk/native.js';

export interface BackupPlace {
  target: Layout;
  /** Whether this backup made the directory. */
  isNew: boolean;
  release(): void;
}

/**
 * Makes the directory if it is missing, and locks it. A directory that holds anything but an interrupted backup stays
 * as it is.
 * @param from the store that is backed up
 * @throws CairnError `ERR_EXISTS`, also while another backup writes there, `ERR_USAGE` for a place inside the
 * store, `ERR_IO`
 */
export function claimPlace(from: Layout, dest: string): BackupPlace {
  try {
    const target = new Layout(resolvePlace(from, dest));
    for (;;) {
      const isNew = makeDirectory(target.dir);
      const fd = lockDirectory(target.dir);
      if (fd === undefined) continue;
      try {
        mustBeFree(target);
      } catch (error) {
        fs.closeSync(fd);
        throw error;
      }
      return { target, isNew, release: () => fs.closeSync(fd) };
    }
  } catch (error) {
    throw toCairnError(error, 'the backup cannot be written');
  }
}

function resolvePlace(from: Layout, dest: string): string {
  const wanted = resolve(dest);
  let dir = join(fs.realpathSync(dirname(wanted)), basename(wanted));
  if (fs.existsSync(dir)) dir = fs.realpathSync(dir);
  if (areNested(dir, from.dir)) {
    throw new CairnError('ERR_USAGE', 'a store and its backup may not lie in one another', { path: dir });
  }
  return dir;
}

/** @returns whether the directory was missing */
function makeDirectory(dir: string): boolean {
  try {
    fs.mkdirSync(dir, { mode: 0o700 });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** @returns `undefined` when a backup that gave up has just removed the directory */
function lockDirectory(dir: string): number | undefined {
  let fd: number;
  try {
    fd = fs.openSync(dir, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    if (hasCode(error, 'ENOTDIR', 'ELOOP')) throw taken(dir);
    throw error;
  }
  let isHeld = false;
  try {
    if (!tryFlock(fd, true)) throw new CairnError('ERR_EXISTS', 'a backup is being made there', { path: dir });
    isHeld = fs.lstatSync(dir, { throwIfNoEntry: false })?.ino === fs.fstatSync(fd).ino;
    return isHeld ? fd : undefined;
  } finally {
    if (!isHeld) fs.closeSync(fd);
  }
}

function mustBeFree({ dir, unfinished, format }: Layout): void {
  const isHalfMade = fs.existsSync(unfinished) && !fs.existsSync(format);
  if (!isHalfMade && fs.readdirSync(dir).length > 0) throw taken(dir);
}

function taken(dir: string): CairnError {
  return new CairnError('ERR_EXISTS', `${dir} is there already and is not an empty directory`, { path: dir });
}
