/** `inflate-sha512 FILE…`: inflates gzipped files in one thread, hashes what comes out, and throws it away. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { createGunzip } from 'node:zlib';

const CHUNK = 512 * 1024;
const READ = 1 << 20;

// The largest comes first, as in the stages that `bench/limits/` measures.
const bySize = process.argv.slice(2).toSorted((a, b) => fs.statSync(b).size - fs.statSync(a).size);
for (const file of bySize) {
  const hash = createHash('sha512');
  const inflated = fs.createReadStream(file, { highWaterMark: READ }).pipe(createGunzip({ chunkSize: CHUNK }));
  for await (const chunk of inflated) hash.update(chunk as Buffer);
  hash.digest();
}
