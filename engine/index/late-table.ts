/**
 * A table that an earlier version did not make. Who may write makes it. For a reader it has no rows, until another
 * process makes it.
 */
import type { Database, DatabaseOptions, Environment, ReadOptions, StoredKey, StoredRange } from './environment.js';

export function openTable(environment: Environment, options: DatabaseOptions): Database {
  return environment.openDB(options) ?? new LateTable(environment, options);
}

class LateTable implements Database {
  readonly #environment: Environment;
  readonly #options: DatabaseOptions;
  #found: Database | undefined;

  constructor(environment: Environment, options: DatabaseOptions) {
    this.#environment = environment;
    this.#options = options;
  }

  get #database(): Database | undefined {
    this.#found ??= this.#environment.openDB(this.#options);
    return this.#found;
  }

  find(): void {
    this.#found ??= this.#environment.openDB(this.#options);
  }

  get encoder(): Database['encoder'] {
    return this.#mine.encoder;
  }

  /** What a snapshot is read from: opening a table would end the snapshot. */
  #at(options: ReadOptions | undefined): Database | undefined {
    return options?.transaction === undefined ? this.#database : this.#found;
  }

  get(key: StoredKey, options?: ReadOptions): unknown {
    return this.#at(options)?.get(key, options);
  }

  doesExist(key: StoredKey, value?: unknown, options?: ReadOptions): boolean {
    return this.#at(options)?.doesExist(key, value, options) ?? false;
  }

  getRange(options?: StoredRange): Iterable<{ key: StoredKey; value: unknown }> {
    return this.#at(options)?.getRange(options) ?? [];
  }

  getKeys(options?: StoredRange): Iterable<StoredKey> {
    return this.#at(options)?.getKeys(options) ?? [];
  }

  getKeysCount(): number {
    return this.#database?.getKeysCount() ?? 0;
  }

  getStats(): { entryCount: number } {
    return this.#database?.getStats() ?? { entryCount: 0 };
  }

  put(key: StoredKey, value: unknown): unknown {
    return this.#mine.put(key, value);
  }

  remove(key: StoredKey): unknown {
    return this.#mine.remove(key);
  }

  /** Only writers ask for more than rows, and they have the table. */
  get #mine(): Database {
    if (this.#database === undefined) throw new Error('the index is open for reading only');
    return this.#database;
  }
}
