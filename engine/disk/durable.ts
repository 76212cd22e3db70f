/**
 * Makes things durable. Only this module syncs or renames.
 *
 * Everything new is written below `staging/`, then
 *   1. {@link Disk.sync}: the data and its directories are on disk,
 *   2. {@link moveIntoPlace}: renamed to where it belongs, so everything outside `staging/` is complete,
 *   3. {@link Disk.sync} again: the names are on disk,
 *   4. the index commits and is flushed (`engine/index/`): now it exists.
 * A crash before 4 leaves garbage that no index entry points to; `gc` sweeps it.
 *
 * One `syncfs` takes the place of an `fsync` for each of ten thousand files: the kernel writes them in one go and waits
 * once. `syncfs` reports write-back errors since Linux 5.8. A failed sync is final: the pages may be marked clean
 * already, so another try could succeed without the data being on disk. The caller gives up, and staged files are
 * thrown away.
 */
import { randomInt } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { hasCode, naming, toCairnError } from '../core/errors.js';
import { mustNotBeMounted } from './mounts.js';
import { exchange, renameOnce, syncfs } from './native.js';

/** Flushes the file system that a directory lies on. */
export class Disk {
  readonly #dir: string;
  #fd: number | undefined;
  #failure: unknown;
  #running: Promise<void> | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Lets no failed write-back pass unseen from here on: an open descriptor reports each that happens. */
  open(): void {
    this.#fd ??= fs.openSync(this.#dir, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  }

  /**
   * Makes everything written so far durable. The disk is at work once this returns its promise, even if the caller then
   * keeps the thread busy.
   * @throws CairnError `ERR_IO`, then and every time after
   */
  async sync(): Promise<void> {
    this.open();
    // A sync under way may have begun before our last write, so another begins. Both are awaited, since the descriptor
    // reports a failure only once, to the sync that asks first.
    const running = Promise.allSettled([this.#running, this.#flush()]).then(() => {
      if (this.#failure !== undefined) throw this.#failure;
    });
    this.#running = running;
    try {
      await running;
    } finally {
      if (this.#running === running) this.#running = undefined;
    }
  }

  async #flush(): Promise<void> {
    try {
      if (this.#failure === undefined) await syncfs(this.#fd as number, this.#dir);
    } catch (cause) {
      this.#failure = toCairnError(cause, 'the disk did not take the data');
    }
  }

  /** Sets the disk to work on the data written so far, to leave less to {@link sync}, which also reports a failure. */
  writeBehind(): void {
    if (this.#running === undefined) void this.sync().catch(() => undefined);
  }

  /** Waits for the disk to come to rest. */
  async close(): Promise<void> {
    await this.#running?.catch(() => undefined);
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** Makes one directory's entries durable. */
export function syncDirectory(dir: string): void {
  syncFile(dir);
}

/** Makes one file's content durable, where waiting for the whole file system would be too much. */
export function syncFile(path: string): void {
  const fd = fs.openSync(path, fs.constants.O_RDONLY);
  try {
    naming(path, () => fs.fsyncSync(fd));
  } finally {
    fs.closeSync(fd);
  }
}

/** Moves a finished thing from staging to where it belongs. */
export function moveIntoPlace(from: string, to: string): void {
  fs.renameSync(from, to);
}

/**
 * As {@link moveIntoPlace}, unless something is there: then another process was faster. Its copy stays, since trees may
 * link to it already, and ours goes with its staging. Makes the directory above if that is missing.
 * @returns whether ours was placed
 */
export function moveIntoFreePlace(from: string, to: string): boolean {
  try {
    return renameOnce(from, to);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    makeOnce(dirname(to));
    // Another process may have made the directory meanwhile, and then have filled the place, too.
    return renameOnce(from, to);
  }
}

/** Lets two names trade places in one step. @returns false, having done nothing, where the file system cannot */
export function trade(one: string, other: string): boolean {
  return exchange(one, other);
}

/**
 * Makes a directory, which another process may be making, too. Node's recursive kind would not say why a directory
 * cannot be made.
 */
export function makeOnce(dir: string, mode = 0o700): void {
  try {
    fs.mkdirSync(dir, { mode });
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
}

/** Writes a small file, durably, so that it is either wholly there or not at all. */
export function writeFileDurably(path: string, bytes: string | Uint8Array, mode = 0o600): void {
  viaTemporary(path, { bytes, mode }, (temporary) => fs.renameSync(temporary, path));
}

/** As {@link writeFileDurably}, unless there is such a file: that one stays as it is, and is made durable. */
export function createFileDurably(path: string, bytes: string | Uint8Array, mode = 0o600): void {
  viaTemporary(path, { bytes, mode }, (temporary) => {
    if (!moveIntoFreePlace(temporary, path)) fs.rmSync(temporary);
  });
}

function viaTemporary(
  path: string,
  { bytes, mode }: { bytes: string | Uint8Array; mode: number },
  place: (temporary: string) => void,
): void {
  // A number of nobody else: a process that was killed may have left a file, and another have its id now.
  const temporary = `${path}.${randomInt(2 ** 47)}.tmp`;
  const fd = fs.openSync(temporary, 'wx', mode);
  try {
    naming(path, () => {
      fs.writeFileSync(fd, bytes);
      fs.fsyncSync(fd);
    });
    place(temporary);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  } finally {
    fs.closeSync(fd);
  }
  syncDirectory(dirname(path));
}

/**
 * Makes a small file, durably, where a file that is not whole does no harm: a kill can leave one.
 * @throws `EEXIST` where there is one
 */
export function makeFileDurably(path: string, bytes: Uint8Array): void {
  const fd = fs.openSync(path, 'wx', 0o600);
  try {
    naming(path, () => {
      fs.writeFileSync(fd, bytes);
      fs.fsyncSync(fd);
    });
    syncDirectory(dirname(path));
  } catch (error) {
    fs.rmSync(path, { force: true });
    throw error;
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Takes something out of sight in one step, to a place where it can be deleted at leisure. A missing path is fine.
 * @throws CairnError `ERR_HELD` while something is mounted in it: deleting would reach into the mounted file system
 */
export function moveAside(path: string, trash: string): boolean {
  mustNotBeMounted(path);
  try {
    try {
      fs.renameSync(path, trash);
    } catch (error) {
      // A directory changes its parent only if its owner may write to it.
      if (!hasCode(error, 'EACCES') || !fs.lstatSync(path).isDirectory()) throw error;
      fs.chmodSync(path, 0o700);
      fs.renameSync(path, trash);
    }
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw toCairnError(error, `cannot remove ${path}`);
  }
}
