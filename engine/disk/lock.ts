/**
 * Advisory locks between processes (and between users of one process), on files below `locks/`. The kernel drops a lock
 * when its holder dies, so there are no stale locks: the next taker simply gets it. The last holder removes the file.
 */
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, throwIfAborted } from '../core/errors.js';
import { tryFlock } from './native.js';

export interface Lock {
  release(): void;
}

export interface FileLock extends Lock {
  /** A child that inherits this descriptor holds the lock as well, until it ends. */
  readonly fd: number;
}

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/** Takes a lock if it is free right now. */
export function tryLock(path: string, exclusive: boolean): FileLock | undefined {
  for (;;) {
    const fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_NOFOLLOW, 0o600);
    let held = false;
    try {
      held = tryFlock(fd, exclusive);
      if (!held) return undefined;
      if (isStill(fd, path)) return lockOn(fd, path);
      // The last holder removed the file between our opening and locking it: ours is a lock on nothing.
      held = false;
    } finally {
      if (!held) fs.closeSync(fd);
    }
  }
}

/** Takes a lock, after waiting until it is free. @throws CairnError `ERR_ABORTED` */
export async function lock(path: string, exclusive: boolean, signal?: AbortSignal): Promise<Lock> {
  return (await tryUntil(() => tryLock(path, exclusive), { longestPauseMs: LONGEST_PAUSE_MS, signal })) as Lock;
}

/** Whether somebody holds a lock. Taking it would make its file, releasing it remove the file: this does neither. */
export function isHeld(path: string): boolean {
  let fd: number;
  try {
    fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_NOFOLLOW);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
  try {
    return !tryFlock(fd, true);
  } finally {
    fs.closeSync(fd);
  }
}

export interface Trying {
  longestPauseMs: number;
  /** For ever by default. */
  patienceMs?: number;
  signal?: AbortSignal | undefined;
}

/**
 * Tries until something comes of it, with longer and longer pauses.
 * @returns `undefined` when patience runs out
 * @throws CairnError `ERR_ABORTED`
 */
export async function tryUntil<T>(
  attempt: () => T | undefined,
  { longestPauseMs, patienceMs = Number.POSITIVE_INFINITY, signal }: Trying,
): Promise<T | undefined> {
  const end = performance.now() + patienceMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, longestPauseMs)) {
    throwIfAborted(signal);
    const got = attempt();
    if (got !== undefined) return got;
    if (performance.now() >= end) return undefined;
    await sleep(pause);
  }
}

function isStill(fd: number, path: string): boolean {
  const there = fs.statSync(path, { throwIfNoEntry: false });
  if (there === undefined) return false;
  const ours = fs.fstatSync(fd);
  return there.ino === ours.ino && there.dev === ours.dev;
}

function lockOn(fd: number, path: string): FileLock {
  let open = true;
  return {
    fd,
    release() {
      if (!open) return;
      open = false;
      // Only a sole holder may remove the file: other holders of a shared lock would be left with a lock on nothing.
      try {
        if (tryFlock(fd, true)) fs.rmSync(path, { force: true });
      } finally {
        fs.closeSync(fd);
      }
    },
  };
}
