/**
 * The table behind the contents of one import: which objects they are, and where. An index that is lost is made anew
 * from the tables, without reading a content.
 *
 * ```
 * <rows, see `rows.ts`> … <zeros> <footer>
 * footer: <magic, 8> <version, 4> <rows, 4> <offset of the table, 8> <begin of the contents, 8>
 *         <durable end, 8> <sha256, 32>
 * ```
 *
 * The footer lies at the end of a block. So the durable end of a pack always has a footer before it, and behind a torn
 * write the last table is found by looking at the end of each block. The sha256 is of the pack's salt, of rows and
 * footer: a content that looks like a table is none, even where a torn write left it at the end. A table says how
 * far the pack was durable when its import began: contents behind the last such place must be hashed before anybody
 * believes in them.
 */
import { createHash } from 'node:crypto';
import { BLOCK, roundUp } from '../../core/extent.js';
import { type PackedContent, type PackRows, ROW_BYTES, readRows } from './rows.js';

const MAGIC = 'cairntab';
const VERSION = 1;
const DIGEST_BYTES = 32;
export const FOOTER_BYTES = 72;

/** What the footer of a table says. */
export interface TableFooter {
  rows: number;
  /** Where the table begins in its pack. */
  offset: number;
  /** Where the contents of this import begin: at the end of another table, or of the first block. */
  before: number;
  /** Up to here the pack was known to be on disk. */
  durable: number;
}

export type NewTable = Omit<TableFooter, 'rows'> & { salt: Uint8Array };

/** A table as it goes to the pack: whole blocks. */
export function encodeTable(rows: PackRows, footer: NewTable): Buffer {
  const { offset, before, durable, salt } = footer;
  const table = Buffer.alloc(roundUp(rows.count * ROW_BYTES + FOOTER_BYTES, BLOCK));
  let at = 0;
  for (const piece of rows.pieces) at += piece.copy(table, at);
  at = table.length - FOOTER_BYTES;
  at += table.write(MAGIC, at, 'latin1');
  at = table.writeUInt32LE(VERSION, at);
  at = table.writeUInt32LE(rows.count, at);
  at = table.writeBigUInt64LE(BigInt(offset), at);
  at = table.writeBigUInt64LE(BigInt(before), at);
  at = table.writeBigUInt64LE(BigInt(durable), at);
  digestOf(table, salt).copy(table, at);
  return table;
}

/** The sha256 of a table without the place of the sha256 itself. */
function digestOf(table: Buffer, salt: Uint8Array): Buffer {
  return createHash('sha256')
    .update(salt)
    .update(table.subarray(0, table.length - DIGEST_BYTES))
    .digest();
}

/**
 * Reads the footer at the end of a block.
 * @param end of the block in its pack
 * @returns `undefined` for a block without a footer, and for a footer that cannot stand there
 */
export function readFooter(block: Buffer, end: number): TableFooter | undefined {
  const footer = block.subarray(-FOOTER_BYTES);
  if (footer.length < FOOTER_BYTES || footer.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  if (footer.readUInt32LE(8) !== VERSION) return undefined;
  const rows = footer.readUInt32LE(12);
  const offset = Number(footer.readBigUInt64LE(16));
  const before = Number(footer.readBigUInt64LE(24));
  const durable = Number(footer.readBigUInt64LE(32));
  const fits = offset + roundUp(rows * ROW_BYTES + FOOTER_BYTES, BLOCK) === end;
  if (!fits || before < BLOCK || before % BLOCK !== 0 || before > offset) return undefined;
  return { rows, offset, before, durable };
}

/**
 * Reads a table.
 * @param table from its offset to the end of its footer
 * @param salt of its pack
 * @returns its contents, in rising order; `undefined` for a table whose sha256 is another, or whose contents overlap or
 *   lie elsewhere than between the table before and this one
 */
export function readTable(
  table: Buffer,
  { rows, offset, before }: TableFooter,
  salt: Uint8Array,
): PackedContent[] | undefined {
  if (!digestOf(table, salt).equals(table.subarray(-DIGEST_BYTES))) return undefined;
  const contents = [...readRows(table.subarray(0, rows * ROW_BYTES))];
  contents.sort((a, b) => a.offset - b.offset);
  let end = before;
  for (const content of contents) {
    if (content.offset < end) return undefined;
    end = content.offset + content.size;
  }
  return end <= offset ? contents : undefined;
}
