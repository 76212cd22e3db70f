/** Gives the file of a loose object back the metadata that its name says. The bytes stay as they are. */
import { fromText } from '../core/bytes.js';
import { isXattrKind, type SkippedKind } from '../core/metadata.js';
import { isHostXattr } from '../disk/compare-metadata.js';
import { openForReading } from '../disk/file-bytes.js';
import { resetFile } from '../disk/set-metadata.js';
import { listXattrs } from '../disk/xattrs.js';
import type { KnownMetadata } from './home.js';
import { hasXattrs, lacksOfLoose } from './loose-verify.js';
import { parseLooseName } from './name.js';

/** @returns the metadata that the file lacks even so; `undefined` for attributes that nobody knows any more */
export function resetLoose(path: string, name: string, known: KnownMetadata): SkippedKind[] | undefined {
  const said = parseLooseName(name);
  if (said === undefined) return undefined;
  const file = fromText(path);
  const xattrs = said.xattrs === undefined ? [] : known.xattrs;
  if (xattrs === undefined && !hasXattrs(file, said.xattrs)) return undefined;
  openForReading(file, (fd) => resetFile(fd, file, { ...said, xattrs }, known.identity));
  const wanted = xattrs?.map((xattr) => xattr.name) ?? [];
  const lacks = lacksOfLoose(path, name, wanted) ?? [];
  const found = listXattrs(file);
  // Where attributes cannot be read, they have not been touched either.
  if (found === undefined || xattrs === undefined) {
    return [...lacks.filter((kind) => !isXattrKind(kind)), ...known.skipped.filter(isXattrKind)];
  }
  if (lacks.some(isXattrKind) || hasXattrs(file, said.xattrs)) return lacks;
  const odd = [...found.keys()].find((each) => !isHostXattr(each) && !wanted.includes(each));
  return [...lacks, `xattr ${odd ?? wanted[0]}`];
}
