/** Archives as programs of this field write them: what an archive is, and which images it holds. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { aci, type EntrySpec, tar } from '../fixtures/archive.js';
import {
  configOf,
  digestOf,
  dockerArchive,
  dockerEntries,
  layoutTar,
  MEDIA,
  manifestOf,
  ociLayout,
  writeBlob,
  writeDocument,
  writeIndex,
} from '../fixtures/oci.js';
import { TestStore } from '../fixtures/store.js';

interface Listed {
  key: string;
  names: string[];
}

const layer = (name: string, content = name): Buffer => tar([{ name, content }]);
const hex = (bytes: Buffer): string => digestOf(bytes).slice('sha256:'.length);

async function names(store: TestStore): Promise<string[]> {
  return (await store.json<Listed[]>(['ls'])).flatMap((image) => image.names).sort();
}

/** An archive as go-containerregistry writes it: digests as names, compressed layers, `manifest.json` last. */
function craneEntries(tag: string, content: Buffer): EntrySpec[] {
  const config = Buffer.from(JSON.stringify(configOf({ layers: [content] })));
  const packed = gzipSync(content);
  const Layers = [`${hex(packed)}.tar.gz`];
  const manifest = [{ Config: digestOf(config), RepoTags: [tag], Layers }];
  return [
    { name: digestOf(config), content: config },
    { name: Layers[0] as string, content: packed },
    { name: 'manifest.json', content: JSON.stringify(manifest) },
  ];
}

test('an archive of crane, kaniko or ko is a Docker archive, whatever its first member', async (t) => {
  const store = new TestStore(t);
  const entries = craneEntries('example.com/app:1', layer('a'));
  const path = store.write('crane.tar', tar(entries));
  await store.ok(['import', path]);
  assert.deepEqual(await names(store), ['example.com/app:1']);
  const other = craneEntries('example.com/app:2', layer('b'));
  await store.ok(['import', '-'], { input: gzipSync(tar(other)) });
  assert.deepEqual(await names(store), ['example.com/app:1', 'example.com/app:2']);
});

test('an archive of Jib begins with config.json', async (t) => {
  const store = new TestStore(t);
  const content = layer('a');
  const config = JSON.stringify(configOf({ layers: [content] }));
  const packed = gzipSync(content);
  const manifest = [{ Config: 'config.json', RepoTags: ['jib:1'], Layers: [`${hex(packed)}.tar.gz`] }];
  const entries = [
    { name: 'config.json', content: config },
    { name: `${hex(packed)}.tar.gz`, content: packed },
    { name: 'manifest.json', content: JSON.stringify(manifest) },
  ];
  await store.ok(['import', store.write('jib.tar', tar(entries))]);
  assert.deepEqual(await names(store), ['jib:1']);
});

test('files that macOS adds to a tar do not hide the layout in it', async (t) => {
  const store = new TestStore(t);
  ociLayout(store.path('lay'), [{ ref: 'v1', layers: [layer('a')] }]);
  const junk = tar([{ name: './._oci-layout', content: 'Mac' }], Buffer.alloc(0));
  const path = store.write('app.tar', Buffer.concat([junk, layoutTar(store.path('lay'))]));
  await store.ok(['import', path]);
  assert.deepEqual(await names(store), ['app:v1']);
});

test('of a docker save of several images none is dropped without a word', async (t) => {
  const store = new TestStore(t);
  const images = [
    { ref: 'app:1', layers: [layer('app')] },
    { ref: 'db:1', layers: [layer('app'), layer('db')] },
  ];
  for (const old of [false, true]) {
    const path = store.write(`${old}.tar`, dockerArchive(images, { old }));
    const error = await store.refused(['import', path], 'ERR_AMBIGUOUS_KEY', 1);
    assert.deepEqual(error['candidates'], [`${path}:app:1`, `${path}:db:1`]);
    await store.ok(['import', `${path}:db:1`]);
    const taken = await store.json<{ names: string[] }[]>(['import', '--recursive', path]);
    assert.deepEqual(
      taken.map((image) => image.names),
      [['app:1'], ['db:1']],
    );
  }
  assert.deepEqual(await names(store), ['app:1', 'db:1']);
});

test('all tags of one image come along', async (t) => {
  const store = new TestStore(t);
  const [app] = dockerEntries([{ ref: 'app:1', layers: [layer('a')] }], true);
  assert.ok(app !== undefined);
  const entries = dockerEntries([{ ref: 'app:1', layers: [layer('a')] }], true).map((entry) =>
    entry.name === 'manifest.json'
      ? { ...entry, content: String(entry.content).replace('["app:1"]', '["app:1","example.com/app:new"]') }
      : entry,
  );
  await store.ok(['import', store.write('a.tar', tar(entries))]);
  assert.deepEqual(await names(store), ['app:1', 'example.com/app:new']);
});

test('an image whose OCI manifest lists no layers is read by its manifest.json', async (t) => {
  const store = new TestStore(t);
  const content = layer('who', 'app');
  const config = Buffer.from(JSON.stringify(configOf({ layers: [content] })));
  const part = (bytes: Buffer, mediaType: string) => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
  const manifest = Buffer.from(JSON.stringify(manifestOf(part(config, MEDIA.config), [])));
  const blobs = [content, config, manifest].map((bytes) => ({ name: `blobs/sha256/${hex(bytes)}`, content: bytes }));
  const docker = [
    { Config: `blobs/sha256/${hex(config)}`, RepoTags: ['app:1'], Layers: [`blobs/sha256/${hex(content)}`] },
  ];
  const index = { schemaVersion: 2, manifests: [part(manifest, MEDIA.manifest)] };
  const entries = [
    ...blobs,
    { name: 'index.json', content: JSON.stringify(index) },
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    { name: 'manifest.json', content: JSON.stringify(docker) },
  ];
  await store.ok(['import', store.write('s.tar', tar(entries))]);
  assert.equal((await store.ok(['cat', 'app:1', 'who'])).stdout.toString(), 'app');
});

test('hard links among the members of a Docker archive lead to their members', async (t) => {
  const store = new TestStore(t);
  const content = layer('a');
  const config = Buffer.from(JSON.stringify(configOf({ layers: [content, content] })));
  const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];
  const manifest = [{ Config: `${hex(config)}.json`, RepoTags: ['x:1'], Layers: [`${a}/layer.tar`, `${b}/layer.tar`] }];
  const entries = [
    { name: `${a}/layer.tar`, content },
    { name: `${b}/layer.tar`, flag: '1', link: `./${a}/layer.tar` },
    { name: `${hex(config)}.json`, content: config },
    { name: 'manifest.json', content: JSON.stringify(manifest) },
  ];
  await store.ok(['import', store.write('d.tar', tar(entries))]);
  assert.deepEqual(await names(store), ['x:1']);
});

test('what says that it is an artifact or an attestation is no image', async (t) => {
  const store = new TestStore(t);
  const dir = store.path('lay');
  const content = layer('a');
  const config = writeDocument(dir, configOf({ layers: [content] }), MEDIA.config);
  const image = writeDocument(dir, manifestOf(config, [writeBlob(dir, content, MEDIA.layer)]), MEDIA.manifest);
  const empty = writeBlob(dir, Buffer.from('{}'), 'application/vnd.oci.empty.v1+json');
  const named = { ...image, annotations: { 'org.opencontainers.image.ref.name': 'v1' } };
  const artifact = (more: object) =>
    writeDocument(
      dir,
      { ...manifestOf(empty, [{ ...empty, mediaType: 'application/vnd.in-toto+json' }]), ...more },
      MEDIA.manifest,
    );
  const strangers = [
    { ...artifact({ a: 1 }), annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } },
    { ...artifact({ artifactType: 'application/x' }), artifactType: 'application/x' },
    artifact({ artifactType: 'application/y' }),
    artifact({}),
  ];
  for (const [i, stranger] of strangers.entries()) {
    writeIndex(dir, { schemaVersion: 2, manifests: [named, stranger] });
    const [imported] = await store.json<{ names: string[]; existed: boolean }[]>(['import', dir]);
    assert.deepEqual(imported?.names, ['lay:v1']);
    assert.equal(imported?.existed, i > 0);
  }
});

test('errors say what would help: --layer, dir:, and the member that is missing', async (t) => {
  const store = new TestStore(t);
  const rootfs = store.write(
    'rootfs.tar',
    tar([
      { name: 'etc/', flag: '5' },
      { name: 'etc/a', content: 'a' },
    ]),
  );
  const plain = await store.refused(['import', rootfs], 'ERR_NOT_AN_IMAGE', 1);
  assert.match(plain.message, /--layer/);
  await store.ok(['import', '--layer', rootfs]);
  fs.mkdirSync(store.path('dd'));
  store.write('dd/version', 'Directory Transport Version: 1.1\n');
  store.write('dd/manifest.json', '{}');
  const transport = await store.refused(['import', store.path('dd')], 'ERR_UNSUPPORTED', 1);
  assert.match(transport.message, /dir:/);
  fs.mkdirSync(store.path('lay'));
  const ran = await store.run(['import', store.path('lay')]);
  assert.match(ran.stderr, /lay is a directory/);
});

test('an ACI may begin with its manifest or its rootfs, and nothing else may stand beside them', async (t) => {
  const store = new TestStore(t);
  const whole = aci({ name: 'example.com/app' }, [{ name: 'a', content: 'a' }]);
  const stray = Buffer.concat([tar([{ name: 'stray', content: 'x' }], Buffer.alloc(0)), whole]);
  await store.refused(['import', store.write('bad.aci', stray)], 'ERR_BAD_ARCHIVE', 1);
  await store.ok(['import', store.write('good.aci', whole)]);
});

test('an unpacked docker save is imported as it lies', async (t) => {
  const store = new TestStore(t);
  for (const { name, content = '', flag } of dockerEntries([{ ref: 'app:1', layers: [layer('a')] }], true)) {
    const path = store.path(`saved/${name}`);
    if (flag === '5') fs.mkdirSync(path, { recursive: true });
    else {
      fs.mkdirSync(store.path('saved'), { recursive: true });
      fs.writeFileSync(path, content);
    }
  }
  await store.ok(['import', store.path('saved')]);
  assert.deepEqual(await names(store), ['app:1']);
});

test('a member that is there once for each name counts once, if its bytes are the same', async (t) => {
  const entries = craneEntries('app:1', layer('a'));
  const [config, , manifest] = entries as [EntrySpec, EntrySpec, EntrySpec];
  const [image] = JSON.parse(String(manifest.content));
  const both = { ...manifest, content: JSON.stringify([image, { ...image, RepoTags: ['app:latest'] }]) };
  const twice = [config, ...entries.slice(0, 2), both];
  const store = new TestStore(t);
  await store.ok(['import', store.write('crane.tar', tar(twice))]);
  assert.deepEqual(await names(store), ['app:1', 'app:latest']);
  const other = { ...config, content: Buffer.from(`${config.content} `) };
  const differs = await store.run(['import', store.write('differs.tar', tar([other, ...twice]))]);
  assert.equal(differs.code, 1);
  assert.match(differs.stderr, /a duplicate entry/);
  const half = { ...config, content: (config.content as Buffer).subarray(1) };
  assert.match((await store.run(['import', store.write('half.tar', tar([half, ...twice]))])).stderr, /duplicate/);
});

test("--recursive takes an unpacked Docker archive as one source, and tells of skopeo's dir:", async (t) => {
  const store = new TestStore(t);
  const unpack = (dir: string): void => {
    fs.mkdirSync(store.path(dir), { recursive: true });
    for (const { name, content } of craneEntries('app:1', layer('a')))
      fs.writeFileSync(store.path(`${dir}/${name}`), content as Buffer);
  };
  unpack('images/unpacked');
  // A web application has a document of that name, too.
  fs.mkdirSync(store.path('images/web'));
  fs.writeFileSync(store.path('images/web/manifest.json'), '{"name": "app"}');
  for (const source of ['images', 'images/unpacked']) {
    const imported = await store.json<{ source: string }[]>(['import', '-r', store.path(source)]);
    assert.deepEqual(
      imported.map((each) => each.source),
      [store.path('images/unpacked')],
    );
  }
  fs.mkdirSync(store.path('dir'));
  fs.writeFileSync(store.path('dir/manifest.json'), '{}');
  fs.writeFileSync(store.path('dir/version'), 'Directory Transport Version: 1.1\n');
  assert.match((await store.run(['import', '-r', store.path('dir')])).stderr, /skopeo copy dir:/);
});

test('what is compressed twice, or nothing at all, is told without a path of the store', async (t) => {
  const store = new TestStore(t);
  const twice = gzipSync(gzipSync(tar(craneEntries('app:1', layer('a')))));
  assert.match((await store.run(['import', store.write('twice.tgz', twice)])).stderr, /twice\.tgz: no tar: it begins/);
  const nothing = await store.run(['import', '--layer', store.write('empty.gz', gzipSync(''))]);
  assert.match(nothing.stderr, /empty\.gz: it is empty/);
  assert.doesNotMatch(nothing.stderr, /staging/);
});
