/**
 * Checksums of the index's tables. LMDB keeps none: bytes of an entry that turned into others are read as if they had been written.
 * Every row, key and value, is hashed, and a table's sum is that of the hashes of its rows; so a change costs what it changes,
 * and the order of rows does not matter. The sums are committed together with what they are of.
 */
import type { Database, Key as LmdbKey } from 'lmdb';
import { asBinary } from './lmdb.js';

/** Table → sum, modulo 2^32. */
export type TableSums = Readonly<Record<string, number>>;

/** A table with its name. */
export type Table = readonly [name: string, table: Database<unknown, LmdbKey>];

/** 32 bits of a text's hash. */
export type TextHash = (text: string) => number;

/** The key, in the table `meta`, of the sums themselves, which are not part of any. */
export const SUMS_KEY = 'sums';

/** The hash of one row as the database gives it. */
export function rowSum(hash: TextHash, key: LmdbKey, value: unknown): number {
  return hash(`${keyText(key)}\0${valueText(value)}`);
}

/** A value as its table stores it and its row's sum, both made before the transaction that puts it. */
export class ReadyRow {
  constructor(
    readonly sum: number,
    readonly encoded: Buffer,
  ) {}
}

/** @returns what `put` of the same table takes in place of the value */
export function readyRow<V, K extends LmdbKey>(table: Database<V, K>, hash: TextHash, key: K, value: V): ReadyRow {
  // The package's types leave it out.
  const { encoder } = table as unknown as { encoder: { encode: (value: V) => Buffer } };
  return new ReadyRow(rowSum(hash, key, value), encoder.encode(value));
}

function valueText(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    // No row holds an integer of 64 bits, which JSON has no way to write; a damaged one can.
    return JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
  }
}

function keyText(key: LmdbKey): string {
  if (Buffer.isBuffer(key)) return key.toString('latin1');
  return Array.isArray(key) ? key.join('\0') : String(key);
}

/** The sums of an index that has none yet, of what it holds in the transaction under way. */
export function sumUp(tables: readonly Table[], hash: TextHash): TableSums {
  return Object.fromEntries(
    tables.map(([name, table]) => {
      let sum = 0;
      for (const { key, value } of table.getRange()) if (key !== SUMS_KEY) sum = (sum + rowSum(hash, key, value)) >>> 0;
      return [name, sum];
    }),
  );
}

/** What one transaction makes of the sums. */
export class SumKeeper {
  readonly #known: (hash: TextHash) => TableSums;
  #hash: TextHash | undefined;
  #sums: Map<string, number> | undefined;
  /** What was looked for last in this transaction, if it was not there: that is what is mostly done before something is put. */
  readonly #absent: { table: string; key: LmdbKey | undefined } = { table: '', key: undefined };

  /** @param known what they are before the first change of a transaction */
  constructor(known: (hash: TextHash) => TableSums) {
    this.#known = known;
  }

  /** A transaction begins. */
  begin(hash: TextHash): void {
    this.#hash = hash;
    this.#sums = undefined;
    this.#absent.key = undefined;
  }

  /** What follows is no change that counts. @returns the new sums, if the transaction has changed anything */
  end(): TableSums | undefined {
    this.#hash = undefined;
    return this.#sums && Object.fromEntries(this.#sums);
  }

  #change(table: string, key: LmdbKey, before: unknown, after: unknown): void {
    const hash = this.#hash;
    if (hash === undefined) throw new Error('the index is only changed in a commit');
    this.#sums ??= new Map(Object.entries(this.#known(hash)));
    let sum = this.#sums.get(table) ?? 0;
    if (before !== undefined) sum -= rowSum(hash, key, before);
    if (after !== undefined) sum += after instanceof ReadyRow ? after.sum : rowSum(hash, key, after);
    this.#sums.set(table, sum >>> 0);
  }

  /** Makes changes of a table count. @returns the same table */
  keep<V, K extends LmdbKey>(name: string, table: Database<V, K>): Database<V, K> {
    const get = table.get.bind(table) as (key: K, options?: object) => V | undefined;
    const put = table.put.bind(table) as (key: K, value: unknown) => Promise<boolean>;
    const remove = table.remove.bind(table) as (key: K) => Promise<boolean>;
    table.get = ((key: K, options?: object) => {
      const value = get(key, options);
      this.#absent.table = name;
      // The same buffer, not an equal one.
      this.#absent.key = value === undefined && Buffer.isBuffer(key) ? key : undefined;
      return value;
    }) as typeof table.get;
    table.put = ((key: K, value: V | ReadyRow) => {
      const isAbsent = this.#absent.key === key && this.#absent.table === name;
      this.#absent.key = undefined;
      if (key !== SUMS_KEY) this.#change(name, key, isAbsent ? undefined : get(key), value);
      return put(key, value instanceof ReadyRow ? asBinary(value.encoded) : value);
    }) as typeof table.put;
    table.remove = ((key: K) => {
      this.#absent.key = undefined;
      this.#change(name, key, get(key), undefined);
      return remove(key);
    }) as typeof table.remove;
    return table;
  }
}
