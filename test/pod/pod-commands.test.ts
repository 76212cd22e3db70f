/** The commands on prepared pods: what they print, and how they exit. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { podBytes } from '../fixtures/prepared.js';
import { hasShape, type Json, TestStore } from '../fixtures/store.js';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

test('pod prepare, ls, show, rm and gc', async (t) => {
  const s = new TestStore(t);
  const archive = s.aci('app.aci', { name: 'example.com/app', labels: { version: '1.0.0' } }, [{ name: 'f' }]);
  const annotations = [{ name: 'example.com/owner', value: 'me' }];

  await t.test('an archive makes a store, and a pod of one app', async () => {
    await s.refused(['pod', 'prepare', 'example.com/app'], 'ERR_NOT_FOUND', 3);
    const pod = await s.json(['pod', 'prepare', archive]);
    assert.match(pod['pod'] as string, UUID);
    assert.equal(pod['dir'], join(s.store, 'pods', pod['pod'] as string));
    const [app] = pod['apps'] as [Json];
    hasShape(app, { name: 'string', image: 'key', treeId: 'string', path: 'string' });
    assert.ok(fs.existsSync(join(app['path'] as string, 'f')));
    await s.ok(['pod', 'rm', pod['pod'] as string]);
  });

  const [{ key }] = await s.json<[{ key: string }]>(['ls']);
  const bytes = podBytes([{ name: 'a', image: { id: key }, annotations }], { annotations });
  const file = s.write('pod.json', bytes);

  await t.test('a manifest comes from a file or standard input, and alone', async () => {
    const pod = (await s.ok(['pod', 'prepare', file])).stdout.toString().trim();
    assert.match(pod, UUID);
    const other = (await s.ok(['pod', 'prepare', '-'], { input: bytes })).stdout.toString().trim();
    assert.deepEqual((await s.ok(['pod', 'show', '--manifest', pod])).stdout, bytes);
    await s.refused(['pod', 'prepare', file, 'example.com/app'], 'ERR_USAGE', 2);
    await s.refused(['pod', 'prepare', s.write('bad.json', '{"acKind": 1}')], 'ERR_BAD_MANIFEST', 1);
    assert.deepEqual(
      (await s.ok(['pod', 'ls', '-q'])).stdout.toString().trim().split('\n').sort(),
      [pod, other].sort(),
    );
  });

  await t.test('pods are listed and shown', async () => {
    const pods = await s.json<Json[]>(['pod', 'ls', '--state', 'prepared']);
    assert.equal(pods.length, 2);
    hasShape(pods[0] as Json, { pod: 'string', state: 'string', apps: '[]', createdAt: 'time' });
    assert.deepEqual(await s.json(['pod', 'ls', '--state', 'running']), []);
    await s.refused(['pod', 'ls', '--state', 'asleep'], 'ERR_USAGE', 2);
    const [first] = pods.map((each) => each['pod'] as string) as [string];
    const shown = await s.json(['pod', 'show', first.slice(0, 13)]);
    hasShape(shown, { dir: 'string', cgroup: 'string', networks: '[]', pid: 'number', manifest: 'object' });
    assert.deepEqual([shown['pid'], shown['annotations']], [-1, annotations]);
    const [app] = shown['apps'] as [Json];
    assert.deepEqual(
      [app['imageName'], app['state'], app['annotations']],
      ['example.com/app:1.0.0', 'prepared', annotations],
    );
    const words = (await s.ok(['pod', 'show', first])).stdout.toString();
    assert.match(words, /^state: prepared$/m);
    await s.refused(['pod', 'show', 'ffffffff-ffff'], 'ERR_NOT_FOUND', 3);
  });

  await t.test('rm names the pods that hold an image; rm and gc of pods tell what went', async () => {
    const held = await s.refused(['rm', 'example.com/app:1.0.0'], 'ERR_HELD', 1);
    assert.match(held.message, /pod [0-9a-f-]{36}, pod [0-9a-f-]{36}/);
    const [pod, other] = (await s.json<Json[]>(['pod', 'ls'])).map((each) => each['pod'] as string) as [string, string];
    assert.deepEqual(
      (await s.json<Json[]>(['pod', 'rm', pod])).map((each) => each['pod']),
      [pod],
    );
    assert.deepEqual(await s.json(['pod', 'gc']), []);
    const gone = await s.json<Json[]>(['pod', 'gc', '--expire-prepared', '0']);
    assert.deepEqual(
      gone.map((each) => each['pod']),
      [other],
    );
    await s.ok(['rm', 'example.com/app:1.0.0']);
  });
});
