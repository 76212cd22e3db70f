/**
 * The rules of an App Container Image's archive (appc spec 0.8.11, "Image Archives"): one `manifest`, everything else
 * below `rootfs`.
 */
import { type ByteString, toText } from '../core/bytes.js';
import { CairnError } from '../core/errors.js';
import { type Limits, limitFlag } from '../core/limits.js';
import { badPath, cleanPath, parentOf } from '../core/path.js';
import {
  badLink,
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

const ROOT = 'rootfs';

export class AciLayer implements LayerRules {
  readonly entries: TocEntry[] = [];
  #manifestSeen = false;
  /** Path → its entry, to find duplicates and the targets of links. */
  readonly #byPath = new Map<ByteString, TocEntry>();
  /** Directories that an entry lies in. */
  readonly #implied = new Set<ByteString>();
  /** The number of implied directories that no entry has declared so far. */
  #undeclared = 0;
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  add(entry: TarEntry): ContentRole {
    const full = cleanPath(entry.name, this.#limits);
    layerType(entry);
    checkSize(entry, this.#limits);
    if (full === 'manifest') return this.#manifest(entry);
    if (full === '' || full === ROOT) {
      if (entry.type !== 'dir') throw badPath(entry.name, `a ${entry.type} where only a directory may be`);
      if (full === ROOT) this.#insert(entry, '');
      return 'none';
    }
    if (!full.startsWith(`${ROOT}/`))
      throw badPath(entry.name, 'only "manifest" and "rootfs" may stand at the top of an ACI');
    this.#insert(entry, full.slice(ROOT.length + 1));
    return entry.type === 'file' ? 'object' : 'none';
  }

  finish(): TocEntry[] {
    if (!this.#manifestSeen)
      throw new CairnError('ERR_BAD_ARCHIVE', 'the archive has no manifest', { entry: 'manifest' });
    return this.entries;
  }

  #manifest(entry: TarEntry): ContentRole {
    if (entry.type !== 'file') throw badPath(entry.name, 'the manifest must be a regular file');
    if (this.#manifestSeen) throw badPath(entry.name, 'a second manifest');
    if (entry.size > this.#limits.maxManifest) {
      throw badPath(entry.name, `a manifest over ${this.#limits.maxManifest} bytes (${limitFlag('maxManifest')})`);
    }
    this.#manifestSeen = true;
    return 'manifest';
  }

  #insert(entry: TarEntry, path: ByteString): void {
    if (this.#byPath.has(path)) throw badPath(entry.name, 'a duplicate entry');
    if (entry.type !== 'dir' && this.#implied.has(path)) {
      throw badPath(entry.name, `a ${entry.type}, but an earlier entry lies below it`);
    }
    // This directory is declared after an entry that lies in it.
    if (this.#implied.has(path)) this.#undeclared--;
    this.#checkParents(entry.name, path);
    const toc = tocEntry(entry, path, layerType(entry));
    if (entry.type === 'symlink') checkSymlink(entry);
    if (entry.type === 'hardlink') toc.link = this.#linkTarget(entry, path);
    this.#byPath.set(path, toc);
    this.entries.push(toc);
  }

  /** A parent may be a directory, a symlink, which a directory replaces then, or undeclared; nothing else. */
  #checkParents(name: ByteString, path: ByteString): void {
    for (let parent = parentOf(path); parent !== '' && !this.#implied.has(parent); parent = parentOf(parent)) {
      const type = this.#byPath.get(parent)?.type;
      if (type !== undefined && type !== 'dir' && type !== 'symlink') {
        throw badPath(name, `its parent ${toText(parent)} is a ${type}`);
      }
      this.#implied.add(parent);
      if (type === undefined) this.#undeclared++;
    }
    // One header can name a hundred directories, so each of them counts as an entry.
    if (this.entries.length + this.#undeclared < this.#limits.maxEntries) return;
    const why = `more than ${this.#limits.maxEntries} entries, with the directories that none declares`;
    throw new CairnError('ERR_LIMIT', `${why} (${limitFlag('maxEntries')})`, { entry: toText(name) });
  }

  #linkTarget(entry: TarEntry, path: ByteString): ByteString {
    const full = linkTarget(entry, this.#limits);
    const target = full.startsWith(`${ROOT}/`) ? full.slice(ROOT.length + 1) : undefined;
    if (target === path) throw badPath(entry.name, 'a hard link to itself');
    const found = target === undefined ? undefined : this.#byPath.get(target);
    if (found?.type === 'dir') throw badPath(entry.name, 'a hard link to a directory');
    if (found === undefined || target === undefined) {
      throw badLink(entry.name, entry.link, 'which no earlier entry is');
    }
    return found.type === 'hardlink' ? found.link : target;
  }
}
