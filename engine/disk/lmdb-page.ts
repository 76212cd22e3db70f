/**
 * The pages of an LMDB file: where their parts lie, and which bytes are a page at all.
 *
 * A page begins with its number (8 bytes), a transaction (8), padding (2), flags (2) and the bounds of its free space
 * (2 + 2), which count from the end of this header. Pages 0 and 1 are meta pages: the one with the later transaction is
 * the root of everything.
 */

export const PAGE = { transaction: 8, flags: 18, lower: 20, upper: 22, header: 24 } as const;
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
/** What a meta page says that it is. */
export const META_MAGIC = 0xbeefc0de;
export const META_VERSION = 2;
/** The entry of a long value holds the first page's number, a transaction and the count of pages, 8 bytes each. */
const LONG_VALUE_BYTES = 24;

/** Offsets of the entries of a branch or leaf page, or what is wrong with the page. */
export function nodesOf(page: Buffer, number: bigint): number[] | string {
  const flags = page.readUInt16LE(PAGE.flags) & (FLAG.branch | FLAG.leaf | FLAG.overflow | FLAG.meta);
  if (page.readBigUInt64LE(0) !== number || (flags !== FLAG.branch && flags !== FLAG.leaf))
    return `page ${number} is not what it is used as`;
  const lower = page.readUInt16LE(PAGE.lower);
  const upper = page.readUInt16LE(PAGE.upper);
  if (lower > upper || PAGE.header + upper > page.length || lower % 2 !== 0)
    return `page ${number} has no sound bounds`;
  const nodes: number[] = [];
  let filled = 0;
  for (let i = 0; i < lower / 2; i++) {
    const at = PAGE.header + page.readUInt16LE(PAGE.header + 2 * i);
    if (
      at < PAGE.header + upper ||
      at + NODE.header > page.length ||
      at + NODE.header + page.readUInt16LE(at + NODE.keyLength) > page.length
    )
      return `page ${number} has an entry that does not fit`;
    nodes.push(at);
    const bytes =
      NODE.header + page.readUInt16LE(at + NODE.keyLength) + (flags === FLAG.leaf ? bytesInPage(page, at) : 0);
    filled += bytes + (bytes % 2);
  }
  // Entries lie side by side up to the page's end. A wrong length would otherwise show only when a change moves them.
  return PAGE.header + upper + filled === page.length ? nodes : `page ${number} has entries that do not fill it`;
}

/** Bytes of a leaf entry's value that lie in the page itself. */
export function bytesInPage(page: Buffer, at: number): number {
  return (page.readUInt16LE(at + 4) & NODE_FLAG.big) === 0 ? page.readUInt32LE(at) : LONG_VALUE_BYTES;
}
