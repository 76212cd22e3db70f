/**
 * The index: one LMDB environment, opened and written by the main thread only. Several processes may have it open; LMDB lets one
 * write at a time. A commit is acknowledged only once it is flushed, see {@link Index.commit}.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Database, Key as LmdbKey, RootDatabase } from 'lmdb';
import { CairnError, isCairnError, toCairnError } from '../core/errors.js';
import { type Key, keyBytes } from '../core/key.js';
import { xxhash } from '../core/xxhash.js';
import { syncDirectory, syncFile } from '../disk/durable.js';
import { SUMS_KEY, SumKeeper, sumUp, type Table, type TableSums } from './checksums.js';
import { damagedIndex, guardReads, isDamage } from './damage.js';
import { Room } from './disk-reserve.js';
import { Turn } from './index-lock.js';
import { ABORT, openEnvironment } from './lmdb.js';
import { checkOpenable, indexError } from './lmdb-error.js';
import { BesideDirectory } from './private-copy.js';
import {
  type BlobRecord,
  type ImageRecord,
  type LayerRecord,
  type LeaseRecord,
  type ObjectRecord,
  SCHEMA_VERSION,
  type Totals,
  type TreeRecord,
} from './records.js';

/** What a change returns to be taken back. */
export const TAKE_BACK: unknown = ABORT;

const NOTHING: Totals = { objects: 0, objectBytes: 0, blobs: 0, blobBytes: 0, orphans: 0, orphanBytes: 0 };
/** With another process that opens or closes the index, or commits to it. */
const PATIENCE_MS = 200;
const MAX_DATABASES = 16;
/** LMDB's name for the file that holds everything. */
export const DATA_FILE = 'data.mdb';
export const LOCK_FILE = 'lock.mdb';
const MAX_READERS = 512;

export class Index {
  readonly env: RootDatabase<unknown, string>;
  readonly meta: Database<unknown, string>;
  readonly images: Database<ImageRecord, Buffer>;
  /** `[name, key]` → nothing: image names in order. */
  readonly names: Database<true, [string, Key]>;
  /** sha256 digests (32 bytes) of archives and documents → the key of the image. */
  readonly digests: Database<Key, Buffer>;
  /** A cheap fingerprint of an archive → the digests of the archives that have it. */
  readonly fingerprints: Database<string[], string>;
  readonly layers: Database<LayerRecord, Buffer>;
  readonly blobs: Database<BlobRecord, Buffer>;
  readonly objects: Database<ObjectRecord, Buffer>;
  /** Objects (`o`) and blobs (`b`) that nothing needs any more, waiting for gc. */
  readonly orphans: Database<true, Buffer>;
  readonly trees: Database<TreeRecord, string>;
  readonly leases: Database<LeaseRecord, string>;
  /** All of these. */
  readonly tables: readonly Table[];
  readonly #sums = new SumKeeper(
    (hash) => (this.meta.get(SUMS_KEY) as TableSums | undefined) ?? sumUp(this.tables, hash),
  );
  readonly #path: string;
  readonly #room: Room;
  readonly #beside: BesideDirectory | undefined;
  readonly #turn: Turn | undefined;
  #closed: Promise<void> | undefined;

  /**
   * @param among others, whose turn it is not now, or none if nobody else knows this index; see {@link openIndex}. Or beside them, for
   *   reading only. Closed or removed in the end
   */
  constructor(path: string, readOnly: boolean, among: Turn | BesideDirectory = new Turn(path)) {
    this.#beside = among instanceof BesideDirectory ? among : undefined;
    this.#turn = among instanceof Turn ? among : undefined;
    try {
      checkOpenable(join(path, DATA_FILE), readOnly);
      // Without overlapping syncs a commit is on disk when it becomes visible: no reader ever sees what a power cut could take back.
      this.env = openEnvironment({
        path: this.#beside?.path ?? path,
        readOnly,
        maxDbs: MAX_DATABASES,
        maxReaders: MAX_READERS,
        overlappingSync: false,
      });
      const binary = { keyEncoding: 'binary' } as const;
      const tables: Table[] = [];
      const open = <V, K extends LmdbKey>(name: string, options = {}): Database<V, K> => {
        const table = guardReads(this.env.openDB<V, K>({ name, ...options }), path);
        tables.push([name, table as unknown as Table[1]]);
        return readOnly ? table : this.#sums.keep(name, table);
      };
      this.meta = open('meta');
      this.images = open('images', binary);
      this.names = open('names');
      this.digests = open('digests', binary);
      this.fingerprints = open('fingerprints');
      this.layers = open('layers', binary);
      this.blobs = open('blobs', binary);
      this.objects = open('objects', binary);
      this.orphans = open('orphans', binary);
      this.trees = open('trees');
      this.leases = open('leases');
      this.tables = tables;
    } catch (cause) {
      void this.#leave();
      const error = isDamage(cause) ? undefined : indexError(cause, path, 'the index cannot be opened');
      if (error?.errno !== undefined) throw error;
      throw damagedIndex(path, `cannot be opened: ${(cause as Error).message}`, cause);
    }
    this.#path = path;
    this.#room = new Room(path, join(path, DATA_FILE));
    // Those who died while they read left their places taken.
    this.env.readerCheck?.();
    if (readOnly) return;
    this.#room.keepReserve();
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
    this.#room.check(rows);
    return this.#commit(change);
  }

  async #commit<T>(change: () => T): Promise<T> {
    let own: { thrown: unknown } | undefined;
    // In line before anything else is waited for, so that closing, which lines up too, comes after.
    const end = await this.#turn?.take();
    try {
      const { h32 } = await xxhash();
      // The synchronous kind: it is taken back when `change` throws, and a commit that fails is thrown here and nowhere else.
      const result = this.env.transactionSync(() => {
        try {
          this.#sums.begin(h32);
          const changed = change();
          const sums = this.#sums.end();
          if (sums !== undefined) this.meta.put(SUMS_KEY, sums);
          return changed;
        } catch (thrown) {
          own = { thrown };
          throw thrown;
        }
      });
      await this.env.flushed;
      return result;
    } catch (error) {
      if (own !== undefined && own.thrown === error) throw toCairnError(error, 'the index did not commit');
      if (isDamage(error)) throw damagedIndex(this.#path, `cannot be written: ${(error as Error).message}`, error);
      throw indexError(error, this.#path, 'the index did not commit');
    } finally {
      end?.();
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
      this.#room.giveUpReserve();
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
      this.#room.giveUpReserve();
      return work().catch((again: unknown) => {
        throw whatSaysWhy(error, again);
      });
    }
  }

  /** Writes a compacted copy of what is committed now, for which nobody need wait. Durable when it resolves. @param dir is made */
  async copyTo(dir: string): Promise<void> {
    fs.mkdirSync(dir, { mode: 0o700 });
    try {
      await this.env.backup(dir, true);
    } catch (error) {
      throw indexError(error, dir, 'the index cannot be copied');
    }
    syncFile(join(dir, DATA_FILE));
    syncDirectory(dir);
  }

  get totals(): Totals {
    return { ...NOTHING, ...(this.meta.get('totals') as Totals | undefined) };
  }

  image(key: Key): ImageRecord | undefined {
    return this.images.get(keyBytes(key));
  }

  layer(key: Key): LayerRecord | undefined {
    return this.layers.get(keyBytes(key));
  }

  /** Open for reading only, and someone wrote since: what was read may be wrong. */
  get wasWritten(): boolean {
    return this.#beside?.wasWritten === true;
  }

  /** From here on, reads see what others have committed by now; else that may take until the next turn of the event loop. */
  refresh(): void {
    this.env.resetReadTxn();
  }

  /** To close it again is nothing. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    // Whoever holds it for longer is committing, so has the index open: then LMDB leaves the locks alone.
    const end = await this.#turn?.take(PATIENCE_MS);
    try {
      await this.env.close();
    } finally {
      end?.();
      await this.#leave();
    }
  }

  async #leave(): Promise<void> {
    this.#beside?.remove();
    await this.#turn?.close();
  }
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
    return new Index(path, true, BesideDirectory.link(path));
  }
  for (;;) {
    const turn = new Turn(path);
    const end = await turn.take(readOnly ? PATIENCE_MS : undefined);
    if (end !== undefined) {
      try {
        check();
        return new Index(path, readOnly, turn);
      } catch (error) {
        void turn.close();
        throw error;
      } finally {
        end();
      }
    }
    await turn.close();
    check();
    const copy = BesideDirectory.copy(path);
    if (copy !== undefined) return new Index(path, true, copy);
  }
}
