/** Tells directories with what `docker save`, or skopeo's `dir:`, writes from any other that has a `manifest.json`. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { readRegular } from '../../disk/regular-file.js';

/** Whether a path is such a directory. Web applications have a `manifest.json`, too, which is no list. */
export function isUnpacked(path: string): boolean {
  const manifest = join(path, 'manifest.json');
  if (!fs.existsSync(manifest) || !fs.statSync(manifest).isFile()) return false;
  return fs.existsSync(join(path, 'version')) || /^\s*\[/.test(readRegular(manifest, 64).toString('latin1'));
}
