/**
 * `check` finds a flipped bit of the index, or the bit has no effect. `dist/test/long/index-rot.js` tries a thousand.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { rotIndex } from '../fixtures/index-rot.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { TestStore } from '../fixtures/store.js';
import { fastScratch } from './fast.js';

keepThreads();

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

test('an entry that claims other bytes than its own is told before a change moves it', async (t) => {
  const s = new TestStore(t);
  await s.ok(['import', s.aci('a.aci', { name: 'example.com/a' }, [{ name: 'a', content: 'a' }])]);
  const index = join(s.store, 'index');
  const file = join(index, 'data.mdb');
  const data = fs.readFileSync(file);
  for (const [was, turned] of [
    [48, 56], // room for that is behind all but the last
    [48, 40],
  ] as const) {
    const damaged = Buffer.from(data);
    let turns = 0;
    for (const table of ['images', 'objects']) {
      for (let name = data.indexOf(table); name >= 0; name = data.indexOf(table, name + 1)) {
        if (data.readUInt32LE(name - 8) !== was) continue;
        damaged.writeUInt32LE(turned, name - 8);
        turns++;
      }
    }
    assert.ok(turns > 0);
    fs.writeFileSync(file, damaged);
    const error = await s.refused(['check'], 'ERR_DAMAGED', 1);
    assert.equal(error.path, index);
  }
});

test('without a look at the rows some pass', async () => {
  await fastScratch(async (dir) => {
    const { missed } = await rotIndex(dir, FLIPS, 20_261_124, { lookAt: async () => false, enough: 1 });
    assert.notDeepEqual(missed, []);
  });
});
