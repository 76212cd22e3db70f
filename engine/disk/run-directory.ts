/**
 * Where trees are mounted: outside of the store, so that a store with mounts can be moved and deleted, and in a
 * directory of the running system, which is empty again after a reboot, as the mounts are gone.
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { CairnError, isCairnError } from '../core/errors.js';
import { makeOnce } from './durable.js';

const FOR_ROOT = '/run';
const OTHERS = 0o077;

/**
 * The directory for the mounts of one store. A store is known by its directory's inode, whatever the path to it. No
 * two stores of a running system share one, and no mount outlives the file system that the inode is on.
 */
export function runDirectory(store: string): string {
  return join(baseDirectory(), storeMark(store));
}

/** Names a store among all stores of a running system. */
export function storeMark(store: string): string {
  const { dev, ino } = fs.statSync(store, { bigint: true });
  return `${dev.toString(16)}-${ino.toString(16)}`;
}

function baseDirectory(): string {
  const { CAIRN_RUN_DIR: given, XDG_RUNTIME_DIR: own } = process.env;
  if (given) return given;
  const base = process.geteuid?.() === 0 || !own ? FOR_ROOT : own;
  return join(base, 'cairn');
}

/**
 * Makes a directory to mount at, and the two above it. Only we may enter these: a tree has programs that lend rights.
 * @param point a path that `layout.ts` made, in a {@link runDirectory}
 * @throws CairnError `ERR_FOREIGN_STORE` where others could reach the mounts, `ERR_UNSUPPORTED` where there can be none
 */
export function makeMountPoint(run: string, point: string): void {
  try {
    makeDirectories(run, point);
  } catch (cause) {
    if (isCairnError(cause)) throw cause;
    const why = `there is no place to mount trees at: ${(cause as Error).message}`;
    throw new CairnError('ERR_UNSUPPORTED', why, { path: point, cause });
  }
}

function makeDirectories(run: string, point: string): void {
  fs.mkdirSync(dirname(dirname(run)), { recursive: true });
  for (const dir of [dirname(run), run]) {
    makeOnce(dir);
    const { uid, mode } = fs.lstatSync(dir);
    if (uid === process.geteuid?.() && (mode & OTHERS) === 0) continue;
    const why = `${dir} can be reached by others, who must not reach what is mounted there`;
    throw new CairnError('ERR_FOREIGN_STORE', why, { path: dir });
  }
  fs.mkdirSync(point, { recursive: true, mode: 0o700 });
}
