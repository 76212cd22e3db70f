/**
 * Damaged and hostile archives by the thousand. Each is refused with a code or gives a sound plan. Archives that are
 * tried on a store give exactly their plan, and change nothing outside. `node dist/test/long/fuzz.js` tries many more.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepThreads } from '../fixtures/kept-threads.js';
import { fuzz, summary } from './fuzz.js';

keepThreads();

const COUNT = 3000;

for (const [behaviour, seed] of [
  ['archives of a known seed', 1],
  ['archives of a seed of their own', Date.now() % 2 ** 31],
] as const) {
  test(behaviour, async (t) => {
    t.diagnostic(`seed ${seed}`);
    try {
      const report = await fuzz({ count: COUNT, seed, trialEvery: 60 });
      t.diagnostic(summary(report));
      assert.ok(report.accepted > COUNT / 20, 'too few are taken to say much');
      // Of the 60 that are tried some 25 are rendered, depending on the seed.
      assert.ok(report.rendered > 5, 'too few trees to say much');
    } catch (error) {
      throw new Error(`with --seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  });
}
