/** What is left of packs after accidents: a lost index, a copy with more holes, a repack that was killed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { rebuildIndex } from '../../engine/recover/rebuild-index.js';
import { repackStore } from '../../engine/recover/repack.js';
import { openStore } from '../../engine/store.js';
import { TestStore } from '../fixtures/store.js';

const HOLES = { 'GNU.sparse.size': '100000', 'GNU.sparse.numblocks': '1', 'GNU.sparse.map': '99987,13' };

test('a copy whose zeros became holes is whole, and its lost index comes back with all contents', async (t) => {
  const s = new TestStore(t);
  const archive = s.aci('a.aci', { name: 'example.com/a' }, [
    { name: 'zeros', content: Buffer.alloc(50_000) },
    { name: 'holes', content: 'behind a hole', pax: HOLES },
    { name: 'empty', content: '' },
  ]);
  await using store = await openStore({ dir: s.path('first'), layout: 'packs', workers: 1 });
  const { key } = await store.import(archive);
  execFileSync('cp', ['-a', '--sparse=always', store.dir, s.store]);
  const whole = async (): Promise<void> => {
    await using copy = await openStore({ dir: s.store, workers: 1 });
    for (const quick of [true, false]) assert.deepEqual((await copy.check([], { quick })).damaged, []);
    assert.equal((await copy.fsck()).ok, true);
    assert.equal((await copy.resolve('example.com/a')).key, key);
    const { path } = await copy.render(key, { mode: 'link' });
    assert.deepEqual(fs.readFileSync(join(path, 'zeros')), Buffer.alloc(50_000));
    assert.equal(fs.statSync(join(path, 'holes')).size, 100_000);
  };
  await whole();
  fs.rmSync(join(s.store, 'index'), { recursive: true });
  await rebuildIndex({ dir: s.store, workers: 1 });
  await whole();
});

test('gc takes the packs of a repack that was killed', async (t) => {
  const s = new TestStore(t);
  await using store = await openStore({ dir: s.store, layout: 'loose', workers: 1 });
  const packs = join(s.store, 'packs');
  fs.mkdirSync(packs);
  fs.writeFileSync(join(packs, '00000001.pack'), 'half');
  await store.gc();
  assert.equal(fs.existsSync(packs), false);
});

test('the number of a pack that is gone is not used again', async (t) => {
  const s = new TestStore(t);
  await using store = await openStore({ dir: s.store, layout: 'packs', workers: 1 });
  const archive = s.aci('a.aci', { name: 'example.com/a' }, [{ name: 'a', content: 'a' }]);
  for (const name of ['00000001.pack', '00000002.pack']) {
    await store.import(archive);
    assert.deepEqual(fs.readdirSync(join(s.store, 'packs')), [name]);
    await store.rm(['example.com/a']);
    await store.gc();
  }
});

test('a backup is of the layout that counts, where a repack was killed before it said so', async (t) => {
  const s = new TestStore(t);
  {
    await using store = await openStore({ dir: s.store, layout: 'loose', workers: 1 });
    await store.import(s.aci('a.aci', { name: 'example.com/a' }, [{ name: 'a', content: 'a' }]));
  }
  await repackStore({ dir: s.store, layout: 'packs', workers: 1 });
  fs.writeFileSync(join(s.store, 'cairn.json'), '{"format":3,"layout":"loose"}\n');
  {
    await using store = await openStore({ dir: s.store, readOnly: true, workers: 1 });
    await store.backup(s.path('backup'));
  }
  await using copy = await openStore({ dir: s.path('backup'), workers: 1 });
  assert.equal((await copy.info()).layout, 'packs');
  assert.deepEqual((await copy.check()).damaged, []);
});
