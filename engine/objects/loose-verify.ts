/** Verifies that the file of a loose object is what its name says. */
import { type ByteString, fromText } from '../core/bytes.js';
import { isXattrKind, type SkippedKind, xattrsDigest } from '../core/metadata.js';
import { isHostXattr, isTime, metadataFaults } from '../disk/compare-metadata.js';
import { openForReading } from '../disk/file-bytes.js';
import { faultOf } from '../disk/path-fault.js';
import { type FileStat, fileStat } from '../disk/stat.js';
import { listXattrs } from '../disk/xattrs.js';
import type { VerifiedFile, VerifyLook } from './home.js';
import { type NamedContent, parseLooseName } from './name.js';

/** @param device of the directory of objects: files of trees are linked only within its file system */
export function verifyLoose(path: string, name: string, device: number | undefined, look: VerifyLook): VerifiedFile {
  const bytes = fromText(path);
  let inode = 0n;
  try {
    const stat = fileStat(bytes);
    if (stat !== undefined && stat.device === device) inode = stat.ino;
    return { ...faultsOf(bytes, name, stat, look), inode };
  } catch (error) {
    return { ...damaged(faultOf(error)), inode };
  }
}

type Faults = Omit<VerifiedFile, 'inode'>;

function damaged(...faults: string[]): Faults {
  return { faults, onlyMetadata: false };
}

/** Metadata that differs says nothing of the content, and tells less than content that differs. */
function faultsOf(path: ByteString, name: string, stat: FileStat | undefined, look: VerifyLook): Faults {
  const said = parseLooseName(name);
  if (said === undefined) return damaged('not an object name');
  if (stat === undefined) return damaged('missing');
  if (stat.type !== 'file') return damaged('not a regular file');
  if (stat.size !== look.size) return damaged(`${stat.size} bytes instead of ${look.size}`);
  const metadata = metadataFaults(stat, said, (what) => look.skipped.includes(what));
  const xattrs = (file: ByteString | number): string[] =>
    look.skipped.some(isXattrKind) || hasXattrs(file, said.xattrs) ? [] : ['extended attributes differ'];
  if (look.quick) return ofMetadata([...metadata, ...xattrs(path)]);
  try {
    return openForReading(path, (fd) => {
      const all = [...metadata, ...xattrs(fd)];
      if (look.hash(fd, look.size) !== said.sha512) return damaged('content does not have the hash it is named by');
      return ofMetadata(all);
    });
  } catch (error) {
    return damaged(...metadata, faultOf(error));
  }
}

function ofMetadata(faults: string[]): Faults {
  return { faults, onlyMetadata: faults.length > 0 };
}

/** @param digest that the attributes must have; `undefined` for no attributes at all */
export function hasXattrs(file: ByteString | number, digest: string | undefined): boolean {
  const found = listXattrs(file);
  if (found === undefined) return true; // there is no way to tell
  if (found.size === 0) return digest === undefined;
  const all = [...found].map(([name, value]) => ({ name, value })).sort((a, b) => (a.name < b.name ? -1 : 1));
  // An attribute that a host sets on every file may also be the image's own.
  const own = all.filter(({ name }) => !isHostXattr(name));
  const digestOf = (xattrs: typeof all): string | undefined => (xattrs.length === 0 ? undefined : xattrsDigest(xattrs));
  return digestOf(own) === digest || digestOf(all) === digest;
}

/** @returns the metadata that the file lacks, in the words used when metadata could not be set */
export function lacksOfLoose(path: string, name: string, xattrs: readonly string[]): SkippedKind[] | undefined {
  const stat = fileStat(fromText(path));
  const said = parseLooseName(name);
  if (stat?.type !== 'file' || said === undefined) return undefined;
  return [...lacks(stat, said), ...lacksXattrs(fromText(path), xattrs)];
}

function lacks(stat: FileStat, said: NamedContent): SkippedKind[] {
  const skipped: SkippedKind[] = [];
  if (stat.mode !== said.mode) skipped.push('mode');
  if (stat.uid !== said.uid || stat.gid !== said.gid) skipped.push('owner');
  if (!isTime(stat, said, false)) skipped.push(isTime(stat, said, true) ? 'time below a microsecond' : 'time');
  return skipped;
}

function lacksXattrs(path: ByteString, wanted: readonly string[]): SkippedKind[] {
  if (wanted.length === 0) return [];
  const found = listXattrs(path);
  return wanted.filter((name) => found?.has(name) !== true).map((name): SkippedKind => `xattr ${name}`);
}
