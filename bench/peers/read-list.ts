/** Lists of the files of a tree, for programs that read them and must not look for them. */
import * as fs from 'node:fs';
import { join } from 'node:path';

export interface ListedFile {
  size: number;
  /** Below the root. */
  path: string;
}

/** Writes a list of all regular files that have content, sorted by path. */
export function writeList(file: string, root: string): void {
  const lines = fs
    .readdirSync(root, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((path) => ({ path, stat: fs.lstatSync(join(root, path)) }))
    .filter(({ stat }) => stat.isFile() && stat.size > 0)
    .map(({ path, stat }) => `${stat.size} ${path}\n`);
  fs.writeFileSync(file, lines.join(''));
}

/** @throws Error for an empty list */
export function listed(file: string): ListedFile[] {
  const lines = fs.readFileSync(file, 'utf8').split('\n').slice(0, -1);
  if (lines.length === 0) throw new Error(`${file} lists no files`);
  return lines.map((line) => {
    const space = line.indexOf(' ');
    return { size: Number(line.slice(0, space)), path: line.slice(space + 1) };
  });
}
