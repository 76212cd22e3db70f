/**
 * The right to open, write or close the index: one holder at a time, of all processes.
 *
 * LMDB by itself lets one process write at a time. But opening an environment sets the number of the last transaction,
 * which all processes share, to the number read from the file a moment before (`mdb_env_open2` in version 3.5.6 of the
 * package). That takes back a commit in between: the next commit begins where the lost one had begun, and writes over
 * it. And closing an environment that no other process has open destroys its locks. If another process is just opening
 * it, the locks stay destroyed for as long as any process has it open. So opening, writing and closing take turns.
 *
 * The lock is on the directory of the index, so there is no file to make or remove. The kernel drops the lock when its
 * holder dies.
 */
import * as fs from 'node:fs';
import { CairnError, toCairnError } from '../core/errors.js';
import { tryUntil } from '../disk/lock.js';
import { dropFlock, tryFlock } from '../disk/native.js';

const LONGEST_PAUSE_MS = 8;

export class IndexLock {
  readonly #fd: number;
  /** The end of the queue: callers in one process take their turns in order. */
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
   * Waits for the caller's turn.
   * @param patienceMs how long to wait for other processes, in milliseconds; for ever unless given
   * @returns the function that ends the turn; `undefined` when patience ran out
   * @throws CairnError `ERR_IO`; `ERR_USAGE` once the lock is closed
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

  /** Closes the lock once all waiting callers have had their turn. A second call does nothing more. */
  close(): Promise<void> {
    this.#closed ??= this.#last.then(() => fs.closeSync(this.#fd));
    return this.#closed;
  }
}
