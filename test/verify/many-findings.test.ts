/** The highest numbers of findings and of trees: stack and memory stay bounded. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { table } from '../../cli/table.js';
import type { Plan } from '../../engine/plan/plan.js';
import { openContext } from '../../engine/session/open.js';
import { Store } from '../../engine/store.js';
import type { CheckResult } from '../../engine/verify/check.js';
import type { FsckResult } from '../../engine/verify/fsck.js';
import { PlanMemory } from '../../engine/verify/plan-memory.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { TestStore } from '../fixtures/store.js';

keepThreads();

/** With the usual stack a failure would take 120 000 findings. */
const SMALL_STACK = ['--stack-size=200'];
const MANY = 40_000;

test('a great many findings are told and mended', async (t) => {
  const s = new TestStore(t);
  await s.ok(['put', s.write('blob', 'blob')]);
  const context = await openContext({ dir: s.store });
  await context.index.commit(() => {
    for (let i = 0; i < MANY; i++) {
      const name = `${createHash('sha512').update(`${i}`).digest('hex')}.0644.0.0.0`;
      context.index.objects.put(name, { size: 1, refs: 0, copies: 0 });
    }
  });
  await new Store(context).close();
  const checked = await s.run(['check', '--json'], { nodeFlags: SMALL_STACK });
  assert.equal(checked.code, 4, checked.stderr);
  assert.equal(checked.json<CheckResult>().damaged.length, MANY);
  const repaired = await s.run(['fsck', '--repair', '--json'], { nodeFlags: SMALL_STACK });
  assert.equal(repaired.code, 0, repaired.stderr);
  assert.equal(repaired.json<FsckResult>().repaired.length, MANY);
  await s.ok(['check']);
});

test('a table of a great many rows', () => {
  const rows = Array.from({ length: 200_000 }, (_none, i) => [`${i}`, 'x']);
  assert.equal(table(['N', 'WHAT'], rows).length, 200_001 * '123456  x\n'.length + 'WHAT'.length - 1);
});

test('a check of many trees does not hold the plans of all of them', async (t) => {
  const s = new TestStore(t);
  const entries = Array.from({ length: 10_000 }, (_none, i) => ({ name: `d${i}`, flag: '5' }));
  await s.ok(['import', s.aci('a.aci', { name: 'example.com/a' }, entries)]);
  await s.ok(['render', 'example.com/a']);
  const context = await openContext({ dir: s.store });
  const { index, layout } = context;
  const [first] = [...index.trees.entries()];
  assert.ok(first);
  const { key: id, value: tree } = first;
  const ids = Array.from({ length: 45 }, (_none, i) => `${id.slice(0, -2)}${i + 10}`).filter((each) => each !== id);
  for (const each of ids) fs.symlinkSync(layout.tree(id), join(layout.trees, each));
  await index.commit(() => {
    for (const each of ids) index.trees.put(each, { ...tree, id: each });
  });
  await new Store(context).close();
  // Two thirds of the memory that all plans would take.
  const ran = await s.run(['check', '--json'], { nodeFlags: ['--max-old-space-size=60'] });
  assert.equal(ran.code, 0, ran.stderr.slice(0, 2000));
  assert.equal(ran.json<CheckResult>().checked.trees, ids.length + 1);
});

test('of plans that are needed twice the first is kept, and more while they are small', () => {
  const plans = new PlanMemory();
  const planWith = (entries: number): Plan => ({ entries: new Array(entries), files: 0, bytes: 0 });
  const made: string[] = [];
  const remake = (id: string) => (): undefined => {
    made.push(id);
  };
  plans.keep('huge', planWith(10_000_000));
  plans.keep('small', planWith(1));
  plans.keep('none', undefined);
  for (const id of ['huge', 'small', 'none']) plans.take(id, remake(id));
  assert.deepEqual(made, ['small'], 'beside a huge one there is room for no other');
  made.length = 0;
  for (const id of ['a', 'b', 'c']) plans.keep(id, planWith(80_000));
  for (const id of ['a', 'b', 'c']) plans.take(id, remake(id));
  assert.deepEqual(made, ['c']);
});
