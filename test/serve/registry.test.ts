/**
 * What clients of registries may expect: the pull and the discovery part of the distribution project's conformance
 * tests (OCI distribution spec, conformance), as a table, and digests that are the same for whoever asks.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { keyOfBytes } from '../../engine/core/key.js';
import { openStore } from '../../engine/store.js';
import { tar } from '../fixtures/archive.js';
import { blobPath, digestOf, MEDIA, ociLayout, writeBlob } from '../fixtures/oci.js';
import { APP, BASE, LAYERS, noise, Served } from '../fixtures/served.js';

let served: Served;

before(async () => {
  served = await Served.start();
  await served.fill();
});
after(() => served.stop());

interface Manifest {
  mediaType: string;
  artifactType?: string;
  config: { digest: string; size: number; mediaType: string };
  layers: { mediaType: string; digest: string; size: number }[];
  manifests?: { digest: string; size: number; platform: object }[];
  annotations?: Record<string, string>;
}

const ERROR_CODES = [
  ...['BLOB_UNKNOWN', 'DIGEST_INVALID', 'MANIFEST_INVALID', 'MANIFEST_UNKNOWN', 'NAME_INVALID', 'NAME_UNKNOWN'],
  ...['UNAUTHORIZED', 'DENIED', 'UNSUPPORTED', 'TOOMANYREQUESTS', 'PAGINATION_NUMBER_INVALID'],
];
const NONE = `sha256:${'0'.repeat(64)}`;

async function manifestOf(repository: string, reference: string): Promise<Manifest & { digest: string }> {
  const { body, headers } = await served.ask(`/v2/${repository}/manifests/${reference}`);
  return { ...(JSON.parse(body.toString()) as Manifest), digest: headers['docker-content-digest'] as string };
}

test('each request has the status that the conformance tests expect, and errors their form', async () => {
  const { digest, layers, config } = await manifestOf('app', 'gzip');
  const [layer] = layers as [Manifest['layers'][number]];
  const cases: [method: string, path: string, status: number, code?: string][] = [
    ['GET', '/v2/', 200],
    ['HEAD', '/v2/', 200],
    ['GET', '/v2/app/manifests/gzip', 200],
    ['HEAD', '/v2/app/manifests/gzip', 200],
    ['GET', `/v2/app/manifests/${digest}`, 200],
    ['HEAD', `/v2/app/manifests/${digest}`, 200],
    ['GET', `/v2/app/manifests/${digest.replace(':', '%3A')}`, 200],
    ['GET', `/v2/app/blobs/${config.digest}`, 200],
    ['HEAD', `/v2/app/blobs/${config.digest}`, 200],
    ['GET', `/v2/app/blobs/${layer.digest}`, 200],
    ['HEAD', `/v2/app/blobs/${layer.digest}`, 200],
    ['GET', '/v2/app/manifests/.INVALID_MANIFEST_NAME', 400, 'MANIFEST_INVALID'],
    ['HEAD', '/v2/app/manifests/.INVALID_MANIFEST_NAME', 400],
    ['GET', '/v2/app/manifests/nothing', 404, 'MANIFEST_UNKNOWN'],
    ['HEAD', '/v2/app/manifests/nothing', 404],
    ['GET', `/v2/app/manifests/${NONE}`, 404, 'MANIFEST_UNKNOWN'],
    ['GET', '/v2/nothing/manifests/gzip', 404, 'NAME_UNKNOWN'],
    ['GET', `/v2/app/blobs/${NONE}`, 404, 'BLOB_UNKNOWN'],
    ['HEAD', `/v2/app/blobs/${NONE}`, 404],
    ['GET', `/v2/nothing/blobs/${layer.digest}`, 404, 'NAME_UNKNOWN'],
    // A blob of another repository is not one of this.
    ['GET', `/v2/example.com/base/blobs/${config.digest}`, 404, 'BLOB_UNKNOWN'],
    ['GET', '/v2/app/blobs/sha256:bad', 400, 'DIGEST_INVALID'],
    ['GET', `/v2/app/blobs/sha512:${'0'.repeat(128)}`, 404, 'BLOB_UNKNOWN'],
    ['GET', '/v2/app/tags/list', 200],
    ['GET', '/v2/app/tags/list?n=x', 400, 'PAGINATION_NUMBER_INVALID'],
    ['GET', '/v2/nothing/tags/list', 404, 'NAME_UNKNOWN'],
    ['GET', `/v2/app/referrers/${digest}`, 200],
    ['GET', `/v2/app/referrers/${NONE}`, 200],
    ['GET', `/v2/nothing/referrers/${NONE}`, 200],
    ['GET', '/v2/app/referrers/bad', 400, 'DIGEST_INVALID'],
    ['GET', '/v2/_catalog', 200],
    ['GET', '/v2/APP/manifests/gzip', 400, 'NAME_INVALID'],
    ['GET', '/v2/a/../app/manifests/gzip', 400, 'NAME_INVALID'],
    ['GET', '/v2/app/manifests/gzip?ns=a%20b', 400, 'NAME_INVALID'],
    ['GET', '/v2/app/nothing/gzip', 404, 'UNSUPPORTED'],
    ['POST', '/v2/app/blobs/uploads/', 405, 'UNSUPPORTED'],
    ['PUT', '/v2/app/manifests/new', 405, 'UNSUPPORTED'],
    ['DELETE', '/v2/app/manifests/gzip', 405, 'UNSUPPORTED'],
    ['PATCH', '/v2/app/blobs/uploads/1', 405, 'UNSUPPORTED'],
  ];
  for (const [method, path, status, code] of cases) {
    const answer = await served.ask(path, { method, ...(method === 'PUT' ? { body: '{}' } : {}) });
    assert.equal(answer.status, status, `${method} ${path}`);
    if (method === 'HEAD') assert.equal(answer.body.length, 0, path);
    if (code === undefined) continue;
    const { errors } = answer.json<{ errors: { code: string; message: string }[] }>();
    assert.deepEqual([errors.length, errors[0]?.code], [1, code], `${method} ${path}`);
    assert.ok(ERROR_CODES.includes(code) && typeof errors[0]?.message === 'string');
  }
});

test('GET and HEAD agree on digest, size and type, and bytes have the digest', async () => {
  const { layers, config } = await manifestOf('app', 'gzip');
  const kept = await manifestOf('kept', '1');
  const paths = [
    '/v2/app/manifests/gzip',
    '/v2/kept/manifests/1',
    '/v2/example.com/base/manifests/1.0',
    ...[config, ...layers].map(({ digest }) => `/v2/app/blobs/${digest}`),
    ...[kept.config, ...kept.layers].map(({ digest }) => `/v2/kept/blobs/${digest}`),
  ];
  for (const path of paths) {
    const [get, head] = await Promise.all([served.ask(path), served.ask(path, { method: 'HEAD' })]);
    for (const header of ['docker-content-digest', 'content-length', 'content-type', 'etag'])
      assert.equal(get.headers[header], head.headers[header], `${path} ${header}`);
    assert.equal(get.headers['docker-content-digest'], digestOf(get.body), path);
    assert.equal(get.headers['content-length'], `${get.body.length}`, path);
    if (path.includes('/blobs/')) assert.ok(path.endsWith(digestOf(get.body)), path);
    assert.doesNotMatch(get.headers['content-type'] as string, /;/, path);
  }
});

test('kept archives are given as they came', async () => {
  const { kept } = served.images as NonNullable<Served['images']>;
  const { digest, layers } = await manifestOf('kept', '1');
  assert.deepEqual([digest, layers.map((layer) => layer.digest)], [kept.manifest, kept.layers]);
  assert.equal(layers[0]?.mediaType, MEDIA.gzipLayer);
});

test('other layers are made anew, uncompressed, as an export makes them, on every server alike', async () => {
  const { app } = served.images as NonNullable<Served['images']>;
  const { digest, layers, config } = await manifestOf('app', 'gzip');
  assert.notEqual(digest, app.manifest);
  assert.deepEqual([config.digest, ...layers.map((layer) => layer.digest)], [app.config, ...app.diffIds]);
  for (const [i, layer] of layers.entries()) {
    const { body } = await served.ask(`/v2/app/blobs/${layer.digest}`);
    assert.ok(body.equals(LAYERS[i] as Buffer));
  }
  // The digest of the import is that of bytes that are not here.
  assert.equal((await served.ask(`/v2/app/manifests/${app.manifest}`)).status, 404);
  const exported = await served.store.export('app:gzip', join(served.dir, 'exported'), { compress: 'none' });
  assert.equal(exported.digest, digest);
  const other = await Served.start();
  await other.fill();
  const there = await other.ask('/v2/app/manifests/gzip', { method: 'HEAD' });
  await other.stop();
  assert.equal(there.headers['docker-content-digest'], digest);
});

test('an image of plain layers keeps its digest', async () => {
  const dir = join(served.dir, 'plain');
  const [plain] = ociLayout(dir, [{ ref: 'p', layers: [LAYERS[1] as Buffer], compress: 'none' }]);
  await served.store.import(`${dir}:p`, { name: 'plain:1' });
  assert.equal((await manifestOf('plain', '1')).digest, plain?.manifest);
  await served.store.rm(['plain:1']);
});

test('ranges of blobs are those that the conformance tests ask for', async () => {
  const { layers } = await manifestOf('app', 'gzip');
  const { layers: keptLayers } = await manifestOf('kept', '1');
  for (const [repository, { digest, size }] of [
    ['app', layers[0]],
    ['kept', keptLayers[0]],
  ] as [string, Manifest['layers'][number]][]) {
    const whole = (await served.ask(`/v2/${repository}/blobs/${digest}`)).body;
    const cases: [range: string, from: number, to: number][] = [
      ['bytes=500-999', 500, 1000],
      ['bytes=500-', 500, size],
      ['bytes=-300', size - 300, size],
      [`bytes=200-${size + 1000}`, 200, size],
    ];
    for (const [range, from, to] of cases) {
      const part = await served.ask(`/v2/${repository}/blobs/${digest}`, { headers: { range } });
      assert.equal(part.status, 206, range);
      assert.equal(part.headers['content-range'], `bytes ${from}-${to - 1}/${size}`);
      assert.ok(part.body.equals(whole.subarray(from, to)), range);
    }
    for (const range of ['bytes=500-0', `bytes=${size}-`, 'bytes=-0']) {
      const { status, headers } = await served.ask(`/v2/${repository}/blobs/${digest}`, { headers: { range } });
      assert.deepEqual([status, headers['content-range']], [416, `bytes */${size}`], range);
    }
  }
});

test('tags and repositories are listed in order, page by page', async () => {
  for (const tag of ['b', 'a', 'C', '0']) await served.store.tag('kept:1', `kept:${tag}`);
  const list = async (query: string): Promise<{ tags: string[]; link: string | undefined }> => {
    const { body, headers } = await served.ask(`/v2/kept/tags/list${query}`);
    const { name, tags } = JSON.parse(body.toString()) as { name: string; tags: string[] };
    assert.equal(name, 'kept');
    return { tags, link: headers['link'] as string | undefined };
  };
  assert.deepEqual((await list('')).tags, ['0', '1', 'C', 'a', 'b']);
  assert.deepEqual(await list('?n=0'), { tags: [], link: undefined });
  assert.deepEqual((await list('?last=C')).tags, ['a', 'b']);
  assert.deepEqual((await list('?n=9&last=b')).tags, []);
  const seen: string[] = [];
  for (let query: string | undefined = '?n=2'; query !== undefined; ) {
    const { tags, link }: Awaited<ReturnType<typeof list>> = await list(query);
    seen.push(...tags);
    query = link === undefined ? undefined : /<\/v2\/kept\/tags\/list(\?[^>]*)>; rel="next"/.exec(link)?.[1];
  }
  assert.deepEqual(seen, ['0', '1', 'C', 'a', 'b']);
  const catalogue = await served.json<{ repositories: string[] }>('/v2/_catalog');
  assert.deepEqual(catalogue.repositories, ['app', 'example.com/app', 'example.com/base', 'kept']);
  const page = await served.ask('/v2/_catalog?n=2&last=app');
  assert.deepEqual(page.json(), { repositories: ['example.com/app', 'example.com/base'] });
  assert.equal(page.headers['link'], '</v2/_catalog?n=2&last=example.com%2Fbase>; rel="next"');
  await served.store.untag(['kept:a', 'kept:b', 'kept:C', 'kept:0']);
});

test('a stand-in for other registries finds images by the host that clients have in mind', async () => {
  await served.store.tag('kept:1', 'registry.example.com:5000/team/app:1');
  await served.store.tag('kept:1', 'busybox:9');
  const cases: [path: string, status: number][] = [
    ['team/app/manifests/1?ns=registry.example.com:5000', 200],
    ['team/app/manifests/1?ns=other.example.com', 404],
    ['team/app/manifests/1', 404],
    ['library/busybox/manifests/9?ns=docker.io', 200],
    ['library/busybox/manifests/9', 200],
    ['docker.io/library/busybox/manifests/9', 200],
    ['busybox/manifests/9', 200],
    ['library/busybox/tags/list?ns=docker.io&n=1', 200],
  ];
  for (const [path, status] of cases) {
    const answer = await served.ask(`/v2/${path}`);
    assert.equal(answer.status, status, path);
    const ns = new URLSearchParams(path.split('?')[1]).get('ns') ?? undefined;
    assert.equal(answer.headers['oci-namespace'], ns, path);
  }
  await served.store.untag(['registry.example.com:5000/team/app:1', 'busybox:9']);
});

test('one tag for several platforms is an index of them, found by its digest, too', async () => {
  const dir = join(served.dir, 'platforms');
  const images = ['amd64', 'arm64'].map((architecture) => ({
    ref: architecture,
    layers: [tar([{ name: architecture, content: architecture }])],
    platform: { os: 'linux', architecture },
  }));
  ociLayout(dir, images);
  for (const { ref } of images) await served.store.import(`${dir}:${ref}`, { name: 'multi:1' });
  const index = await manifestOf('multi', '1');
  assert.equal(index.mediaType, MEDIA.index);
  assert.deepEqual(
    index.manifests?.map(({ platform }) => platform),
    [
      { architecture: 'amd64', os: 'linux' },
      { architecture: 'arm64', os: 'linux' },
    ],
  );
  assert.equal((await manifestOf('multi', index.digest)).digest, index.digest);
  for (const { digest } of index.manifests ?? []) {
    const { layers } = await manifestOf('multi', digest);
    assert.equal((await served.ask(`/v2/multi/blobs/${layers[0]?.digest}`)).status, 200);
  }
  for await (const { key } of served.store.images({ names: ['multi'] })) await served.store.rm([key]);
});

test('an ACI is an artifact with its dependencies, found as another store looks for it', async () => {
  const app = await manifestOf('example.com/app', '2.0');
  assert.deepEqual(
    [app.artifactType, app.layers.length, app.annotations],
    [
      'application/vnd.appc.aci.v1',
      1,
      { 'cairn-store.key': keyOfBytes(APP), 'cairn-store.dependencies': keyOfBytes(BASE) },
    ],
  );
  const { body } = await served.ask(`/v2/example.com/app/blobs/${app.layers[0]?.digest}`);
  assert.ok(body.equals(APP));
  assert.equal((await manifestOf('cairn/cairn-images', keyOfBytes(APP).slice(7))).digest, app.digest);
  // By its name alone it is the newest, as `latest` asks for.
  assert.equal((await manifestOf('example.com/app', 'latest')).digest, app.digest);
  // An image of a registry has the tags that it has.
  assert.equal((await served.ask('/v2/kept/manifests/latest')).status, 404);
  assert.equal((await served.ask('/v2/cairn/kept/manifests/latest')).status, 200);
});

test('another store gets whatever it lacks from this one', async () => {
  await served.store.tag('kept:1', 'Odd_Name+x/y:1').catch(() => undefined);
  const remote = `docker://${served.host}/cairn`;
  const other = await openStore({ dir: join(served.dir, 'other'), workers: 1, remote });
  const { path } = await other.render('example.com/app:2.0,', {}).catch(() => other.render('example.com/app:2.0'));
  assert.equal(fs.readFileSync(join(path, 'etc/os-release'), 'utf8'), 'ID=base\n');
  // With labels that no tag can have, and by key and digest.
  const base = await other.inspect('example.com/base:1.0,os=linux,arch=amd64');
  assert.equal(base.key, keyOfBytes(BASE));
  const { images } = served;
  assert.equal((await other.inspect(`${images?.kept.manifest}`)).digest, images?.kept.manifest);
  const byName = await other.inspect('app:gzip');
  assert.deepEqual(byName.names, ['app:gzip']);
  const [fetched] = await other.fetch([`docker://${served.host}/kept:1`]);
  assert.ok(fetched !== undefined && !('error' in fetched) && fetched.digest === images?.kept.manifest);
  await other.close();
});

test('who refers to a manifest is listed, by type as well', async () => {
  const dir = join(served.dir, 'about');
  const [image] = ociLayout(dir, [{ ref: 'a', layers: [tar([{ name: 'sbom', content: '{}' }])], compress: 'none' }]);
  const subject = (await manifestOf('kept', '1')).digest;
  const bytes = JSON.parse(fs.readFileSync(blobPath(dir, image?.manifest as string), 'utf8')) as object;
  const about = { ...bytes, subject: { mediaType: MEDIA.manifest, digest: subject, size: 1 }, annotations: { a: 'b' } };
  const descriptor = writeBlob(dir, Buffer.from(JSON.stringify(about)), MEDIA.manifest);
  fs.writeFileSync(
    join(dir, 'index.json'),
    JSON.stringify({
      schemaVersion: 2,
      manifests: [{ ...descriptor, annotations: { 'org.opencontainers.image.ref.name': 'a' } }],
    }),
  );
  await served.store.import(`${dir}:a`, { name: 'kept:about' });
  const list = async (query = ''): Promise<{ manifests: object[]; applied: string | undefined }> => {
    const answer = await served.ask(`/v2/kept/referrers/${subject}${query}`);
    assert.equal(answer.headers['content-type'], MEDIA.index);
    const { manifests } = answer.json<{ manifests: object[] }>();
    return { manifests, applied: answer.headers['oci-filters-applied'] as string | undefined };
  };
  const referrer = { ...descriptor, artifactType: MEDIA.config, annotations: { a: 'b' } };
  assert.deepEqual(await list(), { manifests: [referrer], applied: undefined });
  assert.deepEqual(await list(`?artifactType=${encodeURIComponent(MEDIA.config)}`), {
    manifests: [referrer],
    applied: 'artifactType',
  });
  assert.deepEqual(await list('?artifactType=a/b'), { manifests: [], applied: 'artifactType' });
  await served.store.rm(['kept:about']);
});

test('wrong bytes are never given whole', async () => {
  for (const [size, isBegun] of [
    [2000, false],
    [900_000, true],
  ] as const) {
    const dir = join(served.dir, `rotten-${size}`);
    ociLayout(dir, [{ ref: 'r', layers: [tar([{ name: 'f', content: noise(size) }])], compress: 'gzip' }]);
    const { key } = await served.store.import(`${dir}:r`, { name: 'rotten:1', keepArchive: true });
    const { layers } = await manifestOf('rotten', '1');
    const digest = layers[0]?.digest as string;
    const archive = fs.readFileSync(blobPath(dir, digest));
    const hex = createHash('sha512').update(archive).digest('hex');
    const path = join(served.dir, 'store/blobs/sha512', hex.slice(0, 2), hex.slice(2));
    fs.chmodSync(path, 0o600);
    fs.writeFileSync(path, Buffer.concat([archive.subarray(0, -5), Buffer.from('xxxxx')]));
    const asked = served.ask(`/v2/rotten/blobs/${digest}`);
    // What has begun breaks off before its end.
    if (isBegun) await assert.rejects(asked);
    else assert.equal((await asked).status, 500);
    fs.writeFileSync(path, archive.subarray(1));
    assert.equal((await served.ask(`/v2/rotten/blobs/${digest}`)).status, 500);
    fs.rmSync(path);
    const gone = await served.ask(`/v2/rotten/blobs/${digest}`);
    assert.equal(gone.status, 500);
    assert.doesNotMatch(gone.body.toString(), new RegExp(served.dir));
    await served.store.rm([key]);
  }
  const metrics = (await served.ask('/metrics')).body.toString();
  assert.match(metrics, /^cairn_damage_total [1-9]/m);
});
