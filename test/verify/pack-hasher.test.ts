/** Contents of packs are hashed one after the other, neighbours with one read. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { PackHasher } from '../../workers/files/hash-file.js';
import { temporaryDirectory } from '../fixtures/cli.js';

type Read = (fd: number, into: Buffer, at: number, length: number, offset: number) => number;

const SMALL = 3000;
const LARGE = 1_000_000;
const bytes = randomBytes(LARGE);

const hashOf = (offset: number, size: number): string =>
  createHash('sha512')
    .update(bytes.subarray(offset, offset + size))
    .digest('hex');

/** A pack's hasher, with calls that read it instead of the system's. */
function hashing(
  t: TestContext,
  read: (system: Read) => Read,
): (offset: number, size: number, pack?: number) => string {
  const path = join(temporaryDirectory(t), 'pack');
  fs.writeFileSync(path, bytes);
  const fd = fs.openSync(path, 'r');
  const system = fs.readSync as Read;
  t.mock.method(fs, 'readSync', read(system));
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
    fs.closeSync(fd);
  });
  const control = { cancel: new Int32Array(1), done: new BigInt64Array(3) };
  const hasher = new PackHasher(control);
  return (offset, size, pack = 1) => hasher.hash(fd, { pack, offset }, size);
}

test('neighbours are read at once, and what lies apart alone', async (t) => {
  const asked: number[] = [];
  const hash = hashing(t, (system) => (...args) => {
    asked.push(args[3]);
    return system(...args);
  });
  for (let offset = 0; offset < 20 * SMALL; offset += SMALL) assert.equal(hash(offset, SMALL), hashOf(offset, SMALL));
  assert.deepEqual(asked, [SMALL, 1 << 18]);
  asked.length = 0;
  for (const offset of [900_000, 600_000, 300_000]) assert.equal(hash(offset, SMALL), hashOf(offset, SMALL));
  assert.deepEqual(asked, [SMALL, SMALL, SMALL]);
});

test('contents beyond a read, at the end and behind it', async (t) => {
  const hash = hashing(t, (system) => system);
  assert.equal(hash(0, LARGE), hashOf(0, LARGE));
  assert.equal(hash(512, 0), hashOf(0, 0));
  assert.equal(hash(LARGE - SMALL, SMALL), hashOf(LARGE - SMALL, SMALL));
  assert.equal(hash(LARGE - SMALL, SMALL + 1), hashOf(LARGE - SMALL, SMALL));
  assert.equal(hash(LARGE + 512, SMALL), hashOf(0, 0));
});

test('another pack is read anew', async (t) => {
  let reads = 0;
  const hash = hashing(t, (system) => (...args) => {
    reads++;
    return system(...args);
  });
  for (const pack of [1, 2, 1]) assert.equal(hash(0, SMALL, pack), hashOf(0, SMALL));
  assert.equal(reads, 3);
});

test('a read that is cut short, or fails behind a content, is not held against it', async (t) => {
  const bad = 10 * SMALL;
  const hash = hashing(t, (system) => (fd, into, at, length, offset) => {
    if (offset + length > bad) throw Object.assign(new Error('input/output error'), { code: 'EIO' });
    return system(fd, into, at, Math.min(length, SMALL - 1), offset);
  });
  for (let offset = 0; offset < bad; offset += SMALL) assert.equal(hash(offset, SMALL), hashOf(offset, SMALL));
  assert.throws(() => hash(bad, SMALL), { code: 'EIO' });
});
