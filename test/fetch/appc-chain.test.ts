/** Fetching App Container Images by name, URL and path, with what they depend on. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import type { Fetched } from '../../engine/fetch/options.js';
import { AppcSite, type Offer, page } from '../fixtures/appc-site.js';
import { aci } from '../fixtures/archive.js';
import { makeKey, sign } from '../fixtures/keys.js';
import type { Json } from '../fixtures/store.js';

const file = (name: string) => ({ entries: [{ name, content: name }] });
const on = (...names: string[]) => names.map((name) => ({ imageName: `example.com/${name}` }));

test('a signed chain is discovered, fetched, verified and rendered', async (t) => {
  const site = await AppcSite.start(t);
  await site.offer('base', file('base'));
  await site.offer('middle', { ...file('middle'), dependencies: on('base') });
  const top = await site.offer('top', { ...file('top'), labels: { version: '1.0' }, dependencies: on('middle') });
  const ran = await site.run(['fetch', '--json', 'example.com/top:1.0']);
  assert.equal(ran.code, 0, ran.stderr);
  const [fetched] = ran.json<[Fetched]>();
  const { ref, key, url, existed, downloadedBytes, resumedBytes, signature, dependencies = [] } = fetched;
  assert.deepEqual([ref, key, url, existed], ['example.com/top:1.0', top.key, top.url, false]);
  assert.deepEqual([downloadedBytes, resumedBytes], [top.bytes.length, 0]);
  const fingerprint = site.key.getFingerprint();
  assert.deepEqual([signature?.key, signature?.by], [fingerprint, 'Alice <alice@example.com>']);
  assert.ok(Math.abs(Date.parse(signature?.at ?? '') - Date.now()) < 600_000);
  assert.deepEqual(
    dependencies.map((each) => [each.name, each.signature?.key]),
    [
      ['example.com/base', fingerprint],
      ['example.com/middle', fingerprint],
    ],
  );
  const [rendered] = await site.store.json<{ path: string }[]>(['render', 'example.com/top']);
  assert.deepEqual(fs.readdirSync(rendered?.path as string).sort(), ['base', 'middle', 'top']);
  const inspected = await site.store.json(['inspect', 'example.com/base']);
  assert.equal((inspected['signature'] as Json)['key'], fingerprint);
  const again = await site.run(['fetch', 'example.com/top:1.0']);
  assert.match(again.stdout.toString(), /example\.com\/top:1\.0 {2}was here already, 0 B fetched, signed by Alice/);
});

test('what several need comes once, what is here does not come, and all of it may be left out', async (t) => {
  const site = await AppcSite.start(t);
  for (const name of ['base', 'here']) await site.offer(name, file(name));
  for (const name of ['left', 'right']) await site.offer(name, { ...file(name), dependencies: on('base', 'here') });
  await site.offer('top', { dependencies: on('left', 'right', 'base') });
  await using opened = await site.open(t);
  await opened.fetch('example.com/here');
  assert.equal((await opened.fetch('example.com/top', { dependencies: false })).dependencies, undefined);
  assert.deepEqual(await opened.names(), ['example.com/here', 'example.com/top']);
  const top = await opened.fetch('example.com/top');
  assert.equal(top.existed, true);
  assert.deepEqual(
    top.dependencies?.map(({ name }) => name).sort(),
    on('base', 'left', 'right').map((each) => each.imageName),
  );
  assert.deepEqual(
    ['base', 'here', 'left', 'right'].map((name) => site.asked(name)),
    [1, 1, 1, 1],
  );
});

test('an image that depends on itself is told with the whole chain, and does not come', async (t) => {
  const site = await AppcSite.start(t);
  await site.offer('a', { dependencies: on('b', 'c') });
  await site.offer('b', { dependencies: on('c') });
  await site.offer('c', { dependencies: on('a') });
  await site.offer('self', { dependencies: on('self') });
  await using opened = await site.open(t);
  const { message } = await opened.refused('ERR_DEPENDENCY_CYCLE', 'example.com/a');
  assert.match(message, /example\.com\/c → example\.com\/a → .*example\.com\/c/);
  const { message: own } = await opened.refused('ERR_DEPENDENCY_CYCLE', 'example.com/self');
  assert.match(own, /example\.com\/self → example\.com\/self$/);
  assert.deepEqual([await opened.names(), opened.leftovers()], [[], []]);
});

test('the first failure ends what comes beside it, and is told', async (t) => {
  const site = await AppcSite.start(t);
  const waits: Offer['answers'] = (body) => [{ body, fault: 'stalled' }];
  await site.offer('stalled', { ...file('stalled'), answers: waits });
  await site.offer('middle', { dependencies: on('stalled') });
  for (let i = 0; i < 6; i++) await site.offer(`slow-${i}`, { answers: waits });
  await site.offer('gone', { answers: () => [{ status: 404 }] });
  await site.offer('top', { dependencies: on('middle', 'slow-0', 'slow-1', 'gone') });
  await using opened = await site.open(t);
  const { message } = await opened.refused('ERR_NOT_FOUND', 'example.com/top');
  assert.match(message, /top depends on example\.com\/gone: .* answers 404/);
  assert.deepEqual([await opened.names(), opened.leftovers()], [[], []]);
  const refs = ['slow-0', 'slow-1', 'slow-2', 'slow-3', 'slow-4', 'gone', 'slow-5'].map(
    (name) => `example.com/${name}`,
  );
  await assert.rejects(opened.all(refs, { jobs: 7 }), { code: 'ERR_NOT_FOUND', message: /gone\.aci/ });
  assert.deepEqual([await opened.names(), opened.leftovers()], [[], []]);
});

test('what a dependency promises must hold before anything is visible', async (t) => {
  const site = await AppcSite.start(t);
  const labels = { version: '1' };
  const base = await site.offer('base', { ...file('base'), labels });
  const plain = aci({ name: 'example.com/base', labels }, file('base').entries).length;
  const version = (value: string) => [{ name: 'version', value }];
  const cases: [string, Json, string][] = [
    ['key', { imageID: `sha512-${'0'.repeat(128)}` }, 'ERR_DIGEST_MISMATCH'],
    ['size', { size: plain + 1 }, 'ERR_DIGEST_MISMATCH'],
    ['label', { labels: version('2') }, 'ERR_NAME_MISMATCH'],
  ];
  const needs = (promise: Json) => ({ dependencies: [{ imageName: 'example.com/base', ...promise }] });
  for (const [name, promise] of cases) await site.offer(name, needs(promise));
  await site.offer('good', needs({ imageID: base.key.slice(0, 40), size: base.bytes.length }));
  await site.offer('unpacked', needs({ labels: version('1'), size: plain }));
  await using opened = await site.open(t);
  for (const [name, , code] of cases) {
    const { message } = await opened.refused(code as 'ERR_NAME_MISMATCH', `example.com/${name}`);
    assert.match(message, /depends on example\.com\/base/);
  }
  assert.deepEqual([await opened.names(), opened.leftovers()], [[], []]);
  await opened.all(['example.com/good', 'example.com/unpacked']);
  assert.equal((await opened.names()).length, 3);
});

test('the first place that has the image gives it', async (t) => {
  const site = await AppcSite.start(t);
  const { bytes, signature } = await site.offer('app', file('app'));
  const dirs = ['none', 'unsigned', 'good'].map((dir) => `https://elsewhere.example.com/${dir}/app.{ext}`);
  site.server
    .serve('/app', page('example.com/app', 'ftp://example.com/{name}.{ext}', 'https://127.0.0.1:1/x.{ext}', ...dirs))
    .serve('/unsigned/app.aci', bytes)
    .serve('/good/app.aci', bytes)
    .serve('/good/app.aci.asc', signature);
  await using opened = await site.open(t);
  assert.equal((await opened.fetch('example.com/app')).url, 'https://elsewhere.example.com/good/app.aci');
  assert.equal(opened.notices.length, 4);
  assert.match(opened.notices[1] ?? '', /is on this machine, at 127\.0\.0\.1:1; the next place is asked/);
  assert.match(opened.notices[3] ?? '', /\/unsigned\/app\.aci\.asc answers 404: .*the next place is asked/);
});

test('an image for another platform is refused, unless it is asked for', async (t) => {
  const site = await AppcSite.start(t);
  await site.offer('other', { labels: { os: 'linux', arch: 's390x' } });
  await site.offer('any', file('any'));
  await using opened = await site.open(t);
  const { found } = await opened.refused('ERR_NAME_MISMATCH', 'example.com/other');
  assert.equal(found, 's390x');
  await opened.fetch('example.com/other', { platform: 'linux/s390x' });
  assert.equal((await opened.fetch('example.com/other,arch=s390x')).existed, true);
  await opened.fetch('example.com/any');
  await opened.refused('ERR_NAME_MISMATCH', 'example.com/any:2');
});

test('a URL is fetched, and the name in the image says whose keys count', async (t) => {
  const site = await AppcSite.start(t);
  const { url, bytes } = await site.offer('app', file('app'));
  await using opened = await site.open(t);
  const fetched = await opened.fetch(`${url}?token=secret#part`);
  assert.deepEqual([fetched.url, fetched.name], [url, 'example.com/app']);
  assert.ok(site.server.paths.includes('/aci/app.aci.asc?token=secret'));
  site.keystore.mask(site.keystore.local, site.key, 'example.com');
  await opened.refused('ERR_UNTRUSTED_KEY', `${url}?again`);
  await opened.refused('ERR_TLS', url.replace('https', 'http'));
  const local = await opened.fetch(`file://${site.store.write('app.aci', bytes)}`);
  assert.deepEqual([local.url, local.signature, local.existed], [null, null, true]);
});

test('a file is held against the signature that is named, or lies beside it', async (t) => {
  const site = await AppcSite.start(t);
  const { bytes, signature } = await site.offer('app', file('app'));
  const path = site.store.write('app.aci', bytes);
  const other = site.store.write('other.asc', await sign('other', site.key));
  await using opened = await site.open(t);
  await opened.refused('ERR_BAD_SIGNATURE', path, { signature: other });
  assert.deepEqual([await opened.names(), opened.leftovers()], [[], []]);
  assert.equal((await opened.fetch(path)).signature, null);
  site.store.write('app.aci.asc', signature);
  assert.equal((await opened.fetch(path)).signature?.key, site.key.getFingerprint());
  await opened.fetch(path, { signature: other, insecure: ['image'] });
  assert.deepEqual(opened.notices, ['signatures of images are not checked, nor is the policy']);
  await opened.refused('ERR_NOT_FOUND', path, { signature: site.store.path('none') });
  await opened.refused('ERR_USAGE', 'docker://localhost:1/app', { signature: other });
  await assert.rejects(opened.all([path, path], { signature: other }), { code: 'ERR_USAGE' });
  const ran = await site.run(['fetch', '--json', '--signature', other, '--insecure-options', 'image,http', path]);
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stderr, /signatures of images are not checked, nor is the policy\n.*plain HTTP is spoken/);
});

test('what is no name, key or place of an image is told apart', async (t) => {
  const site = await AppcSite.start(t);
  const { key, url } = await site.offer('app', file('app'));
  await using opened = await site.open(t);
  await opened.refused('ERR_NOT_FOUND', key);
  for (const ref of ['example.com/app', url]) await opened.refused('ERR_NOT_FOUND', ref, { pull: 'never' });
  const { message } = await opened.refused('ERR_NOT_FOUND', 'example.com:5000/team/app');
  assert.match(message, /docker:\/\/example\.com:5000\/team\/app/);
  await opened.fetch('example.com/app', { pull: 'missing' });
  const asked = site.server.asked.length;
  for (const ref of [key, 'example.com/app', url]) {
    const here = await opened.fetch(ref, { pull: 'never' });
    assert.deepEqual([here.key, here.url, here.signature?.key], [key, null, site.key.getFingerprint()]);
  }
  assert.equal(site.server.asked.length, asked);
});

test('keys that the site offers count on request, unless they are masked', async (t) => {
  const site = await AppcSite.start(t);
  const stranger = await makeKey({ name: 'Mallory' });
  await site.offer('app', { ...file('app'), by: stranger });
  const keys = '<meta name="ac-discovery-pubkeys" content="example.com https://example.com/keys">';
  const offered = page('example.com', 'https://example.com/aci/app.{ext}').replace('</head>', `${keys}</head>`);
  site.server.serve('/app', offered).serve('/keys', stranger.toPublic().armor());
  await using opened = await site.open(t);
  const { message } = await opened.refused('ERR_UNTRUSTED_KEY', 'example.com/app');
  assert.match(message, /its site offers https:\/\/example\.com\/keys/);
  const lax = { insecure: ['pubkey'] } as const;
  assert.equal((await opened.fetch('example.com/app', lax)).signature?.key, stranger.getFingerprint());
  assert.deepEqual(opened.notices, ['keys count that sites offer, whether or not they are trusted']);
  site.keystore.mask(site.keystore.local, stranger, 'example.com');
  await opened.refused('ERR_UNTRUSTED_KEY', 'example.com/app', lax);
});
