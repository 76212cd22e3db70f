/**
 * Several sources and several layers at the same time: shared content is stored once, and a slow source holds up no
 * other.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { eachOf } from '../../engine/core/concurrency.js';
import { aci, tar } from '../fixtures/archive.js';
import { ociLayout } from '../fixtures/oci.js';
import { type Json, TestStore } from '../fixtures/store.js';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('no more items are at work than there is room for, and one that leaves makes room', async () => {
  let inside = 0;
  let most = 0;
  let waiting = 0;
  const all: (() => void)[] = [];
  const results = eachOf([...'abcdef'], 2, async (item, i, leave) => {
    most = Math.max(most, ++inside);
    await tick();
    inside--;
    waiting++;
    leave();
    leave();
    await new Promise<void>((resolve) => all.push(resolve));
    return `${item}${i}`;
  });
  // Every item now waits for the others. Without releasing slots only two of them would.
  while (waiting < 6) await tick();
  assert.equal(most, 2);
  for (const resolve of all.reverse()) resolve();
  assert.deepEqual(await results, ['a0', 'b1', 'c2', 'd3', 'e4', 'f5']);
});

test('after a failure nothing new begins, also if what failed had left; what had begun is waited for', async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  let failed = false;
  const failing = eachOf([0, 1, 2, 3], 1, async (item, _i, leave) => {
    begun.push(item);
    if (item === 0) {
      leave();
      await tick();
      failed = true;
      throw new Error('the first');
    }
    while (!failed) await tick();
    await tick();
    ended.push(item);
  });
  await assert.rejects(failing, /^Error: the first$/);
  assert.deepEqual([begun, ended], [[0, 1], [1]]);
});

test('a failure before anything was waited for is one like any other', async () => {
  const ended: number[] = [];
  const failing = eachOf([0, 1, 2], 2, (item) => {
    if (item === 1) throw new Error('at once');
    return tick().then(() => ended.push(item));
  });
  await assert.rejects(failing, /^Error: at once$/);
  assert.deepEqual(ended, [0]);
});

test('there is always room for one', async () => {
  assert.deepEqual(await eachOf(['a', 'b'], 0, async (item) => item), ['a', 'b']);
});

test('a small layer and a large one of an image bring the same contents', async (t) => {
  const s = new TestStore(t);
  const shared = randomBytes(100_000);
  const huge = randomBytes(3 << 20);
  const large = tar([
    { name: 'pad', content: randomBytes(6 << 20) },
    { name: 'one', content: shared },
    { name: 'huge', content: huge },
    { name: 'empty', content: '' },
  ]);
  const small = tar([
    { name: 'two', content: shared },
    { name: 'huge2', content: huge },
    { name: 'own', content: 'own' },
    { name: 'empty2', content: '' },
  ]);
  assert.ok(gzipSync(large).length > 4 << 20);
  ociLayout(s.path('layout'), [{ ref: 'example.com/app:v1', layers: [large, small] }]);
  const [first] = await s.json<[Json]>(['import', s.path('layout')]);
  assert.deepEqual((first['objects'] as Json)['new'], 5);
  for (const [path, content] of [
    ['one', shared],
    ['two', shared],
    ['huge2', huge],
    ['own', Buffer.from('own')],
    ['empty2', Buffer.alloc(0)],
  ] as const) {
    assert.deepEqual((await s.ok(['cat', 'example.com/app', path])).stdout, content);
  }
  await s.ok(['render', 'example.com/app']);
  await s.ok(['check']);
  const { ok, stray } = await s.json(['fsck']);
  assert.deepEqual([ok, stray], [true, []]);
});

test('many images of one command are all there, each by its name, and leave nothing staged', async (t) => {
  const s = new TestStore(t);
  const paths = Array.from({ length: 40 }, (_none, i) => {
    const entries = [
      { name: 'own', content: `of ${i}` },
      { name: 'shared', content: 'of all' },
    ];
    fs.writeFileSync(s.path(`${i}.aci`), gzipSync(aci({ name: `example.com/image${i}` }, entries)));
    return s.path(`${i}.aci`);
  });
  fs.writeFileSync(s.path('bad.aci'), 'no image');
  const args = ['import', '--keep-going', ...paths.slice(0, 20), s.path('bad.aci'), ...paths.slice(20)];
  const ran = await s.run([...args, '--json']);
  assert.equal(ran.code, 1);
  const results = JSON.parse(ran.stdout.toString()) as Json[];
  assert.deepEqual(
    results.map(({ name, source }) => name ?? source),
    [
      ...paths.slice(0, 20).map((_path, i) => `example.com/image${i}`),
      s.path('bad.aci'),
      ...paths.slice(20).map((_path, i) => `example.com/image${20 + i}`),
    ],
  );
  const times = (await s.json<Json[]>(['ls'])).map(
    ({ name, importTime }) => [String(importTime), String(name)] as const,
  );
  assert.equal(new Set(times.map(([time]) => time)).size, 40);
  assert.equal((await s.ok(['cat', 'example.com/image39', 'own'])).stdout.toString(), 'of 39');
  const { ok, stray, checked } = await s.json(['fsck']);
  assert.deepEqual([ok, stray, (checked as Json)['objects']], [true, [], 41]);
  assert.deepEqual(fs.readdirSync(`${s.store}/staging`), []);
});
