/**
 * Checksums of the index's tables. LMDB keeps none: it reads bytes of an entry that turned into others as if they had been written.
 * Every row, key and value, is hashed, and a table's sum is that of the hashes of its rows. So a change costs what it changes, and
 * the order of rows does not matter. The sums are committed together with what they are of.
 */
import type { StoredKey } from './environment.js';

/** Table → sum, modulo 2^32. */
export type TableSums = Readonly<Record<string, number>>;

/** 32 bits of a text's hash. */
export type TextHash = (text: string) => number;

/** The key, in the table `meta`, of the sums themselves, which are part of none. */
export const SUMS_KEY = 'sums';

/** The hash of one row. @param key as it is stored */
export function rowSum(hash: TextHash, key: StoredKey, value: unknown): number {
  return hash(`${keyText(key)}\0${valueText(value)}`);
}

/** A row that was made ready before the transaction that puts it: its key and value as they are stored, and its sum. */
export class PreparedRow<K> {
  constructor(
    readonly key: K,
    readonly stored: StoredKey,
    readonly encoded: Buffer,
    readonly sum: number,
  ) {}
}

function valueText(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    // No row holds an integer of 64 bits, which JSON has no way to write; a damaged one can.
    return JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
  }
}

function keyText(key: StoredKey): string {
  if (Buffer.isBuffer(key)) return key.toString('latin1');
  return typeof key === 'string' ? key : key.join('\0');
}

/** What one transaction makes of the sums. */
export class SumKeeper {
  readonly #known: (hash: TextHash) => TableSums;
  #hash: TextHash | undefined;
  #sums: Map<string, number> | undefined;
  /** The key that was looked for last in this transaction, if nothing was there: the very same is mostly put next. */
  #absent: StoredKey | undefined;

  /** @param known what the sums are before the first change of a transaction */
  constructor(known: (hash: TextHash) => TableSums) {
    this.#known = known;
  }

  /** A transaction begins. */
  begin(hash: TextHash): void {
    this.#hash = hash;
    this.#sums = undefined;
    this.#absent = undefined;
  }

  /** What follows is no change that counts. @returns the new sums, if the transaction has changed anything */
  end(): TableSums | undefined {
    this.#hash = undefined;
    return this.#sums && Object.fromEntries(this.#sums);
  }

  /** @param key the very buffer that a change passes, not an equal one */
  noteRead(key: StoredKey, isThere: boolean): void {
    this.#absent = isThere || !Buffer.isBuffer(key) ? undefined : key;
  }

  /**
   * A row is about to change.
   * @param before reads the value that it has
   * @param after the new value, or a {@link PreparedRow}; `undefined` for none
   */
  change(table: string, key: StoredKey, before: () => unknown, after: unknown): void {
    const hash = this.#hash;
    if (hash === undefined) throw new Error('the index is only changed in a commit');
    const old = this.#absent === key ? undefined : before();
    this.#absent = undefined;
    this.#sums ??= new Map(Object.entries(this.#known(hash)));
    let sum = this.#sums.get(table) ?? 0;
    if (old !== undefined) sum -= rowSum(hash, key, old);
    if (after !== undefined) sum += after instanceof PreparedRow ? after.sum : rowSum(hash, key, after);
    this.#sums.set(table, sum >>> 0);
  }
}
