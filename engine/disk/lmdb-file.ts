/**
 * Reads rows of an LMDB file without LMDB, for threads that may be stopped at any moment: a thread that is stopped
 * while it loads a native package takes the whole process down.
 *
 * A page begins with its number (8 bytes), a transaction (8), padding (2), flags (2) and the bounds of its free space
 * (2 + 2), which count from the end of this header. Pages 0 and 1 are meta pages: the one with the later transaction is
 * the root of everything. Commits write new pages, never those of a snapshot that somebody holds.
 */
import * as fs from 'node:fs';
import { CairnError } from '../core/errors.js';

export const PAGE = { flags: 18, lower: 20, upper: 22, header: 24 } as const;
export const FLAG = { branch: 0x01, leaf: 0x02, overflow: 0x04, meta: 0x08 } as const;
/** Of an entry: its header's bytes, and the offset of the length of its key. */
export const NODE = { header: 8, keyLength: 6 } as const;
export const NODE_FLAG = { big: 0x01, tree: 0x02 } as const;
/** Offsets from the beginning of a meta page. */
export const META = {
  magic: 24,
  version: 28,
  pageSize: 48,
  free: 48,
  main: 96,
  lastPage: 144,
  transaction: 152,
  end: 168,
} as const;
/** In a tree's record: the offset of its root page's number, and the record's length in bytes. */
export const TREE = { root: 40, bytes: 48 } as const;
export const NO_PAGE = 0xffff_ffff_ffff_ffffn;

/** Pages kept in memory. The pages that many look-ups share are few. */
const KEPT_PAGES = 1024;
/** No tree is that deep. */
const DEEPEST = 64;

/** One tree of pages, as committed when it was opened. The caller has somebody hold a snapshot that is not younger. */
export class LmdbFile {
  readonly #path: string;
  readonly #fd: number;
  readonly #pages = new Map<number, Buffer>();
  readonly #roots = new Map<string, number | undefined>();
  #pageSize = 0;
  #transaction = -1n;
  #main = 0n;

  /** @param path of the file */
  constructor(path: string) {
    this.#path = path;
    this.#fd = fs.openSync(path, 'r');
  }

  isAt(path: string): boolean {
    const [one, other] = [fs.fstatSync(this.#fd), fs.statSync(path)];
    return one.ino === other.ino && one.dev === other.dev;
  }

  close(): void {
    fs.closeSync(this.#fd);
  }

  /** Goes on to what is committed now. */
  refresh(): void {
    const [first, second] = [this.#meta(0), this.#meta(1)];
    const newest = second.transaction > first.transaction ? second : first;
    if (newest.transaction === this.#transaction) return;
    this.#transaction = newest.transaction;
    this.#main = newest.main;
    this.#pages.clear();
    this.#roots.clear();
  }

  #meta(number: number): { transaction: bigint; main: bigint } {
    const page = Buffer.allocUnsafe(META.end);
    if (fs.readSync(this.#fd, page, 0, page.length, number * this.#pageSize) < page.length) throw this.#damaged(number);
    this.#pageSize = page.readUInt32LE(META.pageSize);
    return {
      transaction: page.readBigUInt64LE(META.transaction),
      main: page.readBigUInt64LE(META.main + TREE.root),
    };
  }

  /** @returns the value as it is stored; `undefined` where no row has the key. @throws CairnError `ERR_DAMAGED` */
  get(table: string, key: Buffer): Buffer | undefined {
    if (!this.#roots.has(table)) this.#roots.set(table, this.#rootOf(table));
    const root = this.#roots.get(table);
    return root === undefined ? undefined : this.#find(root, key)?.value;
  }

  #rootOf(table: string): number | undefined {
    if (this.#main === NO_PAGE) return undefined;
    const found = this.#find(Number(this.#main), Buffer.from(`${table}\0`));
    if (found === undefined) return undefined;
    if ((found.flags & NODE_FLAG.tree) === 0 || found.value.length !== TREE.bytes)
      throw this.#damaged(Number(this.#main));
    const root = found.value.readBigUInt64LE(TREE.root);
    return root === NO_PAGE ? undefined : Number(root);
  }

  #find(root: number, key: Buffer): { value: Buffer; flags: number } | undefined {
    let number = root;
    for (let depth = 0; depth < DEEPEST; depth++) {
      const page = this.#page(number);
      const isLeaf = (page.readUInt16LE(PAGE.flags) & FLAG.leaf) !== 0;
      const { at, isEqual } = this.#search(number, page, key, isLeaf);
      if (isLeaf) return isEqual ? this.#valueOf(number, page, at) : undefined;
      number = page.readUInt32LE(at) + page.readUInt16LE(at + 4) * 2 ** 32;
    }
    throw this.#damaged(root);
  }

  /** The last entry whose key is not above this one. A branch's first entry has no key, and is below all. */
  #search(number: number, page: Buffer, key: Buffer, isLeaf: boolean): { at: number; isEqual: boolean } {
    let low = isLeaf ? 0 : 1;
    let high = page.readUInt16LE(PAGE.lower) / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = this.#entry(number, page, middle);
      const from = at + NODE.header;
      const order = key.compare(page, from, from + page.readUInt16LE(at + NODE.keyLength));
      if (order === 0) return { at, isEqual: true };
      if (order > 0) low = middle + 1;
      else high = middle;
    }
    return { at: low === 0 ? 0 : this.#entry(number, page, low - 1), isEqual: false };
  }

  #entry(number: number, page: Buffer, index: number): number {
    const at = PAGE.header + page.readUInt16LE(PAGE.header + 2 * index);
    const key = at + NODE.header;
    if (key > page.length || key + page.readUInt16LE(at + NODE.keyLength) > page.length) throw this.#damaged(number);
    return at;
  }

  #valueOf(number: number, page: Buffer, at: number): { value: Buffer; flags: number } {
    const length = page.readUInt32LE(at);
    const flags = page.readUInt16LE(at + 4);
    const from = at + NODE.header + page.readUInt16LE(at + NODE.keyLength);
    // Rows that are asked for are short. A long value would lie on pages of its own.
    if ((flags & NODE_FLAG.big) !== 0 || from + length > page.length) throw this.#damaged(number);
    return { value: page.subarray(from, from + length), flags };
  }

  #page(number: number): Buffer {
    const known = this.#pages.get(number);
    if (known !== undefined) return known;
    const page = Buffer.allocUnsafeSlow(this.#pageSize);
    const read = fs.readSync(this.#fd, page, 0, page.length, number * this.#pageSize);
    const flags = page.readUInt16LE(PAGE.flags) & (FLAG.branch | FLAG.leaf);
    const isWhole = read === page.length && page.readBigUInt64LE(0) === BigInt(number);
    const isPage = isWhole && (flags === FLAG.branch || flags === FLAG.leaf);
    if (!isPage || PAGE.header + page.readUInt16LE(PAGE.lower) > page.length) throw this.#damaged(number);
    if (this.#pages.size >= KEPT_PAGES) this.#pages.clear();
    this.#pages.set(number, page);
    return page;
  }

  #damaged(number: number): CairnError {
    return new CairnError('ERR_DAMAGED', `the index cannot be read: page ${number} is not what it is used as`, {
      path: this.#path,
    });
  }
}
