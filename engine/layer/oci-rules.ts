/**
 * The rules of an OCI layer's archive (image spec 1.1, "layer.md"). Order matters there and duplicates are allowed, so
 * entries are kept as they stand. The plan says what they mean over other layers.
 */
import type { ByteString } from '../core/bytes.js';
import type { Limits } from '../core/limits.js';
import type { EntryType } from '../core/metadata.js';
import { badPath, baseOf, cleanPath, joinPath, parentOf } from '../core/path.js';
import {
  type ContentRole,
  checkSize,
  checkSymlink,
  type LayerRules,
  layerType,
  linkTarget,
  tocEntry,
} from './rules.js';
import type { TarEntry } from './tar/entry.js';
import type { TocEntry } from './toc.js';

/** What the name of a whiteout begins with (image spec, "layer.md", "Whiteouts"). */
export const WHITEOUT_PREFIX = '.wh.';
/** Whiteouts of whiteouts. One of them marks an opaque directory; the others are files that aufs kept for itself. */
const AUFS = '.wh..wh.';
const OPAQUE = '.wh..wh..opq';
/** Where aufs kept the contents of hard links. They are no part of the tree, but links of their layer lead to them. */
export const AUFS_LINKS = '.wh..wh.plnk';

export class OciLayer implements LayerRules {
  readonly entries: TocEntry[] = [];
  readonly #limits: Limits;
  readonly #isBare: boolean;

  /** @param isBare the tar came by itself, of no image. Then it may be a backup of GNU tar. */
  constructor(limits: Limits, isBare = false) {
    this.#limits = limits;
    this.#isBare = isBare;
  }

  add(entry: TarEntry): ContentRole {
    const { type } = entry;
    if (this.#isBare && type === 'label') return 'none';
    if (this.#isBare && type === 'dumpdir') return this.#add(entry, 'dir');
    return this.#add(entry, layerType(entry));
  }

  #add(entry: TarEntry, type: EntryType): ContentRole {
    const path = cleanPath(entry.name, this.#limits);
    checkSize(entry, this.#limits);
    if (path === '' && type !== 'dir') throw badPath(entry.name, `a ${type} where only a directory may be`);
    const isLinked = type === 'file' && parentOf(path) === AUFS_LINKS;
    if (path.includes(WHITEOUT_PREFIX) && !isLinked && this.#marker(entry, path)) return 'none';
    const toc = tocEntry(entry, path, type);
    if (type !== 'file') toc.size = 0;
    if (type === 'symlink') checkSymlink(entry);
    if (type === 'hardlink') toc.link = linkTarget(entry, this.#limits);
    this.entries.push(toc);
    return type === 'file' ? 'object' : 'none';
  }

  finish(): TocEntry[] {
    return this.entries;
  }

  /** @returns whether the entry is a marker and no part of the tree; a marker that counts is noted */
  #marker(entry: TarEntry, path: ByteString): boolean {
    const parent = parentOf(path);
    const base = baseOf(path);
    if (parent.split('/').some((part) => part.startsWith(AUFS))) return true;
    if (parent.split('/').some((part) => part.startsWith(WHITEOUT_PREFIX)))
      throw badPath(entry.name, 'below a whiteout');
    if (!base.startsWith(WHITEOUT_PREFIX)) return false;
    if (base === OPAQUE) this.#note(entry, parent, 'opaque');
    else if (!base.startsWith(AUFS)) {
      const name = base.slice(WHITEOUT_PREFIX.length);
      if (name === '' || name === '.' || name === '..') throw badPath(entry.name, 'a whiteout of nothing');
      this.#note(entry, joinPath(parent, name), 'whiteout');
    }
    return true;
  }

  #note(entry: TarEntry, path: ByteString, type: 'whiteout' | 'opaque'): void {
    this.entries.push({ ...tocEntry(entry, path, type), size: 0, link: '', xattrs: [], devMajor: 0, devMinor: 0 });
  }
}
