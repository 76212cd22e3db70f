/** The tree that layers are merged into, one path at a time, lowest layer first. */
import { type ByteString, toText } from '../core/bytes.js';
import { CairnError } from '../core/errors.js';
import { MAX_UNDECLARED_DIRECTORIES } from '../core/limits.js';
import type { NodeType } from '../core/metadata.js';
import { baseOf, parentOf } from '../core/path.js';
import type { TocEntry } from '../layer/toc.js';
import { type Plan, type PlanEntry, plainEntry } from './plan.js';

/** One path. Two nodes with the same `entry` and `home` are two names of one inode. */
export interface MergeNode {
  path: ByteString;
  /** The archive's entry, a link's target in place of the link; `undefined` for a directory that no layer declares. */
  entry: TocEntry | undefined;
  /** The layer that put it here. */
  layer: number;
  /** The layer that `entry` comes from: a lower one for a hard link to a file that is there already. */
  home: number;
  /** Present exactly in directories. */
  children: Map<ByteString, MergeNode> | undefined;
}

export class MergeTree {
  readonly root: MergeNode = { path: '', entry: undefined, layer: -1, home: -1, children: new Map() };
  /** Archives list a directory's files together, so the last parent is mostly also the next one. */
  #lastParent: MergeNode = this.root;
  /** Entries that more than one path may share. */
  readonly #linked = new Set<TocEntry>();
  #undeclared = 0;

  /** Puts a directory: merges it with a directory that is there, replaces anything else. */
  putDirectory(path: ByteString, entry: TocEntry, layer: number): void {
    if (path === '') {
      this.root.entry = entry;
      this.root.layer = layer;
      return;
    }
    const siblings = this.directory(parentOf(path), layer).children as Map<ByteString, MergeNode>;
    const name = baseOf(path);
    const there = siblings.get(name);
    if (there?.children !== undefined) {
      there.entry = entry;
      there.layer = layer;
      return;
    }
    siblings.set(name, { path, entry, layer, home: layer, children: new Map() });
  }

  /** Puts anything but a directory, in place of whatever was there and all below that. */
  putLeaf(path: ByteString, entry: TocEntry, layer: number): void {
    const siblings = this.directory(parentOf(path), layer).children as Map<ByteString, MergeNode>;
    const name = baseOf(path);
    siblings.set(name, { path, entry, layer, home: layer, children: undefined });
  }

  /** Counts one more directory that no entry declares. @throws CairnError `ERR_LIMIT` for more than any tree needs */
  countUndeclared(path: ByteString): void {
    if (++this.#undeclared <= MAX_UNDECLARED_DIRECTORIES) return;
    const why = `more than ${MAX_UNDECLARED_DIRECTORIES} directories that no entry declares`;
    throw new CairnError('ERR_LIMIT', why, { entry: toText(path) });
  }

  /** Notes that further names of this entry are coming. */
  markLinked(entry: TocEntry): void {
    this.#linked.add(entry);
  }

  /**
   * The directory at `path`. Missing directories are made; anything else in their places is replaced.
   * @throws CairnError `ERR_LIMIT` for more undeclared directories than any tree needs
   */
  directory(path: ByteString, layer: number): MergeNode {
    if (this.#lastParent.path === path) return this.#lastParent;
    let node = this.root;
    let at = 0;
    while (at < path.length) {
      const slash = path.indexOf('/', at);
      const end = slash < 0 ? path.length : slash;
      const name = path.slice(at, end);
      const children = node.children as Map<ByteString, MergeNode>;
      let next = children.get(name);
      if (next?.children === undefined) {
        this.countUndeclared(path);
        next = { path: path.slice(0, end), entry: undefined, layer, home: layer, children: new Map() };
        children.set(name, next);
      }
      node = next;
      at = end + 1;
    }
    this.#lastParent = node;
    return node;
  }

  /** The finished plan. */
  plan(): Plan {
    const entries: PlanEntry[] = [];
    /** First names of entries, by layer: one layer may stand at several places of the dependency tree. */
    const groups = new Map<number, Map<TocEntry, PlanEntry>>();
    let files = 0;
    let bytes = 0;
    const emit = (node: MergeNode): void => {
      const { entry } = node;
      const planned = planEntry(node);
      entries.push(planned);
      if (planned.type === 'file') files++;
      if (entry !== undefined && this.#linked.has(entry)) {
        const own = groups.get(node.home) ?? new Map<TocEntry, PlanEntry>();
        const first = own.get(entry);
        if (first !== undefined) {
          first.group = first.path;
          planned.group = first.path;
          return;
        }
        groups.set(node.home, own.set(entry, planned));
      }
      bytes += planned.size;
    };
    emit(this.root);
    walk(this.root, emit);
    return { entries, files, bytes };
  }
}

/**
 * Visits everything below a directory in byte order of the whole path. A directory (`a`) and its content (`a/`) have
 * different places in that order: `a-b` stands between them.
 */
function walk(directory: MergeNode, emit: (node: MergeNode) => void): void {
  const children = directory.children as Map<ByteString, MergeNode>;
  // Texts alone: V8 sorts those by itself, without a call for each comparison.
  const steps: ByteString[] = [];
  for (const [name, node] of children) {
    steps.push(name);
    if (node.children !== undefined && node.children.size > 0) steps.push(`${name}/`);
  }
  for (const step of steps.sort()) {
    if (step.endsWith('/')) walk(children.get(step.slice(0, -1)) as MergeNode, emit);
    else emit(children.get(step) as MergeNode);
  }
}

function planEntry(node: MergeNode): PlanEntry {
  const { entry } = node;
  if (entry === undefined) return plainEntry(node.path, 'dir', 0o755, -1);
  return {
    path: node.path,
    type: nodeType(entry),
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    sec: entry.sec,
    nsec: entry.nsec,
    size: entry.size,
    key: entry.key,
    link: entry.link,
    devMajor: entry.devMajor,
    devMinor: entry.devMinor,
    xattrs: entry.xattrs,
    group: '',
    layer: node.layer,
    home: entry.file === undefined ? -1 : node.home,
    file: entry.file ?? -1,
  };
}

/** Links and markers never get into the tree: a link's target is put in its place, a marker only removes things. */
function nodeType({ type, path }: TocEntry): NodeType {
  if (type === 'hardlink' || type === 'whiteout' || type === 'opaque')
    throw new Error(`a ${type} in the tree: ${path}`);
  return type;
}
