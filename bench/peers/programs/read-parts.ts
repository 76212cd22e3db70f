/**
 * `read-parts ROOT LIST COUNT` reads COUNT parts of 4 KiB, each of a file that it opens for that, here and there, and
 * prints how many bytes there were. LIST has lines `SIZE PATH`; the same list makes the same reads.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { numbers } from '../../inputs/generated.js';
import { listed } from '../read-list.js';

const PART = 4096;

const [root, list, count] = process.argv.slice(2) as [string, string, string];
const files = listed(list);
const part = Buffer.alloc(PART);
const next = numbers(1);

let bytes = 0;
for (let i = 0; i < Number(count); i++) {
  const { size, path } = files[next() % files.length] as { size: number; path: string };
  const fd = fs.openSync(join(root, path), 'r');
  bytes += fs.readSync(fd, part, 0, PART, PART * (next() % Math.ceil(size / PART)));
  fs.closeSync(fd);
}
process.stdout.write(`${bytes}\n`);
