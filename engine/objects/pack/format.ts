/**
 * What a pack looks like. A pack is one append-only file with the contents of many objects:
 *
 * - Block 0 says that the file is a pack, and which. Its salt goes into the hash of each table of the pack.
 * - Contents begin at multiples of 512 bytes, large ones at multiples of 4096. Zeros fill what lies between.
 * - After the contents of one import comes their table, at a multiple of 4096 (see `table.ts`).
 *
 * The alignments are those of EROFS, so that the kernel can read files of a mounted tree straight from a pack. Padding
 * is zeros, since a mapped file shows what follows its end in the same block.
 */
import { BLOCK, roundUp, SECTOR } from '../../core/extent.js';

/** From this size on, contents begin at a multiple of {@link BLOCK}. It costs 1.2 %; for small ones it would 7.6 %. */
const LARGE = 64 * 1024;

/** A pack of this size takes no further import. A larger object makes a larger pack. */
export const FULL = 2 ** 32;

/** Where a content begins that comes next after `end`. */
export function startOf(end: number, size: number): number {
  return roundUp(end, size >= LARGE ? BLOCK : SECTOR);
}

const MAGIC = 'cairnpak';
const VERSION = 1;

export const SALT_BYTES = 16;

/** What the first block of a pack says. */
export interface PackHead {
  id: number;
  /** Random bytes. Nobody knows them beforehand, so no content can hold what passes for a table of its pack. */
  salt: Buffer;
}

/** The first block of a pack. */
export function packHead({ id, salt }: PackHead): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(MAGIC, 'latin1');
  block.writeUInt32LE(VERSION, MAGIC.length);
  block.writeUInt32LE(id, MAGIC.length + 4);
  salt.copy(block, MAGIC.length + 8, 0, SALT_BYTES);
  return block;
}

/** @returns `undefined` where the bytes are not the first ones of a pack known here */
export function readPackHead(block: Buffer): PackHead | undefined {
  const isPack = block.length >= BLOCK && block.toString('latin1', 0, MAGIC.length) === MAGIC;
  if (!isPack || block.readUInt32LE(MAGIC.length) !== VERSION) return undefined;
  const salt = block.subarray(MAGIC.length + 8, MAGIC.length + 8 + SALT_BYTES);
  return { id: block.readUInt32LE(MAGIC.length + 4), salt };
}

const ID_DIGITS = 8;

export function packFileName(id: number): string {
  return `${id.toString(16).padStart(ID_DIGITS, '0')}.pack`;
}

/** Undoes {@link packFileName}. */
export function idOfPackFile(name: string): number | undefined {
  const match = /^([0-9a-f]{8})\.pack$/.exec(name);
  return match === null ? undefined : Number.parseInt(match[1] as string, 16);
}
