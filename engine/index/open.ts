/**
 * The index: one LMDB environment, opened and written by the main thread only. Several processes may have it open; LMDB lets one
 * write at a time. A commit is acknowledged only once it is flushed, see {@link Index.commit}.
 */

import * as fs from 'node:fs';
import { CairnError, isCairnError, toCairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { xxhash } from '../core/xxhash.js';
import { syncDirectory, syncFile } from '../disk/durable.js';
import { indexData } from '../disk/layout.js';
import { damagedIndex, isDamage } from './damage.js';
import { DiskReserve } from './disk-reserve.js';
import type { Environment, Snapshot } from './environment.js';
import { IndexLock } from './index-lock.js';
import { ABORT, openEnvironment } from './lmdb.js';
import { checkOpenable, indexError } from './lmdb-error.js';
import { PrivateCopy } from './private-copy.js';
import { type ImageRecord, type LayerRecord, SCHEMA_VERSION, type Totals } from './records.js';
import { Tables } from './tables.js';

/** What a change returns to be taken back. */
export const TAKE_BACK: unknown = ABORT;

const NOTHING: Totals = { objects: 0, objectBytes: 0, blobs: 0, blobBytes: 0, orphans: 0, orphanBytes: 0 };
/** With another process that opens or closes the index, or commits to it. */
const PATIENCE_MS = 200;
const DATABASES = 16;
const READERS = 512;

export class Index extends Tables {
  readonly #environment: Environment;
  readonly #path: string;
  readonly #reserve: DiskReserve;
  readonly #access: IndexLock | PrivateCopy;
  #closed: Promise<void> | undefined;

  private constructor(environment: Environment, path: string, readOnly: boolean, access: IndexLock | PrivateCopy) {
    super(environment, path, readOnly);
    this.#environment = environment;
    this.#path = path;
    this.#access = access;
    this.#reserve = new DiskReserve(path, indexData(path));
    // Those who died while they read left their places taken.
    environment.readerCheck?.();
    if (!readOnly) this.#reserve.keep();
  }

  /**
   * Opens an index that nobody else opens, writes or closes at this moment; see {@link openIndex} for one that others know.
   * @param access closed or removed in the end: the lock that makes it so, or a copy for reading only
   */
  static open(path: string, readOnly: boolean, access: IndexLock | PrivateCopy = new IndexLock(path)): Index {
    try {
      checkOpenable(indexData(path), readOnly);
      // Without overlapping syncs a commit is on disk when it becomes visible: no reader ever sees what a power cut could take back.
      const environment = openEnvironment({
        path: access instanceof PrivateCopy ? access.path : path,
        readOnly,
        maxDbs: DATABASES,
        maxReaders: READERS,
        overlappingSync: false,
      });
      return new Index(environment, path, readOnly, access);
    } catch (cause) {
      void leave(access);
      const error = isDamage(cause) ? undefined : indexError(cause, path, 'the index cannot be opened');
      if (error?.errno !== undefined) throw error;
      throw damagedIndex(path, `cannot be opened: ${(cause as Error).message}`, cause);
    }
  }

  /** Version of the records. */
  get schema(): number {
    return (this.meta.get('schema') as number | undefined) ?? SCHEMA_VERSION;
  }

  /** @throws CairnError `ERR_STORE_VERSION` when a newer version wrote it */
  async checkSchema(readOnly: boolean): Promise<void> {
    const version = this.meta.get('schema');
    if (version === undefined && !readOnly) {
      await this.commit(() => {
        if (this.meta.get('schema') === undefined) this.meta.put('schema', SCHEMA_VERSION);
      });
    } else if (typeof version === 'number' && version > SCHEMA_VERSION) {
      throw new CairnError(
        'ERR_STORE_VERSION',
        `the index has schema ${version}; this version knows ${SCHEMA_VERSION}`,
      );
    }
  }

  /**
   * Runs `change` as one transaction, alone among all processes, and resolves when it is durable. If `change` throws, nothing of it
   * remains.
   * @param rows how many it may put, where that may be many
   */
  async commit<T>(change: () => T, rows = 0): Promise<T> {
    this.#reserve.check(rows);
    return this.#commit(change);
  }

  async #commit<T>(change: () => T): Promise<T> {
    let own: { thrown: unknown } | undefined;
    // In line before anything else is waited for, so that closing, which lines up too, comes after.
    const release = await this.#lock?.take();
    try {
      const { h32 } = await xxhash();
      // The synchronous kind: it is taken back when `change` throws, and a commit that fails is thrown here and nowhere else.
      const result = this.#environment.transactionSync(() => {
        try {
          return this.runSummed(h32, change);
        } catch (thrown) {
          own = { thrown };
          throw thrown;
        }
      });
      await this.#environment.flushed;
      return result;
    } catch (error) {
      if (own !== undefined && own.thrown === error) throw toCairnError(error, 'the index did not commit');
      if (isDamage(error)) throw damagedIndex(this.#path, `cannot be written: ${(error as Error).message}`, error);
      throw indexError(error, this.#path, 'the index did not commit');
    } finally {
      release?.();
    }
  }

  /**
   * As {@link commit}, for a change that makes room: on a full disk it may use the space that is kept back for this, so that what
   * fills the disk can always be removed.
   */
  async commitRemoval<T>(change: () => T): Promise<T> {
    try {
      return await this.commit(change);
    } catch (error) {
      if (!isCairnError(error, 'ERR_NO_SPACE')) throw error;
      this.#reserve.giveUp();
      // Also where there was none: what is in the index's own free pages may do.
      return this.#commit(change).catch((again: unknown) => {
        throw whatSaysWhy(error, again);
      });
    }
  }

  /** Does what makes room without changing the index; on a full disk once more, with the space that is kept back for this. */
  async makingRoom<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      const error = toCairnError(thrown);
      if (!isCairnError(error, 'ERR_NO_SPACE')) throw thrown;
      this.#reserve.giveUp();
      return work().catch((again: unknown) => {
        throw whatSaysWhy(error, again);
      });
    }
  }

  /** Writes a compacted copy of what is committed now, for which nobody need wait. Durable when it resolves. @param dir is made */
  async copyTo(dir: string): Promise<void> {
    fs.mkdirSync(dir, { mode: 0o700 });
    try {
      await this.#environment.backup(dir, true);
    } catch (error) {
      throw indexError(error, dir, 'the index cannot be copied');
    }
    syncFile(indexData(dir));
    syncDirectory(dir);
  }

  /** Bytes of the file that holds everything. */
  get bytesOnDisk(): number {
    return fs.statSync(indexData(this.#path), { throwIfNoEntry: false })?.size ?? 0;
  }

  get totals(): Totals {
    return { ...NOTHING, ...(this.meta.get('totals') as Totals | undefined) };
  }

  image(key: Key): ImageRecord | undefined {
    return this.images.get(key);
  }

  layer(key: Key): LayerRecord | undefined {
    return this.layers.get(key);
  }

  /** Open for reading only, and someone wrote since: what was read may be wrong. */
  get wasWritten(): boolean {
    return this.#access instanceof PrivateCopy && this.#access.wasWritten;
  }

  /** From here on, reads see what others have committed by now; else that may take until the next turn of the event loop. */
  refresh(): void {
    this.#environment.resetReadTxn();
  }

  /** A table of who reads it now, in the words of LMDB. */
  readers(): string {
    return this.#environment.readerList();
  }

  /** What is committed now, until it is let go of by `done()`. */
  snapshot(): Snapshot {
    return this.#environment.useReadTransaction();
  }

  /** To close it again is nothing. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    // Whoever holds the lock for longer is committing, so has the index open: then LMDB leaves its own locks alone.
    const release = await this.#lock?.take(PATIENCE_MS);
    try {
      await this.#environment.close();
    } finally {
      release?.();
      await leave(this.#access);
    }
  }

  get #lock(): IndexLock | undefined {
    return this.#access instanceof IndexLock ? this.#access : undefined;
  }
}

async function leave(access: IndexLock | PrivateCopy): Promise<void> {
  if (access instanceof IndexLock) await access.close();
  else access.remove();
}

/** An index that has failed for good only repeats that; the first failure says why. */
function whatSaysWhy(first: unknown, again: unknown): unknown {
  const said = toCairnError(again);
  return isCairnError(said) && said.code !== 'ERR_IO' ? again : first;
}

export interface Access {
  readOnly: boolean;
  /** With `readOnly`: others may write meanwhile. */
  shared: boolean;
}

/**
 * Opens an index that others may have open, too. Readers do not wait for who holds it up: after a moment they read a copy.
 * @param check looks at the file before LMDB does
 */
export async function openIndex(path: string, { readOnly, shared }: Access, check: () => void): Promise<Index> {
  if (readOnly && !shared) {
    check();
    return Index.open(path, true, PrivateCopy.link(path));
  }
  for (;;) {
    const lock = new IndexLock(path);
    const release = await lock.take(readOnly ? PATIENCE_MS : undefined);
    if (release !== undefined) {
      try {
        check();
        return Index.open(path, readOnly, lock);
      } catch (error) {
        void lock.close();
        throw error;
      } finally {
        release();
      }
    }
    await lock.close();
    check();
    const copy = PrivateCopy.copy(path);
    if (copy !== undefined) return Index.open(path, true, copy);
  }
}
