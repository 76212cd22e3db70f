/** The reader of LMDB's file finds what LMDB finds, whatever was written, and takes no damaged page for a sound one. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { isCairnError } from '../../engine/core/errors.js';
import { indexData } from '../../engine/disk/layout.js';
import { LmdbFile } from '../../engine/disk/lmdb-file.js';
import { FLAG, nodesOf, PAGE } from '../../engine/disk/lmdb-page.js';
import type { Database, Environment } from '../../engine/index/environment.js';
import { asBinary, openEnvironment } from '../../engine/index/lmdb.js';
import { TestStore } from '../fixtures/store.js';

const TABLE = 'rows';
/** Long enough for pages of their own. */
const LONG = 5000;

interface Opened {
  dir: string;
  path: string;
  environment: Environment;
  rows: Database;
}

function opened(t: TestContext, dir = new TestStore(t).dir): Opened {
  const environment = openEnvironment({ path: dir, readOnly: false, maxDbs: 4, maxReaders: 8, overlappingSync: false });
  t.after(() => environment.close());
  const rows = environment.openDB({ name: TABLE, keyEncoding: 'binary' }) as Database;
  return { dir, path: indexData(dir), environment, rows };
}

/** Keys of many lengths, in which one often begins as another does. */
const keyArbitrary = fc
  .array(fc.oneof(fc.constantFrom(0, 1, 255), fc.nat(255)), { minLength: 1, maxLength: 12 })
  .chain((bytes) => fc.constantFrom(1, 1, 6, 40).map((times) => Buffer.concat(Array(times).fill(Buffer.from(bytes)))));
const changeArbitrary = fc.record({
  key: keyArbitrary,
  bytes: fc.option(fc.oneof({ weight: 8, arbitrary: fc.nat(300) }, { weight: 1, arbitrary: fc.constant(LONG) })),
  fill: fc.nat(255),
});

/** What the rows are, by their keys in hexadecimal digits. */
type Model = Map<string, Buffer>;

function compare(file: LmdbFile, model: Model, also: Iterable<string>): void {
  for (const key of new Set([...model.keys(), ...also])) {
    const stored = Buffer.from(key, 'hex');
    const value = model.get(key);
    if ((value?.length ?? 0) < LONG / 2) assert.deepEqual(file.get(TABLE, stored), value, key);
    else assert.throws(() => file.get(TABLE, stored), { code: 'ERR_DAMAGED' });
  }
}

test('finds what LMDB holds after each of many commits', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(changeArbitrary, { maxLength: 40 }), { maxLength: 12 }), async (commits) => {
      const { environment, rows, path } = opened(t);
      const file = new LmdbFile(path);
      const model: Model = new Map();
      const asked = new Set<string>();
      for (const changes of commits) {
        environment.transactionSync(() => {
          for (const { key, bytes, fill } of changes) {
            const name = key.toString('hex');
            asked.add(name);
            if (bytes === null) rows.remove(key);
            else rows.put(key, asBinary(Buffer.alloc(bytes, fill)));
            if (bytes === null) model.delete(name);
            else model.set(name, Buffer.alloc(bytes, fill));
          }
        });
        file.refresh();
        compare(file, model, asked);
      }
      file.close();
      await environment.close();
    }),
    { numRuns: 25 },
  );
});

/** As many rows as make three levels of pages. */
function fill({ environment, rows }: Opened, count: number, value: (i: number) => Buffer): Buffer[] {
  const keys = Array.from({ length: count }, (_none, i) => Buffer.alloc(150, String(i).padStart(6, '0')));
  environment.transactionSync(() => {
    for (const [i, key] of keys.entries()) rows.put(key, asBinary(value(i)));
  });
  return keys;
}

test('finds rows below several levels of pages, and none after the last is removed', (t) => {
  const store = opened(t);
  const keys = fill(store, 8000, (i) => Buffer.from(`${i}`));
  const file = new LmdbFile(store.path);
  t.after(() => file.close());
  file.refresh();
  for (const [i, key] of keys.entries()) assert.equal(file.get(TABLE, key)?.toString(), `${i}`);
  assert.equal(file.get(TABLE, Buffer.from('none')), undefined);
  assert.equal(file.get('elsewhere', keys[0] as Buffer), undefined);
  for (let from = 0; from < keys.length; from += 2000) {
    store.environment.transactionSync(() => {
      for (const key of keys.slice(from, from + 2000)) store.rows.remove(key);
    });
    file.refresh();
    for (const [i, key] of keys.entries())
      assert.equal(file.get(TABLE, key)?.toString(), i < from + 2000 ? undefined : `${i}`);
  }
});

test('finds what a compact copy holds', async (t) => {
  const store = opened(t);
  for (let round = 0; round < 5; round++) fill(store, 1000, (i) => Buffer.from(`${round} ${i}`));
  const keys = fill(store, 1000, (i) => Buffer.from(`${i}`));
  const copy = new TestStore(t).dir;
  await store.environment.backup(copy, true);
  const file = new LmdbFile(indexData(copy));
  t.after(() => file.close());
  file.refresh();
  for (const [i, key] of keys.entries()) assert.equal(file.get(TABLE, key)?.toString(), `${i}`);
});

/** Reads all rows by a reader of the first of many commits. @returns how the answers came out */
function readWhileWritten(t: TestContext, isHeld: boolean): { wrong: number; refused: number } {
  const store = opened(t);
  const keys = fill(store, 3000, () => Buffer.from('first'));
  const held = isHeld ? store.environment.useReadTransaction() : undefined;
  const file = new LmdbFile(store.path);
  t.after(() => file.close());
  file.refresh();
  for (let round = 0; round < 8; round++) fill(store, 3000, (i) => Buffer.from(`${i} ${round}`));
  const tally = { wrong: 0, refused: 0 };
  for (const key of keys) {
    try {
      if (file.get(TABLE, key)?.toString() !== 'first') tally.wrong++;
    } catch (error) {
      assert.ok(isCairnError(error, 'ERR_DAMAGED'), String(error));
      tally.refused++;
    }
  }
  held?.done();
  return tally;
}

test('reads a commit to the end while its snapshot is held', (t) => {
  assert.deepEqual(readWhileWritten(t, true), { wrong: 0, refused: 0 });
});

test('tells that the pages of a snapshot that nobody held are gone', (t) => {
  const { wrong, refused } = readWhileWritten(t, false);
  assert.equal(wrong, 0);
  assert.ok(refused > 0);
});

test('tells a file of another inode from its own', (t) => {
  const dir = new TestStore(t).dir;
  const [path, other] = [join(dir, 'a'), join(dir, 'b')];
  fs.writeFileSync(path, '');
  fs.writeFileSync(other, '');
  const file = new LmdbFile(path);
  t.after(() => file.close());
  assert.equal(file.isAt(path), true);
  fs.renameSync(other, path);
  assert.equal(file.isAt(path), false);
});

/** Damages of a page at an offset. */
const DAMAGES: Record<string, (bytes: Buffer, at: number, random: number) => Buffer> = {
  'a page of zeros': (bytes, at) => bytes.fill(0, at, at + 4096),
  'a page of noise': (bytes, at, random) => {
    for (let i = at; i < at + 4096; i++) bytes[i] = (i * 2654435761 + random) >>> (i % 24);
    return bytes;
  },
  'another page in its place': (bytes, at, random) => {
    const from = (random % (bytes.length / 4096)) * 4096;
    bytes.copy(bytes, at, from, from + 4096);
    return bytes;
  },
  'the end of the file there': (bytes, at) => bytes.subarray(0, at),
  'a flipped bit in its header': (bytes, at, random) => {
    const bit = random % (PAGE.header * 8);
    bytes[at + (bit >> 3)] = (bytes[at + (bit >> 3)] as number) ^ (1 << (bit & 7));
    return bytes;
  },
};

for (const [name, damage] of Object.entries(DAMAGES))
  test(`answers as before, or not at all, with ${name}`, async (t) => {
    const store = opened(t);
    const keys = fill(store, 1500, (i) => Buffer.from(`${i}`));
    await store.environment.close();
    const whole = fs.readFileSync(store.path);
    const path = join(store.dir, 'damaged');
    const rest = fc.tuple(fc.nat(whole.length / 4096 - 1), fc.nat());
    fc.assert(
      fc.property(rest, ([page, random]) => {
        fs.writeFileSync(path, damage(Buffer.from(whole), page * 4096, random));
        const file = new LmdbFile(path);
        try {
          file.refresh();
          for (let i = 0; i < keys.length; i += 7) {
            const value = file.get(TABLE, keys[i] as Buffer);
            assert.equal(value?.toString(), `${i}`);
          }
        } catch (error) {
          if (!isCairnError(error, 'ERR_DAMAGED')) throw error;
        } finally {
          file.close();
        }
      }),
      { numRuns: 150 },
    );
  });

test('gets to an end in a tree whose pages lead to themselves', async (t) => {
  const store = opened(t);
  const keys = fill(store, 1500, () => Buffer.from('value'));
  await store.environment.close();
  const bytes = fs.readFileSync(store.path);
  for (let at = 8192; at < bytes.length; at += 4096) {
    const page = bytes.subarray(at, at + 4096);
    const nodes = nodesOf(page, BigInt(at / 4096));
    if (typeof nodes === 'string' || (page.readUInt16LE(PAGE.flags) & FLAG.branch) === 0) continue;
    for (const node of nodes) page.writeUInt32LE(at / 4096, node);
  }
  fs.writeFileSync(store.path, bytes);
  const file = new LmdbFile(store.path);
  t.after(() => file.close());
  file.refresh();
  for (const key of keys) assert.throws(() => file.get(TABLE, key), { code: 'ERR_DAMAGED' });
});
