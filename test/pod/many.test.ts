/** Some pods, half of them removed; `dist/test/long/pods.js` does it with a thousand. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fastScratch } from '../faults/fast.js';
import { halvePods } from '../faults/many-pods.js';
import { listOf, podWorld } from '../fixtures/prepared.js';

test('of pods half of which go, gc touches nothing of the other half', async () => {
  assert.deepEqual(await fastScratch((dir) => halvePods(dir, 20)), []);
});

test('listing opens nothing of a pod', async (t) => {
  const { store } = await podWorld(t);
  const { id } = await store.preparePod(['web:1']);
  const dir = join(store.dir, 'pods', id);
  for (const name of fs.readdirSync(dir)) fs.rmSync(join(dir, name));
  assert.deepEqual(
    (await listOf(store.pods())).map(({ state }) => state),
    ['prepared'],
    'only its directory is looked for',
  );
  assert.equal((await store.showPod(id)).state, 'damaged');
});
