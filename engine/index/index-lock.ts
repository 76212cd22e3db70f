/**
 * Who may open, write or close the index: one at a time, of all processes.
 *
 * LMDB lets one write at a time by itself. But whoever opens an environment sets the number of the last transaction, which all share, to
 * what it has read from the file a moment before (`mdb_env_open2` in version 3.5.6 of the package). A commit in between is taken back by
 * that: the next one begins where it had begun, and writes over it. And whoever closes an environment that nobody else has open destroys
 * its locks; if somebody is just opening it, these stay destroyed for as long as anybody has it open. So all of this takes turns.
 *
 * The lock is on the directory of the index, so that there is no file to make or remove; the kernel drops it when its holder dies.
 */

import * as fs from 'node:fs';
import { CairnError, toCairnError } from '../core/errors.js';
import { tryUntil } from '../disk/lock.js';
import { dropFlock, tryFlock } from '../disk/native.js';

const LONGEST_PAUSE_MS = 8;

export class IndexLock {
  readonly #fd: number;
  /** Within a process those who wait go in order. */
  #last: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  /** @param dir of the index; must exist */
  constructor(dir: string) {
    try {
      this.#fd = fs.openSync(dir, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
    } catch (error) {
      throw toCairnError(error, 'the index cannot be opened');
    }
  }

  /**
   * Waits for the turn.
   * @param patienceMs how long, in milliseconds; for ever unless given
   * @returns what ends it; `undefined` when patience ran out
   * @throws CairnError `ERR_IO`; `ERR_USAGE` once it is closed
   */
  async take(patienceMs = Number.POSITIVE_INFINITY): Promise<(() => void) | undefined> {
    if (this.#closed !== undefined) throw new CairnError('ERR_USAGE', 'the store is closed');
    const before = this.#last;
    let leave: () => void = () => {};
    this.#last = new Promise((resolve) => {
      leave = resolve;
    });
    await before;
    try {
      if (await this.#lock(patienceMs)) {
        return () => {
          try {
            dropFlock(this.#fd);
          } finally {
            leave();
          }
        };
      }
    } catch (error) {
      leave();
      throw toCairnError(error, 'the index cannot be locked');
    }
    leave();
    return undefined;
  }

  async #lock(patienceMs: number): Promise<boolean> {
    const attempt = (): true | undefined => {
      if (tryFlock(this.#fd, true)) return true;
      return undefined;
    };
    return (await tryUntil(attempt, { longestPauseMs: LONGEST_PAUSE_MS, patienceMs })) === true;
  }

  /** Once all who wait have had their turn. To close it again is nothing. */
  close(): Promise<void> {
    this.#closed ??= this.#last.then(() => fs.closeSync(this.#fd));
    return this.#closed;
  }
}
