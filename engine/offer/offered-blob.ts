/** The bytes of a blob on their way out, all of them or a part. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { pipeline, Readable, Transform } from 'node:stream';
import { CairnError } from '../core/errors.js';

/** Which bytes: from `start` on, before `end`. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface OfferedBlob {
  digest: string;
  size: number;
  /**
   * Whoever has the stream gets all bytes, even if gc takes the blob meanwhile. Of a whole blob the stream fails before
   * its end if the bytes are not the blob's.
   */
  open(range?: ByteRange): Promise<Readable>;
}

/** Bytes that are read at a time. */
const CHUNK = 256 * 1024;

interface Opened {
  file: FileHandle;
  size: number;
  range?: ByteRange | undefined;
  /** Proves all bytes; without it whoever made the file has proved them. */
  digest?: string | undefined;
  closed?: (() => void) | undefined;
}

/** Reads a file that is open, and closes it. */
export function streamOf({ file, size, range, digest, closed }: Opened): Readable {
  const { start, end } = range ?? { start: 0, end: size };
  const done = (): void => closed?.();
  if (end <= start) {
    void file.close().then(done, done);
    return Readable.from([]);
  }
  const bytes = file.createReadStream({ start, end: end - 1, highWaterMark: CHUNK });
  bytes.on('close', done);
  const isWhole = start === 0 && end === size;
  if (!isWhole || digest === undefined) return bytes;
  // Errors are those of the stream that is returned.
  return pipeline(bytes, proof(digest, size), () => {}) as unknown as Readable;
}

function proof(digest: string, size: number): Transform {
  const hash = createHash('sha256');
  let seen = 0;
  let last: Buffer | undefined;
  return new Transform({
    readableHighWaterMark: CHUNK,
    // Each chunk waits for the next: the last one only goes when all of them are right.
    transform(chunk: Buffer, _encoding, next) {
      hash.update(chunk);
      seen += chunk.length;
      const before = last;
      last = chunk;
      next(null, before);
    },
    flush(next) {
      const found = `sha256:${hash.digest('hex')}`;
      if (seen === size && found === digest) return next(null, last);
      const why = `a blob does not have its digest; "cairn fsck --repair" tells what must be imported again`;
      return next(new CairnError('ERR_DAMAGED', why, { expected: digest, found }));
    },
  });
}
