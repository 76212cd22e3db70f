/** Rules for the paths of archive entries. Pure: names only, no disk. */
import { type ByteString, toText } from './bytes.js';
import { CairnError } from './errors.js';
import { type Limits, limitFlag, MAX_COMPONENT } from './limits.js';
import { printable } from './printable.js';

/** The error for a path that an archive entry may not have. */
export function badPath(path: ByteString, why: string): CairnError {
  const shown = printable(toText(path.length > 300 ? `${path.slice(0, 300)}…` : path));
  return new CairnError('ERR_BAD_ARCHIVE', `${shown || '(empty name)'}: ${why}`, { entry: toText(path) });
}

/** A path with nothing to clean, as nearly all are. */
const CLEAN = /^(?!\.{1,2}(?:\/|$))[^/\0]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[^/\0]{1,255})*$/;

/**
 * The cleaned form of an entry's name: components joined by single slashes, no `.`, no leading or trailing slash, `''`
 * for the root. A leading slash means the root of the archive; `..` is resolved by name.
 *
 * @throws CairnError `ERR_BAD_ARCHIVE` for an empty name, a NUL, a `..` that leaves the root, or a component over 255
 *   bytes; `ERR_LIMIT` past `maxDepth`. A path over `maxPath` bytes is `ERR_BAD_ARCHIVE`: no Linux system call would
 *   take it.
 */
export function cleanPath(raw: ByteString, limits: Pick<Limits, 'maxPath' | 'maxDepth'>): ByteString {
  if (raw === '') throw badPath(raw, 'an entry needs a name');
  if (raw.length > limits.maxPath) throw badPath(raw, `longer than ${limits.maxPath} bytes (${limitFlag('maxPath')})`);
  // It has fewer components than bytes.
  if (raw.length <= limits.maxDepth && CLEAN.test(raw)) return raw;
  if (raw.includes('\0')) throw badPath(raw, 'a NUL byte in a name');
  const parts: string[] = [];
  for (const part of raw.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (parts.pop() === undefined) throw badPath(raw, '".." leaves the root');
      continue;
    }
    if (part.length > MAX_COMPONENT) throw badPath(raw, `a component longer than ${MAX_COMPONENT} bytes`);
    parts.push(part);
  }
  if (parts.length > limits.maxDepth) {
    throw new CairnError('ERR_LIMIT', `a path deeper than ${limits.maxDepth} components (${limitFlag('maxDepth')})`, {
      entry: toText(raw),
    });
  }
  return parts.join('/');
}

/** Whether {@link cleanPath} would have nothing to do. */
export function isCleanPath(path: ByteString): boolean {
  return path === '' || (!path.includes('\0') && path.split('/').every((part) => !UNCLEAN.has(part)));
}

const UNCLEAN: ReadonlySet<string> = new Set(['', '.', '..']);

/** The directory of a cleaned path; `''` for a path in the root. */
export function parentOf(path: ByteString): ByteString {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** The last component of a cleaned path. */
export function baseOf(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function joinPath(directory: ByteString, name: ByteString): ByteString {
  return directory === '' ? name : `${directory}/${name}`;
}

/** Whether two directories of the system are the same, or one lies in the other. Both are real paths. */
export function areNested(one: string, other: string): boolean {
  return `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`);
}

export function below(root: ByteString, path: ByteString): ByteString {
  return path === '' ? root : `${root}/${path}`;
}
