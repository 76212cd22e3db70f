/** Documents as programs of this field write them: names, platforms, media types. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { tar } from '../fixtures/archive.js';
import {
  configOf,
  dockerArchive,
  HOST,
  MEDIA,
  manifestOf,
  ociLayout,
  writeBlob,
  writeDocument,
  writeIndex,
} from '../fixtures/oci.js';
import { TestStore } from '../fixtures/store.js';

const layer = (name: string): Buffer => tar([{ name, content: name }]);
const FOREIGN = HOST.architecture === 'arm64' ? 'amd64' : 'arm64';

interface Summary {
  key: string;
  digest: string;
  names: string[];
  labels: Record<string, string>;
  os?: string;
  arch?: string;
}

const list = (store: TestStore, ...args: string[]): Promise<Summary[]> => store.json(['ls', ...args]);

test('a name that only layouts give is taken and leads back', async (t) => {
  for (const [ref, name] of [
    ['v1.27.3+k3s1', 'lay:v1.27.3+k3s1'],
    ['App/Foo:V2', 'App/Foo:V2'],
    ['example.com/Team/app:1', 'example.com/Team/app:1'],
  ] as const) {
    const store = new TestStore(t);
    ociLayout(store.path('lay'), [{ ref, layers: [layer('a')] }]);
    await store.ok(['import', store.path('lay')]);
    const [image] = await list(store);
    assert.deepEqual(image?.names, [name]);
    assert.equal((await store.json<Summary>(['inspect', name])).key, image?.key);
    await store.ok(['export', name, store.path('out')]);
    const again = new TestStore(t);
    await again.ok(['import', store.path('out')]);
    assert.deepEqual((await list(again))[0]?.names, [name]);
  }
});

test("BuildKit's media type for zstd layers, and others of its kind, are layers", async (t) => {
  const types = [
    'application/vnd.docker.image.rootfs.diff.tar.zstd',
    'application/vnd.docker.image.rootfs.foreign.diff.tar.zstd',
    'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
    'application/vnd.docker.image.rootfs.diff.tar.gzip',
  ];
  for (const type of types) {
    const store = new TestStore(t);
    const dir = store.path('lay');
    const content = layer('a');
    const config = writeDocument(dir, configOf({ layers: [content] }), MEDIA.config);
    // What it is compressed with shows in its bytes.
    const manifest = writeDocument(dir, manifestOf(config, [writeBlob(dir, gzipSync(content), type)]), MEDIA.manifest);
    writeIndex(dir, { schemaVersion: 2, manifests: [manifest] });
    await store.ok(['import', dir]);
  }
});

test('the full name comes back from an export', async (t) => {
  const store = new TestStore(t);
  ociLayout(store.path('lay'), [{ ref: 'example.com/app:2.0', layers: [layer('a')] }]);
  await store.ok(['import', store.path('lay')]);
  await store.ok(['tag', 'example.com/app:2.0', 'short:1']);
  for (const [argument, names] of [
    ['example.com/app:2.0', ['example.com/app:2.0']],
    ['short', ['short:1']],
    [(await list(store))[0]?.key ?? '', ['example.com/app:2.0', 'short:1']],
  ] as const) {
    for (const format of ['oci', 'docker'] as const) {
      const file = store.path(`e-${names.length}-${format}-${names[0]?.length}.tar`);
      await store.ok(['export', '--format', format, argument, file]);
      const again = new TestStore(t);
      await again.ok(['import', file]);
      assert.deepEqual(
        (await list(again)).flatMap((image) => image.names),
        names,
        `${format} ${argument}`,
      );
    }
  }
});

test('--platform is heeded when there is one image', async (t) => {
  const store = new TestStore(t);
  ociLayout(store.path('lay'), [{ ref: 'v1', layers: [layer('a')] }]);
  const error = await store.refused(
    ['import', store.path('lay'), '--platform', `linux/${FOREIGN}`],
    'ERR_NOT_FOUND',
    3,
  );
  assert.match(error.message, new RegExp(`no image for linux/${FOREIGN}`));
  await store.ok(['import', store.path('lay'), '--platform', `linux/${HOST.architecture}`]);
});

test('one name holds an image for each platform, and prefers that of this machine', async (t) => {
  const store = new TestStore(t);
  const platforms = [HOST.architecture, FOREIGN].map((architecture) => ({ os: 'linux', architecture }));
  ociLayout(
    store.path('lay'),
    platforms.map((platform) => ({ ref: 'v1', layers: [layer(platform.architecture)], platform })),
  );
  await store.ok(['import', store.path('lay'), '--platform', `linux/${FOREIGN}`]);
  const alone = await store.ok(['render', 'lay:v1']);
  assert.match(alone.stderr, new RegExp(`lay:v1 is for linux/${FOREIGN}`));
  await store.ok(['import', store.path('lay')]);
  const cat = async (image: string, path: string) => (await store.ok(['cat', image, path])).stdout.toString();
  assert.equal(await cat('lay:v1', HOST.architecture), HOST.architecture);
  assert.equal(await cat(`lay:v1,arch=${FOREIGN}`, FOREIGN), FOREIGN);
  assert.equal(await cat(`lay:v1,os=linux,arch=${HOST.architecture}`, HOST.architecture), HOST.architecture);
  await store.refused(['cat', 'lay:v1,arch=mips', 'x'], 'ERR_NOT_FOUND', 3);
  for (const { names, key } of await list(store)) {
    assert.equal(names.length, 1);
    assert.equal((await store.json<Summary>(['inspect', names[0] ?? ''])).key, key);
  }
  const [picked] = await list(store, 'lay', '--filter', `arch=${FOREIGN}`);
  assert.equal(picked?.labels['arch'], FOREIGN);
});

test('an image without a platform is taken, and its platform is not known', async (t) => {
  const store = new TestStore(t);
  const config = { architecture: '', os: '', created: '0001-01-01T00:00:00Z' };
  ociLayout(store.path('lay'), [{ ref: 'v1', layers: [layer('a')], config }]);
  const ran = await store.ok(['import', store.path('lay')]);
  assert.match(ran.stderr, /names no platform/);
  const [image] = await list(store);
  assert.equal(image?.os, undefined);
  assert.deepEqual(image?.labels, { version: 'v1' });
  await store.ok(['render', 'lay:v1']);
  await store.ok(['export', '--format', 'aci', 'lay:v1', store.path('a.aci')]);
  await new TestStore(t).ok(['import', store.path('a.aci')]);
  await store.ok(['import', store.path('lay'), '--platform', `linux/${FOREIGN}`]);
});

test('a source whose name is part of a word is still named in errors', async (t) => {
  const store = new TestStore(t);
  fs.mkdirSync(store.path('s'));
  ociLayout(store.path('lay'), [{ ref: 'v1', layers: [tar([{ name: 'a', flag: 'M' }])] }]);
  const ran = await store.run(['import', 'lay'], { cwd: store.dir });
  assert.match(ran.stderr, /^cairn: lay: /);
});

test('--name wins over names that are none, and the error hints at it', async (t) => {
  const store = new TestStore(t);
  const cases: [string, string, RegExp][] = [
    ['odd', 'ünï', /index\.json: org\.opencontainers\.image\.ref\.name: .*--name/],
    ['marks', '!!', /--name gives the image another name/],
  ];
  for (const [name, ref, rule] of cases) {
    ociLayout(store.path(name), [{ ref, layers: [layer(name)] }]);
    const refused = await store.run(['import', store.path(name)]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, rule);
    // Reading needs no name.
    await store.ok(['files', store.path(name)]);
    await store.ok(['import', store.path(name), '--name', `${name}:1`]);
    assert.deepEqual((await list(store, name))[0]?.names, [`${name}:1`]);
  }
});

test('names of docker save without a tag, and those of images that lost theirs', async (t) => {
  const names = async (ref: string): Promise<string[] | undefined> => {
    const store = new TestStore(t);
    await store.ok(['import', store.write('saved.tar', dockerArchive([{ ref, layers: [layer('a')] }], { old: true }))]);
    return (await list(store))[0]?.names;
  };
  assert.deepEqual(await names('app'), ['app:latest']);
  assert.deepEqual(await names('<none>:<none>'), []);
  assert.deepEqual(await names(''), []);
  assert.deepEqual(await names(`app@sha256:${'a'.repeat(64)}`), []);
  assert.deepEqual(await names(`app:2@sha256:${'a'.repeat(64)}`), ['app:2']);
  assert.deepEqual(await names('index.docker.io/library/app:3'), ['app:3']);
});

test("Docker Hub's part of a name is left out wherever a name may stand", async (t) => {
  const store = new TestStore(t);
  ociLayout(store.path('lay'), [{ ref: 'docker.io/library/hub:1', layers: [layer('a')] }]);
  await store.ok(['import', store.path('lay')]);
  for (const name of ['hub:1', 'docker.io/library/hub:1', 'index.docker.io/library/hub:1', 'docker.io/hub:1'])
    assert.deepEqual((await store.json<Summary>(['inspect', name])).names, ['hub:1']);
  await store.ok(['tag', 'hub:1', 'docker.io/library/other:2']);
  assert.deepEqual((await list(store))[0]?.names, ['hub:1', 'other:2']);
  await store.ok(['import', store.path('lay'), '--name', 'docker.io/library/third']);
  assert.deepEqual((await list(store))[0]?.names, ['hub:1', 'other:2', 'third:latest']);
});

test('an image with a name that looks like a key is found by it, unless a key is meant', async (t) => {
  const store = new TestStore(t);
  ociLayout(store.path('lay'), [{ ref: 'sha256:abcd', layers: [layer('a')] }]);
  await store.ok(['import', store.path('lay')]);
  await store.ok(['files', 'sha256:abcd']);
  assert.equal((await list(store, 'sha256:abcd')).length, 1);
  await store.ok(['untag', 'sha256:abcd']);
  assert.equal((await store.run(['files', 'sha256:abcd'])).code, 3);
  for (const name of ['sha256:abcd', 'sha512-abcd', 'x@sha256:ab', 'deadbeefdeadbeef']) {
    const refused = await store.run(['import', store.path('lay'), '--name', name]);
    assert.match(refused.stderr, /not a name for an image/);
  }
});

test('processors by the names of the kernel are those of the specification', async (t) => {
  const store = new TestStore(t);
  const config = { architecture: 'x86_64' };
  ociLayout(store.path('lay'), [{ ref: 'v1', layers: [layer('a')], config }]);
  await store.ok(['import', store.path('lay'), '--platform', 'linux/x86_64']);
  assert.equal((await list(store, 'lay:v1,arch=amd64')).length, 1);
});

test('of two images of one name in an archive, digests pick', async (t) => {
  const store = new TestStore(t);
  const images = ['a', 'b'].map((name) => ({ ref: 'dup:1', layers: [layer(name)] }));
  const archive = store.write('saved.tar', dockerArchive(images, { old: true }));
  const { stderr } = await store.run(['import', archive]);
  const picks = stderr.match(/:sha256:[0-9a-f]{64}/g) ?? [];
  assert.equal(picks.length, 2);
  for (const pick of picks) await store.ok(['import', `${archive}${pick}`]);
  assert.equal((await list(store)).length, 2);
});
