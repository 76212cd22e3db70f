/**
 * Opens LMDB without writing a byte beside its data. Even a reader announces itself in `lock.mdb`, and makes that file
 * if it is missing. So a reader that must leave no trace opens the data in a directory of its own, where its lock file
 * lies, too. The directory holds a link to the data, or a copy where others are known to write: writers do not know of
 * this reader, and reuse pages that it is reading.
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { indexData } from '../disk/layout.js';
import { newestTransaction } from './check-pages.js';
import { damagedIndex } from './damage.js';

export class PrivateCopy {
  readonly path: string;
  readonly #data: string;
  readonly #before: fs.BigIntStats | undefined;
  #isCopy = false;

  private constructor(index: string) {
    this.#data = indexData(resolve(index));
    this.#before = fs.statSync(this.#data, { bigint: true, throwIfNoEntry: false });
    this.path = fs.mkdtempSync(join(tmpdir(), 'cairn-read-'));
  }

  /** @param index the directory of the environment */
  static link(index: string): PrivateCopy {
    const beside = new PrivateCopy(index);
    fs.symlinkSync(beside.#data, beside.#own);
    return beside;
  }

  /** @returns `undefined` when someone committed meanwhile. Only a second commit writes over pages in use. */
  static copy(index: string): PrivateCopy | undefined {
    const beside = new PrivateCopy(index);
    try {
      const before = newestTransaction(beside.#data);
      fs.copyFileSync(beside.#data, beside.#own, fs.constants.COPYFILE_FICLONE);
      const after = newestTransaction(beside.#data);
      if (typeof after === 'string') throw damagedIndex(index, `is damaged: ${after}`);
      if (before === after) {
        beside.#isCopy = true;
        return beside;
      }
    } catch (error) {
      beside.remove();
      throw error;
    }
    beside.remove();
    return undefined;
  }

  /** The file that LMDB opens: the link to the data, or its copy. */
  get #own(): string {
    return indexData(this.path);
  }

  /** Whether the linked data was written meanwhile, so that what was read may be wrong. */
  get wasWritten(): boolean {
    if (this.#isCopy) return false;
    const now = fs.statSync(this.#data, { bigint: true, throwIfNoEntry: false });
    return now?.mtimeNs !== this.#before?.mtimeNs || now?.ino !== this.#before?.ino;
  }

  remove(): void {
    fs.rmSync(this.path, { recursive: true, force: true });
  }
}
