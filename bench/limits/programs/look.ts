/**
 * `look THREADS OBJECTS TREE` is the floor under a check in Node. It asks for the metadata of every object, hashes it,
 * and asks for the metadata of every path of a tree. It compares nothing, and throws away what it finds.
 */
import * as fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { fromText, toFsPath } from '../../../engine/core/bytes.js';
import { openForReading } from '../../../engine/disk/file-bytes.js';
import { fileStat } from '../../../engine/disk/stat.js';
import { listXattrs } from '../../../engine/disk/xattrs.js';
import { HASH_ROOM, hashOf } from '../../../workers/files/hash-file.js';

const AT_ONCE = 500;

interface Share {
  objects: readonly string[];
  paths: readonly string[];
  /** The numbers of the next object and the next path that no thread has taken. */
  next: Int32Array;
}

function* taken(list: readonly string[], next: Int32Array, which: number): Generator<string> {
  for (let at = Atomics.add(next, which, AT_ONCE); at < list.length; at = Atomics.add(next, which, AT_ONCE))
    yield* list.slice(at, at + AT_ONCE);
}

function look({ objects, paths, next }: Share): void {
  const room = Buffer.allocUnsafe(HASH_ROOM);
  const control = { cancel: new Int32Array(1), done: new BigInt64Array(3) };
  for (const path of taken(objects, next, 0)) {
    const size = fileStat(fromText(path))?.size ?? 0;
    openForReading(fromText(path), (fd) => [listXattrs(fd), hashOf(fd, size, room, control)]);
  }
  for (const path of taken(paths, next, 1)) fileStat(path);
}

function namesIn(dir: string): string[] {
  return fs.readdirSync(dir).map((name) => `${dir}/${name}`);
}

/** Every path below a directory. Node's own recursive listing would follow symlinks. */
function* below(dir: string): Generator<string> {
  for (const entry of fs.readdirSync(toFsPath(dir), { withFileTypes: true, encoding: 'latin1' })) {
    const path = `${dir}/${entry.name}`;
    yield path;
    if (entry.isDirectory()) yield* below(path);
  }
}

if (isMainThread) {
  const [threads, shards, tree] = process.argv.slice(2) as [string, string, string];
  const objects = namesIn(shards).flatMap(namesIn);
  const share: Share = { objects, paths: [...below(tree)], next: new Int32Array(new SharedArrayBuffer(8)) };
  for (let i = 1; i < Number(threads); i++)
    new Worker(fileURLToPath(import.meta.url), { workerData: share }).once('error', (error) => {
      throw error;
    });
  look(share);
} else {
  look(workerData as Share);
}
