/**
 * `floor THREADS LIST ROOT` is the floor under a render in Node. It makes the directories and links of a list, as
 * `bench/limits/floor.c` does, by `node:fs` and threads of Node. The C program shows the machine's limit, this one the
 * limit of the language.
 */
import * as fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { toFsPath } from '../../../engine/core/bytes.js';
import { syncfs } from '../../../engine/disk/native.js';

const TIME = 1_735_689_600;

/** A new path and what it links to. The path of a symbolic link begins with an `s`, that of a hard link with an `l`. */
type Leaves = readonly (readonly [path: string, target: string])[];

interface Share {
  root: string;
  leaves: Leaves;
}

function makeLeaves({ root, leaves }: Share): void {
  for (const [path, target] of leaves) {
    const at = toFsPath(`${root}/${path.slice(1)}`);
    if (path.startsWith('s')) fs.symlinkSync(toFsPath(target), at);
    else fs.linkSync(toFsPath(target), at);
  }
}

function readList(file: string): { directories: string[]; leaves: Leaves } {
  const fields = fs.readFileSync(file, 'latin1').split('\0');
  const directories: string[] = [];
  const leaves: [string, string][] = [];
  for (let i = 0; i + 1 < fields.length; ) {
    const path = fields[i++] as string;
    if (path.startsWith('d')) directories.push(path.slice(1));
    else leaves.push([path, fields[i++] as string]);
  }
  return { directories, leaves };
}

async function inThread(share: Share): Promise<void> {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: share });
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  });
}

async function makeAll(threads: number, list: string, root: string): Promise<void> {
  const { directories, leaves } = readList(list);
  fs.mkdirSync(root, { mode: 0o755 });
  for (const path of directories) fs.mkdirSync(toFsPath(`${root}/${path}`), { mode: 0o755 });
  const cut = (i: number): number => Math.floor((leaves.length * i) / threads);
  const shares = Array.from({ length: threads }, (_none, i) => ({ root, leaves: leaves.slice(cut(i), cut(i + 1)) }));
  const others = shares.slice(1).map(inThread);
  makeLeaves(shares[0] as Share);
  await Promise.all(others);
  for (const path of directories.toReversed()) fs.utimesSync(toFsPath(`${root}/${path}`), TIME, TIME);
  await syncfs(fs.openSync(root, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY), root);
}

if (isMainThread) {
  const [threads, list, root] = process.argv.slice(2) as [string, string, string];
  await makeAll(Number(threads), list, root);
} else {
  makeLeaves(workerData as Share);
}
