/** Which part of some bytes a client asks for (RFC 9110, range requests). */

/** From `start` on, before `end`. */
export interface Range {
  start: number;
  end: number;
}

/**
 * @returns `undefined` for all bytes, as for several ranges, which are one more body than most clients bear;
 *   `unsatisfiable` for a range that has none of the bytes
 */
export function parseRange(header: string | undefined, size: number): Range | 'unsatisfiable' | undefined {
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header ?? '');
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const count = Math.min(Number(last), size);
    return count === 0 ? 'unsatisfiable' : { start: size - count, end: size };
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  return start >= size || end <= start ? 'unsatisfiable' : { start, end };
}

/** Whether a header that lists tags (`If-None-Match`, `If-Range`) has this one. */
export function hasTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return header.split(',').some((each) => each.trim().replace(/^W\//, '') === tag);
}
