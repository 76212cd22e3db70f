/**
 * Checks LMDB's file before LMDB opens it. LMDB trusts its pages. It reports some damage, crashes the whole process on
 * other damage, and takes a damaged meta page for an empty store. The checks ask only for what every intact file has.
 *
 * One tree lists the free pages. A page listed there that is in use would be written over.
 */
import * as fs from 'node:fs';
import {
  bytesInPage,
  FLAG,
  META,
  META_MAGIC,
  META_VERSION,
  NO_PAGE,
  NODE,
  NODE_FLAG,
  nodesOf,
  PAGE,
  TREE,
} from '../disk/lmdb-page.js';

/** Most looks at the file. Others' commits may free and reuse pages during a look, which is then repeated. */
const ATTEMPTS = 5;

/**
 * @param path the data file
 * @param thorough looks at every page in use, not only at the first page of each tree
 * @returns what is wrong with the file
 */
export function faultOfPages(path: string, thorough: boolean): string | undefined {
  const fd = fs.openSync(path, 'r');
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const file = new PageFile(fd);
      const before = file.newest();
      if (typeof before === 'string') return before;
      const fault = file.faultBelow(before, thorough);
      const after = file.newest();
      if (fault === undefined || (typeof after !== 'string' && after.transaction === before.transaction)) return fault;
    }
    return undefined;
  } finally {
    fs.closeSync(fd);
  }
}

/** The number of the last commit, or what is wrong with the file. */
export function newestTransaction(path: string): bigint | string {
  const fd = fs.openSync(path, 'r');
  try {
    const newest = new PageFile(fd).newest();
    return typeof newest === 'string' ? newest : newest.transaction;
  } finally {
    fs.closeSync(fd);
  }
}

interface Meta {
  transaction: bigint;
  lastPage: bigint;
  free: bigint;
  main: bigint;
}

/** How one tree of pages is looked at. */
interface Walk {
  /** Pages found in use so far, by any tree. */
  seen: Set<bigint>;
  /** Look at all pages, or only at the first. The tree of trees is always read whole. */
  isWhole: boolean;
  ofTrees?: boolean;
  /** Takes the pages that the tree lists, if the tree is the list of free pages. */
  unused?: bigint[] | undefined;
}

class PageFile {
  readonly #fd: number;
  readonly #bytes: number;
  #pageSize = 0;

  constructor(fd: number) {
    this.#fd = fd;
    this.#bytes = fs.fstatSync(fd).size;
  }

  /** The meta page with the later transaction, or what is wrong with one of the two. */
  newest(): Meta | string {
    if (this.#bytes === 0) return 'it is empty';
    const metas: Meta[] = [];
    for (const number of [0, 1]) {
      const page = this.#read(number * this.#pageSize, META.end);
      if (page === undefined) return 'it is cut short';
      if (page.readUInt32LE(META.magic) !== META_MAGIC || (page.readUInt16LE(PAGE.flags) & FLAG.meta) === 0)
        return `meta page ${number} is none`;
      if ((page.readUInt32LE(META.version) & 0xffff) !== META_VERSION)
        return `meta page ${number} is of another version`;
      const pageSize = page.readUInt32LE(META.pageSize);
      const isSize = pageSize >= 256 && pageSize <= 65536 && (pageSize & (pageSize - 1)) === 0;
      if (!isSize || (number === 1 && pageSize !== this.#pageSize)) return `meta page ${number} has no size of pages`;
      this.#pageSize = pageSize;
      metas.push({
        transaction: page.readBigUInt64LE(META.transaction),
        lastPage: page.readBigUInt64LE(META.lastPage),
        free: page.readBigUInt64LE(META.free + TREE.root),
        main: page.readBigUInt64LE(META.main + TREE.root),
      });
    }
    const [first, second] = metas as [Meta, Meta];
    return second.transaction > first.transaction ? second : first;
  }

  faultBelow({ free, main, lastPage }: Meta, thorough: boolean): string | undefined {
    // The file may lack its last pages while nothing uses them. Only a look at all used pages tells.
    const isShort = (lastPage + 1n) * BigInt(this.#pageSize) > BigInt(this.#bytes);
    const seen = new Set<bigint>();
    const isWhole = thorough || isShort;
    const unused: bigint[] = [];
    return (
      this.#faultOfTree(free, { seen, isWhole, unused }) ??
      this.#faultOfTree(main, { seen, isWhole, ofTrees: true }) ??
      faultOfUnused(unused, seen, lastPage)
    );
  }

  #faultOfTree(root: bigint, walk: Walk): string | undefined {
    const open = root === NO_PAGE ? [] : [root];
    for (let number = open.pop(); number !== undefined; number = open.pop()) {
      if (walk.seen.has(number)) return `page ${number} is used twice`;
      walk.seen.add(number);
      const page = this.#page(number);
      if (page === undefined) return `page ${number} lies beyond its end`;
      const nodes = nodesOf(page, number);
      if (typeof nodes === 'string') return nodes;
      if (!walk.isWhole && walk.ofTrees !== true) continue;
      const isBranch = (page.readUInt16LE(PAGE.flags) & FLAG.branch) !== 0;
      for (const at of nodes) {
        if (isBranch) {
          open.push(BigInt(page.readUInt32LE(at)) + (BigInt(page.readUInt16LE(at + 4)) << 32n));
          continue;
        }
        const fault = this.#faultOfLeaf(page, number, at, walk);
        if (fault !== undefined) return fault;
      }
    }
    return undefined;
  }

  #faultOfLeaf(page: Buffer, number: bigint, at: number, walk: Walk): string | undefined {
    const { seen, isWhole, unused } = walk;
    const flags = page.readUInt16LE(at + 4);
    const data = at + NODE.header + page.readUInt16LE(at + NODE.keyLength);
    const isBig = (flags & NODE_FLAG.big) !== 0;
    const isTree = (flags & NODE_FLAG.tree) !== 0;
    const bytes = bytesInPage(page, at);
    if (data + bytes > page.length || (isTree && bytes !== TREE.bytes))
      return `page ${number} has an entry that does not fit`;
    if (isTree) return this.#faultOfTree(page.readBigUInt64LE(data + TREE.root), { seen, isWhole });
    if (!isWhole) return undefined;
    const length = page.readUInt32LE(at);
    const first = isBig ? page.readBigUInt64LE(data) : undefined;
    const fault = first === undefined ? undefined : this.#faultOfOverflow(first, length, seen);
    if (fault !== undefined || unused === undefined) return fault;
    const list = first === undefined ? page.subarray(data, data + length) : this.#longValue(first, length);
    return list === undefined || !readList(list, unused, BigInt(Math.ceil(this.#bytes / this.#pageSize)))
      ? `page ${number} has a list of free pages that is none`
      : undefined;
  }

  /** A long value lies on pages of its own. Only the first of them has a header. */
  #faultOfOverflow(number: bigint, length: number, seen: Set<bigint>): string | undefined {
    const page = this.#page(number);
    if (page === undefined) return `page ${number} lies beyond its end`;
    if (page.readBigUInt64LE(0) !== number || (page.readUInt16LE(PAGE.flags) & FLAG.overflow) === 0)
      return `page ${number} is not what it is used as`;
    const pages = page.readUInt32LE(20);
    const end = (number + BigInt(pages)) * BigInt(this.#pageSize);
    if (end > BigInt(this.#bytes)) return `page ${number} lies beyond its end`;
    // There may be more pages than the value needs: a value that gets shorter keeps its pages.
    if (pages < Math.ceil((PAGE.header + length) / this.#pageSize))
      return `page ${number} is not as long as what it holds`;
    for (let i = 0n; i < BigInt(pages); i++) seen.add(number + i);
    return undefined;
  }

  #longValue(number: bigint, length: number): Buffer | undefined {
    return this.#read(Number(number) * this.#pageSize + PAGE.header, length);
  }

  #page(number: bigint): Buffer | undefined {
    const at = number * BigInt(this.#pageSize);
    return at > BigInt(this.#bytes) ? undefined : this.#read(Number(at), this.#pageSize);
  }

  #read(at: number, length: number): Buffer | undefined {
    const buffer = Buffer.allocUnsafe(length);
    return fs.readSync(this.#fd, buffer, 0, length, at) === length ? buffer : undefined;
  }
}

/**
 * Adds the pages that a list of free pages names. The list begins with the count of the numbers that follow. A number
 * below zero gives the length of a run of pages, and the next number is the run's first page. Zero is a gap.
 * @param most the longest possible run
 * @returns whether the bytes are such a list
 */
function readList(list: Buffer, unused: bigint[], most: bigint): boolean {
  if (list.length < 8 || list.length % 8 !== 0) return false;
  const end = 8n + list.readBigUInt64LE(0) * 8n;
  if (end > BigInt(list.length)) return false;
  for (let at = 8; at < end; at += 8) {
    const entry = list.readBigInt64LE(at);
    if (entry > 0n) unused.push(entry);
    if (entry >= 0n) continue;
    at += 8;
    if (at >= end || -entry > most) return false;
    const first = list.readBigInt64LE(at);
    for (let i = 0n; i < -entry; i++) unused.push(first + i);
  }
  return true;
}

function faultOfUnused(unused: readonly bigint[], used: ReadonlySet<bigint>, lastPage: bigint): string | undefined {
  for (const page of unused) {
    if (page < 2n || page > lastPage) return `page ${page} is said to be free and is not there`;
    if (used.has(page)) return `page ${page} is said to be free and is in use`;
  }
  return undefined;
}
