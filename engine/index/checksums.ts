/**
 * Checksums of the index's tables. LMDB keeps none: it reads an entry's changed bytes as if they had been written so.
 * Each row, key and value, is hashed, and a table's sum adds up the hashes of its rows. So the cost of a change depends
 * on the changed rows only, and the order of rows does not matter. The sums are committed together with the rows.
 */
import type { StoredKey } from './environment.js';

/** Table → sum, modulo 2^32. */
export type TableSums = Readonly<Record<string, number>>;

/** 32 bits of a hash. */
export type RowHash = (bytes: Uint8Array) => number;

/** The key of the sums in the table `meta`. The sums' own row is part of no sum. */
export const SUMS_KEY = 'sums';

/** The hash of one row: of its key and its value as JSON, in UTF-8, with a NUL between. @param key as it is stored */
export function rowSum(hash: RowHash, key: StoredKey, value: unknown): number {
  const text = valueText(value);
  const short = Buffer.isBuffer(key) ? shortRow(key, text) : undefined;
  return hash(short ?? Buffer.from(`${keyText(key)}\0${text}`));
}

const SHORT = 512;
const room = Buffer.allocUnsafe(SHORT);

/** What most rows are, put together by hand in a third of the time. @returns `undefined` for a row of another kind */
function shortRow(key: Buffer, text: string): Buffer | undefined {
  if (2 * key.length + 1 + text.length > SHORT) return undefined;
  let end = 0;
  for (let i = 0; i < key.length; i++) {
    const byte = key[i] as number;
    if (byte < 0x80) room[end++] = byte;
    else {
      room[end++] = 0xc0 | (byte >> 6);
      room[end++] = 0x80 | (byte & 0x3f);
    }
  }
  room[end++] = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return undefined;
    room[end++] = code;
  }
  return room.subarray(0, end);
}

/** A row prepared before the transaction that puts it: its key and value as they are stored, and its sum. */
export class PreparedRow {
  constructor(
    readonly stored: StoredKey,
    readonly encoded: Buffer,
    readonly sum: number,
  ) {}
}

function valueText(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    // JSON cannot write integers of 64 bits. No sound row holds one, but a damaged row may.
    return JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
  }
}

function keyText(key: StoredKey): string {
  if (Buffer.isBuffer(key)) return key.toString('latin1');
  return typeof key === 'string' ? key : key.join('\0');
}

/** Works out the sums that one transaction leads to. */
export class SumKeeper {
  readonly #known: (hash: RowHash) => TableSums;
  #hash: RowHash | undefined;
  #sums: Map<string, number> | undefined;
  /** The row looked up last in this transaction. The row changed next is mostly the same. */
  #read: { key: StoredKey; value: unknown } | undefined;

  /** @param known gives the sums as they are before the first change of a transaction */
  constructor(known: (hash: RowHash) => TableSums) {
    this.#known = known;
  }

  /** Begins a transaction. */
  begin(hash: RowHash): void {
    this.#hash = hash;
    this.#sums = undefined;
    this.#read = undefined;
  }

  /** Ends the counting of changes. @returns the new sums, if the transaction has changed anything */
  end(): TableSums | undefined {
    this.#hash = undefined;
    return this.#sums && Object.fromEntries(this.#sums);
  }

  /**
   * @param key the same buffer that a change will pass, not merely an equal one
   * @param value as it is stored, which nobody changes; `undefined` if there is no row
   */
  noteRead(key: StoredKey, value: unknown): void {
    this.#read = Buffer.isBuffer(key) ? { key, value } : undefined;
  }

  /**
   * Counts a change that a row is about to have.
   * @param before reads the row's present value
   * @param after the new value, or a {@link PreparedRow}; `undefined` for none
   */
  change(table: string, key: StoredKey, before: () => unknown, after: unknown): void {
    const hash = this.#hash;
    if (hash === undefined) throw new Error('the index is only changed in a commit');
    const old = this.#read?.key === key ? this.#read.value : before();
    this.#read = undefined;
    this.#sums ??= new Map(Object.entries(this.#known(hash)));
    let sum = this.#sums.get(table) ?? 0;
    if (old !== undefined) sum -= rowSum(hash, key, old);
    if (after !== undefined) sum += after instanceof PreparedRow ? after.sum : rowSum(hash, key, after);
    this.#sums.set(table, sum >>> 0);
  }
}
