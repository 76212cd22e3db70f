/** Compresses what a layer is described by: frames of recipes, columns of tables of contents. */
import { deflateRawSync } from 'node:zlib';

/** What zlib accepts (RFC 1951 has windows of 2^15 bytes at most), and by how much its hash table is smaller. */
const BITS = { least: 9, most: 15, beyondMemory: 7 };
/** Deflate adds a few bytes to what it cannot make smaller, and zlib takes no less room than this. */
const LEAST_ROOM = 64;

/**
 * @returns raw deflate, as fast as it goes. Of short bytes it is made with a small window: to make ready a large one
 *   takes longer than compressing a kilobyte.
 */
export function deflated(bytes: Buffer): Buffer {
  const windowBits = Math.min(BITS.most, Math.max(BITS.least, Math.ceil(Math.log2(bytes.length + 1))));
  const memLevel = Math.min(windowBits - BITS.beyondMemory, BITS.most - BITS.beyondMemory);
  const chunkSize = Math.min(bytes.length, 2 ** BITS.most) + LEAST_ROOM;
  return deflateRawSync(bytes, { level: 1, windowBits, memLevel, chunkSize });
}
