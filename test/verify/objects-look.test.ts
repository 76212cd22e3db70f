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

/** Takes tasks and finds nothing wrong. */
class TakingTasks {
  readonly taken: { names: string[]; bytes: number }[] = [];

  readonly work = {
    askLimited: async (_kind: string, { names, sizes }: { names: string; sizes: Float64Array }) => {
      const all = names.split('\0');
      this.taken.push({ names: all, bytes: sizes.reduce((sum, size) => sum + size, 0) });
      return { bytes: 0, findings: [], inodes: all.map(() => 0n) };
    },
  } as unknown as Work;
}

const HOME = { at: {} } as ConstructorParameters<typeof ObjectsLook>[0];

function objects(count: number, size: number, from = 0): [string, ObjectRecord][] {
  return Array.from({ length: count }, (_none, i) => [`${from + i}`, { refs: 1, size, copies: 0 }]);
}

test('of objects that are all known each worker gets as much, in their order', async () => {
  const tasks = new TakingTasks();
  const looking = new ObjectsLook(HOME, { work: tasks.work, quick: false });
  const all = [...objects(9000, 100), ...objects(100, 10_000_000, 9000), ...objects(900, 1000, 9100)];
  looking.addAll(all, 3);
  assert.equal(tasks.taken.length, 3, 'all are sent at once');
  await looking.finish();
  assert.equal(looking.size, 10_000);
  assert.deepEqual(
    tasks.taken.flatMap(({ names }) => names),
    all.map(([name]) => name),
  );
  const third = tasks.taken.reduce((sum, { bytes }) => sum + bytes, 0) / 3;
  for (const { bytes } of tasks.taken) assert.ok(Math.abs(bytes - third) < 30_000_000, `${bytes}, not ${third}`);
});

test('names of one task are not too many to be sent, and further copies are objects of their own', async () => {
  const tasks = new TakingTasks();
  const looking = new ObjectsLook(HOME, { work: tasks.work, quick: false });
  looking.add('before', { refs: 1, size: 1, copies: 0 });
  const copied: [string, ObjectRecord] = ['copied', { refs: 1, size: 1, copies: 2 }];
  looking.addAll([...objects(100_000, 1), copied], 2);
  await looking.finish();
  const sent = tasks.taken.map(({ names }) => names.length);
  assert.ok(Math.max(...sent) <= 30_000, `${sent}`);
  assert.equal(
    sent.reduce((sum, length) => sum + length, 0),
    100_004,
  );
});
