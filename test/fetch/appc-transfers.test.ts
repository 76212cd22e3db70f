/**
 * Transfers of App Container Images that go wrong: each fault has its own error, and leaves nothing that is visible. An
 * interrupted one goes on where it was.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { ErrorCode } from '../../engine/core/errors.js';
import type { Fetched, FetchFailure } from '../../engine/fetch/options.js';
import { AppcSite, type Offer } from '../fixtures/appc-site.js';
import { makeAuthority } from '../fixtures/certificates.js';
import { type Answer, type Handler, TestServer } from '../fixtures/https-server.js';

const entries = [{ name: 'data', content: randomBytes(100_000) }];
const faulty =
  (fault: Answer['fault'], more: Answer = {}): NonNullable<Offer['answers']> =>
  (body) => [{ body, ...more, ...(fault === undefined ? {} : { fault }) }];

test('each fault of a server has its own error, and nothing is visible or left over', async (t) => {
  const site = await AppcSite.start(t);
  const bad = await TestServer.start(t, { authority: makeAuthority('Somebody else') });
  const away = (url: string): Answer => ({ status: 302, headers: { location: url } });
  const cases: [string, Offer['answers'], ErrorCode, RegExp][] = [
    ['cut', faulty('cut'), 'ERR_NETWORK', /connection broke/],
    ['reset', faulty('reset'), 'ERR_NETWORK', /connection broke/],
    ['short', faulty('short'), 'ERR_NETWORK', /connection broke|another number of bytes/],
    ['long', faulty('long'), 'ERR_BAD_SIGNATURE', /other bytes/],
    ['endless', faulty('endless'), 'ERR_LIMIT', /more than 1048576 bytes.*--max-bytes/],
    ['large', () => [Buffer.alloc(2 ** 21)], 'ERR_LIMIT', /has 2097152 bytes, more than 1048576.*--max-bytes/],
    ['packed', faulty('transfer gzip'), 'ERR_HTTP', /transfer coding gzip/],
    ['loop', faulty('loop'), 'ERR_HTTP', /redirects more than 10 times/],
    ['page', faulty(undefined, { headers: { 'content-type': 'text/html' } }), 'ERR_HTTP', /is a page \(text\/html\)/],
    ['not-modified', () => [{ status: 304 }], 'ERR_HTTP', /answers 304/],
    ['no-range', () => [{ status: 416 }], 'ERR_HTTP', /answers 416/],
    ['busy', () => [{ status: 429, headers: { 'retry-after': '86400' } }], 'ERR_HTTP', /answers 429/],
    ['gone', () => [{ status: 404 }], 'ERR_NOT_FOUND', /answers 404/],
    ['closed', () => [{ status: 401 }], 'ERR_UNAUTHORIZED', /wants credentials/],
    ['this-machine', () => [away(bad.url('/app.aci'))], 'ERR_HTTP', /redirects to this machine/],
    ['downgrade', () => [away('http://example.com/app.aci')], 'ERR_TLS', /plain HTTP/],
    ['elsewhere', () => [away('file:///etc/passwd')], 'ERR_HTTP', /only https and http/],
  ];
  for (const [name, answers] of cases)
    await site.offer(name, answers === undefined ? { entries } : { entries, answers });
  await site.offer('slow', { entries, answers: faulty('slow') });
  await site.offer('patient', {
    entries,
    answers: (bytes) => [{ status: 429, headers: { 'retry-after': '0' } }, bytes],
  });
  await using opened = await site.open(t);
  const refs = cases.map(([name]) => `example.com/${name}`);
  const results = await opened.all(refs, { keepGoing: true, jobs: 20 });
  const told = results.map((each) => ('error' in each ? [each.ref, each.error.code] : [each.ref, 'came in']));
  assert.deepEqual(
    told,
    cases.map(([name, , code]) => [`example.com/${name}`, code]),
  );
  for (const [i, [name, , , text]] of cases.entries())
    assert.match((results[i] as FetchFailure).error.message, text, name);
  assert.deepEqual([await opened.names(), opened.leftovers()], [[], []]);
  const { message } = await opened.refused('ERR_TLS', bad.url('/app.aci'));
  assert.match(message, /certificate/);
  await opened.all(['example.com/slow', 'example.com/patient']);
  assert.equal((await opened.names()).length, 2);
});

test('what a server compresses on the way is the file that was signed, and so is what it only calls compressed', async (t) => {
  const site = await AppcSite.start(t);
  const coded =
    (coding: string, encode: (bytes: Buffer) => Buffer): NonNullable<Offer['answers']> =>
    (bytes) => [{ body: encode(bytes), headers: { 'content-encoding': coding } }];
  await site.offer('packed', { entries, answers: coded('gzip', (bytes) => gzipSync(bytes)) });
  await site.offer('brotli', { entries, answers: coded('br', (bytes) => brotliCompressSync(bytes)) });
  await site.offer('label', {
    entries,
    answers: coded('x-gzip', (bytes) => bytes),
    signatures: coded('gzip', gzipSync),
  });
  await site.offer('unknown', { entries, answers: coded('compress', (bytes) => bytes) });
  await site.offer('lie', { entries, answers: coded('br', (bytes) => bytes) });
  const bomb = brotliCompressSync(Buffer.alloc(2 ** 22));
  await site.offer('bomb', { entries, answers: coded('br', () => bomb) });
  await using opened = await site.open(t);
  const names = ['packed', 'brotli', 'label', 'unknown', 'lie', 'bomb'].map((name) => `example.com/${name}`);
  assert.deepEqual(Object.values(await opened.codes(names)), [
    'came',
    'came',
    'came',
    'ERR_HTTP',
    'ERR_HTTP',
    'ERR_LIMIT',
  ]);
  assert.deepEqual([await opened.names(), opened.leftovers()], [names.slice(0, 3).sort(), []]);
});

test('bytes that are no image, though they are signed, are refused', async (t) => {
  const site = await AppcSite.start(t);
  await using opened = await site.open(t);
  const { bytes } = await site.offer('app', { entries });
  const text = 'nothing of the kind\n'.repeat(100);
  site.server.serve('/text', text).serve('/cut', bytes.subarray(0, bytes.length / 2));
  const refs = ['https://example.com/text', 'https://example.com/cut'];
  const results = await opened.all(refs, { keepGoing: true, insecure: ['image'] });
  const told = (results as FetchFailure[]).map(({ error }) => [error.code, error.message.includes(site.store.store)]);
  assert.deepEqual(told, [
    ['ERR_NOT_AN_IMAGE', false],
    ['ERR_BAD_COMPRESSION', false],
  ]);
  // The next attempt does not build on bytes that are bad.
  assert.deepEqual(
    fs.readdirSync(join(site.store.store, 'fetching')).filter((name) => !name.endsWith('.json')),
    [],
  );
});

/** Answers the first time with a part, and then as a server does that has ranges. */
const cutOnce =
  (after: number, changed?: Buffer): NonNullable<Offer['answers']> =>
  (body) => [{ body, fault: 'cut', after }, changed ?? body];

test('a connection that breaks goes on where it was, unless the image is another one by then', async (t) => {
  const site = await AppcSite.start(t);
  await using opened = await site.open(t);
  const half = 50_000;
  const { bytes } = await site.offer('resumed', { entries, answers: cutOnce(half) });
  const other = await site.offer('other', { entries: [{ name: 'data', content: randomBytes(120_000) }] });
  await site.offer('changed', { entries, answers: cutOnce(half, other.bytes) });
  const refs = ['resumed', 'changed'].map((name) => `https://example.com/aci/${name}.aci`);
  const [resumed, changed] = await opened.all(refs, { insecure: ['image'] });
  assert.equal((resumed as Fetched).downloadedBytes, bytes.length);
  assert.equal((changed as Fetched).key, other.key);
  const asked = site.server.asked.filter(({ path }) => path === '/aci/resumed.aci');
  assert.match(asked[1]?.headers.range ?? '', /^bytes=\d+-$/);
  assert.match(String(asked[1]?.headers['if-range']), /^"[0-9a-f]{16}"$/);
});

test('what has no validator begins anew after a break', async (t) => {
  const site = await AppcSite.start(t);
  await using opened = await site.open(t);
  const noTag: Handler = (_request, response) => response.end(bytes);
  const cut: Handler = (_request, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 50_000), () => response.socket?.destroy());
  };
  const { bytes } = await site.offer('app', { entries, answers: () => [cut, noTag] });
  await opened.fetch('example.com/app');
  assert.deepEqual(
    site.server.asked.filter(({ path }) => path === '/aci/app.aci').map(({ headers }) => headers.range),
    [undefined, undefined],
  );
});

/** Sends a part, and then nothing: whoever asks must be killed. */
async function killedAfter(site: AppcSite, name: string, share: number): Promise<{ length: number }> {
  const large = [{ name: 'data', content: randomBytes(900_000) }];
  const stalled: NonNullable<Offer['answers']> = (body) => [
    { body, fault: 'stalled', after: Math.floor(body.length * share) },
    body,
  ];
  const { bytes } = await site.offer(name, { entries: large, answers: stalled });
  const fetching = join(site.store.store, 'fetching');
  const isThere = (): boolean => {
    const files = fs.existsSync(fetching) ? fs.readdirSync(fetching) : [];
    return files.some((each) => fs.statSync(join(fetching, each)).size >= Math.floor(bytes.length * share));
  };
  const ran = await site.run(['fetch', `example.com/${name}`], {
    onStart: (child) => {
      const timer = setInterval(() => isThere() && child.kill('SIGKILL'), 10);
      child.on('close', () => clearInterval(timer));
    },
  });
  assert.equal(ran.code, null);
  return bytes;
}

test('a fetch that was killed at nine tenths moves the rest', async (t) => {
  const site = await AppcSite.start(t);
  const { length } = await killedAfter(site, 'app', 0.9);
  await using opened = await site.open(t);
  assert.deepEqual(await opened.names(), []);
  const { downloadedBytes, resumedBytes, signature } = await opened.fetch('example.com/app');
  assert.ok(downloadedBytes < length * 0.15 && downloadedBytes > 0, `${downloadedBytes} of ${length}`);
  assert.equal(downloadedBytes + resumedBytes, length);
  assert.notEqual(signature, null);
  assert.deepEqual(
    fs.readdirSync(join(site.store.store, 'fetching')).filter((name) => !name.endsWith('.json')),
    [],
  );
});

test('a fetch that was killed with all bytes here moves none, and one whose image changed begins anew', async (t) => {
  const site = await AppcSite.start(t);
  await killedAfter(site, 'whole', 1);
  await killedAfter(site, 'changed', 0.5);
  await using opened = await site.open(t);
  const whole = await opened.fetch('example.com/whole');
  assert.deepEqual([whole.existed, whole.downloadedBytes], [false, 0]);
  const { bytes, key } = await site.offer('changed', { entries });
  const changed = await opened.fetch('example.com/changed');
  assert.deepEqual([changed.key, changed.downloadedBytes, changed.resumedBytes], [key, bytes.length, 0]);
});

test('an answer that is fresh is not asked for again', async (t) => {
  const site = await AppcSite.start(t);
  const headers = { 'cache-control': 'public, max-age=3600' };
  const { url } = await site.offer('app', { entries, answers: (body) => [{ body, headers }] });
  await using opened = await site.open(t);
  assert.equal((await opened.fetch(url)).existed, false);
  const before = site.server.asked.length;
  const { existed, downloadedBytes, signature } = await opened.fetch(url);
  assert.deepEqual([existed, downloadedBytes, signature?.key], [true, 0, site.key.getFingerprint()]);
  assert.equal(site.server.asked.length, before);
  // What is not here any more comes again, however fresh.
  await opened.store.rm(['example.com/app']);
  assert.equal((await opened.fetch(url)).existed, false);
});

test('a redirect to another host loses the credentials', async (t) => {
  const site = await AppcSite.start(t);
  const moved = { status: 302, headers: { location: 'https://elsewhere.example.com/moved.aci' } };
  const { bytes } = await site.offer('app', { entries, answers: () => [moved] });
  site.server.serve('/moved.aci', bytes);
  fs.mkdirSync(join(site.store.dir, 'auth.d'));
  const credentials = { user: 'me', password: 'hunter2' };
  const auth = { rktKind: 'auth', rktVersion: 'v1', domains: ['example.com'], type: 'basic', credentials };
  fs.writeFileSync(join(site.store.dir, 'auth.d', 'a.json'), JSON.stringify(auth), { mode: 0o600 });
  const ran = await site.run(['fetch', '--verbose', '--json', 'example.com/app']);
  assert.equal(ran.code, 0, ran.stderr);
  const sent = new Map(site.server.asked.map(({ path, headers }) => [path, headers.authorization]));
  assert.deepEqual([sent.get('/aci/app.aci'), sent.get('/moved.aci')], ['Basic bWU6aHVudGVyMg==', undefined]);
  assert.ok(!`${ran.stdout}${ran.stderr}`.includes('hunter2'));
});

test('two programs that fetch one image at a time move its bytes once', async (t) => {
  const site = await AppcSite.start(t);
  const { bytes } = await site.offer('app', { entries, answers: (body) => [{ body, fault: 'slow' }, body] });
  const runs = await Promise.all([
    site.run(['fetch', '--json', 'example.com/app']),
    site.run(['fetch', '--json', 'example.com/app']),
  ]);
  const moved = runs.map((ran) => ran.json<Fetched[]>()[0]?.downloadedBytes ?? Number.NaN);
  assert.ok(moved.reduce((sum, each) => sum + each, 0) <= bytes.length, moved.join());
});
