/**
 * Opening LMDB without writing a byte beside its data. Even a reader announces itself in `lock.mdb`, and makes that file if it is
 * missing; so a reader that must leave no trace opens the data through a link in a directory of its own, where its lock file lies, too.
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export class BesideDirectory {
  readonly path: string;
  readonly #data: string;
  readonly #before: fs.BigIntStats | undefined;

  /** @param index the directory of the environment */
  constructor(index: string) {
    this.#data = join(resolve(index), 'data.mdb');
    this.#before = fs.statSync(this.#data, { bigint: true, throwIfNoEntry: false });
    this.path = fs.mkdtempSync(join(tmpdir(), 'cairn-read-'));
    fs.symlinkSync(this.#data, join(this.path, 'data.mdb'));
  }

  /** Whether someone wrote meanwhile. Writers do not know of this reader, so they may have used pages again that it was reading. */
  get wasWritten(): boolean {
    const now = fs.statSync(this.#data, { bigint: true, throwIfNoEntry: false });
    return now?.mtimeNs !== this.#before?.mtimeNs || now?.ino !== this.#before?.ino;
  }

  remove(): void {
    fs.rmSync(this.path, { recursive: true, force: true });
  }
}
