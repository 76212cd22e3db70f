/**
 * The first pass: gives every inode its place, and every directory its blocks. An inode is followed by its extended
 * attributes, then by the end of a directory or a symlink, which must not lie across two blocks, or by the addresses
 * of a file's chunks. Directories come in the order of their paths, each followed by what lies in it but is none.
 */
import type { Content, Contents } from './contents.js';
import { DirectoryBlocks } from './directory.js';
import { CHUNK_INDEX, CHUNKED, HOLE_INDEX, INLINE, INODE_BYTES, MOST_CHUNK_BITS, PLAIN, SLOT } from './format.js';
import type { ImageEntry, Nodes } from './nodes.js';
import { type HeldXattrs, heldXattrs } from './xattrs.js';

export interface Places {
  /** Bytes of a block. */
  block: number;
  /** Inodes in the order of their places. */
  order: readonly number[];
  /** Inode → its slot, counted from the beginning of all inodes. */
  slot: Uint32Array;
  layout: Uint8Array;
  /** Inode → bytes of its data; a directory has some, too. */
  size: Float64Array;
  /** Inode → the first of its whole blocks, counted from the end of all inodes. */
  dataBlock: Uint32Array;
  /** Inode of a file → the device of its content, and its first block there, inside counted from the first content. */
  device: Uint16Array;
  contentBlock: Uint32Array;
  directories: DirectoryBlocks;
  /** Of the inodes that have some. */
  xattrs: ReadonlyMap<number, HeldXattrs>;
  /** Bytes from the beginning of the first inode's block to the end of the last one. */
  inodeBytes: number;
  /** Whole blocks of directories and symlinks, which follow the inodes. */
  blocks: number;
}

/** Also asks for every content, in the order of the inodes. */
export function placesOf(nodes: Nodes, block: number, contents: Contents): Places {
  return new Placing(nodes, block, contents).run();
}

class Placing {
  readonly #nodes: Nodes;
  readonly #contents: Contents;
  readonly #block: number;
  readonly #order: number[] = [];
  readonly #slot: Uint32Array;
  readonly #layout: Uint8Array;
  readonly #size: Float64Array;
  readonly #dataBlock: Uint32Array;
  readonly #device: Uint16Array;
  readonly #contentBlock: Uint32Array;
  readonly #directories: DirectoryBlocks;
  readonly #xattrs = new Map<number, HeldXattrs>();
  /** The first slot stays free: no inode has the number 0, which some programs take for none. */
  #at = SLOT;
  #wholeBlocks = 0;

  constructor(nodes: Nodes, block: number, contents: Contents) {
    const count = nodes.entries.length;
    this.#nodes = nodes;
    this.#block = block;
    this.#contents = contents;
    this.#slot = new Uint32Array(count);
    this.#layout = new Uint8Array(count);
    this.#size = new Float64Array(count);
    this.#dataBlock = new Uint32Array(count);
    this.#device = new Uint16Array(count);
    this.#contentBlock = new Uint32Array(count);
    this.#directories = new DirectoryBlocks(nodes, this.#block);
  }

  run(): Places {
    const { entries, inodeOf, children, firstChild } = this.#nodes;
    for (let i = 0; i < entries.length; i++) {
      if ((entries[i] as ImageEntry).type !== 'dir') continue;
      this.#place(i);
      for (let at = firstChild[i] as number; at < (firstChild[i + 1] as number); at++) {
        const child = children[at] as number;
        if (child < 0) continue;
        const inode = inodeOf[child] as number;
        const isPlaced = this.#slot[inode] !== 0;
        if (!isPlaced && (entries[inode] as ImageEntry).type !== 'dir') this.#place(inode);
      }
    }
    return {
      block: this.#block,
      order: this.#order,
      slot: this.#slot,
      layout: this.#layout,
      size: this.#size,
      dataBlock: this.#dataBlock,
      device: this.#device,
      contentBlock: this.#contentBlock,
      directories: this.#directories,
      xattrs: this.#xattrs,
      inodeBytes: this.#at,
      blocks: this.#wholeBlocks,
    };
  }

  #place(inode: number): void {
    const entry = this.#nodes.entries[inode] as ImageEntry;
    const { type, size } = entry;
    const content = type === 'file' && size > 0 ? this.#contents.of(entry, inode) : undefined;
    const redirect = content?.kind === 'layer' ? content.path : undefined;
    const xattrs = heldXattrs(entry, redirect);
    if (xattrs.bytes > 0 || xattrs.skipped.length > 0) this.#xattrs.set(inode, xattrs);
    const head = INODE_BYTES + xattrs.bytes;
    this.#at = roundUp(this.#at, SLOT);
    this.#size[inode] = this.#sizeOf(inode, entry);
    if (type === 'dir' || type === 'symlink') this.#placeWithTail(inode, head, this.#size[inode]);
    else {
      this.#take(inode, head);
      if (content !== undefined) this.#placeContent(inode, size, content);
    }
  }

  #placeContent(inode: number, size: number, content: Content): void {
    if (content.kind !== 'layer') this.#contentBlock[inode] = content.block;
    if (content.kind === 'inside') return;
    if (content.kind === 'device') this.#device[inode] = content.device;
    const unit = content.kind === 'device' ? CHUNK_INDEX : HOLE_INDEX;
    this.#layout[inode] = CHUNKED;
    this.#at = roundUp(this.#at, unit) + unit * chunksOf(size, this.#block).count;
  }

  /** Puts the last block's bytes behind the inode if that takes less room than a block of their own. */
  #placeWithTail(inode: number, head: number, size: number): void {
    const block = this.#block;
    const tail = size % block;
    const start = (this.#at + head) % block;
    // The inode may have to move, so that its tail begins in the next block.
    const move = start + tail <= block ? 0 : roundUp(block - start, SLOT);
    const isInline = tail > 0 && move + tail <= block;
    if (isInline) this.#at += move;
    this.#take(inode, head);
    this.#layout[inode] = isInline ? INLINE : PLAIN;
    if (isInline) this.#at += tail;
    this.#dataBlock[inode] = this.#wholeBlocks;
    this.#wholeBlocks += isInline ? Math.floor(size / block) : Math.ceil(size / block);
  }

  #take(inode: number, head: number): void {
    this.#order.push(inode);
    this.#slot[inode] = this.#at / SLOT;
    this.#at += head;
  }

  #sizeOf(inode: number, { type, size, link }: ImageEntry): number {
    if (type === 'dir') return this.#directories.fill(inode);
    return type === 'symlink' ? link.length : type === 'file' ? size : 0;
  }
}

/** Blocks. */
const LARGEST_CHUNK = 2 ** MOST_CHUNK_BITS;

/** A file is one chunk, unless it is larger than the largest. @param block bytes of one */
export function chunksOf(size: number, block: number): { bits: number; count: number } {
  const blocks = Math.ceil(size / block);
  if (blocks > LARGEST_CHUNK) return { bits: MOST_CHUNK_BITS, count: Math.ceil(blocks / LARGEST_CHUNK) };
  return { bits: blocks === 1 ? 0 : 32 - Math.clz32(blocks - 1), count: 1 };
}

export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
