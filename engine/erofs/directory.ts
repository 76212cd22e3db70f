/**
 * Directories. Names in byte order fill block after block; none lies across two. In a block first come the entries, of
 * one length, then the names. The kernel finds a name by halving, so the order is part of the format.
 */
import type { ByteString } from '../core/bytes.js';
import { DIRENT_BYTES, type Piece, putDirent } from './format.js';
import { type ImageEntry, type Nodes, PARENT, SELF } from './nodes.js';

/** Some of a directory's names: a part of `children` in {@link Nodes}. */
export interface Names {
  directory: number;
  from: number;
  to: number;
}

/** Which names of which directory go into which block. */
export class DirectoryBlocks {
  readonly #nodes: Nodes;
  readonly #block: number;
  /** Where the names of each block end, of one directory after the other, and where those of a directory begin. */
  readonly #ends: number[] = [];
  readonly #first: Int32Array;

  constructor(nodes: Nodes, block: number) {
    this.#nodes = nodes;
    this.#block = block;
    this.#first = new Int32Array(nodes.entries.length);
  }

  /** Fills a directory's blocks, once, before they are asked for. @returns bytes: whole blocks and a rest */
  fill(directory: number): number {
    const { children, firstChild } = this.#nodes;
    const end = firstChild[directory + 1] as number;
    this.#first[directory] = this.#ends.length;
    let used = 0;
    let blocks = 0;
    for (let at = firstChild[directory] as number; at < end; at++) {
      const bytes = DIRENT_BYTES + nameLength(this.#nodes, children[at] as number);
      if (used + bytes > this.#block) {
        this.#ends.push(at);
        used = 0;
        blocks++;
      }
      used += bytes;
    }
    this.#ends.push(end);
    return blocks * this.#block + used;
  }

  /** @param index of the block, from 0 on */
  names(directory: number, index: number): Names {
    const { firstChild } = this.#nodes;
    const at = (this.#first[directory] as number) + index;
    const from = index === 0 ? firstChild[directory] : this.#ends[at - 1];
    return { directory, from: from as number, to: this.#ends[at] as number };
  }
}

/** @param slot inode → its number */
export function putDirectoryBlock(
  nodes: Nodes,
  slot: Uint32Array,
  { directory, from, to }: Names,
  { piece, at }: { piece: Piece; at: number },
): void {
  const { children, entries } = nodes;
  const namesAt = (to - from) * DIRENT_BYTES;
  let names = '';
  for (let i = from; i < to; i++) {
    const child = children[i] as number;
    const inode = inodeOf(nodes, directory, child);
    const { type } = entries[inode] as ImageEntry;
    const number = slot[inode] as number;
    putDirent(piece, at + (i - from) * DIRENT_BYTES, { inode: number, nameAt: namesAt + names.length, type });
    names += nameOf(nodes, child);
  }
  piece.bytes.write(names, at + namesAt, 'latin1');
}

function inodeOf({ inodeOf, parent }: Nodes, directory: number, child: number): number {
  if (child === SELF) return directory;
  return (child === PARENT ? parent[directory] : inodeOf[child]) as number;
}

function nameOf({ entries, nameAt }: Nodes, child: number): ByteString {
  if (child < 0) return child === SELF ? '.' : '..';
  return (entries[child] as ImageEntry).path.slice(nameAt[child]);
}

function nameLength({ entries, nameAt }: Nodes, child: number): number {
  return child < 0 ? -child : (entries[child] as ImageEntry).path.length - (nameAt[child] as number);
}
