/** Decompresses streams. gzip is decoded here; the other decoders are loaded when they are needed. */
import { once } from 'node:events';
import { createGunzip, type Gunzip, type ZlibOptions } from 'node:zlib';
import type { Compression } from '../tasks/parts.js';
import { asBadCompression, checkPadding } from './byte-source.js';
import { canInflateInPlace, inflatedInto } from './inflate.js';

const CHUNK = 2 ** 20;
/** Bytes inflated ahead, on another thread, while this one hashes. With fewer the two threads would take turns. */
const INFLATE_AHEAD = 4 * 2 ** 20;

/**
 * The uncompressed bytes of a stream. Its checksums vouch for them only once the last byte came.
 * @param chunks each of which may be overwritten once the second one after it is asked for
 * @param room gives a buffer that may be filled; what it gave before has been taken by then
 * @throws CairnError `ERR_BAD_COMPRESSION` (corrupt, cut short, or followed by anything but zeros), `ERR_UNSUPPORTED`
 */
export async function* decompressed(
  compression: Exclude<Compression, 'none'>,
  chunks: AsyncIterable<Buffer>,
  room: () => Buffer = () => Buffer.allocUnsafeSlow(CHUNK),
): AsyncGenerator<Buffer> {
  switch (compression) {
    case 'gzip':
      return yield* canInflateInPlace() ? inflatedInto(chunks, room) : inflatedByPieces(copiesOf(chunks));
    case 'bzip2':
      return yield* (await import('./bzip2.js')).bunzipped(copiesOf(chunks));
    case 'xz':
      return yield* (await import('./xz.js')).unxzed(copiesOf(chunks));
    case 'zstd':
      return yield* (await import('./zstd.js')).unzstded(copiesOf(chunks));
  }
}

/** For decoders that hold chunks, or read them on a thread of their own. */
async function* copiesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield Buffer.from(chunk);
}

/** By Node's streams, on a thread of their own. */
export async function* inflatedByPieces(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: CHUNK, readableHighWaterMark: INFLATE_AHEAD } as ZlibOptions);
  const fed = feed(gunzip, chunks);
  fed.catch((error: unknown) => gunzip.destroy(error as Error));
  try {
    yield* gunzip as AsyncIterable<Buffer>;
    await fed;
  } catch (error) {
    throw asBadCompression('gzip', error);
  }
}

/**
 * Writes all of a stream to the inflater, which stops at a zero byte after a member. All bytes from there on must be
 * zeros: other bytes would pass as part of what was checked.
 */
async function feed(gunzip: Gunzip, chunks: AsyncIterable<Buffer>): Promise<void> {
  let over = false;
  const ended = new Promise<void>((resolve) => {
    for (const event of ['end', 'close', 'error']) {
      gunzip.once(event, () => {
        over = true;
        resolve();
      });
    }
  });
  let length = 0;
  let held: { at: number; chunk: Buffer }[] = [];
  for await (const chunk of chunks) {
    if (over) {
      checkPadding('gzip', chunk);
      continue;
    }
    // Besides the chunk that it inflates, the inflater buffers at most one.
    held = [...held.slice(-3), { at: length, chunk }];
    length += chunk.length;
    if (!gunzip.write(chunk)) await Promise.race([once(gunzip, 'drain'), ended]);
  }
  gunzip.end();
  await ended;
  for (const { at, chunk } of held) checkPadding('gzip', chunk.subarray(Math.max(0, gunzip.bytesWritten - at)));
}
