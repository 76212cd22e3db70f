/** The thread of `watchdog.ts`: ends the process when an archive takes too long or the process too much memory. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import type { Bench } from './watchdog.js';

const { state, archive, hangMs, maxRss } = workerData as Bench;
const EVERY_MS = 500;
let seen = -1;
let since = Date.now();

for (;;) {
  Atomics.wait(state, 3, 0, EVERY_MS);
  const count = Atomics.load(state, 0);
  if (count !== seen) {
    seen = count;
    since = Date.now();
  }
  const rss = process.memoryUsage.rss();
  if (rss > maxRss) end(`${Math.round(rss / 2 ** 20)} MiB of memory`);
  if (Date.now() - since > hangMs) end(`no end after ${hangMs} ms`);
}

function end(why: string): never {
  const file = join(tmpdir(), `cairn-fuzz-${process.pid}.bin`);
  fs.writeFileSync(file, archive.subarray(0, Atomics.load(state, 1)));
  fs.writeSync(2, `fuzz: item ${seen}: ${why}; the archive is ${file}\n`);
  process.kill(process.pid, 'SIGKILL');
  throw new Error('unreachable');
}
