/**
 * `read-mapped ROOT LIST` maps every file of a list into memory, one after the other, copies all of it, and prints how
 * many bytes there were. LIST has lines `SIZE PATH`.
 */
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { listed } from '../read-list.js';

const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
const libc = koffi.load(null);
const mmap = libc.func('void *mmap(void *at, size_t length, int protection, int flags, int fd, int64_t offset)');
const munmap = libc.func('int munmap(void *at, size_t length)');
const memcpy = libc.func('void *memcpy(void *to, void *from, size_t length)');

const PROT_READ = 1;
const MAP_PRIVATE = 2;

const [root, list] = process.argv.slice(2) as [string, string];
const files = listed(list);
const room = Buffer.alloc(Math.max(0, ...files.map(({ size }) => size)));
let bytes = 0;
for (const { size, path } of files) {
  const fd = fs.openSync(join(root, path), 'r');
  const at: unknown = mmap(null, size, PROT_READ, MAP_PRIVATE, fd, 0);
  fs.closeSync(fd);
  memcpy(room, at, size);
  munmap(at, size);
  bytes += size;
}
process.stdout.write(`${bytes}\n`);
