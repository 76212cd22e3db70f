/** Pods are prepared of images that are here and agree with the manifest, and are what they were from then on. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CairnError } from '../../engine/core/errors.js';
import { aci } from '../fixtures/archive.js';
import { listOf, podBytes, podOf, podWorld } from '../fixtures/prepared.js';

const code =
  (wanted: string, words = /./) =>
  (error: CairnError): boolean => {
    assert.equal(error.code, wanted, error.message);
    assert.match(error.message, words);
    return true;
  };

const POD = { name: 'example.com/app', labels: [{ name: 'version', value: '1.0.0' }] };

test('preparing', async (t) => {
  const { store, keys, dir } = await podWorld(t);

  await t.test('finds images by the beginning of an ID, renders them, and writes whole IDs', async () => {
    const id = keys.app.slice(0, 20);
    const manifest = podOf([{ name: 'a', image: { id, ...POD } }], { annotations: [{ name: 'x/y', value: 'z' }] });
    const pod = await store.preparePod(manifest);
    const [app] = pod.apps as [(typeof pod.apps)[0]];
    assert.deepEqual([app.name, app.image, app.runtime.image.id], ['a', keys.app, keys.app]);
    assert.equal(pod.dir, join(store.dir, 'pods', pod.id));
    assert.deepEqual(fs.readdirSync(app.rootfs).sort(), ['app', 'base']);
    assert.ok(app.says.format === 'aci' && app.says.manifest.app?.exec[0] === '/app');
    const written = JSON.parse((await store.catPodManifest(pod.id)).toString());
    assert.equal(written.apps[0].image.id, keys.app);
    assert.deepEqual(written.annotations, [{ name: 'x/y', value: 'z' }]);
    assert.deepEqual(pod.manifest.raw, written);
  });

  await t.test('keeps the exact bytes of a manifest whose IDs are whole', async () => {
    const bytes = Buffer.from(` ${podBytes([{ name: 'a', image: { id: keys.base } }], { unknown: [1] })} \n`);
    const { id } = await store.preparePod(bytes);
    assert.deepEqual(await store.catPodManifest(id), bytes);
    assert.equal(fs.statSync(join(store.dir, 'pods', id)).mode & 0o777, 0o700);
  });

  await t.test('makes an app of each image, under a name of its own', async () => {
    const pod = await store.preparePod(['example.com/app', 'web:1', keys.app]);
    assert.deepEqual(
      pod.apps.map(({ name, image, says }) => [name, image, says.format]),
      [
        ['app', keys.app, 'aci'],
        ['web', keys.oci, 'oci'],
        ['app-2', keys.app, 'aci'],
      ],
    );
  });

  for (const [title, image, wanted, words] of [
    ['another name', { id: keys.app, name: 'example.com/other' }, 'ERR_NAME_MISMATCH', /app a: .*called otherwise/],
    ['other labels', { ...POD, id: keys.app, labels: [{ name: 'version', value: '2' }] }, 'ERR_NAME_MISMATCH', /app a/],
    ['labels alone', { id: keys.app, labels: [{ name: 'arch', value: 'i386' }] }, 'ERR_NAME_MISMATCH', /app a/],
    ['an ID that is nowhere', { id: `sha512-${'0'.repeat(128)}` }, 'ERR_NOT_FOUND', /app a: image sha512-0/],
    ['an ID of another image', { ...POD, id: `sha512-${'0'.repeat(128)}` }, 'ERR_NAME_MISMATCH', /another ID/],
  ] as const) {
    await t.test(`refuses ${title}, and leaves nothing`, async () => {
      const before = fs.readdirSync(join(store.dir, 'pods'));
      const manifest = podOf([
        { name: 'ok', image: { id: keys.base } },
        { name: 'a', image },
      ]);
      await assert.rejects(store.preparePod(manifest), code(wanted, words));
      assert.deepEqual(fs.readdirSync(join(store.dir, 'pods')), before);
    });
  }

  await t.test('takes labels of the platform, and a name that was taken away here', async () => {
    const arch = { name: 'arch', value: 'amd64' };
    await store.preparePod(podOf([{ name: 'a', image: { id: keys.app, labels: [arch] } }]));
    await store.tag(keys.app, 'example.com/kept:1');
    await store.untag(['example.com/app:1.0.0']);
    await store.preparePod(podOf([{ name: 'a', image: { id: keys.app, ...POD } }]));
    await store.preparePod(podOf([{ name: 'a', image: { id: keys.app, name: 'example.com/kept' } }]));
    await store.tag(keys.app, 'example.com/app:1.0.0');
  });

  await t.test('refuses manifests that are none, and pods without apps', async () => {
    await assert.rejects(store.preparePod(Buffer.from('{"acKind":"ImageManifest"}')), code('ERR_BAD_MANIFEST'));
    for (const wrong of ['web:1', {}, null, undefined, 7]) {
      await assert.rejects(store.preparePod(wrong as never), code('ERR_USAGE'));
      await assert.rejects(store.run(wrong as never), code('ERR_USAGE'));
    }
    await assert.rejects(store.preparePod(Buffer.from('no')), code('ERR_BAD_MANIFEST'));
    await assert.rejects(store.preparePod(podBytes([])), code('ERR_BAD_MANIFEST', /without apps/));
    const path = [{ name: '../../x', image: { id: keys.base } }];
    await assert.rejects(store.preparePod(podBytes(path)), code('ERR_BAD_MANIFEST'));
    await assert.rejects(store.preparePod([]), code('ERR_BAD_MANIFEST'));
    await assert.rejects(store.preparePod(['web:1'], { pull: 'later' as 'never' }), code('ERR_USAGE'));
  });

  await t.test('cancelled, it leaves nothing', async () => {
    const before = fs.readdirSync(join(store.dir, 'pods')).length;
    await assert.rejects(store.preparePod(['web:1'], { signal: AbortSignal.abort() }), code('ERR_ABORTED'));
    assert.equal(fs.readdirSync(join(store.dir, 'pods')).length, before);
  });

  await t.test('looks for missing dependencies, and names them', async () => {
    const needy = { name: 'example.com/needy', dependencies: [{ imageName: 'example.invalid/nowhere' }] };
    fs.writeFileSync(join(dir, 'needy.aci'), aci(needy, []));
    await store.import(join(dir, 'needy.aci'));
    await assert.rejects(
      store.preparePod(['example.com/needy'], { pull: 'never' }),
      code('ERR_NOT_FOUND', /example\.invalid\/nowhere/),
    );
  });

  await t.test('a pod is found by the beginning of its id', async () => {
    const { id } = await store.preparePod(['web:1']);
    assert.equal((await store.showPod(id.toUpperCase())).pod, id);
    assert.equal((await store.loadPod(id.slice(0, 30))).id, id);
    await assert.rejects(store.showPod('x/../y'), code('ERR_KEY_SYNTAX'));
    await assert.rejects(store.showPod('a'), code('ERR_KEY_TOO_SHORT'));
    await assert.rejects(store.showPod('00000000-0000'), code('ERR_NOT_FOUND'));
    const all = await listOf(store.pods());
    assert.ok(all.length > 3 && all.every(({ state }) => state === 'prepared'));
    assert.deepEqual(
      all,
      [...all].sort((a, b) => (a.pod < b.pod ? -1 : 1)),
    );
  });

  await t.test('loading a pod gives what preparing it gave', async () => {
    const pod = await store.preparePod(['example.com/app', 'web:1']);
    assert.deepEqual(await store.loadPod(pod.id), pod);
  });
});

test('a pod whose tree is gone gets it again, if its image gives the same', async (t) => {
  const { store } = await podWorld(t);
  const pod = await store.preparePod(['example.com/app']);
  const [app] = pod.apps as [(typeof pod.apps)[0]];
  await store.removeTrees(store.findTrees(app.treeId), { force: true });
  assert.equal(fs.existsSync(app.rootfs), false);
  assert.equal((await store.showPod(pod.id)).state, 'prepared');
  assert.deepEqual(await store.loadPod(pod.id), pod);
  assert.deepEqual(fs.readdirSync(app.rootfs).sort(), ['app', 'base']);
  const newer = { name: 'example.com/base', labels: { version: '2' } };
  fs.writeFileSync(join(store.dir, '..', 'newer.aci'), aci(newer, [{ name: 'newer', content: 'x' }]));
  await store.import(join(store.dir, '..', 'newer.aci'), { latest: true });
  await store.removeTrees(store.findTrees(app.treeId), { force: true });
  await assert.rejects(store.loadPod(pod.id), code('ERR_DAMAGED', /gives another one now/));
});
