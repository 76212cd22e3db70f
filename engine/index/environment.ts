/**
 * The part of LMDB's package that the index uses, in types of our own. The package's types would reach everyone who
 * uses an index. Another engine could stand behind our types.
 */

/** Keys as the database has them: bytes, or texts and lists of texts in its own order-keeping encoding. */
export type StoredKey = Buffer | string | readonly string[];

/** The index as committed at one moment. Later commits do not change it. */
export interface Snapshot {
  done(): void;
}

export interface ReadOptions {
  transaction?: Snapshot;
}

export interface StoredRange extends ReadOptions {
  start?: StoredKey;
  end?: StoredKey;
  inclusiveEnd?: boolean;
  limit?: number;
  reverse?: boolean;
}

export interface Database {
  get(key: StoredKey, options?: ReadOptions): unknown;
  doesExist(key: StoredKey, value?: unknown, options?: ReadOptions): boolean;
  put(key: StoredKey, value: unknown): unknown;
  remove(key: StoredKey): unknown;
  getRange(options?: StoredRange): Iterable<{ key: StoredKey; value: unknown }>;
  getKeys(options?: StoredRange): Iterable<StoredKey>;
  getKeysCount(): number;
  getStats(): { entryCount: number };
  /** Looks for a table that was missing when it was opened; absent in one that was not. */
  find?(): void;
  /** Missing in the package's own types. */
  encoder: { encode(value: unknown): Buffer };
}

export interface DatabaseOptions {
  name: string;
  keyEncoding?: 'binary';
}

export interface Environment {
  /** @returns `undefined` for a table that is not there, where nothing may be written */
  openDB(options: DatabaseOptions): Database | undefined;
  transactionSync<T>(work: () => T): T;
  /** Resolves when all commits so far are on disk. */
  readonly flushed: Promise<unknown>;
  useReadTransaction(): Snapshot;
  resetReadTxn(): void;
  /** Frees the places of readers that died. */
  readerCheck?(): void;
  readerList(): string;
  getStats(): { lastTxnId: number };
  backup(dir: string, compact: boolean): Promise<unknown>;
  close(): Promise<void>;
}

export interface EnvironmentOptions {
  path: string;
  readOnly: boolean;
  maxDbs: number;
  maxReaders: number;
  overlappingSync: boolean;
}
