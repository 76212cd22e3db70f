/**
 * Refuses xz streams with a large dictionary before the decoder reads their headers: the decoder sets aside up to 2 GiB
 * and refuses afterwards.
 */
import { CairnError } from '../../engine/core/errors.js';
import { MAX_XZ_DICTIONARY } from '../../engine/core/limits.js';

const LZMA2 = 0x21;
/** Bytes of a block's check, by its kind. */
const CHECK_BYTES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64] as const;
const STREAM_HEADER = 12;
const STREAM_KIND_AT = 7;
const STREAM_FOOTER = 12;

/**
 * Hands on all chunks.
 * @throws CairnError `ERR_UNSUPPORTED` in place of the chunk with the header of too large a dictionary
 */
export async function* withSmallDictionaries(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, undefined> {
  const looking = lookThrough();
  let { value: ahead, done } = looking.next();
  for await (const chunk of chunks) {
    let at = 0;
    while (done !== true && at + (ahead as number) < chunk.length) {
      at += ahead as number;
      ({ value: ahead, done } = looking.next(chunk[at++] as number));
    }
    if (done !== true) ahead = (ahead as number) - (chunk.length - at);
    yield chunk;
  }
}

/**
 * Walks a stream's headers. Yields the number of bytes to pass over, and gets the byte after them. Only dictionaries
 * are checked. It ends at bytes that make no sense, at which the decoder stops, too.
 */
function* lookThrough(): Generator<number, void, number> {
  for (let ahead = STREAM_KIND_AT; ; ) {
    const check = CHECK_BYTES[(yield ahead) & 15] as number;
    ahead = STREAM_HEADER - STREAM_KIND_AT - 1;
    for (let size = yield ahead; size !== 0; size = yield ahead) {
      const left = yield* blockHeader(size);
      if (left < 0) return;
      const length = yield* lzma2Chunks(left);
      if (length < 0) return;
      ahead = (-length & 3) + check;
    }
    const index = yield* indexRecords();
    // The check of the index and the footer follow, then zeros up to the next stream.
    ahead = (-index & 3) + 4 + STREAM_FOOTER;
    while ((yield ahead) === 0) ahead = 0;
    ahead = STREAM_KIND_AT - 1;
  }
}

/** @returns bytes of the header that are left; negative for a header that makes no sense */
function* blockHeader(size: number): Generator<number, number, number> {
  let left = (size + 1) * 4 - 2;
  const flags = yield 0;
  for (const bit of [0x40, 0x80]) if ((flags & bit) !== 0) left -= (yield* varint()).length;
  const filter = yield* varint();
  left -= filter.length + 2;
  if ((flags & 3) !== 0 || filter.value !== LZMA2 || (yield 0) !== 1) return -1;
  if (dictionarySize(yield 0) > MAX_XZ_DICTIONARY)
    throw new CairnError('ERR_UNSUPPORTED', 'xz: a dictionary over 64 MiB; compress it anew, "xz -9" is enough');
  return left;
}

/** Bytes of a dictionary, by its code in a block header (xz file format, "LZMA2"): 2 or 3 times a power of two. */
function dictionarySize(code: number): number {
  return (2 + (code & 1)) * 2 ** ((code >> 1) + 11);
}

/** @returns bytes of the chunks; negative for chunks that make no sense */
function* lzma2Chunks(before: number): Generator<number, number, number> {
  let ahead = before;
  let length = 0;
  for (;;) {
    const control = yield ahead;
    if (control === 0) return length + 1;
    if (control > 2 && control < 0x80) return -1;
    const packed = control >= 0x80;
    const size = ((yield packed ? 2 : 0) << 8) + (yield 0) + 1;
    ahead = size + (control >= 0xc0 ? 1 : 0);
    length += (packed ? 5 : 3) + ahead;
  }
}

/** @returns bytes of the index without its padding and its check */
function* indexRecords(): Generator<number, number, number> {
  const records = yield* varint();
  let length = 1 + records.length;
  for (let numbers = records.value * 2; numbers > 0; numbers--) length += (yield* varint()).length;
  return length;
}

function* varint(): Generator<number, { value: number; length: number }, number> {
  let value = 0;
  for (let length = 1; ; length++) {
    const byte = yield 0;
    value += (byte & 0x7f) * 2 ** (7 * (length - 1));
    if (byte < 0x80) return { value, length };
  }
}
