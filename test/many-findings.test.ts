/** As many findings as there may be: what they need of the stack is bounded. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { table } from '../cli/table.js';
import type { CheckResult } from '../engine/check.js';
import type { FsckResult } from '../engine/fsck.js';
import { objectKey } from '../engine/index/open.js';
import { openContext } from '../engine/open.js';
import { Store } from '../engine/store.js';
import { TestStore } from './fixtures/store.js';

/** With the usual stack it would take 120 000 findings. */
const SMALL_STACK = ['--stack-size=200'];
const MANY = 40_000;

test('a great many findings are told and mended', async (t) => {
  const s = new TestStore(t);
  await s.ok(['put', s.write('blob', 'blob')]);
  const context = await openContext({ dir: s.store });
  await context.index.commit(() => {
    for (let i = 0; i < MANY; i++) {
      const name = `${createHash('sha512').update(`${i}`).digest('hex')}.0644.0.0.0`;
      context.index.objects.put(objectKey(name), { size: 1, refs: 0, copies: 0 });
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
