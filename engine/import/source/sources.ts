/** The sources of images: files, directories of files, standard input. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { CairnError, isCairnError } from '../../core/errors.js';
import { isLayout } from '../../resolve/source-path.js';
import { identifyFile } from './identify.js';
import { isUnpacked } from './unpacked.js';

/**
 * Lists in byte order every file below a directory that looks like an image, and every layout. A file is itself.
 * @throws CairnError `ERR_NOT_FOUND`
 */
export function imagesBelow(dir: string): string[] {
  const stat = fs.statSync(dir, { throwIfNoEntry: false });
  if (stat === undefined) throw new CairnError('ERR_NOT_FOUND', `no such directory: ${dir}`, { path: dir });
  if (!stat.isDirectory()) return [dir];
  const found: string[] = [];
  collectBelow(dir, listed(dir), found);
  return found;
}

/** The entries of a directory; `undefined` for one that is a container of images. */
function listed(dir: string): fs.Dirent[] | undefined {
  if (isLayout(dir) || isUnpacked(dir)) return undefined;
  return fs.readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function collectBelow(dir: string, entries: readonly fs.Dirent[] | undefined, found: string[]): void {
  if (entries === undefined) {
    found.push(dir);
    return;
  }
  for (const entry of entries) {
    const path = join(dir, entry.name);
    if (entry.isFile() && isImage(path)) found.push(path);
    if (!entry.isDirectory()) continue;
    let below: fs.Dirent[] | undefined;
    try {
      below = listed(path);
    } catch {
      // The directory cannot be read, or is too deep. Importing it fails by itself, and says why.
      found.push(path);
      continue;
    }
    collectBelow(path, below, found);
  }
}

function isImage(path: string): boolean {
  try {
    identifyFile(path);
    return true;
  } catch (error) {
    // A file that cannot be read or unpacked may be an image. Importing it fails by itself, and says why.
    return !isCairnError(error, 'ERR_NOT_AN_IMAGE');
  }
}

/** Bytes of a source that is a file; `undefined` for any other, whose size does not show yet. */
export function fileSize(source: string): number | undefined {
  try {
    const stat = fs.statSync(source, { throwIfNoEntry: false });
    return stat?.isFile() === true ? stat.size : undefined;
  } catch {
    return undefined;
  }
}
