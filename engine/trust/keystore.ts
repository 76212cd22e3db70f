/**
 * A keystore on disk, laid out as rkt does it: `root.d/FINGERPRINT` holds a key that counts for all images,
 * `prefix.d/example.com/app/FINGERPRINT` one for the images below that prefix. A file without a byte masks the files of
 * the same place and name in the directories before its own.
 *
 * What decides whom to trust must be plain to see: files that are not named as keys are, and links in place of
 * directories, are refused.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { CairnError, hasCode, toCairnError } from '../core/errors.js';
import { isComponent, type Prefix } from './prefix.js';

const ROOT = 'root.d';
const PREFIXES = 'prefix.d';
const FINGERPRINT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
/** What editors and interrupted writes leave. */
const LEFTOVER = /^\.|~$|\.tmp$/;
const UNREADABLE = 'a keystore cannot be read';

/** The files of one key in one place of all directories, in their order. */
export interface KeyFiles {
  fingerprint: string;
  /** Files that count, the last of which was written last. */
  files: string[];
  /** Files that do not, since an empty one masks them. */
  masked: string[];
  /** The empty file. Absent where nothing is masked. */
  mask?: string;
}

/** A fingerprint as files are called: lower case, without what people put in between. */
export function cleanFingerprint(text: string): string {
  const clean = text.replace(/^0x/i, '').replace(/[\s:]/g, '').toLowerCase();
  if (FINGERPRINT.test(clean)) return clean;
  throw new CairnError('ERR_KEY_SYNTAX', 'a fingerprint has 40 or 64 hexadecimal digits', { found: text });
}

/** Where a key lies, or would lie. */
export function keyFile(dir: string, prefix: Prefix, fingerprint: string): string {
  return join(dir, ...placeOf(prefix), fingerprint);
}

/** The names of the directories that lead to a place. */
export function placeOf(prefix: Prefix): string[] {
  return prefix === null ? [ROOT] : [PREFIXES, ...prefix.split('/')];
}

/** The keys that lie in a place of any directory. @throws CairnError `ERR_CONFIG` */
export function keyFilesIn(dirs: readonly string[], prefix: Prefix): KeyFiles[] {
  const found = new Map<string, KeyFiles>();
  for (const dir of dirs) {
    for (const { fingerprint, path, isEmpty } of filesIn(dir, prefix)) {
      const known = found.get(fingerprint) ?? { fingerprint, files: [], masked: [] };
      found.set(fingerprint, known);
      if (!isEmpty) known.files.push(path);
      else Object.assign(known, { files: [], masked: [...known.masked, ...known.files], mask: path });
    }
  }
  return [...found.values()].sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1));
}

/** All prefixes that have a place of their own in any directory, in the order of their names. */
export function prefixesIn(dirs: readonly string[]): string[] {
  const prefixes = new Set<string>();
  for (const dir of dirs) if (directoryAt(dir, [PREFIXES])) addPrefixes(dir, [], prefixes);
  return [...prefixes].sort();
}

function addPrefixes(dir: string, above: readonly string[], prefixes: Set<string>): void {
  const place = join(dir, PREFIXES, ...above);
  for (const entry of reading(() => fs.readdirSync(place, { withFileTypes: true }))) {
    const { name } = entry;
    const path = join(place, name);
    if (entry.isSymbolicLink() && fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
      throw wrong(path, 'is a link, where a directory should be');
    if (!entry.isDirectory()) continue;
    if (!isComponent(name)) throw wrong(path, 'is no component of an image name');
    const components = [...above, name];
    prefixes.add(components.join('/'));
    addPrefixes(dir, components, prefixes);
  }
}

interface Found {
  fingerprint: string;
  path: string;
  isEmpty: boolean;
}

function filesIn(dir: string, prefix: Prefix): Found[] {
  const components = placeOf(prefix);
  if (!directoryAt(dir, components)) return [];
  const place = join(dir, ...components);
  return reading(() => fs.readdirSync(place)).flatMap((name) => {
    const path = join(place, name);
    if (LEFTOVER.test(name)) return [];
    const stat = reading(() => fs.statSync(path, { throwIfNoEntry: false }));
    if (stat === undefined) {
      // Another process may have removed it just now.
      if (fs.lstatSync(path, { throwIfNoEntry: false }) === undefined) return [];
      throw wrong(path, 'is a link to what is not there');
    }
    // Below a prefix, longer prefixes have their directories.
    if (stat.isDirectory() && prefix !== null) return [];
    if (!stat.isFile()) throw wrong(path, 'is not a regular file');
    if (!FINGERPRINT.test(name)) throw wrong(path, 'is not named by the fingerprint of a key, in lower case');
    return [{ fingerprint: name, path, isEmpty: stat.size === 0 }];
  });
}

/**
 * Whether there is a directory, all of whose parents below the keystore are directories, too: a link could lead the
 * trust in one prefix to another.
 * @throws CairnError `ERR_CONFIG`
 */
export function directoryAt(dir: string, components: readonly string[]): boolean {
  let path = dir;
  for (const [depth, component] of components.entries()) {
    path = join(path, component);
    const stat = statOf(path);
    // A prefix may go on with what a key of a shorter one is called.
    if (stat === undefined || (depth > 0 && stat.isFile())) return false;
    if (!stat.isDirectory()) throw wrong(path, 'is no directory');
  }
  return true;
}

function statOf(path: string): fs.Stats | undefined {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (hasCode(error, 'ENAMETOOLONG')) return undefined;
    throw toCairnError(error, UNREADABLE);
  }
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw toCairnError(error, UNREADABLE);
  }
}

function wrong(path: string, what: string): CairnError {
  return new CairnError('ERR_CONFIG', `${path} ${what}`, { path });
}
