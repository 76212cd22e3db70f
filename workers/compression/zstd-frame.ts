/** Decodes a Zstandard frame with `fzstd`, plain JavaScript. It ignores checksums, so they are verified here. */
import { Decompress } from 'fzstd';
import xxhash, { type XXHashAPI } from 'xxhash-wasm';
import { badCompression } from './byte-source.js';

/** Compiled once for each thread. */
let hashing: Promise<XXHashAPI> | undefined;

/**
 * @param rest the frame's blocks, then its checksum if it has one
 * @throws CairnError `ERR_BAD_COMPRESSION`
 */
export async function* decodeFrame(frame: Frame, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  hashing ??= xxhash();
  const hash = (await hashing).create64();
  let size = 0;
  let last: Buffer = Buffer.alloc(0);
  for await (const part of decoded(frame.header, rest, (bytes) => (last = bytes))) {
    size += part.length;
    if (frame.checksum) hash.update(part);
    yield part;
  }
  if (frame.size !== undefined && frame.size !== size) throw badCompression('zstd', 'its size is not what it says');
  if (frame.checksum && Number(hash.digest() & 0xffffffffn) !== last.readUInt32LE(0))
    throw badCompression('zstd', 'its checksum does not fit');
}

/** @param onPart gets each part of the frame; the checksum comes last if there is one */
async function* decoded(
  header: Buffer,
  rest: AsyncIterable<Buffer>,
  onPart: (part: Buffer) => void,
): AsyncGenerator<Buffer> {
  let out: Buffer[] = [];
  const decoder = new Decompress(({ buffer, byteOffset, length }) => {
    if (length > 0) out.push(Buffer.from(buffer, byteOffset, length));
  });
  push(decoder, header);
  for await (const part of rest) {
    onPart(part);
    push(decoder, part);
    yield* out;
    out = [];
  }
  // The decoder holds frames of a few bytes back until it is told of the end.
  push(decoder, Buffer.alloc(0), true);
  yield* out;
}

function push(decoder: Decompress, bytes: Buffer, last = false): void {
  try {
    decoder.push(bytes, last);
  } catch (error) {
    throw badCompression('zstd', (error as Error).message, error);
  }
}

/** A frame's header. */
export interface Frame {
  /** The bytes of the header. */
  header: Buffer;
  /** Whether a checksum follows the blocks: the low half of xxhash64. */
  checksum: boolean;
  /** Uncompressed bytes of the frame, if the header has them. */
  size: number | undefined;
  /** Bytes that a decoder sets aside. */
  window: number;
}
