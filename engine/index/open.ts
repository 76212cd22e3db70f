/**
 * The index: one LMDB environment, opened and written by the main thread only. Several processes may have it open; LMDB lets one
 * write at a time. A commit is acknowledged only once it is flushed, see {@link Index.commit}.
 */
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Database, Key as LmdbKey, RootDatabase } from 'lmdb';
import { syncDirectory, syncFile } from '../durable.js';
import { CairnError, toCairnError } from '../errors.js';
import { type Key, keyBytes } from '../key.js';
import { BesideDirectory } from './beside.js';
import { damagedIndex, guardReads, isDamage } from './guard.js';
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

// The package's CommonJS build is one file; loading it as twenty modules takes 16 ms more, which every command would pay.
const { open: openEnvironment, ABORT } = createRequire(import.meta.url)('lmdb') as typeof import('lmdb');

/** What a change returns to be taken back. */
export const TAKE_BACK: unknown = ABORT;

const NOTHING: Totals = { objects: 0, objectBytes: 0, blobs: 0, blobBytes: 0, orphans: 0, orphanBytes: 0 };
/** Enough pages to let go of some fifty thousand objects. */
const RESERVE_BYTES = 8 * 2 ** 20;
const MAX_DATABASES = 16;
/** LMDB's name for the file that holds everything. */
export const DATA_FILE = 'data.mdb';
export const LOCK_FILE = 'lock.mdb';
const MAX_READERS = 512;
/** Beside it: space that {@link Index.commitRemoval} may use. */
export const RESERVE_FILE = 'reserve';

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
  readonly #path: string;
  readonly #reserve: string;
  readonly #beside: BesideDirectory | undefined;

  constructor(path: string, readOnly: boolean) {
    this.#beside = readOnly ? new BesideDirectory(path) : undefined;
    try {
      // Without overlapping syncs a commit is on disk when it becomes visible: no reader ever sees what a power cut could take back.
      this.env = openEnvironment({
        path: this.#beside?.path ?? path,
        readOnly,
        maxDbs: MAX_DATABASES,
        maxReaders: MAX_READERS,
        overlappingSync: false,
      });
      const binary = { keyEncoding: 'binary' } as const;
      const open = <V, K extends LmdbKey>(name: string, options = {}): Database<V, K> =>
        guardReads(this.env.openDB<V, K>({ name, ...options }), path);
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
    } catch (cause) {
      this.#beside?.remove();
      throw damagedIndex(path, `cannot be opened: ${(cause as Error).message}`, cause);
    }
    this.#path = path;
    this.#reserve = join(path, RESERVE_FILE);
    if (readOnly) return;
    this.env.readerCheck?.();
    this.#keepReserve();
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
   */
  async commit<T>(change: () => T): Promise<T> {
    try {
      // The synchronous kind: it is taken back when `change` throws, and a commit that fails is thrown here and nowhere else.
      const result = this.env.transactionSync(change);
      await this.env.flushed;
      return result;
    } catch (error) {
      if (isDamage(error)) throw damagedIndex(this.#path, `cannot be written: ${(error as Error).message}`, error);
      throw toCairnError(systemError(error), 'the index did not commit');
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
      if (!(error instanceof CairnError) || error.code !== 'ERR_NO_SPACE' || !fs.existsSync(this.#reserve)) throw error;
      fs.rmSync(this.#reserve);
      return this.commit(change);
    }
  }

  /** Writes a compacted copy of what is committed now, for which nobody need wait. Durable when it resolves. @param dir is made */
  async copyTo(dir: string): Promise<void> {
    fs.mkdirSync(dir, { mode: 0o700 });
    try {
      await this.env.backup(dir, true);
    } catch (error) {
      throw toCairnError(systemError(error), 'the index cannot be copied');
    }
    syncFile(join(dir, DATA_FILE));
    syncDirectory(dir);
  }

  /** Sets aside the space that {@link commitRemoval} may use, if there is any. */
  #keepReserve(): void {
    if (fs.existsSync(this.#reserve)) return;
    try {
      fs.writeFileSync(this.#reserve, Buffer.alloc(RESERVE_BYTES), { mode: 0o600 });
    } catch {
      fs.rmSync(this.#reserve, { force: true });
    }
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

  async close(): Promise<void> {
    await this.env.close();
    this.#beside?.remove();
  }
}

/** LMDB reports system errors as text or number; give them the shape that the rest of the engine knows. */
function systemError(error: unknown): unknown {
  if (error instanceof CairnError || !(error instanceof Error)) return error;
  const full = /No space left|MDB_MAP_FULL|Disk quota/i.test(error.message);
  if (full) return Object.assign(new Error(error.message, { cause: error }), { code: 'ENOSPC' });
  if (/Read-only|Permission denied/i.test(error.message)) {
    return Object.assign(new Error(error.message, { cause: error }), { code: 'EROFS' });
  }
  if (/Input\/output error/i.test(error.message))
    return Object.assign(new Error(error.message, { cause: error }), { code: 'EIO' });
  return error;
}

/** An object's name as a key: 64 bytes of hash, then the variant. */
export function objectKey(name: string): Buffer {
  return Buffer.concat([Buffer.from(name.slice(0, 128), 'hex'), Buffer.from(name.slice(129), 'latin1')]);
}

export function objectName(key: Buffer): string {
  return `${key.toString('hex', 0, 64)}.${key.toString('latin1', 64)}`;
}
