/**
 * Objects are handed on while the index is read. An error that follows from a damaged row must not hide the damage of
 * the index.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ObjectsLook } from '../../engine/content/verify-files.js';
import { checkRows } from '../../engine/index/check-rows.js';
import type { ObjectRecord } from '../../engine/index/records.js';
import { openContext } from '../../engine/session/open.js';
import { Work } from '../../engine/session/work.js';
import { Store } from '../../engine/store.js';
import { TestStore } from '../fixtures/store.js';

test('an object that cannot be looked at', async (t) => {
  const s = new TestStore(t);
  await s.ok(['import', s.aci('a.aci', { name: 'example.com/a' }, [{ name: 'a', content: 'a' }])]);
  const context = await openContext({ dir: s.store, workers: 1 });
  t.after(() => new Store(context).close());
  const { index, layout } = context;
  const onObject = (): void => {
    throw new Error('cannot be looked at');
  };
  await t.test('is told where the sums fit', async () => {
    await assert.rejects(checkRows(index, layout.index, { onObject }), /^Error: cannot be looked at$/);
  });
  await t.test('is refused where its record is none', () => {
    const looking = new ObjectsLook(context.objects, { work: new Work(context.pool), quick: true });
    const places = [2 ** 60, -512, 4096.5, Number.NaN, undefined].map((offset) => ({ pack: 1, offset }));
    const inPacks = [...places, { pack: 0, offset: 4096 }].map((at) => ({ size: 1, copies: 0, at }));
    for (const record of [{ size: 1, copies: 2 ** 32 }, { size: -1, copies: 0 }, { size: 1 }, ...inPacks]) {
      assert.throws(() => looking.add('name', { refs: 1, ...record } as ObjectRecord), { code: 'ERR_DAMAGED' });
    }
  });
});
