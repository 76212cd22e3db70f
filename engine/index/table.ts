/**
 * One table of the index. It holds the database, reports damage found while reading as `ERR_DAMAGED`, and keeps the sum
 * of its rows in step with every change, so that no caller has to.
 */
import { PreparedRow, type RowHash, rowSum, type SumKeeper } from './checksums.js';
import { guarded } from './damage.js';
import type { Database, Snapshot, StoredKey, StoredRange } from './environment.js';
import type { KeyCodec } from './keys.js';
import { asBinary } from './lmdb.js';

/** Keys from `start` on, `end` excluded unless `inclusiveEnd`; at most `limit`; the last one first with `reverse`. */
export interface Range<K> {
  start?: K;
  end?: K;
  inclusiveEnd?: boolean;
  limit?: number;
  reverse?: boolean;
}

export interface ValueCodec<K, V> {
  encode(value: V, key: K): unknown;
  decode(stored: unknown): V;
}

export interface TableOptions<K, V> {
  name: string;
  database: Database;
  keys: KeyCodec<K>;
  /** For values that are not stored as they are. */
  values?: ValueCodec<K, V>;
  /** Path of the index, for errors. */
  path: string;
  /** `undefined` for a table that is only read. */
  sums: SumKeeper | undefined;
}

/** A row as {@link Table.scan} finds it. */
export interface ScannedRow<K> {
  key: K;
  /** The value, which may be none in a damaged index, however deep inside. */
  value: () => unknown;
  sum: number;
  /** Whether a look-up by its key finds the row, too. */
  isFound: boolean;
}

export class Table<K, V> {
  readonly name: string;
  readonly #database: Database;
  readonly #keys: KeyCodec<K>;
  readonly #values: ValueCodec<K, V> | undefined;
  readonly #path: string;
  readonly #sums: SumKeeper | undefined;
  /** The key used last. A row is mostly looked up before it is put: its key is encoded and found missing only once. */
  #lastKey: K | undefined;
  #lastStored: StoredKey | undefined;

  constructor({ name, database, keys, values, path, sums }: TableOptions<K, V>) {
    this.name = name;
    this.#database = database;
    this.#keys = keys;
    this.#values = values;
    this.#path = path;
    this.#sums = sums;
  }

  /** @param at the row's key, or the row as it was prepared @throws CairnError `ERR_DAMAGED` */
  get(at: K | PreparedRow): V | undefined {
    const stored = this.#stored(at);
    const value = this.#read(() => this.#database.get(stored));
    const decoded = this.#decoded(value);
    // What is not decoded to something else is the caller's, who may change it.
    if (value === undefined || decoded !== value) this.#sums?.noteRead(stored, value);
    return decoded;
  }

  has(key: K): boolean {
    return this.#read(() => this.#database.doesExist(this.#stored(key)));
  }

  /** Runs only inside a commit, as all changes do. */
  put(key: K, value: V): void {
    const stored = this.#stored(key);
    const encoded = this.#encoded(key, value);
    this.#change(stored, encoded);
    this.#database.put(stored, encoded);
  }

  /** As {@link put}, of a row that was prepared for this table and that is not there. */
  putNew(row: PreparedRow): void {
    this.#sums?.noteRead(row.stored, undefined);
    this.#change(row.stored, row);
    this.#database.put(row.stored, asBinary(row.encoded));
  }

  /** As {@link put}, of a row that is part of no sum. */
  putUncounted(key: K, value: V): void {
    this.#database.put(this.#stored(key), this.#encoded(key, value));
  }

  remove(key: K): void {
    const stored = this.#stored(key);
    this.#change(stored, undefined);
    this.#database.remove(stored);
  }

  /** Does the slowest part of putting a row, ahead of the transaction that every other process waits for. */
  prepare(hash: RowHash, key: K, value: V): PreparedRow {
    const stored = this.#keys.encode(key);
    const encoded = this.#encoded(key, value);
    return new PreparedRow(stored, this.#database.encoder.encode(encoded), rowSum(hash, stored, encoded));
  }

  /** Rows in order of the stored keys. @throws CairnError `ERR_DAMAGED`, from the iteration, too */
  *entries(range: Range<K> = {}): Generator<{ key: K; value: V }> {
    for (const { key, value } of this.#rows(this.#storedRange(range))) {
      yield { key: this.#keys.decode(key), value: this.#decoded(value) as V };
    }
  }

  *values(range: Range<K> = {}): Generator<V> {
    for (const { value } of this.#rows(this.#storedRange(range))) yield this.#decoded(value) as V;
  }

  *keys(range: Range<K> = {}): Generator<K> {
    const keys = this.#read(() => this.#database.getKeys(this.#storedRange(range)));
    for (const key of this.#iterate(keys)) yield this.#keys.decode(key);
  }

  /** The number of rows, which the database keeps. */
  get size(): number {
    return this.#read(() => this.#database.getStats().entryCount);
  }

  count(): number {
    return this.#read(() => this.#database.getKeysCount());
  }

  /** Finds a table that was missing, if another process has made it meanwhile. Reads of a snapshot do not look. */
  find(): void {
    this.#read(() => this.#database.find?.());
  }

  /** Every row of one moment, each also looked up by its key. */
  *scan(hash: RowHash, transaction: Snapshot): Generator<ScannedRow<K>> {
    for (const { key, value } of this.#rows({ transaction })) {
      const isFound = this.#read(() => this.#database.doesExist(key, undefined, { transaction }));
      yield { key: this.#keys.decode(key), value: () => this.#decoded(value), sum: rowSum(hash, key, value), isFound };
    }
  }

  /** The sum of the table's rows now. @param isCounted whether a key's row is part of the sum */
  sum(hash: RowHash, isCounted: (key: K) => boolean): number {
    let sum = 0;
    for (const { key, value } of this.#rows({})) {
      if (isCounted(this.#keys.decode(key))) sum = (sum + rowSum(hash, key, value)) >>> 0;
    }
    return sum;
  }

  /** A value as it was at one moment. */
  getAt(key: K, transaction: Snapshot): V | undefined {
    return this.#decoded(this.#read(() => this.#database.get(this.#stored(key), { transaction })));
  }

  #stored(at: K | PreparedRow): StoredKey {
    if (at instanceof PreparedRow) return at.stored;
    if (this.#lastStored !== undefined && this.#lastKey === at) return this.#lastStored;
    this.#lastKey = at;
    this.#lastStored = this.#keys.encode(at);
    return this.#lastStored;
  }

  #encoded(key: K, value: V): unknown {
    return this.#values === undefined ? value : this.#values.encode(value, key);
  }

  #decoded(stored: unknown): V | undefined {
    return this.#values === undefined || stored === undefined ? (stored as V | undefined) : this.#values.decode(stored);
  }

  #change(stored: StoredKey, after: unknown): void {
    this.#sums?.change(this.name, stored, () => this.#read(() => this.#database.get(stored)), after);
  }

  #storedRange({ start, end, ...rest }: Range<K>): StoredRange {
    const range: StoredRange = rest;
    if (start !== undefined) range.start = this.#keys.encode(start);
    if (end !== undefined) range.end = this.#keys.encode(end);
    return range;
  }

  *#rows(range: StoredRange): Generator<{ key: StoredKey; value: unknown }> {
    yield* this.#iterate(this.#read(() => this.#database.getRange(range)));
  }

  *#iterate<T>(rows: Iterable<T>): Generator<T> {
    const iterator = this.#read(() => rows[Symbol.iterator]());
    try {
      for (let next = this.#read(() => iterator.next()); next.done !== true; next = this.#read(() => iterator.next())) {
        yield next.value;
      }
    } finally {
      iterator.return?.();
    }
  }

  #read<T>(read: () => T): T {
    return guarded(this.#path, read);
  }
}
