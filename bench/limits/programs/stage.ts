/**
 * `stage NAME THREADS FILE…` inflates or hashes files and throws the result away. Each thread takes the next file that
 * no other thread has taken.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { createGunzip } from 'node:zlib';

const CHUNK = 512 * 1024;
const READ = 1 << 20;

interface Share {
  name: string;
  files: readonly string[];
  /** The number of the next file that no thread has taken. */
  next: Int32Array;
}

async function work({ name, files, next }: Share): Promise<void> {
  for (let i = Atomics.add(next, 0, 1); i < files.length; i = Atomics.add(next, 0, 1)) {
    const source = fs.createReadStream(files[i] as string, { highWaterMark: READ });
    const chunks = name === 'sha512-twice' ? source : source.pipe(createGunzip({ chunkSize: CHUNK }));
    const hashes = name === 'inflate' ? [] : [createHash('sha512'), createHash('sha512')];
    for await (const chunk of chunks) for (const each of hashes) each.update(chunk as Buffer);
    for (const each of hashes) each.digest();
  }
}

if (isMainThread) {
  const [name, threads, ...files] = process.argv.slice(2) as [string, string, ...string[]];
  // The largest file comes first: begun last, it would keep one thread busy while the others have nothing to do.
  const bySize = files.toSorted((a, b) => fs.statSync(b).size - fs.statSync(a).size);
  const next = new Int32Array(new SharedArrayBuffer(4));
  const data: Share = { name, files: bySize, next };
  const others = Array.from(
    { length: Number(threads) - 1 },
    () => new Worker(fileURLToPath(import.meta.url), { workerData: data }),
  );
  for (const worker of others)
    worker.once('error', (error) => {
      throw error;
    });
  await work(data);
} else {
  await work(workerData as Share);
}
