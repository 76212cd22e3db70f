/**
 * Plans the tree of an OCI image from its layers (image spec 1.1, "layer.md"; semantics: whiteouts, opaque directories,
 * order, symlinked parents, links). Entries apply in archive order. Symbolic links are followed by name inside the
 * tree, never on a disk.
 */
import { type ByteString, toText } from '../core/bytes.js';
import { CairnError, isCairnError } from '../core/errors.js';
import { MAX_PATH, MAX_SYMLINK_HOPS, MAX_SYMLINK_STEPS } from '../core/limits.js';
import { badPath, baseOf, joinPath, parentOf } from '../core/path.js';
import { AUFS_LINKS } from '../layer/oci-rules.js';
import { badLink } from '../layer/rules.js';
import type { TocEntry } from '../layer/toc.js';
import { type MergeNode, MergeTree } from './merge-tree.js';
import type { Plan } from './plan.js';

/**
 * @param layers tables of contents, bottom to top; `layer` of the plan's entries counts from the top, in priority order
 * @throws CairnError `ERR_BAD_LINK`, `ERR_BAD_ARCHIVE`, `ERR_LIMIT`
 */
export function planOci(layers: readonly (readonly TocEntry[])[]): Plan {
  const tree = new MergeTree();
  const steps = { left: MAX_SYMLINK_STEPS };
  for (const [i, toc] of layers.entries()) new LayerMerge(tree, layers.length - 1 - i, steps).apply(toc);
  return tree.plan();
}

type Directory = MergeNode & { children: Map<ByteString, MergeNode> };

/** Puts one layer on top of the layers below. */
class LayerMerge {
  readonly #tree: MergeTree;
  readonly #root: Directory;
  readonly #layer: number;
  /** How many components of symlink targets may yet be followed, in this layer and those above. */
  readonly #steps: { left: number };
  /**
   * Archives list a directory's files together, so the last parent is mostly also the next one. It is kept only if no
   * symlink led to it. Entries put into it cannot change what its path means. Entries that could change that have
   * another parent, and markers make it forgotten.
   */
  #lastPath: ByteString = '';
  #lastParent: Directory;
  /**
   * Directories with nothing of lower layers below them any more. They stay so, since this layer adds only entries of
   * its own. A layer that hides the same place over and over thus looks at each directory once.
   */
  readonly #cleared = new Set<Directory>();
  /** Files of this layer that are no part of the tree, and that its hard links lead to. */
  readonly #aside = new Map<ByteString, TocEntry>();

  constructor(tree: MergeTree, layer: number, steps: { left: number }) {
    this.#tree = tree;
    this.#root = tree.root as Directory;
    this.#layer = layer;
    this.#steps = steps;
    this.#lastParent = this.#root;
  }

  apply(toc: readonly TocEntry[]): void {
    const below = this.#lowerTargets(toc);
    for (const entry of toc) {
      switch (entry.type) {
        case 'whiteout':
          this.#whiteOut(entry);
          break;
        case 'opaque':
          this.#hideBelow(entry);
          break;
        case 'dir':
          this.#putDirectory(entry);
          break;
        case 'hardlink':
          this.#putLink(entry, below.get(entry));
          break;
        default:
          if (parentOf(entry.path) === AUFS_LINKS) this.#aside.set(entry.path, entry);
          else this.#putLeaf(entry, entry, this.#layer);
      }
    }
  }

  /** Targets of hard links in the tree of the lower layers. A whiteout of this layer does not take them away. */
  #lowerTargets(toc: readonly TocEntry[]): Map<TocEntry, MergeNode> {
    const targets = new Map<TocEntry, MergeNode>();
    for (const entry of toc) {
      if (entry.type !== 'hardlink') continue;
      const target = this.#lookUpBelow(entry);
      if (target !== undefined && target.children === undefined) targets.set(entry, target);
    }
    return targets;
  }

  /** Ignores symlink loops of the lower layers: this layer may yet give the link another target. */
  #lookUpBelow(entry: TocEntry): MergeNode | undefined {
    try {
      return this.#lookUp(entry.link, entry);
    } catch (error) {
      if (isCairnError(error) && error.code !== 'ERR_LIMIT') return undefined;
      throw error;
    }
  }

  #putDirectory(entry: TocEntry): void {
    if (entry.path === '') {
      Object.assign(this.#root, { entry, layer: this.#layer, home: this.#layer });
      return;
    }
    const parent = this.#parentOf(entry);
    const name = baseOf(entry.path);
    const there = parent.children.get(name);
    if (there?.children !== undefined) Object.assign(there, { entry, layer: this.#layer, home: this.#layer });
    else parent.children.set(name, this.#directoryAt(parent, name, entry, entry));
  }

  #putLink(entry: TocEntry, below: MergeNode | undefined): void {
    const aside = this.#aside.get(entry.link);
    if (aside !== undefined) {
      this.#tree.markLinked(aside);
      this.#putLeaf(entry, aside, this.#layer);
      return;
    }
    const there = this.#lookUp(entry.link, entry);
    const target = there ?? below;
    if (target?.children !== undefined) throw badPath(entry.path, 'a hard link to a directory');
    if (target?.entry === undefined) throw badLink(entry.path, entry.link, 'which is not there at that point');
    // GNU tar writes such a link for a file that it was told to archive twice.
    if (there !== undefined && entry.link === entry.path) return;
    this.#tree.markLinked(target.entry);
    this.#putLeaf(entry, target.entry, target.home);
  }

  /** Puts anything but a directory, in place of whatever was there and all below that. */
  #putLeaf({ path }: TocEntry, entry: TocEntry, home: number): void {
    const parent = this.#parentOf({ path });
    const name = baseOf(path);
    const node = { path: this.#pathIn(parent, name, { path }), entry, layer: this.#layer, home, children: undefined };
    parent.children.set(name, node);
  }

  #whiteOut(entry: TocEntry): void {
    this.#forgetParent();
    const parent = this.#resolve(parentOf(entry.path), false, entry);
    const name = baseOf(entry.path);
    const node = parent?.children.get(name);
    if (node !== undefined && !this.#keepOwn(node)) parent?.children.delete(name);
  }

  #hideBelow(entry: TocEntry): void {
    this.#forgetParent();
    const directory = this.#resolve(entry.path, false, entry);
    if (directory !== undefined) this.#keepOwnBelow(directory);
  }

  /**
   * Takes away what lower layers put at and below a node. A directory that only lower layers declare stays, undeclared,
   * if this layer has put something into it.
   * @returns whether anything is left
   */
  #keepOwn(node: MergeNode): boolean {
    if (node.children !== undefined) this.#keepOwnBelow(node as Directory);
    if (node.layer === this.#layer) return true;
    if (node.children === undefined || node.children.size === 0) return false;
    Object.assign(node, { entry: undefined, layer: this.#layer, home: this.#layer });
    return true;
  }

  #keepOwnBelow(directory: Directory): void {
    if (this.#cleared.has(directory)) return;
    for (const [name, child] of directory.children) if (!this.#keepOwn(child)) directory.children.delete(name);
    this.#cleared.add(directory);
  }

  /** The node that a path names. Follows symlinks among its parents, but not the node itself. */
  #lookUp(path: ByteString, entry: TocEntry): MergeNode | undefined {
    if (path === '') return this.#root;
    return this.#resolve(parentOf(path), false, entry)?.children.get(baseOf(path));
  }

  /** The directory that an entry goes into. Makes it if it is missing. */
  #parentOf(entry: Pick<TocEntry, 'path'>): Directory {
    const path = parentOf(entry.path);
    if (path === this.#lastPath) return this.#lastParent;
    const parent = this.#resolve(path, true, entry) as Directory;
    if (parent.path !== path) {
      this.#forgetParent();
      return parent;
    }
    this.#lastPath = path;
    this.#lastParent = parent;
    return parent;
  }

  #forgetParent(): void {
    this.#lastPath = '';
    this.#lastParent = this.#root;
  }

  /**
   * Follows a path from the root, through symbolic links as a process in the tree would.
   * @param make makes missing directories, in place of whatever is no directory
   * @throws CairnError `ERR_BAD_ARCHIVE` after more links than the kernel follows, `ERR_LIMIT` when all entries of the
   *   image together followed too much
   */
  #resolve(path: ByteString, make: boolean, entry: Pick<TocEntry, 'path'>): Directory | undefined {
    const rest = path.split('/').reverse();
    let trail = [this.#root];
    let hops = 0;
    for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        if (trail.length > 1) trail.pop();
        continue;
      }
      const directory = trail.at(-1) as Directory;
      const next = directory.children.get(name);
      if (next?.children !== undefined) trail.push(next as Directory);
      else if (next?.entry?.type === 'symlink') {
        if (++hops > MAX_SYMLINK_HOPS) throw unresolvable(entry, `through more than ${MAX_SYMLINK_HOPS} symlinks`);
        if (next.entry.link.startsWith('/')) trail = [this.#root];
        const names = next.entry.link.split('/').reverse();
        this.#steps.left -= names.length;
        if (this.#steps.left < 0) throw tooManySteps(entry);
        rest.push(...names);
      } else if (make) {
        this.#tree.countUndeclared(entry.path);
        const made = this.#directoryAt(directory, name, undefined, entry);
        directory.children.set(name, made);
        trail.push(made);
      } else return undefined;
    }
    return trail.at(-1);
  }

  #pathIn(parent: Directory, name: ByteString, asked: Pick<TocEntry, 'path'>): ByteString {
    const path = joinPath(parent.path, name);
    if (path.length > MAX_PATH) throw unresolvable(asked, 'to a place too deep to name');
    return path;
  }

  #directoryAt(
    parent: Directory,
    name: ByteString,
    entry: TocEntry | undefined,
    asked: Pick<TocEntry, 'path'>,
  ): Directory {
    const path = this.#pathIn(parent, name, asked);
    return { path, entry, layer: this.#layer, home: this.#layer, children: new Map() };
  }
}

function unresolvable({ path }: Pick<TocEntry, 'path'>, why: string): CairnError {
  return new CairnError('ERR_BAD_ARCHIVE', `${toText(path)}: its parents lead ${why}`, { entry: toText(path) });
}

function tooManySteps({ path }: Pick<TocEntry, 'path'>): CairnError {
  const why = `its image's entries lie behind symlinks of more than ${MAX_SYMLINK_STEPS} components, counted for each entry`;
  return new CairnError('ERR_LIMIT', `${toText(path)}: ${why}`, { entry: toText(path) });
}
