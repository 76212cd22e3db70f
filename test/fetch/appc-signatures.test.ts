/** Which signatures let an App Container Image in: each that does not has its own code. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ErrorCode } from '../../engine/core/errors.js';
import type { Fetched, FetchOptions } from '../../engine/fetch/options.js';
import { AppcSite, type Offer } from '../fixtures/appc-site.js';
import { aci } from '../fixtures/archive.js';
import { before, DAY, makeKey, revoked, sign } from '../fixtures/keys.js';

test('an image comes in only with a good signature, for its name and its bytes', async (t) => {
  const site = await AppcSite.start(t);
  const { keystore } = site;
  const stranger = await makeKey({ name: 'Mallory' });
  const expired = await makeKey({ date: before(3), expires: DAY / 1000 });
  const dead = await makeKey();
  const masked = await makeKey();
  const elsewhere = await makeKey();
  for (const key of [expired, await revoked(dead)]) keystore.put(keystore.local, key, 'example.com');
  keystore.put(keystore.system, masked, 'example.com');
  keystore.mask(keystore.local, masked, 'example.com');
  keystore.put(keystore.local, elsewhere, 'example.com/else');
  const otherFile = await sign('another file', site.key, { armored: true });
  const other = gzipSync(aci({ name: 'example.com/other' }));
  const signedOther = await sign(other, site.key);
  const cases: [string, Offer, ErrorCode][] = [
    ['unknown', { by: stranger }, 'ERR_UNTRUSTED_KEY'],
    ['expired', { by: expired, at: before(2.5) }, 'ERR_KEY_EXPIRED'],
    ['revoked', { by: dead }, 'ERR_KEY_REVOKED'],
    ['masked', { by: masked }, 'ERR_UNTRUSTED_KEY'],
    ['elsewhere', { by: elsewhere }, 'ERR_UNTRUSTED_KEY'],
    ['missing', { by: null }, 'ERR_NO_SIGNATURE'],
    ['another-file', { signatures: () => [otherFile] }, 'ERR_BAD_SIGNATURE'],
    ['no-signature', { signatures: () => [Buffer.from('<html>nothing here</html>')] }, 'ERR_BAD_SIGNATURE'],
    ['another-name', { answers: () => [other], signatures: () => [signedOther] }, 'ERR_NAME_MISMATCH'],
    ['changed', { answers: (bytes) => [gzipSync(Buffer.concat([bytes, bytes]))] }, 'ERR_BAD_SIGNATURE'],
  ];
  for (const [name, offer] of cases) await site.offer(name, offer);
  const refs = cases.map(([name]) => `example.com/${name}`);
  await using opened = await site.open(t);
  const codes = await opened.codes(refs);
  assert.deepEqual(codes, Object.fromEntries(cases.map(([name, , code]) => [`example.com/${name}`, code])));
  assert.deepEqual([await opened.names(), opened.leftovers()], [[], []]);
  // Whose keys do not count is known before any bytes have moved.
  assert.deepEqual(
    ['unknown', 'expired', 'revoked', 'masked', 'missing'].map((name) => site.asked(name)),
    [0, 0, 0, 0, 0],
  );
  // By URL the name is in the image: the same keys count.
  const urls = cases.slice(0, 6).map(([name]) => `https://example.com/aci/${name}.aci`);
  assert.deepEqual(
    Object.values(await opened.codes(urls)),
    cases.slice(0, 6).map(([, , code]) => code),
  );
  assert.deepEqual(await opened.names(), []);
  const insecure = ['image'] as const;
  const lax = (await opened.all(refs.slice(0, 8), { insecure })) as Fetched[];
  assert.deepEqual(
    lax.map(({ signature }) => signature),
    Array(8).fill(null),
  );
  // Its name is asked for, signature or not.
  await opened.refused('ERR_NAME_MISMATCH', 'example.com/another-name', { insecure });
});

const LATER = { status: 202, headers: { 'retry-after': '0' } };

test('a signature that is not ready is asked for again once the image is here', async (t) => {
  const site = await AppcSite.start(t);
  await site.offer('app', { signatures: (bytes) => [{ status: 202 }, bytes] });
  await site.offer('slow', { signatures: (bytes) => [LATER, LATER, bytes] });
  await site.offer('never', { signatures: () => [{ status: 202 }] });
  await site.offer('tomorrow', { signatures: () => [{ status: 202, headers: { 'retry-after': '86400' } }] });
  await using opened = await site.open(t);
  const fetched = (await opened.all(['example.com/app', 'example.com/slow'])) as Fetched[];
  assert.ok(fetched.every(({ signature }) => signature !== null));
  const { paths } = site.server;
  assert.ok(paths.lastIndexOf('/aci/app.aci.asc') > paths.indexOf('/aci/app.aci'));
  assert.deepEqual(await opened.codes(['example.com/never', 'example.com/tomorrow']), {
    'example.com/never': 'ERR_NO_SIGNATURE',
    'example.com/tomorrow': 'ERR_NO_SIGNATURE',
  });
  assert.equal(site.server.paths.filter((path) => path === '/aci/never.aci.asc').length, 2);
});

test('what has not changed is not moved, while its signature counts', async (t) => {
  const site = await AppcSite.start(t);
  await site.offer('app', { entries: [{ name: 'app', content: 'app' }] });
  await using opened = await site.open(t);
  await opened.fetch('example.com/app');
  const again = async (options: FetchOptions = {}): Promise<void> => {
    const before = site.server.asked.length;
    const { existed, downloadedBytes, signature } = await opened.fetch('example.com/app', options);
    assert.deepEqual([existed, downloadedBytes, signature?.key], [true, 0, site.key.getFingerprint()]);
    const [page, image, ...more] = site.server.asked.slice(before);
    assert.deepEqual([page?.path, image?.path, more], ['/app?ac-discovery=1', '/aci/app.aci', []]);
    assert.ok(image?.headers['if-none-match']);
  };
  await again();
  // A key that was trusted then, and is not any more.
  const mask = site.keystore.mask(site.keystore.local, site.key, 'example.com');
  await opened.refused('ERR_UNTRUSTED_KEY', 'example.com/app');
  await again({ insecure: ['image'] });
  site.keystore.write(mask, site.key.toPublic().write() as Uint8Array);
  await again();
});

test('what came unsigned does not pass for signed since it has not changed', async (t) => {
  const site = await AppcSite.start(t);
  const { bytes } = await site.offer('app', { by: null });
  await using opened = await site.open(t);
  await opened.fetch('example.com/app', { insecure: ['image'] });
  await opened.refused('ERR_NO_SIGNATURE', 'example.com/app');
  site.server.serve('/aci/app.aci.asc', await sign(bytes, site.key));
  const signed = await opened.fetch('example.com/app');
  assert.deepEqual([signed.existed, signed.downloadedBytes], [true, bytes.length]);
  assert.equal((await opened.store.inspect('example.com/app')).signature?.key, site.key.getFingerprint());
});
