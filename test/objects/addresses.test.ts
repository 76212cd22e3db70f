/** Threads read from the index's file what the main thread reads from the index. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromPackedRow, type PackedObject, toPackedRow } from '../../engine/core/packed-row.js';
import { OBJECT_NAMES } from '../../engine/index/keys.js';
import { asBinary, openEnvironment } from '../../engine/index/lmdb.js';
import { addressesIn } from '../../engine/index/object-addresses.js';
import { Index } from '../../engine/index/open.js';
import { addressesAt } from '../../engine/objects/pack/address-file.js';
import { packedName } from '../../engine/objects/pack/name.js';
import { TestStore } from '../fixtures/store.js';

const nameOf = (i: number): string => packedName(createHash('sha512').update(`${i}`).digest('hex'));

/** Numbers around each length that MessagePack has, and any others. */
const numbers = fc.oneof(
  fc.constantFrom(...[7, 8, 16, 32, 52].flatMap((bits) => [2 ** bits - 1, 2 ** bits, 2 ** bits + 1])),
  fc.constant(Number.MAX_SAFE_INTEGER),
  fc.maxSafeNat(),
  fc.nat(1000),
);
const records = fc.record<PackedObject>(
  {
    size: numbers,
    refs: numbers,
    at: fc.record({ pack: numbers, offset: numbers }, { noNullPrototype: true }),
    gone: fc.constant(true),
  },
  { requiredKeys: ['size', 'refs'], noNullPrototype: true },
);

test('a row is what was put into it', () => {
  fc.assert(fc.property(records, (record) => assert.deepEqual(fromPackedRow(toPackedRow(record)), record)));
});

test('the file says what the index says, after each commit', async (t) => {
  const dir = new TestStore(t).dir;
  const index = Index.open(dir, false);
  t.after(() => index.close());
  await index.checkSchema(false);
  const known = addressesIn(index);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(200), fc.option(records)), { maxLength: 100 }), async (changes) => {
      await index.commit(() => {
        for (const [i, record] of changes) {
          if (record === null) index.objects.remove(nameOf(i));
          else index.objects.put(nameOf(i), { ...record, copies: 0 });
        }
      });
      const read = addressesAt(dir);
      for (let i = 0; i <= 200; i++) assert.deepEqual(read.find(nameOf(i)), known.find(nameOf(i)));
    }),
    { numRuns: 30 },
  );
});

test('a row that is no row of an object in a pack is damage', (t) => {
  const dir = new TestStore(t).dir;
  const environment = openEnvironment({ path: dir, readOnly: false, maxDbs: 1, maxReaders: 8, overlappingSync: false });
  t.after(() => environment.close());
  const objects = environment.openDB({ name: 'objects', keyEncoding: 'binary' });
  const five = [1, 2, 3, 4];
  const rows: unknown[] = [
    [],
    five,
    [...five, 5, 6],
    [...five, -5],
    [...five, 0.5],
    [...five, 'a'],
    [...five, null],
    {},
  ];
  environment.transactionSync(() => {
    for (const [i, row] of rows.entries()) objects?.put(OBJECT_NAMES.encode(nameOf(i)), row);
    for (let length = 1; length < 6; length++)
      objects?.put(
        OBJECT_NAMES.encode(nameOf(100 + length)),
        asBinary(Buffer.from('95ffffffffff', 'hex').subarray(0, length)),
      );
  });
  const { find } = addressesAt(dir);
  for (const i of [...rows.keys(), 101, 102, 103, 104, 105])
    assert.throws(() => find(nameOf(i)), { code: 'ERR_DAMAGED', entry: nameOf(i) });
});

test('threads go on to the index that was made anew at the same place', async (t) => {
  const s = new TestStore(t);
  for (const refs of [1, 2]) {
    fs.rmSync(s.path('index'), { recursive: true, force: true });
    fs.mkdirSync(s.path('index'));
    const index = Index.open(s.path('index'), false);
    await index.checkSchema(false);
    await index.commit(() =>
      index.objects.put(nameOf(refs), { size: refs, refs, copies: 0, at: { pack: 1, offset: 4096 } }),
    );
    await index.close();
    const read = addressesAt(s.path('index'));
    assert.equal(read.find(nameOf(refs))?.size, refs);
    assert.equal(read.find(nameOf(3 - refs)), undefined);
  }
});
