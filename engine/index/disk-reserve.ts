/** The disk space that the index needs: checked before each commit, with some kept back for commits that make room. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { CairnError } from '../core/errors.js';
import { allocate } from '../disk/file-ranges.js';

/** The directory beside LMDB's files that {@link DiskReserve.giveUp} deletes. */
export const RESERVE = 'reserve';
/** Enough pages for a commit that lets go of some fifty thousand objects. */
const RESERVE_BYTES = 8 * 2 ** 20;
/** As many files as locks and notes take: a file system may also run out of files. */
const RESERVE_FILES = 16;
/** Bytes that must be free on the disk before even a commit of a few rows is tried. */
const COMMIT_BYTES = 2 ** 20;
/** Keys are hashes, so each row may change another page, up to all pages there are. The row itself takes bytes, too. */
const PAGE_BYTES = 4096;
const ROW_BYTES = 256;

export class DiskReserve {
  readonly #path: string;
  readonly #data: string;
  readonly #reserve: string;

  /** @param path the index's directory @param data LMDB's file in it */
  constructor(path: string, data: string) {
    this.#path = path;
    this.#data = data;
    this.#reserve = join(path, RESERVE);
  }

  /**
   * Notices a full disk before LMDB does. When a page cannot be written, LMDB overruns a buffer of its own (its
   * package's version 3.5.6: 104 bytes for a message that may be longer), which may end the process later.
   * @param rows that the commit may put
   * @throws CairnError `ERR_NO_SPACE`
   */
  check(rows: number): void {
    const { blocks, bavail, bfree, bsize } = fs.statfsSync(this.#path);
    // Some file systems in memory do not count.
    if (blocks === 0) return;
    // Only root may use the space that a file system keeps back.
    const free = (process.geteuid?.() === 0 ? bfree : bavail) * bsize;
    if (free >= COMMIT_BYTES + rows * (PAGE_BYTES + ROW_BYTES)) return;
    const there = fs.statSync(this.#data).size;
    if (free >= COMMIT_BYTES + Math.min(rows * PAGE_BYTES, there) + rows * ROW_BYTES) return;
    throw new CairnError('ERR_NO_SPACE', `the index did not commit: no space left on the disk`, {
      path: this.#path,
      errno: 'ENOSPC',
    });
  }

  /** Sets space aside, if there is any. */
  keep(): void {
    if (fs.existsSync(this.#reserve)) return;
    try {
      fs.mkdirSync(this.#reserve, { mode: 0o700 });
      for (let i = 0; i < RESERVE_FILES; i++) {
        const path = join(this.#reserve, `${i}`);
        const fd = fs.openSync(path, 'wx', 0o600);
        try {
          if (i === 0) allocate(fd, RESERVE_BYTES, path);
        } finally {
          fs.closeSync(fd);
        }
      }
    } catch {
      this.giveUp();
    }
  }

  /** Bytes that are kept back now. */
  get allocatedBytes(): number {
    return fs.existsSync(this.#reserve) ? RESERVE_BYTES : 0;
  }

  giveUp(): void {
    fs.rmSync(this.#reserve, { recursive: true, force: true });
  }
}
