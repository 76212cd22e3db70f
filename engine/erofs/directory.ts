/**
 * Directories. Names in byte order fill block after block; none lies across two. In a block first come the entries, of
 * one length, then the names. The kernel finds a name by halving, so the order is part of the format.
 */
import type { ByteString } from '../core/bytes.js';
import { DIRENT_BYTES, putDirent } from './format.js';
import type { ImageEntry, Nodes } from './nodes.js';

/** A directory itself and the one above, as entries in it: their names are among the others. */
const SELF = -1;
const PARENT = -2;
const DOTS = [
  [SELF, '.'],
  [PARENT, '..'],
] as const;

/** Bytes of a directory: whole blocks, then what the last one holds. */
export function directorySize(nodes: Nodes, directory: number, block: number): number {
  const all = [...directoryBlocks(nodes, directory, block)];
  const last = all.pop() as Int32Array;
  return all.length * block + last.reduce((sum, name) => sum + DIRENT_BYTES + nameLength(nodes, name), 0);
}

/** The entries of each block. */
export function* directoryBlocks(nodes: Nodes, directory: number, block: number): Generator<Int32Array> {
  const names = namesIn(nodes, directory);
  let from = 0;
  let used = 0;
  for (let at = 0; at < names.length; at++) {
    const bytes = DIRENT_BYTES + nameLength(nodes, names[at] as number);
    if (used + bytes > block) {
      yield names.subarray(from, at);
      from = at;
      used = 0;
    }
    used += bytes;
  }
  yield names.subarray(from);
}

export function putDirectoryBlock(
  nodes: Nodes,
  slot: Uint32Array,
  { directory, names }: { directory: number; names: Int32Array },
  { bytes, at }: { bytes: Buffer; at: number },
): void {
  let nameAt = names.length * DIRENT_BYTES;
  names.forEach((entry, i) => {
    const { inode, name } = describe(nodes, directory, entry);
    const { type } = nodes.entries[inode] as ImageEntry;
    putDirent(bytes, at + i * DIRENT_BYTES, { inode: slot[inode] as number, nameAt, type });
    nameAt += bytes.write(name, at + nameAt, 'latin1');
  });
}

function describe(nodes: Nodes, directory: number, entry: number): { inode: number; name: ByteString } {
  if (entry === SELF) return { inode: directory, name: '.' };
  if (entry === PARENT) return { inode: nodes.parent[directory] as number, name: '..' };
  return { inode: nodes.inodeOf[entry] as number, name: nameOf(nodes, entry) };
}

/** The entries in a directory, in byte order of their names, with {@link SELF} and {@link PARENT} among them. */
function namesIn(nodes: Nodes, directory: number): Int32Array {
  const { children, firstChild } = nodes;
  const own = children.subarray(firstChild[directory], firstChild[directory + 1]);
  const names = new Int32Array(own.length + DOTS.length);
  let from = 0;
  let to = 0;
  for (const [dots, name] of DOTS) {
    while (from < own.length && nameOf(nodes, own[from] as number) < name) names[to++] = own[from++] as number;
    names[to++] = dots;
  }
  names.set(own.subarray(from), to);
  return names;
}

function nameOf({ entries, nameAt }: Nodes, entry: number): ByteString {
  return (entries[entry] as ImageEntry).path.slice(nameAt[entry]);
}

function nameLength({ entries, nameAt }: Nodes, entry: number): number {
  return entry < 0 ? -entry : (entries[entry] as ImageEntry).path.length - (nameAt[entry] as number);
}
