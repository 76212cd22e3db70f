/** A lock between operations that rely on objects, which share it, and operations that remove some, which do not. */
import { isCairnError } from '../core/errors.js';
import { type Lock, lock, tryLock } from '../disk/lock.js';

/**
 * Operations that rely on objects (import, render, export, check) hold the use lock shared. An operation that removes
 * objects holds it alone, for a moment. A process takes the shared lock once, however many operations rely on it.
 */
export class UseLock {
  readonly #path: string;
  readonly #isFree: boolean;
  #count = 0;
  #lock: Promise<Lock> | undefined;
  readonly #waitingForRest: (() => void)[] = [];

  readonly #check: () => void;
  readonly #atRest: () => void;

  /**
   * @param isFree takes no lock: a store that cannot be written has none, and nobody can remove from it either
   * @param check throws if the store is no longer what it was when it was opened; called with the lock held
   * @param atRest lets go of what only operations need; called with the lock held, by the last one that needs it
   */
  constructor(path: string, isFree: boolean, check: () => void = () => {}, atRest: () => void = () => {}) {
    this.#path = path;
    this.#isFree = isFree;
    this.#check = check;
    this.#atRest = atRest;
  }

  async during<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    this.#count++;
    try {
      if (!this.#isFree) await this.#acquire(signal);
      this.#check();
      return await work();
    } finally {
      if (--this.#count === 0) {
        this.#atRest();
        const held = this.#lock;
        this.#lock = undefined;
        (await held?.catch(() => undefined))?.release();
        for (const resolve of this.#waitingForRest.splice(0)) resolve();
      }
    }
  }

  /** Waits until nobody in this process relies on objects. */
  async rest(): Promise<void> {
    while (this.#count > 0) await new Promise<void>((resolve) => this.#waitingForRest.push(resolve));
  }

  async #acquire(signal: AbortSignal | undefined): Promise<void> {
    this.#lock ??= lock(this.#path, false, signal);
    const waiting = this.#lock;
    try {
      await waiting;
    } catch (error) {
      if (this.#lock === waiting) this.#lock = undefined;
      // Another operation's signal ended the wait. This operation waits anew.
      if (signal?.aborted === true || !isCairnError(error, 'ERR_ABORTED')) throw error;
      await this.#acquire(signal);
    }
  }

  /** Waits until nobody relies on objects, and keeps others from it during `work`, which must not ask for the lock. */
  async alone<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const held = await lock(this.#path, true, signal);
    try {
      this.#check();
      return await work();
    } finally {
      this.#atRest();
      held.release();
    }
  }

  /** Takes the lock alone, if nobody relies on objects right now. */
  tryAlone(): Lock | undefined {
    const held = this.#count > 0 ? undefined : tryLock(this.#path, true);
    try {
      if (held !== undefined) this.#check();
    } catch (error) {
      held?.release();
      throw error;
    }
    return held;
  }
}
