/**
 * Stores of older formats work as before, and are still what the versions of their time can read, until they are
 * repacked. From then on they are as new ones.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { contextOf } from '../../engine/facade/opened.js';
import { rebuildIndex } from '../../engine/recover/rebuild-index.js';
import { repackStore } from '../../engine/recover/repack.js';
import { openStore, type Store } from '../../engine/store.js';
import { killedAt } from '../fixtures/cli.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { type OldFormat, unpackOldStore } from '../fixtures/old-stores.js';
import { TestStore } from '../fixtures/store.js';
import { stride } from '../fixtures/whole.js';

keepThreads();

const LAYOUTS = ['loose', 'packs'] as const;
const OLD_FORMATS: readonly OldFormat[] = [1, 2];

function oldStore(t: TestContext, format: OldFormat = 2): TestStore {
  const s = new TestStore(t);
  unpackOldStore(format, s.store);
  return s;
}

const newImage = (s: TestStore): string =>
  s.aci('new.aci', { name: 'example.com/new' }, [{ name: 'new', content: 'new' }]);

const saidBy = (dir: string): unknown => JSON.parse(fs.readFileSync(join(dir, 'cairn.json'), 'utf8'));

/** Table of contents → how many layers have one of that version. */
function tablesIn(store: Store): Record<string, number> {
  const { index, layout } = contextOf(store);
  const tables: Record<string, number> = {};
  for (const { toc } of index.layers.values()) {
    const [first = ''] = fs.readFileSync(layout.blob(toc.key), 'latin1').split('\n', 1);
    tables[first] = (tables[first] ?? 0) + 1;
  }
  return tables;
}

/** All that the old stores had is there, and can be read. */
async function isWhole(store: Store, what: string): Promise<void> {
  const { path } = await store.render('example.com/app', { mode: 'link' });
  assert.equal(fs.readFileSync(join(path, 'bin/again'), 'utf8'), '#!/bin/sh\nexec true\n', what);
  const chunks: Buffer[] = [];
  for await (const chunk of await store.read('example.com/web:stable', 'c')) chunks.push(Buffer.from(chunk));
  assert.equal(Buffer.concat(chunks).toString(), 'upper\n', what);
  assert.deepEqual((await store.check()).damaged, [], what);
  const { ok, missing, stray, miscounted } = await store.fsck();
  assert.deepEqual([ok, missing, stray, miscounted], [true, [], [], []], what);
}

test('a new store is of format 3 and compresses its tables of contents', async (t) => {
  for (const layout of LAYOUTS) {
    const s = new TestStore(t);
    await using store = await openStore({ dir: s.store, layout, workers: 1 });
    assert.deepEqual(saidBy(s.store), { format: 3, layout });
    await store.import(newImage(s));
    assert.deepEqual(tablesIn(store), { 'cairn-toc 2': 1 });
  }
});

test('a store of format 2 stays one, whatever is done with it, and so does its backup', async (t) => {
  const s = oldStore(t);
  {
    await using store = await openStore({ dir: s.store, workers: 1 });
    await isWhole(store, 'as it was');
    await store.import(newImage(s));
    await store.rm(['example.com/later']);
    await store.gc({ graceMs: 0 });
    await isWhole(store, 'in use');
    assert.deepEqual(tablesIn(store), { 'cairn-toc 1': 5 });
    assert.equal((await store.info()).format, 2);
    await store.backup(s.path('backup'));
  }
  for (const dir of [s.store, s.path('backup')]) {
    assert.deepEqual(saidBy(dir), { format: 2 });
    fs.rmSync(join(dir, 'index'), { recursive: true });
    await rebuildIndex({ dir, workers: 1 });
    assert.deepEqual(saidBy(dir), { format: 2 });
    await using store = await openStore({ dir, workers: 1 });
    await isWhole(store, dir);
    assert.deepEqual(tablesIn(store), { 'cairn-toc 1': 5 });
  }
});

test('opened for reading only it is read as it is', async (t) => {
  for (const format of OLD_FORMATS) {
    const s = oldStore(t, format);
    await using store = await openStore({ dir: s.store, readOnly: true, workers: 1 });
    assert.equal((await store.render('example.com/app')).existed, true);
    assert.equal((await store.check()).ok, true);
    await store.backup(s.path('backup'));
    for (const dir of [s.store, s.path('backup')]) assert.deepEqual(saidBy(dir), { format });
  }
});

test('a repack brings a store to format 3 in either layout, and so does its backup come', async (t) => {
  for (const format of OLD_FORMATS) {
    for (const layout of LAYOUTS) {
      const what = `format ${format} to ${layout}`;
      const s = oldStore(t, format);
      const { existed, raised } = await repackStore({ dir: s.store, layout, workers: 1 });
      assert.deepEqual([existed, raised], [layout === 'loose', true], what);
      assert.deepEqual(saidBy(s.store), { format: 3, layout }, what);
      assert.equal((await repackStore({ dir: s.store, layout, workers: 1 })).raised, false, what);
      {
        await using store = await openStore({ dir: s.store, workers: 1 });
        await isWhole(store, what);
        const before = tablesIn(store);
        await store.import(newImage(s));
        assert.deepEqual(tablesIn(store), { ...before, 'cairn-toc 2': 1 }, what);
        await isWhole(store, what);
        await store.backup(s.path('backup'));
      }
      fs.rmSync(join(s.store, 'index'), { recursive: true });
      await rebuildIndex({ dir: s.store, workers: 1 });
      for (const dir of [s.store, s.path('backup')]) {
        assert.deepEqual(saidBy(dir), { format: 3, layout }, what);
        await using store = await openStore({ dir, workers: 1 });
        await isWhole(store, what);
      }
    }
  }
});

test('who has a store open while it comes to format 3 goes on, and reads what others write', async (t) => {
  const s = oldStore(t);
  await using before = await openStore({ dir: s.store, workers: 1 });
  await repackStore({ dir: s.store, layout: 'loose', workers: 1 });
  await using after = await openStore({ dir: s.store, workers: 1 });
  await after.import(newImage(s));
  await before.import(s.aci('more.aci', { name: 'example.com/more' }, [{ name: 'more', content: 'more' }]));
  for (const store of [before, after]) {
    await store.render('example.com/new', { mode: 'link' });
    await store.render('example.com/more');
    await isWhole(store, 'open all along');
    assert.deepEqual(tablesIn(store), { 'cairn-toc 1': 6, 'cairn-toc 2': 1 });
  }
});

test('killed on the way to format 3, a store is of one format or the other', async (t) => {
  const said = new Set<string>();
  for (let at = 1; ; at += stride(3)) {
    const s = oldStore(t);
    const ran = await s.run(['repack', '--layout', 'loose'], killedAt(at));
    const { format } = saidBy(s.store) as { format: number };
    said.add(`${format} ${ran.code === 0 ? 'done' : 'killed'}`);
    await using store = await openStore({ dir: s.store, workers: 1 });
    await store.gc({ graceMs: 100 * 365 * 24 * 3600 * 1000 });
    await isWhole(store, `killed at ${at}`);
    if (ran.code === 0) break;
    assert.equal(ran.code, null, ran.stderr);
  }
  assert.ok(said.has('2 killed') && said.has('3 done'), [...said].join());
});
