/** The sums of the index's tables fit their rows, after changes, taken-back changes and aborted ones. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { xxhash } from '../../engine/core/xxhash.js';
import { faultOfPages } from '../../engine/index/check-pages.js';
import { checkRows } from '../../engine/index/check-rows.js';
import { type RowHash, rowSum } from '../../engine/index/checksums.js';
import { Index, TAKE_BACK } from '../../engine/index/open.js';
import type { ObjectRecord } from '../../engine/index/records.js';
import type { Table } from '../../engine/index/table.js';
import { fastScratch } from '../faults/fast.js';

const { open } = createRequire(import.meta.url)('lmdb') as typeof import('lmdb');

const KEYS = 6;
/** Values up to a size that takes pages of its own. */
const longText = fc.integer({ min: 1, max: 12_000 }).map((length) => 'long'.repeat(length / 4));
// MessagePack has no negative zero.
const number = fc.double().map((any) => any + 0);
const change = fc.record({
  table: fc.constantFrom('names', 'objects', 'packed', 'digests', 'leases'),
  key: fc.nat(KEYS - 1),
  /** Whether the same key object serves a look-up before, and the change twice. */
  looks: fc.boolean(),
  twice: fc.boolean(),
  /** Whether the row is encoded before the transaction. */
  ready: fc.boolean(),
  value: fc.option(
    fc.oneof(
      fc.nat(),
      fc.string(),
      longText,
      fc.record({ a: number, b: fc.string() }, { requiredKeys: [], noNullPrototype: true }),
    ),
  ),
});
const transaction = fc.record({
  changes: fc.array(change, { maxLength: 8 }),
  end: fc.constantFrom('commit', 'take back', 'throw'),
});

interface Change {
  table: string;
  key: number;
  looks: boolean;
  twice: boolean;
  ready: boolean;
  value: unknown;
}

/** The key that a table has for a number. */
function keyIn(table: string, key: number): unknown {
  const digits = `${key}`.padStart(2, '0');
  if (table === 'names') return ['name', digits];
  if (table === 'packed') return `${digits.repeat(64)}.p`;
  if (table === 'digests') return `sha256:${digits.repeat(32)}`;
  return table === 'objects' ? `${digits.repeat(64)}.0644.0.0.${key}` : digits;
}

/** An object in a pack, whose record is stored in another form than it has for callers. */
function packedRecord(size: number): ObjectRecord {
  return { size, refs: size % 3, copies: 0, at: { pack: 1 + (size % 2), offset: 4096 * size } };
}

/** @returns a function that makes the change in a transaction. The table has the value after it. */
function prepare(index: Index, { table, key, looks, twice, ready, value: any }: Change, hash: RowHash): () => void {
  const rows = index[(table === 'packed' ? 'objects' : table) as 'leases'] as unknown as Table<unknown, unknown>;
  const value = table === 'packed' && any !== null ? packedRecord(`${JSON.stringify(any)}`.length) : any;
  const at = keyIn(table, key);
  const row = ready && value !== null ? rows.prepare(hash, at, value) : undefined;
  return () => {
    if (looks) rows.get(row ?? at);
    for (let times = twice ? 2 : 1; times > 0; times--) {
      if (value === null) rows.remove(at);
      else if (row === undefined || rows.has(at)) rows.put(at, value);
      else rows.putNew(row);
    }
    assert.deepEqual(rows.get(at), value ?? undefined);
  };
}

test('after any changes, committed or not, every row fits its sum, and every page is sound', async () => {
  await fastScratch(async (dir) => {
    let runs = 0;
    const { h32Raw } = await xxhash();
    await fc.assert(
      fc.asyncProperty(fc.array(transaction, { maxLength: 6 }), async (transactions) => {
        const path = join(dir, `${runs++}`);
        fs.mkdirSync(path);
        const index = Index.open(path, false);
        try {
          for (const { changes, end } of transactions) {
            const prepared = changes.map((each) => prepare(index, each, h32Raw));
            const done = index.commit(() => {
              for (const change of prepared) change();
              if (end === 'throw') throw new Error('left undone');
              return end === 'take back' ? TAKE_BACK : undefined;
            });
            if (end === 'throw') await assert.rejects(done);
            else await done;
            await checkRows(index, path);
            assert.equal(faultOfPages(join(path, 'data.mdb'), true), undefined);
          }
        } finally {
          await index.close();
        }
      }),
      { numRuns: 40 },
    );
  });
});

/** Changes the index from outside, so that its sums do not follow. */
async function tamper(path: string, work: (table: (name: string) => import('lmdb').Database) => void): Promise<void> {
  const env = open({ path, maxDbs: 16 });
  const tables = new Map<string, import('lmdb').Database>();
  for (const name of ['meta', 'names']) tables.set(name, env.openDB({ name }));
  env.transactionSync(() => work((name) => tables.get(name) as import('lmdb').Database));
  await env.close();
}

async function withIndex(work: (path: string) => Promise<void>): Promise<void> {
  await fastScratch(async (path) => {
    const index = Index.open(path, false);
    await index.commit(() => index.names.put(['a', 'sha512-1'], true));
    await index.close();
    await work(path);
  });
}

test('a row that was changed, lost or added behind its back is told', async () => {
  for (const change of [
    (names: import('lmdb').Database) => names.put(['a', 'sha512-1'], 1),
    (names: import('lmdb').Database) => names.remove(['a', 'sha512-1']),
    (names: import('lmdb').Database) => names.put(['b', 'sha512-1'], true),
    (names: import('lmdb').Database) => names.put(['a', 'sha512-1'], 2n ** 60n),
  ]) {
    await withIndex(async (path) => {
      await tamper(path, (table) => void change(table('names')));
      const index = Index.open(path, false);
      await assert.rejects(checkRows(index, path), { code: 'ERR_DAMAGED', path, message: /names/ });
      await index.close();
    });
  }
});

test('an index from before there were sums gets them with its next change', async () => {
  await withIndex(async (path) => {
    await tamper(path, (table) => void table('meta').remove('sums'));
    const index = Index.open(path, false);
    await checkRows(index, path);
    await index.commit(() => index.names.put(['b', 'sha512-2'], true));
    assert.notEqual(index.meta.get('sums'), undefined);
    await checkRows(index, path);
    await index.close();
  });
});

test('the sum of a row is the hash of its text, however the text is put together', async () => {
  const { h32, h32Raw } = await xxhash();
  const key = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  const value = fc.oneof(
    fc.array(fc.nat(), { maxLength: 6 }),
    fc.jsonValue(),
    fc.string({ unit: 'binary', maxLength: 600 }),
  );
  fc.assert(
    fc.property(key, value, (stored, row) => {
      assert.equal(rowSum(h32Raw, stored, row), h32(`${stored.toString('latin1')}\0${JSON.stringify(row)}`));
    }),
    { numRuns: 2000 },
  );
});
