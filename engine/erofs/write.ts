/** The second pass: the bytes of an image, from the first inode on, in the order of their places. */

import { putDirectoryBlock } from './directory.js';
import {
  CHUNK_INDEX,
  CHUNKED,
  chunkFormat,
  encodeDevice,
  HOLE_INDEX,
  INLINE,
  INODE_BYTES,
  makePiece,
  type Piece,
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
  const { order, slot, block, inodeBytes } = layout.places;
  let piece = makePiece(PIECE + LARGEST_INODE);
  let from = 0;
  for (const inode of order) {
    const at = (slot[inode] as number) * SLOT;
    if (at - from >= PIECE) {
      yield piece.bytes.subarray(0, at - from);
      piece = makePiece(PIECE + LARGEST_INODE);
      from = at;
    }
    putInodeWithTail(layout, inode, piece, at - from);
  }
  yield piece.bytes.subarray(0, roundUp(inodeBytes, block) - from);
  yield* wholeBlocks(layout);
}

function putInodeWithTail(layout: Layout, inode: number, piece: Piece, at: number): void {
  const { nodes, places } = layout;
  const entry = nodes.entries[inode] as ImageEntry;
  const xattrs = places.xattrs.get(inode);
  const xattrBytes = xattrs?.bytes ?? 0;
  const rights = entry.type === 'symlink' ? SYMLINK_MODE : entry.mode & PERMISSIONS;
  putInode(piece, at, {
    layout: places.layout[inode] as number,
    xattrBytes,
    mode: TYPE_BITS[entry.type] | rights,
    size: places.size[inode] as number,
    union: unionOf(layout, inode, entry),
    number: places.slot[inode] as number,
    uid: entry.uid,
    gid: entry.gid,
    sec: entry.sec,
    nsec: entry.nsec,
    links: nodes.links[inode] as number,
  });
  if (xattrs !== undefined) putXattrs(piece.bytes, at + INODE_BYTES, xattrs.held);
  const end = at + INODE_BYTES + xattrBytes;
  if (places.layout[inode] === CHUNKED) putChunks(places, inode, piece, end);
  else if (places.layout[inode] === INLINE) {
    const last = Math.floor((places.size[inode] as number) / places.block);
    putBlock(layout, inode, last, { piece, at: end });
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
      return layout.firstDataBlock + (layout.places.dataBlock[inode] as number);
  }
}

function unionOfFile({ places, firstContentBlock }: Layout, inode: number, size: number): number {
  const { layout, device, contentBlock, block } = places;
  if (layout[inode] !== CHUNKED) return firstContentBlock + (contentBlock[inode] as number);
  return chunkFormat(chunksOf(size, block).bits, device[inode] === 0);
}

function putChunks({ size, device, contentBlock, block }: Places, inode: number, piece: Piece, end: number): void {
  const { bits, count } = chunksOf(size[inode] as number, block);
  const from = device[inode] as number;
  const unit = from === 0 ? HOLE_INDEX : CHUNK_INDEX;
  const first = roundUp(end, unit);
  for (let i = 0; i < count; i++) {
    const at = first + i * unit;
    if (from === 0) putHole(piece, at);
    else putChunkIndex(piece, at, from, (contentBlock[inode] as number) + i * 2 ** bits);
  }
}

/** Blocks of directories and symlinks that do not lie behind inodes, in the order of the inodes. */
function* wholeBlocks(layout: Layout): Generator<Buffer> {
  const { order, size, layout: kind, block } = layout.places;
  let piece = makePiece(PIECE);
  let filled = 0;
  for (const inode of order) {
    const { type } = layout.nodes.entries[inode] as ImageEntry;
    if (type !== 'dir' && type !== 'symlink') continue;
    const blocks = (size[inode] as number) / block;
    const whole = kind[inode] === INLINE ? Math.floor(blocks) : Math.ceil(blocks);
    for (let i = 0; i < whole; i++) {
      putBlock(layout, inode, i, { piece, at: filled });
      filled += block;
      if (filled < PIECE) continue;
      yield piece.bytes;
      piece = makePiece(PIECE);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.bytes.subarray(0, filled);
}

/** Puts a block of a directory or a symlink, as far as it is used. */
function putBlock(
  { nodes, places }: Layout,
  inode: number,
  index: number,
  { piece, at }: { piece: Piece; at: number },
): void {
  const { block } = places;
  const { type, link } = nodes.entries[inode] as ImageEntry;
  if (type === 'symlink') piece.bytes.write(link.slice(index * block, (index + 1) * block), at, 'latin1');
  else putDirectoryBlock(nodes, places.slot, places.directories.names(inode, index), { piece, at });
}
