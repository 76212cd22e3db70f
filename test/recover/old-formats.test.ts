/** Stores of older formats work as before. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../engine/store.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { unpackOldStore } from '../fixtures/old-stores.js';
import { TestStore } from '../fixtures/store.js';

keepThreads();

const saidBy = (dir: string): unknown => JSON.parse(fs.readFileSync(join(dir, 'cairn.json'), 'utf8'));

test('opened for reading only it is read as it is', async (t) => {
  for (const format of [1, 2] as const) {
    const s = new TestStore(t);
    unpackOldStore(format, s.store);
    await using store = await openStore({ dir: s.store, readOnly: true, workers: 1 });
    assert.equal((await store.render('example.com/app')).existed, true);
    assert.equal((await store.check()).ok, true);
    await store.backup(s.path('backup'));
    for (const dir of [s.store, s.path('backup')]) assert.deepEqual(saidBy(dir), { format });
  }
});
