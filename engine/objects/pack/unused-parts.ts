/** Which parts of a pack nothing needs. Pure. */
import { BLOCK, extentOf } from '../../core/extent.js';
import type { Segment } from './read-tables.js';
import type { PackedContent } from './rows.js';

export interface DeadPart {
  offset: number;
  length: number;
}

/**
 * The parts of a segment that nothing needs. Between contents lies less than a block of padding; more was left by a
 * content that turned out to be known.
 */
export function* unusedParts(segment: Segment, isUsed: (content: PackedContent) => boolean): Generator<DeadPart> {
  let end = segment.begin;
  const gapBefore = (offset: number): DeadPart[] =>
    offset - end >= BLOCK ? [{ offset: end, length: offset - end }] : [];
  for (const content of segment.contents) {
    yield* gapBefore(content.offset);
    const length = extentOf(content.size);
    if (length > 0 && !isUsed(content)) yield { offset: content.offset, length };
    end = content.offset + length;
  }
  yield* gapBefore(segment.table);
}
