/** What every operation of an open store works with. */
import type { Identity } from '../../workers/tasks/parts.js';
import { CairnError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { Disk } from '../disk/durable.js';
import type { Layout } from '../disk/layout.js';
import { type Lock, lock, tryLock } from '../disk/lock.js';
import { ffiFault } from '../disk/native.js';
import type { Staging } from '../disk/staging.js';
import type { Index } from '../index/open.js';
import type { Pool } from './pool.js';

/** How far a long operation is. `total` is absent where it is not known beforehand. */
export interface Progress {
  what: string;
  unit: 'bytes' | 'items';
  done: number;
  total?: number;
}

/** Options that every long operation takes. */
export interface OperationOptions {
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

export interface StoreContext {
  readonly layout: Layout;
  readonly index: Index;
  readonly pool: Pool;
  readonly disk: Disk;
  readonly staging: Staging;
  readonly limits: Limits;
  readonly identity: Identity;
  readonly readOnly: boolean;
  /** Says something to whoever runs the program: what could not be done as asked, and why. */
  readonly notice: (message: string) => void;
  readonly uses: Uses;
}

/**
 * Whoever relies on objects (import, render, export, check) holds the use lock shared; whoever removes some holds it alone, for a
 * moment. Within a process the shared lock is taken once, however many rely on it.
 */
export class Uses {
  readonly #path: string;
  readonly #readOnly: boolean;
  #count = 0;
  #lock: Promise<Lock> | undefined;
  readonly #waitingForRest: (() => void)[] = [];

  /** @param readOnly a store that cannot be written has no locks; nobody can remove from it either */
  constructor(path: string, readOnly: boolean) {
    this.#path = path;
    this.#readOnly = readOnly;
  }

  async during<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    this.#count++;
    try {
      if (!this.#readOnly) await this.#acquire(signal);
      return await work();
    } finally {
      if (--this.#count === 0) {
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
      // It was another operation's signal that ended the wait; ours goes on.
      if (signal?.aborted === true || !(error instanceof CairnError) || error.code !== 'ERR_ABORTED') throw error;
      await this.#acquire(signal);
    }
  }

  /** Waits until nobody relies on objects, and keeps everybody from doing so; `work` must not ask for the lock itself. */
  async alone<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const held = await lock(this.#path, true, signal);
    try {
      return await work();
    } finally {
      held.release();
    }
  }

  /** The lock alone, if nobody relies on objects right now. */
  tryAlone(): Lock | undefined {
    return this.#count > 0 ? undefined : tryLock(this.#path, true);
  }
}

const told = new WeakSet<StoreContext>();

/**
 * To be asked before anything is written. Says, once for each store, when the system calls that Node lacks are made by helper
 * programs instead.
 * @throws CairnError `ERR_READ_ONLY`
 */
export function mustWrite(store: StoreContext): void {
  if (store.readOnly) {
    throw new CairnError('ERR_READ_ONLY', `the store ${store.layout.dir} is open for reading only`, {
      path: store.layout.dir,
    });
  }
  store.disk.open();
  const fault = ffiFault();
  if (fault !== undefined && !told.has(store)) {
    told.add(store);
    store.notice(
      `no direct system calls (${fault}): using sync(1), flock(1) and mknod(1); extended attributes are not set`,
    );
  }
}
