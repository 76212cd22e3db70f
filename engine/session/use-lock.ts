/** A lock between operations that rely on objects, which share it, and operations that remove some, which do not. */
import { isCairnError } from '../core/errors.js';
import type { Layout } from '../disk/layout.js';
import { isHeld, type Lock, lock, tryLock, tryUntil } from '../disk/lock.js';

/** Between two looks at a lock that somebody has. */
const LONGEST_PAUSE_MS = 50;
/** How long a gc keeps others from beginning, so that it has its turn where somebody is always at work. */
const PATIENCE_MS = 2000;

export interface UseLockOptions {
  /** Takes no lock: a store that cannot be written has none, and nobody can remove from it either. */
  isFree: boolean;
  /** Throws if the store is no longer what it was when it was opened; called with the lock held. */
  check: () => void;
  /** Lets go of what only operations need; called with the lock held, by the last one that needs it. */
  atRest: () => void;
}

/**
 * Operations that rely on objects (import, render, export, check) hold the use lock shared. An operation that removes
 * objects holds it alone, for a moment. A process takes the shared lock once, however many operations rely on it.
 */
export class UseLock {
  readonly #path: string;
  readonly #gate: string;
  readonly #options: UseLockOptions;
  #count = 0;
  #lock: Promise<Lock> | undefined;
  readonly #waitingForRest: (() => void)[] = [];

  constructor({ useLock, useGate }: Pick<Layout, 'useLock' | 'useGate'>, options: UseLockOptions) {
    this.#path = useLock;
    this.#gate = useGate;
    this.#options = options;
  }

  async during<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    this.#count++;
    try {
      if (!this.#options.isFree) await this.#acquire(signal);
      this.#options.check();
      return await work();
    } finally {
      if (--this.#count === 0) {
        const held = this.#lock;
        // Who gave up at the gate has nothing to let go of, and somebody may be alone now.
        if (held !== undefined || this.#options.isFree) this.#options.atRest();
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
    // Who waits at the gate is not in: a gc of this process may have its turn meanwhile.
    if (this.#lock === undefined) await this.#passGate(signal);
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

  async #passGate(signal: AbortSignal | undefined): Promise<void> {
    const isOpen = (): true | undefined => (isHeld(this.#gate) ? undefined : true);
    await tryUntil(isOpen, { longestPauseMs: LONGEST_PAUSE_MS, signal });
  }

  /** Waits until nobody relies on objects, and keeps others from it during `work`, which must not ask for the lock. */
  async alone<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const held = await lock(this.#path, true, signal);
    try {
      this.#options.check();
      return await work();
    } finally {
      this.#options.atRest();
      held.release();
    }
  }

  /** Takes the lock alone, if nobody relies on objects right now. */
  tryAlone(): Lock | undefined {
    const held = this.#lock !== undefined ? undefined : tryLock(this.#path, true);
    try {
      if (held !== undefined) this.#options.check();
    } catch (error) {
      held?.release();
      throw error;
    }
    return held;
  }

  /**
   * Takes the lock alone. Where others are at work, nobody else begins for a while, and those may come to an end.
   * @returns `undefined` if they take longer
   */
  async soonAlone(signal: AbortSignal | undefined): Promise<Lock | undefined> {
    const now = this.tryAlone();
    if (now !== undefined) return now;
    const end = performance.now() + PATIENCE_MS;
    const untilEnd = () => ({ longestPauseMs: LONGEST_PAUSE_MS, patienceMs: end - performance.now(), signal });
    const gate = await tryUntil(() => tryLock(this.#gate, true), untilEnd());
    try {
      return gate && (await tryUntil(() => this.tryAlone(), untilEnd()));
    } finally {
      gate?.release();
    }
  }
}
