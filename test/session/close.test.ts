/** The end of an open store: promised work is done, and later requests are refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../../engine/store.js';
import { TestStore } from '../fixtures/store.js';

test('what a store was asked for last is noted, however soon it is closed', async (t) => {
  const s = new TestStore(t);
  s.aci('app.aci', { name: 'example.com/app' });
  await s.ok(['import', s.path('app.aci')]);
  await s.ok(['render', 'example.com/app']);
  const before = await s.json<{ lastUsed: string }[]>(['ls']);

  const notices: string[] = [];
  const store = await openStore({ dir: s.store, onNotice: (message) => notices.push(message) });
  // This is the first commit of the process, so its code is not loaded yet.
  const { existed } = await store.render('example.com/app');
  await store.close();

  assert.equal(existed, true);
  assert.deepEqual(notices, []);
  const after = await s.json<{ lastUsed: string }[]>(['ls']);
  assert.ok((after[0]?.lastUsed ?? '') > (before[0]?.lastUsed ?? ''), JSON.stringify({ before, after }));
});

test('closing waits for what is under way', async (t) => {
  const s = new TestStore(t);
  const paths = Array.from({ length: 12 }, (_none, i) => {
    return s.aci(`${i}.aci`, { name: `example.com/image${i}` }, [{ name: 'own', content: `of ${i}` }]);
  });
  const store = await openStore({ dir: s.store });
  const importing = store.importAll(paths, { jobs: 2 });
  // The imports have begun by then. Later requests are refused.
  await new Promise((resolve) => setImmediate(resolve));
  await store.close();
  assert.equal((await importing).length, 12);
  assert.equal((await s.json<unknown[]>(['ls'])).length, 12);
  const { ok, stray } = await s.json(['fsck']);
  assert.deepEqual([ok, stray], [true, []]);
});

test('a closed store says that it is closed, and can be closed again', async (t) => {
  const s = new TestStore(t);
  const store = await openStore({ dir: s.store });
  await store.close();
  await store.close();
  assert.equal(store.dir, s.store);
  for (const ask of [() => store.render('example.com/app'), () => store.put('app.aci'), () => store.images().next()])
    await assert.rejects(ask, { code: 'ERR_USAGE', message: 'the store is closed' });
});
