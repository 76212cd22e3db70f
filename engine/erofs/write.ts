/** The second pass: the bytes of an image, from the first inode on, in the order of their places. */

import { directoryBlocks, putDirectoryBlock } from './directory.js';
import {
  CHUNK_INDEX,
  CHUNKED,
  chunkFormat,
  encodeDevice,
  HOLE_INDEX,
  INLINE,
  INODE_BYTES,
  putChunkIndex,
  putHole,
  putInode,
  SLOT,
  TYPE_BITS,
} from './format.js';
import type { ImageEntry, Nodes } from './nodes.js';
import { chunksOf, type Places, roundUp } from './places.js';
import { putXattrs } from './xattrs.js';

export interface Layout {
  nodes: Nodes;
  places: Places;
  /** Where the inodes begin, and their data blocks. */
  firstMetaBlock: number;
  firstDataBlock: number;
  /** Where contents inside begin. */
  firstContentBlock: number;
}

const PIECE = 2 ** 18;
/** More than what an inode takes with its attributes, its addresses and the end of its data. */
const LARGEST_INODE = 2 ** 19;
const PERMISSIONS = 0o7777;
/** Symlinks have all rights on Linux. */
const SYMLINK_MODE = 0o777;

/** All inodes and all blocks behind them, up to the end of the last block, in pieces. */
export function* inodesAndBlocks(layout: Layout): Generator<Buffer> {
  const { order, slot, blockBits, inodeBytes } = layout.places;
  let piece = Buffer.alloc(PIECE + LARGEST_INODE);
  let from = 0;
  for (const inode of order) {
    const at = (slot[inode] as number) * SLOT;
    if (at - from >= PIECE) {
      yield piece.subarray(0, at - from);
      piece = Buffer.alloc(PIECE + LARGEST_INODE);
      from = at;
    }
    putInodeWithTail(layout, inode, piece, at - from);
  }
  yield piece.subarray(0, roundUp(inodeBytes, 2 ** blockBits) - from);
  yield* wholeBlocks(layout);
}

function putInodeWithTail(layout: Layout, inode: number, bytes: Buffer, at: number): void {
  const { nodes, places } = layout;
  const entry = nodes.entries[inode] as ImageEntry;
  const size = places.size[inode] as number;
  const xattrs = places.xattrs.get(inode);
  const rights = entry.type === 'symlink' ? SYMLINK_MODE : entry.mode & PERMISSIONS;
  putInode(bytes, at, {
    layout: places.layout[inode] as number,
    xattrBytes: xattrs?.bytes ?? 0,
    mode: TYPE_BITS[entry.type] | rights,
    size,
    union: unionOf(layout, inode, entry),
    number: places.slot[inode] as number,
    uid: entry.uid,
    gid: entry.gid,
    sec: entry.sec,
    nsec: entry.nsec,
    links: nodes.links[inode] as number,
  });
  if (xattrs !== undefined) putXattrs(bytes, at + INODE_BYTES, xattrs.held);
  const end = at + INODE_BYTES + (xattrs?.bytes ?? 0);
  if (places.layout[inode] === CHUNKED) putChunks(places, inode, bytes, end);
  else if (places.layout[inode] === INLINE) putTail(layout, inode, bytes, end);
}

/** Writes the last block of a directory or a symlink, as far as it is used. */
function putTail({ nodes, places }: Layout, inode: number, bytes: Buffer, at: number): void {
  const block = 2 ** places.blockBits;
  const { type, link } = nodes.entries[inode] as ImageEntry;
  if (type === 'symlink') bytes.write(link.slice(Math.floor(link.length / block) * block), at, 'latin1');
  else {
    const names = [...directoryBlocks(nodes, inode, block)].pop() as Int32Array;
    putDirectoryBlock(nodes, places.slot, { directory: inode, names }, { bytes, at });
  }
}

function unionOf(layout: Layout, inode: number, entry: ImageEntry): number {
  switch (entry.type) {
    case 'char':
    case 'block':
      return encodeDevice(entry.devMajor, entry.devMinor);
    case 'fifo':
      return 0;
    case 'file':
      return entry.size === 0 ? 0 : unionOfFile(layout, inode, entry.size);
    default:
      return layout.firstDataBlock + (layout.places.block[inode] as number);
  }
}

function unionOfFile({ places, firstContentBlock }: Layout, inode: number, size: number): number {
  const { layout, device, contentBlock, blockBits } = places;
  if (layout[inode] !== CHUNKED) return firstContentBlock + (contentBlock[inode] as number);
  return chunkFormat(chunksOf(size, blockBits).bits, device[inode] === 0);
}

function putChunks({ size, device, contentBlock, blockBits }: Places, inode: number, bytes: Buffer, end: number): void {
  const { bits, count } = chunksOf(size[inode] as number, blockBits);
  const from = device[inode] as number;
  const unit = from === 0 ? HOLE_INDEX : CHUNK_INDEX;
  const first = roundUp(end, unit);
  for (let i = 0; i < count; i++) {
    const at = first + i * unit;
    if (from === 0) putHole(bytes, at);
    else putChunkIndex(bytes, at, from, (contentBlock[inode] as number) + i * 2 ** bits);
  }
}

/** Blocks of directories and symlinks that do not lie behind inodes, in the order of the inodes. */
function* wholeBlocks(layout: Layout): Generator<Buffer> {
  const block = 2 ** layout.places.blockBits;
  let piece = Buffer.alloc(PIECE);
  let filled = 0;
  for (const put of blocksToPut(layout)) {
    put(piece, filled);
    filled += block;
    if (filled < PIECE) continue;
    yield piece;
    piece = Buffer.alloc(PIECE);
    filled = 0;
  }
  if (filled > 0) yield piece.subarray(0, filled);
}

function* blocksToPut({ nodes, places }: Layout): Generator<(bytes: Buffer, at: number) => void> {
  const { order, layout, blockBits } = places;
  const block = 2 ** blockBits;
  for (const inode of order) {
    const { type, link } = nodes.entries[inode] as ImageEntry;
    const size = places.size[inode] as number;
    if (type !== 'dir' && type !== 'symlink') continue;
    const whole = layout[inode] === INLINE ? Math.floor(size / block) : Math.ceil(size / block);
    if (type === 'symlink') {
      for (let i = 0; i < whole; i++)
        yield (bytes, at) => void bytes.write(link.slice(i * block, (i + 1) * block), at, 'latin1');
      continue;
    }
    let left = whole;
    if (left === 0) continue;
    for (const names of directoryBlocks(nodes, inode, block)) {
      if (left-- === 0) break;
      yield (bytes, at) => putDirectoryBlock(nodes, places.slot, { directory: inode, names }, { bytes, at });
    }
  }
}
