/** Several processes at one store, alive, stalled and dead. `dist/test/long/race.js` lets them race for minutes. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../engine/store.js';
import { cairn } from '../fixtures/cli.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { countCommits } from './count.js';
import { fastScratch } from './fast.js';
import { placeFrom, prepareGround } from './ground.js';
import { BUILD } from './patched.js';
import { race } from './race.js';
import { killReaders } from './readers.js';
import { stallAt } from './stalled.js';
import { straceFault } from './strace.js';

keepThreads();

const fault = straceFault();
const options = fault === undefined ? {} : { skip: fault };

test('eight processes that do everything at once, some of them killed, read nothing broken', async () => {
  const raced = await fastScratch((dir) => race(dir, { processes: 8, seconds: 10, build: BUILD, killEvery: 6 }));
  assert.deepEqual(raced.wrong, []);
  assert.ok(raced.operations > 0 && raced.killed > 0, JSON.stringify(raced));
});

/** At the first call gc writes the index, at the second it deletes objects. */
for (const call of ['fdatasync', 'unlink']) {
  test(`while gc stands still in ${call}, readers read; once it is killed, writers write`, options, async () => {
    await fastScratch(async (dir) => {
      await prepareGround(dir);
      const place = placeFrom(dir, 'orphans', 'place');
      const stalled = await stallAt(call, ['gc', '--images', '--grace-period', '1h'], place.store);
      try {
        for (const args of [
          ['ls'],
          ['inspect', 'example.com/app'],
          ['cat-manifest', 'example.com/app'],
          ['cat', 'example.com/app', 'app'],
          ['files', 'example.com/app'],
          ['tree', 'ls'],
          ['lease', 'ls'],
        ]) {
          const read = await cairn(args, { store: place.store, onStart: (child) => endAfterPatience(child) });
          assert.equal(read.code, 0, `${args.join(' ')}: ${read.stderr}`);
        }
      } finally {
        await stalled.kill();
      }
      const imported = await cairn(['import', join(place.sources, 'third.aci')], {
        store: place.store,
        onStart: (child) => endAfterPatience(child),
      });
      assert.equal(imported.code, 0, imported.stderr);
    });
  });
}

/** Ends a process that waits for the stalled one: it would wait for ever. */
function endAfterPatience(child: {
  kill: (signal: 'SIGKILL') => boolean;
  on: (event: 'close', then: () => void) => void;
}): void {
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
  child.on('close', () => clearTimeout(timer));
}

test('readers that died leave their places to others', async () => {
  await fastScratch(async (dir) => {
    const store = join(dir, 'store');
    await (await openStore({ dir: store, workers: 1 })).close();
    assert.equal((await killReaders(BUILD, store, 6)).most, 0);
  });
});

test('every commit counts, also while others open and close the index', async () => {
  await fastScratch(async (dir) => {
    const index = join(dir, 'index');
    fs.mkdirSync(index);
    const { acknowledged, wrong } = await countCommits(BUILD, index, 8, 5);
    assert.deepEqual(wrong, []);
    assert.ok(acknowledged > 0);
  });
});
