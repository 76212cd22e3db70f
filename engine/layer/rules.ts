/** What the rules of all formats of layers share: how an archive's entry becomes one of a table of contents. */
import { type ByteString, toText } from '../core/bytes.js';
import { CairnError } from '../core/errors.js';
import { type Limits, limitFlag, MAX_SYMLINK_TARGET } from '../core/limits.js';
import type { EntryType } from '../core/metadata.js';
import { badPath, cleanPath } from '../core/path.js';
import type { TarEntry } from './tar/entry.js';
import type { LayerEntryType, TocEntry } from './toc.js';

/** What becomes of an entry's content: the image's manifest, an object, or nothing, so that only the recipe has it. */
export type ContentRole = 'manifest' | 'object' | 'none';

/** Checks the entries of a layer one by one, and collects the layer's table of contents. */
export interface LayerRules {
  /** The caller sets the `key` of a file once its content is hashed. */
  readonly entries: TocEntry[];
  /** @throws CairnError `ERR_BAD_ARCHIVE`, `ERR_BAD_LINK` or `ERR_LIMIT`, naming the entry and the rule */
  add(entry: TarEntry): ContentRole;
  /** To be called after the last entry. @throws CairnError `ERR_BAD_ARCHIVE` when something is missing */
  finish(): TocEntry[];
}

/** @throws CairnError `ERR_BAD_ARCHIVE` for what only GNU tar's own archives hold */
export function layerType({ name, type }: TarEntry): EntryType {
  if (type === 'label' || type === 'dumpdir') throw badPath(name, `a ${type} is part of no image`);
  return type;
}

export function tocEntry(entry: TarEntry, path: ByteString, type: LayerEntryType): TocEntry {
  const toc: TocEntry = {
    path,
    type,
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
  // To spread this in, as a copy of the whole for one field, takes a microsecond of the few that an entry takes.
  if (entry.sparse !== undefined) toc.sparse = entry.sparse;
  return toc;
}

/** @throws CairnError `ERR_LIMIT` */
export function checkSize(entry: TarEntry, { maxBytes }: Pick<Limits, 'maxBytes'>): void {
  if (entry.size <= maxBytes) return;
  const why = `a file of ${entry.size} bytes; the limit is ${maxBytes} (${limitFlag('maxBytes')})`;
  throw new CairnError('ERR_LIMIT', why, { entry: toText(entry.name) });
}

/** @throws CairnError `ERR_BAD_ARCHIVE` */
export function checkSymlink(entry: TarEntry): void {
  if (entry.link === '') throw badPath(entry.name, 'a symlink without a target');
  if (entry.link.length > MAX_SYMLINK_TARGET)
    throw badPath(entry.name, `a symlink target over ${MAX_SYMLINK_TARGET} bytes`);
  if (entry.link.includes('\0')) throw badPath(entry.name, 'a NUL byte in a symlink target');
}

/** A hard link's target, cleaned. A leading slash means the root, as in a name. @throws CairnError `ERR_BAD_ARCHIVE` */
export function linkTarget(entry: TarEntry, limits: Limits): ByteString {
  if (entry.link === '') throw badPath(entry.name, 'a hard link without a target');
  if (entry.link.split('/').includes('..')) throw badPath(entry.name, 'a hard link through ".."');
  return cleanPath(entry.link, limits);
}

export function badLink(entry: ByteString, target: ByteString, why: string): CairnError {
  return new CairnError('ERR_BAD_LINK', `a hard link to ${toText(target)}, ${why}`, { entry: toText(entry) });
}
