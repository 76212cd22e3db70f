/**
 * The index: one LMDB environment, opened and written by the main thread only. Several processes may have it open; LMDB
 * lets one write at a time. A commit is acknowledged only once it is flushed, see {@link Index.commit}.
 */
import * as fs from 'node:fs';
import { CairnError, isCairnError, toCairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { isXattrKind, type SkippedKind } from '../core/metadata.js';
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
import { BASE_SCHEMA, type ImageRecord, type LayerRecord, SCHEMA_VERSION, type Totals } from './records.js';
import { Tables } from './tables.js';

/** A change returns this value to be taken back. */
export const TAKE_BACK: unknown = ABORT;

const NOTHING: Totals = { objects: 0, objectBytes: 0, blobs: 0, blobBytes: 0, orphans: 0, orphanBytes: 0 };
/** How long to wait for another process that opens or closes the index, or commits to it. */
const PATIENCE_MS = 200;
const DATABASES = 24;
const READERS = 512;
/** The unit of `blocks` in a stat. */
const SECTOR = 512;
/** The key in the table `meta` of a repacked store's layout of objects. It counts before `cairn.json`. */
export const LAYOUT_KEY = 'layout';
/** The key in the table `meta` of a note that objects lack metadata. */
const ANY_LACKS = 'lacking';

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
    // Readers that died left their places taken.
    environment.readerCheck?.();
    if (!readOnly) this.#reserve.keep();
  }

  /**
   * Opens an index that nobody else opens, writes or closes at this moment. `openIndex` opens a shared one.
   * @param access the lock that keeps others out, or a copy for reading only; closed or removed in the end
   */
  static open(path: string, readOnly: boolean, access: IndexLock | PrivateCopy = new IndexLock(path)): Index {
    try {
      checkOpenable(indexData(path), readOnly);
      // Without overlapping syncs a commit is on disk once it is visible: a power cut takes back nothing readers saw.
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
    return (this.meta.get('schema') as number | undefined) ?? BASE_SCHEMA;
  }

  /** @throws CairnError `ERR_STORE_VERSION` when a newer version wrote the index */
  async checkSchema(readOnly: boolean): Promise<void> {
    const version = this.meta.get('schema');
    if (version === undefined && !readOnly) {
      await this.commit(() => {
        if (this.meta.get('schema') === undefined) this.meta.put('schema', BASE_SCHEMA);
      });
    } else if (typeof version === 'number' && version > SCHEMA_VERSION) {
      throw new CairnError(
        'ERR_STORE_VERSION',
        `the index has schema ${version}; this version knows ${SCHEMA_VERSION}`,
      );
    }
  }

  /**
   * Runs `change` as one transaction, alone among all processes, and resolves when the change is durable. If `change`
   * throws, nothing of it remains.
   * @param rows how many rows `change` may put, where those may be many
   */
  async commit<T>(change: () => T, rows = 0): Promise<T> {
    this.#reserve.check(rows);
    return this.#commit(change);
  }

  async #commit<T>(change: () => T): Promise<T> {
    let own: { thrown: unknown } | undefined;
    // Joins the queue before awaiting anything else. Closing joins the queue, too, and must come after.
    const release = await this.#lock?.take();
    try {
      const { h32Raw } = await xxhash();
      // The synchronous kind takes all back when `change` throws. A failed commit throws here and nowhere else.
      const result = this.#environment.transactionSync(() => {
        try {
          return this.runSummed(h32Raw, change);
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
   * As {@link commit}, for a change that makes room. On a full disk the change may use the space that is kept back for
   * it, so that whatever fills the disk can always be removed.
   */
  async commitRemoval<T>(change: () => T): Promise<T> {
    try {
      return await this.commit(change);
    } catch (error) {
      if (!isCairnError(error, 'ERR_NO_SPACE')) throw error;
      this.#reserve.giveUp();
      // Tries again even if no space was kept back: the index's own free pages may be enough.
      return this.#commit(change).catch((again: unknown) => {
        throw whatSaysWhy(error, again);
      });
    }
  }

  /** Runs work that makes room without changing the index. On a full disk runs it again with the space kept back. */
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

  /** Writes a compacted copy of the committed index. Holds up nobody. Durable when it resolves. @param dir is made */
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

  /** The environment's directory, for other threads that read the index. */
  get path(): string {
    return this.#access instanceof PrivateCopy ? this.#access.path : this.#path;
  }

  /** Bytes of the file that holds everything. */
  get bytesOnDisk(): number {
    return fs.statSync(indexData(this.#path), { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Bytes that the index takes on the disk, with what it keeps back for removals on a full disk. */
  get allocatedBytes(): number {
    const { blocks = 0 } = fs.statSync(indexData(this.#path), { throwIfNoEntry: false }) ?? {};
    return blocks * SECTOR + this.#reserve.allocatedBytes;
  }

  get totals(): Totals {
    return { ...NOTHING, ...(this.meta.get('totals') as Totals | undefined) };
  }

  /** Whether objects lack metadata that the system would not let us set. Versions that noted it nowhere had users. */
  get anyLacks(): boolean {
    return process.geteuid?.() !== 0 || this.meta.get(ANY_LACKS) === true;
  }

  /** Runs inside a transaction. Extended attributes do not count, since few objects have any. */
  noteLacks(skipped: readonly SkippedKind[] | undefined): void {
    if (skipped === undefined || skipped.every(isXattrKind) || this.meta.get(ANY_LACKS) === true) return;
    this.meta.put(ANY_LACKS, true);
  }

  image(key: Key): ImageRecord | undefined {
    return this.images.get(key);
  }

  layer(key: Key): LayerRecord | undefined {
    return this.layers.get(key);
  }

  /** Whether the index is open for reading only and was written since it was opened: what was read may be wrong. */
  get wasWritten(): boolean {
    return this.#access instanceof PrivateCopy && this.#access.wasWritten;
  }

  /** Lets reads see all commits of others up to now. Without this they may not until the event loop's next turn. */
  refresh(): void {
    this.#environment.resetReadTxn();
  }

  /**
   * Says which commit was the last one. What was read since it was the same can be used again. LMDB counts a commit of
   * another process some time before it lets readers see it, so that its number may be newer than what is read; the
   * last event is as new as that.
   */
  get lastCommit(): string {
    const { lastTxnId } = this.#environment.getStats();
    const [lastEvent = 0] = this.events.keys({ reverse: true, limit: 1 });
    return `${lastTxnId} ${lastEvent}`;
  }

  /** A table of the index's readers now, in the words of LMDB. */
  readers(): string {
    return this.#environment.readerList();
  }

  /** Holds the index as committed now, until `done()` lets go of it. */
  snapshot(): Snapshot {
    for (const table of this.all) table.find();
    return this.#environment.useReadTransaction();
  }

  /** A second call does nothing more. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    // A holder that keeps the lock longer is committing, so has the index open: LMDB then leaves its own locks alone.
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

/** Picks the failure that says why. An index that has failed for good only repeats that; the first failure says why. */
function whatSaysWhy(first: unknown, again: unknown): unknown {
  const said = toCairnError(again);
  return isCairnError(said) && said.code !== 'ERR_IO' ? again : first;
}
