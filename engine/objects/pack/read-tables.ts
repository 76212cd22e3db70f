/** Reads the tables of a pack, the last first. Reads no content. */
import * as fs from 'node:fs';
import { BLOCK, roundDown } from '../../core/extent.js';
import { type PackHead, readPackHead } from './format.js';
import type { PackedContent } from './rows.js';
import { readFooter, readTable, type TableFooter } from './table.js';

/** What one import appended: contents, then their table. */
export interface Segment {
  /** Where the contents begin. */
  begin: number;
  /** Where the table begins, and ends. */
  table: number;
  end: number;
  /** Up to here the pack was on disk when the import began. */
  durable: number;
  /** In rising order. */
  contents: PackedContent[];
}

/** A part of a pack that no table tells of, as its table is not what it was. */
export interface Untold {
  begin: number;
  end: number;
}

/**
 * The segments of an open pack, the last first. Where a table cannot be read, goes on with the last one before it.
 * @param end of the last segment
 * @returns what no table tells of
 */
export function* readSegments(fd: number, end: number): Generator<Segment, Untold[]> {
  const untold: Untold[] = [];
  const salt = saltOf(fd);
  for (let at = end; at > BLOCK; ) {
    const segment = salt === undefined ? undefined : segmentBefore(fd, at, salt);
    if (segment === undefined) {
      const begin = salt === undefined ? BLOCK : tableEndBefore(fd, at - BLOCK, salt);
      untold.push({ begin, end: at });
      at = begin;
      continue;
    }
    yield segment;
    at = segment.begin;
  }
  return untold;
}

/** What the first block of an open pack says; `undefined` where it is damaged. */
export function headOf(fd: number): PackHead | undefined {
  const block = readBytes(fd, 0, BLOCK);
  return block === undefined ? undefined : readPackHead(block);
}

function saltOf(fd: number): Buffer | undefined {
  return headOf(fd)?.salt;
}

/** The segment whose table ends there; `undefined` where no table does, or one that is not what it was. */
function segmentBefore(fd: number, end: number, salt: Buffer): Segment | undefined {
  const block = readBytes(fd, end - BLOCK, BLOCK);
  const footer = block === undefined ? undefined : readFooter(block, end);
  const table = footer === undefined ? undefined : readBytes(fd, footer.offset, end - footer.offset);
  const contents = table === undefined ? undefined : readTable(table, footer as TableFooter, salt);
  if (footer === undefined || contents === undefined) return undefined;
  return { begin: footer.before, table: footer.offset, end, durable: footer.durable, contents };
}

/** The end of the last table of a pack that may end in garbage; the end of the first block if there is none. */
export function lastTableEnd(fd: number): number {
  const salt = saltOf(fd);
  return salt === undefined ? BLOCK : tableEndBefore(fd, roundDown(fs.fstatSync(fd).size, BLOCK), salt);
}

function tableEndBefore(fd: number, last: number, salt: Buffer): number {
  for (let end = last; end > BLOCK; end -= BLOCK) {
    if (segmentBefore(fd, end, salt) !== undefined) return end;
  }
  return BLOCK;
}

function readBytes(fd: number, offset: number, length: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(length);
  let taken = 0;
  while (taken < length) {
    const more = fs.readSync(fd, bytes, taken, length - taken, offset + taken);
    if (more === 0) return undefined;
    taken += more;
  }
  return bytes;
}
