/**
 * Decodes Zstandard. Node's decoder takes one frame and ignores the rest in silence, so frames are told apart here.
 * That finds a frame that is cut short, and data after the last.
 */
import { pipeline, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { CairnError } from '../../engine/core/errors.js';
import { FREE_ZSTD_WINDOWS, MAX_ZSTD_WINDOW, ZSTD_WINDOWS_PER_BYTE } from '../../engine/core/limits.js';
import { asBadCompression, badCompression, CompressedBytes } from './byte-source.js';
import type { Frame } from './zstd-frame.js';

const MAGIC = 0xfd2fb528;
/** The first of sixteen magic numbers of frames that decoders pass over. */
const SKIPPABLE = 0x184d2a50;
const LARGEST_BLOCK = 2 ** 17;
const CHUNK = 256 * 1024;
/** Frames of up to so many blocks are held in memory before they are decoded. */
const SHORT = 8;
/** The low half of xxhash64 of nothing. */
const EMPTY_CHECKSUM = 0x51d8e999;

interface Block {
  bytes: Buffer;
  last: boolean;
  /** The most uncompressed bytes that it can give. */
  output: number;
}

// Node has it since 22.15; the types are those of the oldest Node that is supported.
const { createZstdDecompress } = zlib as { createZstdDecompress?: (options: object) => Transform };

export async function* unzstded(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const bytes = new CompressedBytes('zstd', chunks);
  const decode = createZstdDecompress === undefined ? (await import('./zstd-frame.js')).decodeFrame : native;
  let windows = 0;
  let size = 0;
  try {
    for (;;) {
      const head = await bytes.peek(8);
      const magic = head.length < 4 ? undefined : head.readUInt32LE(0);
      if (magic === MAGIC) {
        const frame = await readFrameHeader(bytes);
        const first = await firstBlocks(bytes);
        if (first.at(-1)?.last === true) {
          const output = first.reduce((sum, block) => sum + block.output, 0);
          if (output === 0) {
            await endEmpty(bytes, frame);
            continue;
          }
          narrow(frame, output);
        } else {
          windows += frame.window;
          if (windows > FREE_ZSTD_WINDOWS + ZSTD_WINDOWS_PER_BYTE * size)
            throw new CairnError('ERR_LIMIT', 'zstd: frames with large windows that hold next to nothing');
        }
        for await (const part of decode(frame, blocks(bytes, frame, first))) {
          size += part.length;
          yield part;
        }
      } else if (magic !== undefined && magic >= SKIPPABLE && magic < SKIPPABLE + 16) await skipFrame(bytes);
      else break;
    }
    await bytes.padding();
  } finally {
    await bytes.close();
  }
}

async function skipFrame(bytes: CompressedBytes): Promise<void> {
  let left = (await bytes.exactly(8)).readUInt32LE(4);
  while (left > 0) left -= (await bytes.exactly(Math.min(left, CHUNK))).length;
}

async function readFrameHeader(bytes: CompressedBytes): Promise<Frame> {
  const head = await bytes.peek(6);
  const flags = head[4] ?? 0;
  const single = (flags & 0x20) !== 0;
  if ((flags & 0x08) !== 0) throw badCompression('zstd', 'a reserved bit is set');
  if ((flags & 0x03) !== 0) throw new CairnError('ERR_UNSUPPORTED', 'zstd: it needs a dictionary');
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][flags >> 6] as number;
  const at = single ? 5 : 6;
  const header = await bytes.exactly(at + sizeBytes);
  const size = contentSize(header.subarray(at));
  const exponent = 10 + ((header[5] as number) >> 3);
  const window = single ? (size as number) : 2 ** exponent * (1 + ((header[5] as number) & 7) / 8);
  if (window > MAX_ZSTD_WINDOW)
    throw new CairnError('ERR_UNSUPPORTED', 'zstd: a window over 128 MiB; compress it anew without --long or --ultra');
  return { header, checksum: (flags & 0x04) !== 0, size, window };
}

function contentSize(field: Buffer): number | undefined {
  if (field.length === 0) return undefined;
  if (field.length === 1) return field.readUInt8(0);
  if (field.length === 2) return field.readUInt16LE(0) + 256;
  return field.length === 4 ? field.readUInt32LE(0) : Number(field.readBigUInt64LE(0));
}

async function nextBlock(bytes: CompressedBytes): Promise<Block> {
  const head = await bytes.peek(3);
  const word = head.length < 3 ? 0 : head.readUIntLE(0, 3);
  const type = (word >> 1) & 3;
  const size = word >> 3;
  if (type === 3 || size > LARGEST_BLOCK) throw badCompression('zstd', 'a block of no known kind');
  const whole = await bytes.exactly(3 + (type === 1 ? 1 : size));
  return { bytes: whole, last: (word & 1) !== 0, output: type === 2 ? LARGEST_BLOCK : size };
}

async function firstBlocks(bytes: CompressedBytes): Promise<Block[]> {
  const first: Block[] = [];
  while (first.length < SHORT && first.at(-1)?.last !== true) first.push(await nextBlock(bytes));
  return first;
}

/** Reads the rest of an empty frame. A decoder for each of a million empty frames would take minutes. */
async function endEmpty(bytes: CompressedBytes, { checksum, size }: Frame): Promise<void> {
  if (size !== undefined && size > 0) throw badCompression('zstd', 'its size is not what it says');
  if (checksum && (await bytes.exactly(4)).readUInt32LE(0) !== EMPTY_CHECKSUM)
    throw badCompression('zstd', 'its checksum does not fit');
}

/** Cuts a frame's window to its output, as nothing refers back farther: a decoder clears all of its window. */
function narrow(frame: Frame, output: number): void {
  const exponent = Math.ceil(Math.log2(Math.max(output, LARGEST_BLOCK)));
  if ((frame.header.readUInt8(4) & 0x20) !== 0 || frame.window <= 2 ** exponent) return;
  frame.header = Buffer.from(frame.header);
  frame.header.writeUInt8((exponent - 10) << 3, 5);
}

/** A frame's bytes after its header: block by block, then the checksum if it has one. */
async function* blocks(bytes: CompressedBytes, { checksum }: Frame, first: readonly Block[]): AsyncGenerator<Buffer> {
  for (const block of first) yield block.bytes;
  for (let last = first.at(-1)?.last === true; !last; ) {
    const block = await nextBlock(bytes);
    last = block.last;
    yield block.bytes;
  }
  if (checksum) yield bytes.exactly(4);
}

async function* native({ header }: Frame, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const decoder = createZstdDecompress?.({ chunkSize: CHUNK }) as Transform;
  async function* whole(): AsyncGenerator<Buffer> {
    yield header;
    yield* rest;
  }
  try {
    yield* pipeline(whole, decoder, () => {}) as AsyncIterable<Buffer>;
  } catch (error) {
    throw asBadCompression('zstd', error);
  }
}
