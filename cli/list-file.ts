/** Lists of arguments in files. */
import * as fs from 'node:fs';
import { CairnError } from '../engine/core/errors.js';
import { STDIN } from '../engine/resolve/source-path.js';

/** Reads a list of sources, one a line. Empty lines are no sources. Standard input is a list or an image, not both. */
export function readList(file: string, sources: readonly string[]): string[] {
  if (file === STDIN && sources.includes(STDIN))
    throw new CairnError('ERR_USAGE', 'standard input cannot be both an image and the list of files');
  if (file !== STDIN && !fs.existsSync(file))
    throw new CairnError('ERR_NOT_FOUND', `no such file: ${file}`, { path: file });
  return fs
    .readFileSync(file === STDIN ? 0 : file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}
