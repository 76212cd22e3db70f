/** Layers of so many files that threads tell of their objects while they still read, into packs. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { contextOf } from '../../engine/facade/opened.js';
import { openStore } from '../../engine/store.js';
import { aci, type EntrySpec } from '../fixtures/archive.js';
import { temporaryDirectory } from '../fixtures/cli.js';

const dir = temporaryDirectory({ after });
/** More than three times what is told at once, and in all more bytes than one thread reads by itself. */
const COUNT = 3500;
const SIZE = 2000;

const contentOf = (i: number): Buffer => Buffer.alloc(SIZE, `${i} `);
const filesOf = (from: number, to: number): EntrySpec[] =>
  Array.from({ length: to - from }, (_, i) => ({ name: `f${from + i}`, content: contentOf(from + i) }));

function write(name: string, entries: readonly EntrySpec[]): Buffer {
  const bytes = aci({ name: `example.com/${name}` }, entries);
  fs.writeFileSync(join(dir, `${name}.aci`), bytes);
  return bytes;
}

test('each object is listed once, known ones and equal ones among them', async () => {
  write('known', filesOf(0, 400));
  const twice = { name: 'twice', content: contentOf(COUNT - 1) };
  const large = { name: 'large', content: Buffer.alloc(3 << 20, 'large') };
  write('many', [...filesOf(0, COUNT), twice, large, { ...large, name: 'large-too' }]);
  await using store = await openStore({ dir: join(dir, 'store'), layout: 'packs', workers: 2 });
  await store.import(join(dir, 'known.aci'));
  const { objects } = await store.import(join(dir, 'many.aci'));
  const bytes = (COUNT - 400) * SIZE + (3 << 20);
  assert.deepEqual(objects, { new: COUNT - 400 + 1, newBytes: bytes, shared: 400, sharedBytes: 400 * SIZE });
  assert.equal(contextOf(store).index.objects.count(), COUNT + 1);
  assert.ok((await store.check()).ok);
  assert.ok((await store.fsck()).ok);
});

test('one that is cut off after thousands of objects leaves none, and the next import goes on', async () => {
  const bytes = write('whole', filesOf(10_000, 10_000 + COUNT));
  fs.writeFileSync(join(dir, 'cut.aci'), bytes.subarray(0, bytes.length - 5000));
  await using store = await openStore({ dir: join(dir, 'other'), layout: 'packs', workers: 2 });
  await assert.rejects(store.import(join(dir, 'cut.aci')), { code: 'ERR_BAD_ARCHIVE' });
  assert.equal(contextOf(store).index.objects.count(), 0);
  const aborting = new AbortController();
  const stopped = store.import(join(dir, 'whole.aci'), {
    signal: aborting.signal,
    onProgress: () => aborting.abort(),
  });
  await stopped.catch((error: { code?: string }) => assert.equal(error.code, 'ERR_ABORTED'));
  await store.import(join(dir, 'whole.aci'));
  assert.equal(contextOf(store).index.objects.count(), COUNT);
  assert.ok((await store.check()).ok);
});
