/** Reads the tables of a pack, the last first. Reads no content. */
import * as fs from 'node:fs';
import { BLOCK, roundDown } from '../../core/extent.js';
import { type PackedContent, readFooter, readTable, type TableFooter } from './table.js';

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

/**
 * The segments of an open pack, the last first.
 * @param end of the last segment
 * @returns the position before which no table could be read: the end of the first block, if all could
 */
export function* readSegments(fd: number, end: number): Generator<Segment, number> {
  let at = end;
  while (at > BLOCK) {
    const segment = segmentBefore(fd, at);
    if (segment === undefined) return at;
    yield segment;
    at = segment.begin;
  }
  return BLOCK;
}

/** The segment whose table ends there; `undefined` where no table does, or one that is not what it was. */
function segmentBefore(fd: number, end: number): Segment | undefined {
  const block = readBytes(fd, end - BLOCK, BLOCK);
  const footer = block === undefined ? undefined : readFooter(block, end);
  const table = footer === undefined ? undefined : readBytes(fd, footer.offset, end - footer.offset);
  const contents = table === undefined ? undefined : readTable(table, footer as TableFooter);
  if (footer === undefined || contents === undefined) return undefined;
  return { begin: footer.before, table: footer.offset, end, durable: footer.durable, contents };
}

/** The end of the last table of a pack that may end in garbage; the end of the first block if there is none. */
export function lastTableEnd(fd: number): number {
  for (let end = roundDown(fs.fstatSync(fd).size, BLOCK); end > BLOCK; end -= BLOCK) {
    if (segmentBefore(fd, end) !== undefined) return end;
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
