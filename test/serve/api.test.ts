/** The API of a served store: lists and filters, single images, files, tars, and the document that describes it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { keyOfBytes } from '../../engine/core/key.js';
import { routesOf } from '../../engine/serve/routes/all.js';
import { APP, BASE, BIG, Served } from '../fixtures/served.js';

let served: Served;

before(async () => {
  served = await Served.start();
  await served.fill();
  await served.store.render('example.com/app:2.0');
});
after(() => served.stop());

interface Listed {
  images: { key: string; names: string[] }[];
  next?: string;
}

const namesOf = async (query: string): Promise<string[]> =>
  (await served.json<Listed>(`/api/v1/images?${query}`)).images.flatMap(({ names }) => names).sort();

const ALL = ['app:gzip', 'example.com/app:2.0', 'example.com/base:1.0,os=linux,arch=amd64', 'kept:1'];

test('images are listed by any filter that the service of rkt knows', async () => {
  const { key } = await served.json<{ key: string }>('/api/v1/images/app:gzip');
  const now = new Date(Date.now() + 60_000).toISOString();
  const cases: [query: string, names: string[]][] = [
    ['', ALL],
    [`id=${key}`, ['app:gzip']],
    [`id=${key.slice(0, 20)}&id=sha512-ff00ff00ff00`, ['app:gzip']],
    ['prefix=example.com/', ALL.slice(1, 3)],
    ['prefix=example.com/b&prefix=kept', ALL.slice(2)],
    ['baseName=app', ALL.slice(0, 2)],
    ['baseName=ap', []],
    ['keyword=ase', ['example.com/base:1.0,os=linux,arch=amd64']],
    ['fullName=example.com/base', ['example.com/base:1.0,os=linux,arch=amd64']],
    ['label=version=2.0', ['example.com/app:2.0']],
    ['label=version=1.0&label=os=linux', ['example.com/base:1.0,os=linux,arch=amd64']],
    ['label=version=1.0&label=os=plan9', []],
    ['annotation=authors=somebody', ['example.com/app:2.0']],
    ['annotation=authors=nobody', []],
    ['importedAfter=2020-01-01T00:00:00Z', ALL],
    [`importedAfter=${now}`, []],
    [`importedBefore=${now}`, ALL],
    ['importedBefore=2020-01-01T00:00:00Z', []],
    // Fields of one filter must all fit, of several filters one.
    ['prefix=example.com/&baseName=app', ['example.com/app:2.0']],
    [`filter=${encodeURIComponent('{"baseNames":["kept"]}')}&prefix=example.com/a`, ['example.com/app:2.0', 'kept:1']],
    [`filter=${encodeURIComponent('{"labels":{"version":"2.0"},"keywords":["app"]}')}`, ['example.com/app:2.0']],
  ];
  for (const [query, names] of cases) assert.deepEqual(await namesOf(query), names, query);
});

test('a filter that is none is refused', async () => {
  const bad = ['{', '[]', '{"nothing":1}', '{"ids":"a"}', '{"labels":{"a":1}}', '{"importedAfter":"x"}'];
  for (const filter of bad) {
    const { status, body } = await served.ask(`/api/v1/images?filter=${encodeURIComponent(filter)}`);
    assert.deepEqual([status, JSON.parse(body.toString()).error.code], [400, 'ERR_USAGE'], filter);
  }
  for (const query of ['limit=0', 'limit=x', 'limit=10001', 'after=abc', 'nothing=1', 'label=x', 'importedAfter=soon'])
    assert.equal((await served.ask(`/api/v1/images?${query}`)).status, 400, query);
});

test('pages hold together while images come and go', async () => {
  const seen: string[] = [];
  let after = '';
  for (let page = 0; page < 10; page++) {
    const { images, next } = await served.json<Listed>(`/api/v1/images?limit=1${after}`);
    seen.push(...images.map(({ key }) => key));
    if (next === undefined) break;
    after = `&after=${next}`;
    // What comes or goes meanwhile moves nothing that stays.
    await served.store.tag('kept:1', `kept:more-${page}`);
  }
  assert.deepEqual(seen, [...new Set(seen)].sort());
  assert.equal(seen.length, ALL.length);
  for (const name of ['kept:more-0', 'kept:more-1', 'kept:more-2']) await served.store.untag([name]);
});

test('an image is shown by key, digest and name', async () => {
  const image = await served.json<{ key: string; digest: string; layers: object[]; annotations: object }>(
    '/api/v1/images/app:gzip',
  );
  for (const argument of [image.key, image.key.slice(0, 19), image.digest, 'app%3Agzip', 'APP:gzip'.toLowerCase()])
    assert.equal((await served.json(`/api/v1/images/${argument}`))['key'], image.key, argument);
  assert.equal(image.layers.length, 2);
  const base = await served.json<{ labels: object }>('/api/v1/images/example.com%2Fbase');
  assert.deepEqual(base.labels, { version: '1.0', os: 'linux', arch: 'amd64' });
  const manifest = await served.ask('/api/v1/images/example.com%2Fapp/manifest');
  assert.equal(JSON.parse(manifest.body.toString()).name, 'example.com/app');
  assert.equal(keyOfBytes(APP), (await served.json('/api/v1/images/example.com%2Fapp'))['key']);
  assert.equal((await served.json('/api/v1/images/nothing', {}, 404)).constructor, Object);
  assert.equal((await served.json<object[]>('/api/v1/images/app:gzip/history')).length, 2);
});

test('files are listed below a path, page by page, and looked at', async () => {
  const list = async (query: string): Promise<string[]> => {
    const { body, headers } = await served.ask(`/api/v1/images/app:gzip/files?${query}`);
    assert.equal(headers['content-type'], 'application/x-ndjson');
    return body
      .toString()
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { path: string }).path);
  };
  assert.deepEqual(await list(''), ['.', 'big', 'bin', 'bin/run', 'etc', 'etc/motd', 'link']);
  assert.deepEqual(await list('path=/bin'), ['bin', 'bin/run']);
  assert.deepEqual(await list('limit=2'), ['.', 'big']);
  assert.deepEqual(await list('limit=2&after=bin'), ['bin/run', 'etc']);
  assert.equal((await served.ask('/api/v1/images/app:gzip/files?path=/none')).status, 404);
  const stat = await served.json('/api/v1/images/app:gzip/stat?path=/link');
  assert.deepEqual([stat['path'], stat['size']], ['etc/motd', 6]);
});

test('a file is given whole and in parts, as what no browser shows', async () => {
  const path = '/api/v1/images/app:gzip/file?path=/big';
  const whole = await served.ask(path);
  assert.ok(whole.body.equals(BIG));
  assert.equal(whole.headers['content-type'], 'application/octet-stream');
  assert.equal(whole.headers['content-disposition'], 'attachment');
  assert.equal(whole.headers['x-content-type-options'], 'nosniff');
  const cases: [range: string, status: number, bytes: Buffer, told: string | undefined][] = [
    ['bytes=0-0', 206, BIG.subarray(0, 1), `bytes 0-0/${BIG.length}`],
    ['bytes=100-299', 206, BIG.subarray(100, 300), `bytes 100-299/${BIG.length}`],
    ['bytes=-10', 206, BIG.subarray(-10), `bytes ${BIG.length - 10}-${BIG.length - 1}/${BIG.length}`],
    [`bytes=${BIG.length - 1}-`, 206, BIG.subarray(-1), `bytes ${BIG.length - 1}-${BIG.length - 1}/${BIG.length}`],
    ['bytes=0-9999999', 206, BIG, `bytes 0-${BIG.length - 1}/${BIG.length}`],
    ['bytes=0-1,5-6', 200, BIG, undefined],
    ['lines=1-2', 200, BIG, undefined],
  ];
  for (const [range, status, bytes, told] of cases) {
    const part = await served.ask(path, { headers: { range } });
    assert.deepEqual([part.status, part.headers['content-range']], [status, told], range);
    assert.ok(part.body.equals(bytes), range);
  }
  const beyond = await served.ask(path, { headers: { range: `bytes=${BIG.length}-` } });
  assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, `bytes */${BIG.length}`]);
  const head = await served.ask(path, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, `${BIG.length}`, 0]);
  const etag = whole.headers.etag as string;
  assert.equal((await served.ask(path, { headers: { 'if-none-match': etag } })).status, 304);
  assert.equal((await served.ask(path, { headers: { range: 'bytes=0-0', 'if-range': '"x"' } })).status, 200);
  assert.equal((await served.ask(path, { headers: { range: 'bytes=0-0', 'if-range': etag } })).status, 206);
  for (const other of ['/etc', '/none', '/link/x'])
    assert.equal((await served.ask(`/api/v1/images/app:gzip/file?path=${other}`)).status, 404, other);
  assert.equal((await served.ask('/api/v1/images/app:gzip/file')).status, 400);
});

test('the tar of a tree is the export of its image, whether it is rendered or not', async () => {
  const tar = await served.ask('/api/v1/images/example.com%2Fapp/tar');
  assert.deepEqual(
    [tar.status, tar.headers['content-type'], tar.headers['content-length']],
    [200, 'application/x-tar', `${tar.body.length}`],
  );
  const listed = execFileSync('tar', ['tf', '-'], { input: tar.body, encoding: 'utf8' });
  assert.deepEqual(listed.split('\n').filter(Boolean).sort(), ['./', 'app', 'etc/', 'etc/os-release']);
  const { trees } = await served.json<{ trees: { treeId: string; images: string[] }[] }>('/api/v1/trees');
  const [tree] = trees as [(typeof trees)[number]];
  assert.ok((await served.ask(`/api/v1/trees/${tree.treeId}/tar`)).body.equals(tar.body));
  const part = await served.ask(`/api/v1/trees/${tree.treeId.slice(0, 30)}/tar`, {
    headers: { range: 'bytes=512-1023' },
  });
  assert.ok(part.body.equals(tar.body.subarray(512, 1024)));
  assert.equal((await served.ask('/api/v1/images/app:gzip/tar', { method: 'HEAD' })).body.length, 0);
});

test('trees are listed, by image and by pages', async () => {
  const { trees, next } = await served.json<{ trees: { treeId: string }[]; next?: string }>('/api/v1/trees?limit=1');
  assert.deepEqual([trees.length, next], [1, undefined]);
  const [{ treeId }] = trees as [{ treeId: string }];
  assert.equal((await served.json(`/api/v1/trees/${treeId}`))['treeId'], treeId);
  const of = async (image: string): Promise<number> =>
    (await served.json<{ trees: object[] }>(`/api/v1/trees?image=${encodeURIComponent(image)}`)).trees.length;
  assert.deepEqual([await of('example.com/app'), await of('kept:1')], [1, 0]);
  assert.deepEqual(await served.json(`/api/v1/trees?after=${treeId}`), { trees: [] });
  for (const id of ['deps-sha512-', 'deps-sha512-zz', 'app:gzip', '..%2F..']) {
    const { status } = await served.ask(`/api/v1/trees/${id}`);
    assert.equal(status, 400, id);
  }
  assert.equal((await served.ask(`/api/v1/trees/deps-sha512-${'0'.repeat(128)}`)).status, 404);
});

test('health, numbers and metrics tell of the store and of the requests', async () => {
  assert.deepEqual(await served.json('/healthz'), { status: 'ok' });
  const { counts, writable } = await served.json<{ counts: { images: number; trees: number }; writable: boolean }>(
    '/api/v1/info',
  );
  assert.deepEqual([counts.images, counts.trees, writable], [4, 1, false]);
  await served.ask('/api/v1/images/nothing');
  const metrics = (await served.ask('/metrics')).body.toString();
  assert.match(metrics, /^cairn_images 4$/m);
  assert.match(
    metrics,
    /^cairn_http_requests_total\{method="GET",route="\/api\/v1\/images\/:image",status="404"\} \d+$/m,
  );
  for (const line of metrics.split('\n').filter((each) => each !== '' && !each.startsWith('#')))
    assert.match(line, /^[a-z_]+(?:\{[a-z]+="[^"\n]*"(?:,[a-z]+="[^"\n]*")*\})? -?[0-9.e+]+$/);
});

interface OpenApi {
  openapi: string;
  paths: Record<string, Record<string, { operationId: string; parameters: { name: string; in: string }[] }>>;
  components: { schemas: Record<string, object> };
}

test('the OpenAPI document has all routes, and no other', async () => {
  const document = await served.json<OpenApi>('/api/v1/openapi.json');
  assert.match(document.openapi, /^3\.1\./);
  const told = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const routes = routesOf({ mayWrite: false, hasToken: false });
  const wanted = routes.flatMap(({ method, path, hasHead }) => [
    `${method} ${path}`,
    ...(hasHead === true ? [`HEAD ${path}`] : []),
  ]);
  assert.deepEqual(told.sort(), wanted.sort());
  const ids = Object.values(document.paths).flatMap((each) =>
    Object.values(each).map(({ operationId }) => operationId),
  );
  assert.equal(new Set(ids).size, ids.length);
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const { parameters } of Object.values(operations)) {
      const inPath = parameters.filter((each) => each.in === 'path').map(({ name }) => `{${name}}`);
      assert.deepEqual(inPath, path.match(/\{\w+\}/g) ?? [], path);
    }
  }
  for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g))
    assert.ok(document.components.schemas[name as string] !== undefined, name);
});

test('what no route is there for is not found, and nothing writes', async () => {
  const cases: [method: string, path: string, status: number][] = [
    ['GET', '/api/v1/pods/', 400],
    ['DELETE', '/api/v1/pods/00', 404],
    ['GET', '/api/v1/images/', 400],
    ['GET', '/nothing', 404],
    ['POST', '/api/v1/images', 404],
    ['DELETE', '/api/v1/images/app:gzip', 404],
    ['PUT', '/api/v1/images/app:gzip/pin', 404],
    ['POST', '/api/v1/gc', 404],
    ['DELETE', '/api/v1/names?name=app:gzip', 404],
  ];
  for (const [method, path, status] of cases) assert.equal((await served.ask(path, { method })).status, status, path);
  assert.equal(BASE.length > 0 && (await served.store.counts()).images, 4);
});
