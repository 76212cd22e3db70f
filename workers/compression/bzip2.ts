/**
 * Decodes bzip2. The decoder that everybody uses, `unbzip2-stream`, does not return from some corrupt input. This one
 * verifies both checksums, and every loop ends.
 */
import { badCompression, CompressedBytes } from './byte-source.js';
import { Bzip2Block } from './bzip2-block.js';
import { Bits, LONGEST_CODE, readBlock } from './bzip2-read.js';

const MAGIC = 'BZh';
const LEVEL_UNIT = 100_000;
const CHUNK = 256 * 1024;
/** The most bytes that a block's tables take. */
const LARGEST_TABLES = 64 * 1024;
/** The 48 bits that a block, and the end of a stream, begin with. */
const BLOCK = 0x314159265359;
const END = 0x177245385090;

export async function* bunzipped(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const bytes = new CompressedBytes('bzip2', chunks);
  const block = new Bzip2Block();
  try {
    do {
      yield* stream(bytes, block);
    } while (startsStream(await bytes.peek(4)));
    await bytes.padding();
  } finally {
    await bytes.close();
  }
}

function startsStream(head: Buffer): boolean {
  return head.toString('latin1', 0, MAGIC.length) === MAGIC;
}

async function* stream(bytes: CompressedBytes, block: Bzip2Block): AsyncGenerator<Buffer> {
  const level = (await bytes.exactly(4)).readUInt8(3) - 0x30;
  if (level < 1 || level > 9) throw badCompression('bzip2', 'its block size is not 1 to 9');
  block.capacity = level * LEVEL_UNIT;
  // A byte of a block takes at most one code, so that the capacity bounds the compressed length.
  const longest = Math.ceil((block.capacity * LONGEST_CODE) / 8) + LARGEST_TABLES;
  let checksum = 0;
  /** Blocks begin and end inside bytes: the bit at which the next one begins. */
  let bit = 0;
  for (let more = true; more; ) {
    const bits = new Bits(await bytes.peek(longest), bit);
    const kind = bits.take(24) * 2 ** 24 + bits.take(24);
    more = kind !== END;
    if (more && kind !== BLOCK) throw badCompression('bzip2', 'neither a block nor the end, or cut short');
    const expected = bits.take32();
    if (more) {
      readBlock(bits, block);
      bits.checkLength();
      for (let out = block.read(CHUNK); out.length > 0; out = block.read(CHUNK)) yield out;
      if (block.checksum !== expected) throw badCompression('bzip2', 'the checksum of a block does not fit');
      checksum = ((checksum << 1) | (checksum >>> 31)) ^ expected;
    } else {
      const padding = bits.take(-bits.at & 7);
      bits.checkLength();
      if (padding !== 0) throw badCompression('bzip2', 'data in its last bits');
      if (checksum !== expected) throw badCompression('bzip2', 'its checksum does not fit');
    }
    bytes.skip(bits.at >>> 3);
    bit = bits.at & 7;
  }
}
