/**
 * Reads rows of an LMDB file without LMDB, for threads that may be stopped at any moment: a thread that is stopped
 * while it loads a native package takes the whole process down.
 *
 * Commits write new pages, never those of a snapshot that somebody holds.
 */
import * as fs from 'node:fs';
import { CairnError } from '../core/errors.js';
import { FLAG, META, META_MAGIC, META_VERSION, NO_PAGE, NODE, NODE_FLAG, nodesOf, PAGE, TREE } from './lmdb-page.js';

/** Pages kept in memory. The pages that many look-ups share are few. */
const KEPT_PAGES = 1024;
/** No tree is that deep. */
const DEEPEST = 64;
/** LMDB's own bounds of a page's size. */
const SMALLEST_PAGE = 256;
const LARGEST_PAGE = 65536;

/** Most readings of meta pages that others write meanwhile. */
const ATTEMPTS = 100;

interface Meta {
  pageSize: number;
  transaction: bigint;
  main: bigint;
}

interface Page {
  bytes: Buffer;
  isLeaf: boolean;
  /** Offsets of the entries, in the order of their keys. There is at least one. */
  entries: number[];
}

/** One tree of pages, as committed when it was opened. The caller has somebody hold a snapshot that is not younger. */
export class LmdbFile {
  readonly #path: string;
  readonly #fd: number;
  readonly #pages = new Map<number, Page>();
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
    const newest = this.#newest();
    if (newest.transaction === this.#transaction) return;
    this.#transaction = newest.transaction;
    this.#main = newest.main;
    this.#pages.clear();
    this.#roots.clear();
  }

  /** A meta page that is being written may be read in part: what is read twice alike is whole. */
  #newest(): Meta {
    let last = this.#newestOnce();
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const again = this.#newestOnce();
      if (again.transaction === last.transaction && again.main === last.main) return again;
      last = again;
    }
    throw this.#damaged(0);
  }

  #newestOnce(): Meta {
    const first = this.#meta(0, 0);
    const second = this.#meta(1, first.pageSize);
    if (first.pageSize !== second.pageSize) throw this.#damaged(1);
    this.#pageSize = first.pageSize;
    return second.transaction > first.transaction ? second : first;
  }

  #meta(number: number, offset: number): Meta {
    const page = Buffer.allocUnsafe(META.end);
    const isWhole = fs.readSync(this.#fd, page, 0, page.length, offset) === page.length;
    const pageSize = page.readUInt32LE(META.pageSize);
    const isSize = pageSize >= SMALLEST_PAGE && pageSize <= LARGEST_PAGE && (pageSize & (pageSize - 1)) === 0;
    const isMeta =
      page.readBigUInt64LE(0) === BigInt(number) &&
      page.readUInt32LE(META.magic) === META_MAGIC &&
      (page.readUInt32LE(META.version) & 0xffff) === META_VERSION &&
      (page.readUInt16LE(PAGE.flags) & FLAG.meta) !== 0;
    if (!isWhole || !isMeta || !isSize) throw this.#damaged(number);
    return {
      pageSize,
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
      const { at, isEqual } = search(page, key);
      if (page.isLeaf) return isEqual ? this.#valueOf(number, page.bytes, at) : undefined;
      number = page.bytes.readUInt32LE(at) + page.bytes.readUInt16LE(at + 4) * 2 ** 32;
    }
    throw this.#damaged(root);
  }

  #valueOf(number: number, page: Buffer, at: number): { value: Buffer; flags: number } {
    const flags = page.readUInt16LE(at + 4);
    const from = at + NODE.header + page.readUInt16LE(at + NODE.keyLength);
    // Rows that are asked for are short. A long value would lie on pages of its own.
    if ((flags & NODE_FLAG.big) !== 0) throw this.#damaged(number);
    return { value: page.subarray(from, from + page.readUInt32LE(at)), flags };
  }

  #page(number: number): Page {
    const known = this.#pages.get(number);
    if (known !== undefined) return known;
    const bytes = Buffer.allocUnsafeSlow(this.#pageSize);
    const offset = number * this.#pageSize;
    const isRead = Number.isSafeInteger(offset) && fs.readSync(this.#fd, bytes, 0, bytes.length, offset);
    const entries = isRead === bytes.length ? nodesOf(bytes, BigInt(number)) : '';
    if (typeof entries === 'string' || entries.length === 0) throw this.#damaged(number);
    // A later commit's page is where the one that was meant was. Nobody held the snapshot, or the file is damaged.
    if (bytes.readBigUInt64LE(PAGE.transaction) > this.#transaction) throw this.#damaged(number);
    const page = { bytes, entries, isLeaf: (bytes.readUInt16LE(PAGE.flags) & FLAG.leaf) !== 0 };
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

/** The last entry whose key is not above this one. A branch's first entry has no key, and is below all. */
function search({ bytes, isLeaf, entries }: Page, key: Buffer): { at: number; isEqual: boolean } {
  let low = isLeaf ? 0 : 1;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = entries[middle] as number;
    const from = at + NODE.header;
    const order = key.compare(bytes, from, from + bytes.readUInt16LE(at + NODE.keyLength));
    if (order === 0) return { at, isEqual: true };
    if (order > 0) low = middle + 1;
    else high = middle;
  }
  return { at: entries[Math.max(0, low - 1)] as number, isEqual: false };
}
