/** One flipped bit of the index is found by `check`, or is of no consequence; `dist/test/long/index-rot.js` tries a thousand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fastScratch } from './faults/fast.js';
import { rotIndex } from './fixtures/index-rot.js';

const FLIPS = 24;

test('a flipped bit of the index does not pass', async () => {
  await fastScratch(async (dir) => {
    const { flips, found, harmless, missed } = await rotIndex(dir, FLIPS, 20_261_124);
    assert.deepEqual(missed, []);
    assert.equal(flips, FLIPS);
    assert.equal(found + harmless, FLIPS);
    assert.ok(found > 0, 'not one flip hit anything');
  });
});

test('without a look at the rows some pass', async () => {
  await fastScratch(async (dir) => {
    const { missed } = await rotIndex(dir, FLIPS, 20_261_124, async () => false);
    assert.notDeepEqual(missed, []);
  });
});
