/** A flipped bit, wherever it is, is found and named, costs no other image anything, and is healed by an import. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoreContext } from '../../engine/session/context.js';
import { BitRot } from '../fixtures/bit-rot.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { keepThreads } from '../fixtures/kept-threads.js';

keepThreads();

const FLIPS = 60;

test('every flipped bit is found, named, contained and healed', async (t) => {
  const rot = await BitRot.open(temporaryDirectory(t), 20_261);
  t.after(() => rot.close());
  const tally = await rot.run(FLIPS);
  assert.deepEqual(tally, { flips: FLIPS, found: FLIPS, named: FLIPS, healed: FLIPS, missed: [] });
});

test('were hashes not compared, this would be noticed', async (t) => {
  const rot = await BitRot.open(temporaryDirectory(t), 7, withoutHashing);
  t.after(() => rot.close());
  const { missed } = await rot.run(10);
  // Two are found all the same: the program has workers of its own, and planning hashes tables of contents itself.
  assert.equal(missed.filter((line) => line.endsWith(': not found')).length, 8, `${missed}`);
});

/** Makes every task that verifies compare sizes and times only. */
function withoutHashing({ pool }: StoreContext): void {
  const run = pool.run.bind(pool) as (task: object) => Promise<never>;
  pool.run = ((task: object) => run({ ...task, quick: true })) as typeof pool.run;
}
