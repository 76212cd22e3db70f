/** From the rows of a plan to inodes, their names and their directories, as positions in the list of rows. */
import type { ByteString } from '../core/bytes.js';
import type { Metadata, NodeType } from '../core/metadata.js';
import { holdsDevice } from './format.js';

/** A path of the tree. The rows of a plan are such entries. */
export interface ImageEntry extends Metadata {
  path: ByteString;
  type: NodeType;
  /** Bytes of a file. */
  size: number;
  /** sha512 of a file's content, hex: files with one key have one content. */
  key: string;
  /** A symlink's target. */
  link: ByteString;
  devMajor: number;
  devMinor: number;
  /** The first path that shares the inode; `''` for an inode with one name. */
  group: ByteString;
}

export interface Nodes {
  /** In byte order of their paths, the root first. */
  entries: readonly ImageEntry[];
  /** Entry → the entry whose inode it is a name of; {@link LEFT_OUT} for one that the image does not hold. */
  inodeOf: Int32Array;
  /** Entry → where in its path its name begins. */
  nameAt: Int32Array;
  /** Entry → its directory; the root's is the root. */
  parent: Int32Array;
  /** Inode → its links. */
  links: Uint32Array;
  /**
   * What lies in directory `d` stands from `firstChild[d]` to before `firstChild[d + 1]`, by names in byte order, with
   * {@link SELF} and {@link PARENT} among them.
   */
  children: Int32Array;
  firstChild: Int32Array;
}

export const LEFT_OUT = -1;
/** The names of a directory itself and of the one above, in it. Each is as long as its number is below zero. */
export const SELF = -1;
export const PARENT = -2;

/** @param overlaid leaves out what an overlay would take for the removal of a name: a character device 0:0 */
export function nodesOf(entries: readonly ImageEntry[], overlaid: boolean): Nodes {
  const count = entries.length;
  const inodeOf = inodesOf(entries, overlaid);
  const { parent, nameAt } = parentsOf(entries);
  const links = new Uint32Array(count);
  const firstChild = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) {
    const inode = inodeOf[i] as number;
    if (inode === LEFT_OUT) continue;
    const isDirectory = (entries[i] as ImageEntry).type === 'dir';
    // A directory is named by its parent, by itself, and by each directory in it.
    (links[inode] as number) += isDirectory ? 2 : 1;
    if (isDirectory) (firstChild[i + 1] as number) += 2;
    if (i === 0) continue;
    const directory = parent[i] as number;
    if (isDirectory) (links[directory] as number)++;
    (firstChild[directory + 1] as number)++;
  }
  for (let i = 0; i < count; i++) (firstChild[i + 1] as number) += firstChild[i] as number;
  const children = childrenOf(entries, { inodeOf, nameAt, parent, firstChild });
  return { entries, inodeOf, nameAt, parent, links, children, firstChild };
}

/** The order of whole paths is that of the names in each directory, but for the dots, which have no paths. */
function childrenOf(
  entries: readonly ImageEntry[],
  { inodeOf, nameAt, parent, firstChild }: Pick<Nodes, 'inodeOf' | 'nameAt' | 'parent' | 'firstChild'>,
): Int32Array {
  const children = new Int32Array(firstChild[entries.length] as number);
  const next = firstChild.slice();
  const dots = new Uint8Array(entries.length);
  const put = (directory: number, child: number): void => {
    children[next[directory] as number] = child;
    (next[directory] as number)++;
  };
  const putDots = (directory: number): void => put(directory, dots[directory] === 0 ? SELF : PARENT);
  for (let i = 1; i < entries.length; i++) {
    if (inodeOf[i] === LEFT_OUT) continue;
    const directory = parent[i] as number;
    for (; (dots[directory] as number) < 2; (dots[directory] as number)++) {
      const name = (entries[i] as ImageEntry).path.slice(nameAt[i]);
      if (name < (dots[directory] === 0 ? '.' : '..')) break;
      putDots(directory);
    }
    put(directory, i);
  }
  for (let i = 0; i < entries.length; i++) {
    if ((entries[i] as ImageEntry).type !== 'dir') continue;
    for (; (dots[i] as number) < 2; (dots[i] as number)++) putDots(i);
  }
  return children;
}

function inodesOf(entries: readonly ImageEntry[], overlaid: boolean): Int32Array {
  const inodeOf = new Int32Array(entries.length);
  const firsts = new Map<ByteString, number>();
  entries.forEach((entry, i) => {
    const { path, group } = entry;
    inodeOf[i] = isLeftOut(entry, overlaid) ? LEFT_OUT : i;
    if (group === '') return;
    if (group === path) firsts.set(path, inodeOf[i] as number);
    else inodeOf[i] = firsts.get(group) ?? missing(path, group);
  });
  return inodeOf;
}

function isLeftOut({ type, devMajor, devMinor }: ImageEntry, overlaid: boolean): boolean {
  if (type !== 'char' && type !== 'block') return false;
  return !holdsDevice(devMajor, devMinor) || (overlaid && type === 'char' && devMajor === 0 && devMinor === 0);
}

function parentsOf(entries: readonly ImageEntry[]): Pick<Nodes, 'parent' | 'nameAt'> {
  const parent = new Int32Array(entries.length);
  const nameAt = new Int32Array(entries.length);
  const directories = new Map<ByteString, number>();
  let last: ByteString = '';
  let lastAt = 0;
  entries.forEach(({ path, type }, i) => {
    const slash = path.lastIndexOf('/');
    nameAt[i] = slash + 1;
    if (type === 'dir') directories.set(path, i);
    // Most entries lie beside the one before.
    if (slash >= 0 && !(slash === last.length && path.startsWith(last))) {
      last = path.slice(0, slash);
      lastAt = directories.get(last) ?? missing(path, last);
    }
    parent[i] = slash < 0 ? 0 : lastAt;
  });
  return { parent, nameAt };
}

function missing(path: ByteString, wanted: ByteString): never {
  throw new Error(`a plan has ${path} without ${wanted}`);
}
