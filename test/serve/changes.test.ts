/** Requests that change the store, where they may. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { keyOfBytes } from '../../engine/core/key.js';
import { routesOf } from '../../engine/serve/routes/all.js';
import { aci } from '../fixtures/archive.js';
import { APP, asJson, BASE, Served } from '../fixtures/served.js';

let served: Served;

before(async () => {
  served = await Served.start({ write: true });
});
after(() => served.stop());

const post = (path: string, body: Buffer, status: number) =>
  served.json(path, { method: 'POST', body, headers: { 'content-type': 'application/octet-stream' } }, status);

test('images come by upload, compressed or not, once', async () => {
  const key = keyOfBytes(BASE);
  assert.equal((await post('/api/v1/images', gzipSync(BASE), 201))['key'], key);
  assert.equal((await post('/api/v1/images', BASE, 200))['existed'], true);
  const type = { 'content-type': 'application/x-whatever' };
  assert.equal((await served.ask('/api/v1/images', { method: 'POST', body: APP, headers: type })).status, 201);
  const file = join(served.dir, 'app.tar');
  await served.store.export('example.com/app', file, { format: 'docker' });
  const named = await post('/api/v1/images?name=app:1&keepArchive=true', fs.readFileSync(file), 201);
  assert.equal(named['name'], 'app');
});

test('an upload that is no image, or another than was promised, leaves nothing', async () => {
  const before = await served.store.counts();
  const cases: [query: string, body: Buffer, status: number, code: string][] = [
    ['', Buffer.from('no image'), 422, 'ERR_NOT_AN_IMAGE'],
    ['', Buffer.alloc(0), 422, 'ERR_NOT_AN_IMAGE'],
    ['', BASE.subarray(0, 700), 422, 'ERR_BAD_ARCHIVE'],
    [`?expect=sha512-${'0'.repeat(128)}`, aci({ name: 'example.com/other' }), 422, 'ERR_DIGEST_MISMATCH'],
    ['?name=a:1', aci({ name: 'example.com/other' }), 400, 'ERR_USAGE'],
    ['?path=/etc/passwd', BASE, 400, 'ERR_USAGE'],
  ];
  for (const [query, body, status, code] of cases) {
    const { error } = (await post(`/api/v1/images${query}`, body, status)) as {
      error: { code: string; path?: string };
    };
    assert.deepEqual([error.code, error.path], [code, undefined], query);
  }
  const { images, layers } = await served.store.counts();
  assert.deepEqual([images, layers], [before.images, before.layers]);
});

test('names come, go and move; pins hold; trees are made', async () => {
  const name = (text: string) => served.json('/api/v1/images/app:1/names', asJson({ name: text }));
  assert.deepEqual((await name('team/app:2'))['names'], ['app:1', 'team/app:2']);
  await served.json('/api/v1/images/app:1/names', asJson({ name: 'Not A Name' }), 400);
  await served.json('/api/v1/images/app:1/names', asJson({}), 400);
  await served.json('/api/v1/images/app:1/names', asJson({ name: 'a:1', more: 1 }), 400);
  const left = await served.json<{ names: string[] }[]>('/api/v1/names?name=team%2Fapp:2', { method: 'DELETE' });
  assert.deepEqual(left[0]?.names, ['app:1']);
  assert.equal((await served.json('/api/v1/images/app:1/pin', { method: 'PUT' }))['pinned'], true);
  const held = await served.json<{ error: { code: string } }>('/api/v1/images/app:1', { method: 'DELETE' }, 409);
  assert.equal(held.error.code, 'ERR_HELD');
  assert.equal((await served.json('/api/v1/images/app:1/pin', { method: 'DELETE' }))['pinned'], false);
  const made = await served.json('/api/v1/images/example.com%2Fapp/trees', { method: 'POST' }, 201);
  assert.ok(fs.existsSync(join(made['path'] as string, 'app')));
  assert.equal(
    (await served.json('/api/v1/images/example.com%2Fapp/trees', asJson({ mode: 'link' })))['existed'],
    true,
  );
  await served.json('/api/v1/images/example.com%2Fapp/trees', asJson({ mode: 'nothing' }), 400);
  const gone = await served.json(`/api/v1/trees/${made['treeId']}`, { method: 'DELETE' });
  assert.equal(gone['treeId'], made['treeId']);
  const [removed] = await served.json<{ removed: boolean }[]>('/api/v1/images/app:1', { method: 'DELETE' });
  assert.equal(removed?.removed, true);
});

test('gc collects, and says beforehand what it would', async () => {
  await served.json('/api/v1/names?name=example.com%2Fapp:2.0', { method: 'DELETE' });
  const dry = await served.json<{ removed: { images: number } }>('/api/v1/gc', asJson({ graceMs: 0, dryRun: true }));
  assert.equal(dry.removed.images, 1);
  const done = await served.json<{ removed: { images: number } }>('/api/v1/gc', asJson({ graceMs: 0 }));
  assert.equal(done.removed.images, 1);
  await served.json('/api/v1/gc', asJson({ nothing: 1 }), 400);
  await served.json('/api/v1/gc', { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }, 400);
  await served.json('/api/v1/gc', { method: 'POST', body: 'a=1', headers: { 'content-type': 'text/plain' } }, 415);
  const proto = { method: 'POST', body: '{"__proto__":{}}', headers: { 'content-type': 'application/json' } };
  await served.json('/api/v1/gc', proto, 400);
  const large = {
    method: 'POST',
    body: `{"a":"${'a'.repeat(70_000)}"}`,
    headers: { 'content-type': 'application/json' },
  };
  await served.json('/api/v1/gc', large, 413);
});

test('no argument of a request is taken for a path of this machine', async () => {
  const file = join(served.dir, 'outside.aci');
  fs.writeFileSync(file, aci({ name: 'example.com/outside' }));
  const path = encodeURIComponent(file);
  const cases: [method: string, path: string][] = [
    ['GET', `/api/v1/images/${path}`],
    ['GET', `/api/v1/images/${path}/files`],
    ['GET', `/api/v1/images/${path}/file?path=/manifest`],
    ['GET', `/api/v1/images/${path}/tar`],
    ['POST', `/api/v1/images/${path}/trees`],
    ['PUT', `/api/v1/images/${path}/pin`],
    ['DELETE', `/api/v1/images/${path}`],
    ['DELETE', `/api/v1/names?name=${path}`],
    ['GET', `/api/v1/trees?image=${path}`],
    ['GET', `/api/v1/images/${encodeURIComponent(`file://${file}`)}`],
    ['GET', `/api/v1/images/${encodeURIComponent('docker://127.0.0.1:1/app')}`],
    ['POST', `/api/v1/images/${encodeURIComponent('https://127.0.0.1:1/app.aci')}/trees`],
  ];
  for (const [method, asked] of cases) {
    const answer = await served.ask(asked, { method });
    assert.ok([400, 404].includes(answer.status), `${method} ${asked}: ${answer.status}`);
    // Nor is told whether there is such a file.
    const nothing = await served.ask(asked.replace('outside.aci', 'nothing.aci'), { method });
    assert.equal(answer.body.toString().replaceAll('outside', 'nothing'), nothing.body.toString());
  }
  assert.equal(await served.store.lookUp('example.com/outside').catch(() => 'none'), 'none');
});

test('without leave none of these routes is there, and with it the document has them', async () => {
  const only = routesOf({ mayWrite: false, hasToken: false }).filter(({ method }) => method !== 'GET');
  assert.deepEqual(only, []);
  const document = await served.json<{ paths: Record<string, object> }>('/api/v1/openapi.json');
  assert.ok('/api/v1/gc' in document.paths);
});

test('an upload that breaks off leaves nothing behind', async () => {
  const [, port] = served.host.split(':');
  const before = fs.readdirSync(join(served.dir, 'store/staging'), { recursive: true }).length;
  const script = `printf 'POST /api/v1/images HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 100000\\r\\n\\r\\nabc' >&3`;
  execFileSync('bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${port}; ${script}; sleep 0.2; exec 3>&-`]);
  for (let tries = 0; tries < 100; tries++) {
    const { work } = await served.json<{ work: object[] }>('/api/v1/work');
    if (work.length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual(await served.json('/api/v1/work'), { work: [] });
  assert.equal(fs.readdirSync(join(served.dir, 'store/staging'), { recursive: true }).length, before);
});
