/**
 * The structures of the format: a superblock at 1024, a table of devices behind it, inodes in slots of 32 bytes, each
 * with what belongs to it right behind, and directories in blocks. All numbers are little-endian.
 */
import type { NodeType } from '../core/metadata.js';
import { crc32c } from './crc32c.js';

export const SUPER_OFFSET = 1024;
const SUPER_BYTES = 128;
const DEVICE_BYTES = 128;
const MAGIC = 0xe0f5e1e2;
/** The superblock has a checksum, inodes have times of their own. */
const COMPATIBLE = 0x1 | 0x2;
const CHUNKED_FILES = 0x4;
const DEVICE_TABLE = 0x8;

/** Inodes are counted in slots of so many bytes; the number of an inode's slot is its number. */
export const SLOT = 32;
export const INODE_BYTES = 64;
/** The structure before an inode's extended attributes. */
export const XATTR_HEADER = 12;
export const XATTR_ENTRY = 4;
export const DIRENT_BYTES = 12;
/** A place in a device; a hole takes half of it. */
export const CHUNK_INDEX = 8;
export const HOLE_INDEX = 4;

/** How an inode's data lie: in blocks, in blocks and behind the inode, or in chunks that may be in other devices. */
export const PLAIN = 0;
export const INLINE = 2;
export const CHUNKED = 4;

/** Bits of a chunk's size beyond those of a block. */
export const MOST_CHUNK_BITS = 31;
const CHUNK_INDEXES = 0x20;
/** The address that means a hole. No block has it. */
export const NO_BLOCK = 0xffff_ffff;

/** Types in `i_mode`, and those of directory entries. */
export const TYPE_BITS: Readonly<Record<NodeType, number>> = {
  file: 0o100000,
  dir: 0o040000,
  symlink: 0o120000,
  char: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
};
const DIRENT_TYPES: Readonly<Record<NodeType, number>> = { file: 1, dir: 2, char: 3, block: 4, fifo: 5, symlink: 7 };

export interface Superblock {
  blockBits: number;
  /** Inode number of the root, which has sixteen bits. */
  root: number;
  inodes: number;
  /** Of the image itself. */
  blocks: number;
  /** The block from which inode numbers count. */
  firstMetaBlock: number;
  uuid: Uint8Array;
  /** Blocks of each further device. */
  devices: readonly number[];
}

/** Bytes of all that comes before the inodes, in whole blocks. */
export function headerBytes(devices: number, blockBits: number): number {
  const block = 2 ** blockBits;
  return Math.ceil((SUPER_OFFSET + SUPER_BYTES + devices * DEVICE_BYTES) / block) * block;
}

export function header({ devices, blockBits, ...superblock }: Superblock): Buffer {
  const bytes = Buffer.alloc(headerBytes(devices.length, blockBits));
  const at = SUPER_OFFSET;
  bytes.writeUInt32LE(MAGIC, at);
  bytes.writeUInt32LE(COMPATIBLE, at + 8);
  bytes.writeUInt8(blockBits, at + 12);
  bytes.writeUInt16LE(superblock.root, at + 14);
  bytes.writeUInt32LE(superblock.inodes, at + 16);
  bytes.writeUInt32LE(superblock.blocks, at + 36);
  bytes.writeUInt32LE(superblock.firstMetaBlock, at + 40);
  bytes.set(superblock.uuid, at + 48);
  bytes.writeUInt32LE(CHUNKED_FILES | (devices.length > 0 ? DEVICE_TABLE : 0), at + 80);
  bytes.writeUInt16LE(devices.length, at + 86);
  bytes.writeUInt16LE((at + SUPER_BYTES) / DEVICE_BYTES, at + 88);
  devices.forEach((blocks, i) => {
    bytes.writeUInt32LE(blocks, at + SUPER_BYTES + i * DEVICE_BYTES + 64);
  });
  const block = 2 ** blockBits;
  const summed = block > SUPER_OFFSET ? block - SUPER_OFFSET : block;
  bytes.writeUInt32LE(crc32c(bytes.subarray(at, at + summed)), at + 4);
  return bytes;
}

export interface Inode {
  layout: number;
  xattrBytes: number;
  /** Type and permission bits. */
  mode: number;
  size: number;
  /** A block, a device's number or a format of chunks, as `layout` and type say. */
  union: number;
  number: number;
  uid: number;
  gid: number;
  sec: number;
  nsec: number;
  links: number;
}

/** Room for structures. It is zero where nothing was put. */
export interface Piece {
  bytes: Buffer;
  /** The same bytes. Its methods are V8's own, fast before V8 has optimised anything. */
  view: DataView;
}

export function makePiece(length: number): Piece {
  const bytes = Buffer.alloc(length);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, length) };
}

/** Puts an inode of the extended kind; the compact one has no time of its own. */
export function putInode({ view }: Piece, at: number, inode: Inode): void {
  view.setUint16(at, 1 | (inode.layout << 1), true);
  if (inode.xattrBytes > 0) view.setUint16(at + 2, (inode.xattrBytes - XATTR_HEADER) / 4 + 1, true);
  view.setUint16(at + 4, inode.mode, true);
  putUInt64(view, at + 8, inode.size);
  view.setUint32(at + 16, inode.union, true);
  view.setUint32(at + 20, inode.number, true);
  view.setUint32(at + 24, inode.uid, true);
  view.setUint32(at + 28, inode.gid, true);
  putUInt64(view, at + 32, inode.sec);
  view.setUint32(at + 40, inode.nsec, true);
  view.setUint32(at + 44, inode.links, true);
}

/** V8 works a power out each time. */
const TWO_TO_32 = 2 ** 32;

/** Numbers below zero as their two's complement. */
function putUInt64(view: DataView, at: number, value: number): void {
  // Both keep the lowest 32 bits of what they are given.
  view.setUint32(at, value, true);
  view.setInt32(at + 4, Math.floor(value / TWO_TO_32), true);
}

/** @param bits of a chunk's size beyond those of a block */
export const chunkFormat = (bits: number, isHole: boolean): number => (isHole ? bits : CHUNK_INDEXES | bits);

/** A chunk that reads as zeros. */
export function putHole({ view }: Piece, at: number): void {
  view.setUint32(at, NO_BLOCK, true);
}

/** @param device from 1 on */
export function putChunkIndex({ view }: Piece, at: number, device: number, block: number): void {
  view.setUint16(at + 2, device, true);
  view.setUint32(at + 4, block, true);
}

/** @param nameAt where its name begins, counted from the beginning of the block */
export function putDirent({ view }: Piece, at: number, { inode, nameAt, type }: Dirent): void {
  view.setUint32(at, inode, true);
  view.setUint16(at + 8, nameAt, true);
  view.setUint8(at + 10, DIRENT_TYPES[type]);
}

export interface Dirent {
  inode: number;
  nameAt: number;
  type: NodeType;
}

/** Numbers of devices that `i_rdev` can hold. */
export function holdsDevice(major: number, minor: number): boolean {
  return major < 2 ** 12 && minor < 2 ** 20;
}

export function encodeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}
