/**
 * The rules of an App Container Image's archive (appc spec 0.8.11, "Image Archives"; semantics: one `manifest`, everything else
 * below `rootfs`), applied while its entries stream by. Collects the layer's table of contents.
 */
import { type ByteString, toText } from './bytes.js';
import { CairnError } from './errors.js';
import { type Limits, limitFlag, MAX_SYMLINK_TARGET } from './limits.js';
import { badPath, cleanPath, parentOf } from './path.js';
import type { TarEntry } from './tar/entry.js';
import type { TocEntry } from './toc.js';

/** What the content of an entry is for. */
export type ContentRole = 'manifest' | 'object' | 'none';

const ROOT = 'rootfs';

export class AciLayer {
  readonly entries: TocEntry[] = [];
  #manifestSeen = false;
  /** Path → its entry, to find duplicates and link targets. */
  readonly #byPath = new Map<ByteString, TocEntry>();
  /** Directories that exist only because something lies below them. */
  readonly #implied = new Set<ByteString>();
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /**
   * Takes the next entry. For files, the caller sets `key` of the last of {@link entries} once the content is hashed.
   * @throws CairnError `ERR_BAD_ARCHIVE`, `ERR_BAD_LINK` or `ERR_LIMIT`, naming the entry and the rule
   */
  add(entry: TarEntry): ContentRole {
    const full = cleanPath(entry.name, this.#limits);
    const { maxBytes } = this.#limits;
    if (entry.size > maxBytes) {
      const why = `a file of ${entry.size} bytes; the limit is ${maxBytes} (${limitFlag('maxBytes')})`;
      throw new CairnError('ERR_LIMIT', why, { entry: toText(entry.name) });
    }
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

  /** @throws CairnError `ERR_BAD_ARCHIVE` when the archive had no manifest */
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
    this.#checkParents(entry.name, path);
    const toc: TocEntry = {
      path,
      type: entry.type,
      mode: entry.mode,
      uid: entry.uid,
      gid: entry.gid,
      sec: entry.mtime.sec,
      nsec: entry.mtime.nsec,
      size: entry.size,
      key: '',
      link: entry.link,
      devMajor: entry.devMajor,
      devMinor: entry.devMinor,
      xattrs: entry.xattrs,
    };
    if (entry.type === 'symlink') checkSymlink(entry);
    if (entry.type === 'hardlink') toc.link = this.#linkTarget(entry, path);
    this.#byPath.set(path, toc);
    this.entries.push(toc);
  }

  /** A parent may be a directory, undeclared, or a symlink (which the directory then replaces); nothing else. */
  #checkParents(name: ByteString, path: ByteString): void {
    for (let parent = parentOf(path); parent !== '' && !this.#implied.has(parent); parent = parentOf(parent)) {
      const type = this.#byPath.get(parent)?.type;
      if (type !== undefined && type !== 'dir' && type !== 'symlink') {
        throw badPath(name, `its parent ${toText(parent)} is a ${type}`);
      }
      this.#implied.add(parent);
    }
  }

  #linkTarget(entry: TarEntry, path: ByteString): ByteString {
    if (entry.link === '') throw badPath(entry.name, 'a hard link without a target');
    if (entry.link.startsWith('/') || entry.link.split('/').includes('..')) {
      throw badPath(entry.name, 'a hard link to an absolute path or through ".."');
    }
    const full = cleanPath(entry.link, this.#limits);
    const target = full.startsWith(`${ROOT}/`) ? full.slice(ROOT.length + 1) : undefined;
    if (target === path) throw badPath(entry.name, 'a hard link to itself');
    const found = target === undefined ? undefined : this.#byPath.get(target);
    if (found?.type === 'dir') throw badPath(entry.name, 'a hard link to a directory');
    if (found === undefined || target === undefined) {
      throw new CairnError('ERR_BAD_LINK', `a hard link to ${toText(entry.link)}, which no earlier entry is`, {
        entry: toText(entry.name),
      });
    }
    return found.type === 'hardlink' ? found.link : target;
  }
}

export function checkSymlink(entry: TarEntry): void {
  if (entry.link === '') throw badPath(entry.name, 'a symlink without a target');
  if (entry.link.length > MAX_SYMLINK_TARGET)
    throw badPath(entry.name, `a symlink target over ${MAX_SYMLINK_TARGET} bytes`);
  if (entry.link.includes('\0')) throw badPath(entry.name, 'a NUL byte in a symlink target');
}
