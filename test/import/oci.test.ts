/** Imports of OCI images: layouts, docker archives, single layers; names and digests; sharing and removing layers. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { tar } from '../fixtures/archive.js';
import { blobPath, digestOf, dockerArchive, HOST, layoutTar, type OciImageSpec, ociLayout } from '../fixtures/oci.js';
import { hasShape, type Json, TestStore } from '../fixtures/store.js';

interface Imported extends Json {
  source: string;
  key: string;
  digest: string;
  name: string;
  existed: boolean;
  objects: { new: number; shared: number; newBytes: number; sharedBytes: number };
}

interface Listed {
  path: string;
  type: string;
}

const LOWER = tar([
  { name: 'etc', flag: '5' },
  { name: 'etc/base', content: 'base' },
  { name: 'etc/gone', content: 'gone' },
]);
const UPPER = tar([
  { name: 'etc/app', content: 'the app' },
  { name: 'etc/.wh.gone', content: '' },
]);
const APP: OciImageSpec = { ref: 'example.com/app:v1', layers: [LOWER, UPPER] };
const TREE = ['.', 'etc', 'etc/app', 'etc/base'];

async function pathsOf(s: TestStore, image: string): Promise<string[]> {
  const { stdout } = await s.ok(['files', '--json', image]);
  return stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as Listed).path);
}

async function imported(s: TestStore, ...args: string[]): Promise<Imported> {
  const [first] = await s.json<[Imported]>(['import', ...args]);
  return first;
}

test('an image is taken from everything that it comes in', async (t) => {
  type Source = (s: TestStore) => { args: string[]; input?: Buffer };
  const dirOf = (s: TestStore, images: OciImageSpec[] = [APP]): string => {
    ociLayout(s.path('layout'), images);
    return s.path('layout');
  };
  const other: OciImageSpec = { ref: 'example.com/other:v1', layers: [LOWER] };
  const docker = { ...APP, ref: 'app:v1' };
  const cases: readonly [what: string, source: Source, name?: string][] = [
    ['a layout', (s) => ({ args: [dirOf(s)] })],
    ['a layout with gzipped layers', (s) => ({ args: [dirOf(s, [{ ...APP, compress: 'gzip' }])] })],
    ['one image of a layout by its reference', (s) => ({ args: [`${dirOf(s, [other, APP])}:${APP.ref}`] })],
    ['a layout in a tar', (s) => ({ args: [s.write('layout.tar', layoutTar(dirOf(s)))] })],
    ['a layout in a gzipped tar', (s) => ({ args: [s.write('layout.tgz', gzipSync(layoutTar(dirOf(s))))] })],
    [
      'one image of a layout in a tar',
      (s) => ({ args: [`${s.write('layout.tar', layoutTar(dirOf(s, [other, APP])))}:${APP.ref}`] }),
    ],
    ['a layout in a tar on standard input', (s) => ({ args: ['-'], input: layoutTar(dirOf(s)) })],
    ['a docker archive', (s) => ({ args: [s.write('new.tar', dockerArchive([docker], { old: false }))] }), 'app'],
    ['an old docker archive', (s) => ({ args: [s.write('old.tar', dockerArchive([docker], { old: true }))] }), 'app'],
    [
      'an old docker archive, gzipped',
      (s) => ({ args: [s.write('old.tgz', gzipSync(dockerArchive([docker], { old: true })))] }),
      'app',
    ],
    [
      'a docker archive, gzipped',
      (s) => ({ args: [s.write('new.tgz', gzipSync(dockerArchive([docker], { old: false })))] }),
      'app',
    ],
    [
      'a docker archive on standard input',
      () => ({ args: ['-'], input: dockerArchive([docker], { old: false }) }),
      'app',
    ],
    [
      'an old docker archive on standard input',
      () => ({ args: ['-'], input: dockerArchive([docker], { old: true }) }),
      'app',
    ],
  ];
  for (const [what, source, name = 'example.com/app'] of cases) {
    await t.test(what, async (t) => {
      const s = new TestStore(t);
      const { args, input } = source(s);
      const ran = await s.ok(['import', '--json', ...args], input === undefined ? {} : { input });
      const [image] = ran.json<[Imported]>();
      assert.equal(image['format'], 'oci');
      assert.ok(image.name.endsWith(name), image.name);
      assert.deepEqual(await pathsOf(s, image.key), TREE);
      assert.deepEqual(await pathsOf(s, `${image.name}:v1`), TREE);
      await s.ok(['render', '--mode', 'link', image.key]);
      await s.ok(['check']);
      await s.ok(['fsck']);
    });
  }
});

test('a docker archive has a layer that several images share once', async (t) => {
  const images: OciImageSpec[] = [
    { ref: 'one:1', layers: [LOWER] },
    { ref: 'two:1', layers: [UPPER, LOWER] },
  ];
  for (const old of [true, false]) {
    await t.test(old ? 'as a symlink' : 'as a blob', async (t) => {
      const s = new TestStore(t);
      const file = s.write('docker.tar', dockerArchive(images, { old }));
      await s.ok(['import', `${file}:two:1`]);
      assert.deepEqual(await pathsOf(s, 'two:1'), ['.', 'etc', 'etc/app', 'etc/base', 'etc/gone']);
      await s.ok(['import', `${file}:one:1`]);
      assert.deepEqual(await pathsOf(s, 'one:1'), ['.', 'etc', 'etc/base', 'etc/gone']);
    });
  }
});

test('import tells what it made', async (t) => {
  const s = new TestStore(t);
  const [written] = ociLayout(s.path('layout'), [{ ...APP, compress: 'gzip' }]);
  const image = await imported(s, s.path('layout'));
  hasShape(image, { source: 'string', key: 'key', digest: 'string', name: 'string', size: 'number', ms: 'number' });
  assert.equal(image.source, s.path('layout'));
  assert.equal(image['format'], 'oci');
  assert.equal(image['layers'], 2);
  assert.equal(image.digest, written?.manifest);
  assert.equal(image['size'], LOWER.length + UPPER.length);
  assert.equal(image.existed, false);
  assert.deepEqual(image.objects, { new: 3, shared: 0, newBytes: 15, sharedBytes: 0 });
  await t.test('and ls lists it', async () => {
    const [listed] = await s.json<[Json]>(['ls']);
    assert.equal(listed['key'], image.key);
    assert.equal(listed['digest'], image.digest);
    assert.equal(listed['format'], 'oci');
    assert.equal(listed['name'], image.name);
  });
  await t.test('and that it was here already, in whatever form it comes again', async () => {
    const again = await imported(s, s.path('layout'));
    assert.equal(again.existed, true);
    assert.equal(again.key, image.key);
    assert.equal(again.objects.new, 0);
    const packed = await imported(s, s.write('layout.tar', layoutTar(s.path('layout'))));
    assert.equal(packed.existed, true);
    assert.equal(packed.key, image.key);
    assert.equal((await s.json<Json[]>(['ls'])).length, 1);
  });
  await t.test('and cat-manifest gives the exact bytes', async () => {
    assert.equal(digestOf((await s.ok(['cat-manifest', image.key])).stdout), written?.manifest);
  });
});

test('names', async (t) => {
  const s = new TestStore(t);
  ociLayout(s.path('layout'), [APP]);
  const image = await imported(s, '--name', 'repo/app:v2', s.path('layout'));
  await t.test('--name with a tag names the image', async () => {
    assert.equal((await s.json(['inspect', 'repo/app:v2']))['key'], image.key);
  });
  await t.test('another tag is not found', async () => {
    await s.refused(['inspect', 'repo/app:v3'], 'ERR_NOT_FOUND', 3);
    await s.refused(['inspect', 'repo/other:v2'], 'ERR_NOT_FOUND', 3);
  });
  await t.test('--name without a tag means latest', async (t) => {
    const own = new TestStore(t);
    ociLayout(own.path('layout'), [APP]);
    const { key } = await imported(own, '--name', 'repo/app', own.path('layout'));
    for (const name of ['repo/app', 'repo/app:latest']) assert.equal((await own.json(['inspect', name]))['key'], key);
  });
  await t.test('an image can come again under a further name', async () => {
    await s.ok(['import', '--name', 'further:v1', s.path('layout')]);
    for (const name of ['repo/app:v2', 'further:v1']) assert.equal((await s.json(['inspect', name]))['key'], image.key);
    assert.equal((await s.json<Json[]>(['ls'])).length, 1);
  });
  await t.test('a name outside the grammar is refused', async () => {
    for (const name of ['../up', 'repo/App', 'a b', 'app:', ':v1', 'app:v/1']) {
      await s.refused(['import', '--name', name, s.path('layout')], 'ERR_NAME_SYNTAX', 1);
    }
  });
  await t.test('an ACI cannot be given another name', async () => {
    await s.refused(['import', '--name', 'x', s.aci('a.aci', { name: 'example.com/a' })], 'ERR_USAGE', 2);
    await s.refused(['inspect', 'example.com/a'], 'ERR_NOT_FOUND', 3);
  });
  await t.test('a reference that the layout does not have is not found', async () => {
    await s.refused(['import', `${s.path('layout')}:nothing`], 'ERR_NOT_FOUND', 3);
  });
});

test('a layout of several images and no word of which is refused, and names them', async (t) => {
  const s = new TestStore(t);
  ociLayout(s.path('layout'), [APP, { ref: 'example.com/other:v1', layers: [LOWER] }]);
  const error = await s.refused(['import', s.path('layout')], 'ERR_AMBIGUOUS_KEY', 1);
  assert.match(error.message, /example\.com\/app:v1/);
  assert.match(error.message, /example\.com\/other:v1/);
});

test('--recursive takes every image of a layout', async (t) => {
  const s = new TestStore(t);
  const other = tar([{ name: 'other', content: 'other' }]);
  ociLayout(s.path('dir/layout'), [APP, { ref: 'example.com/other:v1', layers: [other] }]);
  const names = (await s.json<Json[]>(['import', '--recursive', s.path('dir')])).map(({ name }) => name);
  assert.deepEqual(names.sort(), ['example.com/app', 'example.com/other']);
});

test('an index may list what is no image, and a docker archive names what its index does not', async (t) => {
  const s = new TestStore(t);
  const [written] = ociLayout(s.path('layout'), [APP]);
  const index = JSON.parse(fs.readFileSync(s.path('layout/index.json'), 'utf8')) as { manifests: Json[] };
  const [image] = index.manifests;
  const signature = { ...image, mediaType: 'application/vnd.example.signature', annotations: {} };
  const bare = { ...image, annotations: { 'org.opencontainers.image.ref.name': 'v1' } };
  fs.writeFileSync(s.path('layout/index.json'), JSON.stringify({ ...index, manifests: [signature, bare] }));
  const Config = `blobs/sha256/${written?.config.slice('sha256:'.length)}`;
  fs.writeFileSync(s.path('layout/manifest.json'), JSON.stringify([{ Config, RepoTags: ['redis:7'], Layers: [] }]));
  const [{ name, labels }] = await s.json<[Json]>(['import', s.path('layout')]);
  assert.deepEqual([name, (labels as Json)['version']], ['redis', '7']);
});

test('an image resolves by the digest of everything that only it has', async (t) => {
  const s = new TestStore(t);
  const [written, second] = ociLayout(s.path('layout'), [
    { ...APP, compress: 'gzip' },
    { ref: 'example.com/other:v1', layers: [tar([{ name: 'other', content: 'other' }])] },
  ]);
  assert.ok(written && second);
  const { key } = await imported(s, `${s.path('layout')}:${APP.ref}`);
  const other = await imported(s, `${s.path('layout')}:example.com/other:v1`);
  const digests = {
    manifest: written.manifest,
    config: written.config,
    'lower layer': written.layers[0] as string,
    'upper layer': written.layers[1] as string,
    'lower diffID': written.diffIds[0] as string,
    'upper diffID': written.diffIds[1] as string,
  };
  for (const [what, digest] of Object.entries(digests)) {
    await t.test(what, async () => {
      assert.equal((await s.json(['inspect', digest]))['key'], key);
      assert.equal((await s.json(['inspect', digest.slice(0, 'sha256:'.length + 16)]))['key'], key);
      assert.equal((await s.json(['inspect', digest.toUpperCase().replace('SHA', 'sha')]))['key'], key);
    });
  }
  await t.test('of the other image, too', async () => {
    for (const digest of [second.manifest, second.config, second.diffIds[0] as string])
      assert.equal((await s.json(['inspect', digest]))['key'], other.key);
  });
  await t.test('a prefix of one digit is too short, one that nothing has is not found', async () => {
    await s.refused(['inspect', 'sha256:0'], 'ERR_KEY_TOO_SHORT', 1);
    await s.refused(['inspect', `sha256:${'0'.repeat(64)}`], 'ERR_NOT_FOUND', 3);
  });
  await t.test('a layer that two images have is ambiguous', async () => {
    ociLayout(s.path('third'), [{ ref: 'example.com/third:v1', layers: [LOWER] }]);
    await s.ok(['import', s.path('third')]);
    await s.refused(['inspect', written.diffIds[0] as string], 'ERR_AMBIGUOUS_KEY', 1);
  });
});

test('layers that images share are stored once', async (t) => {
  const big = tar([{ name: 'big', content: 'x'.repeat(300_000) }]);
  const images: OciImageSpec[] = ['a', 'b', 'c'].map((name) => ({
    ref: `${name}:1`,
    layers: [big, tar([{ name, content: name }])],
  }));
  await t.test('one after the other', async (t) => {
    const s = new TestStore(t);
    ociLayout(s.path('layout'), images);
    const first = await imported(s, `${s.path('layout')}:a:1`);
    assert.deepEqual(first.objects, { new: 2, shared: 0, newBytes: 300_001, sharedBytes: 0 });
    const second = await imported(s, `${s.path('layout')}:b:1`);
    assert.deepEqual(second.objects, { new: 1, shared: 1, newBytes: 1, sharedBytes: 300_000 });
  });
  await t.test('at the same time', async (t) => {
    const s = new TestStore(t);
    ociLayout(s.path('layout'), images);
    const sources = images.map(({ ref }) => `${s.path('layout')}:${ref}`);
    const all = await s.json<Imported[]>(['import', '--jobs', '3', ...sources]);
    assert.equal(
      all.reduce((sum, { objects }) => sum + objects.newBytes, 0),
      300_003,
    );
    const { layers } = await s.json<{ layers: unknown }>(['du']);
    assert.equal(typeof layers === 'object' ? (layers as Json)['count'] : layers, 4);
    assert.equal((await s.json(['fsck']))['ok'], true);
  });
  await t.test('by two programs at the same time', async (t) => {
    const s = new TestStore(t);
    ociLayout(s.path('layout'), images);
    await Promise.all(images.map(({ ref }) => s.ok(['import', `${s.path('layout')}:${ref}`])));
    assert.equal((await s.json<Json[]>(['ls'])).length, 3);
    assert.equal((await s.json(['fsck']))['ok'], true);
    await s.ok(['check']);
  });
});

test('--expect', async (t) => {
  const s = new TestStore(t);
  const [written] = ociLayout(s.path('layout'), [APP]);
  assert.ok(written);
  await t.test('another digest is refused, and nothing is stored', async () => {
    const expected = `sha256:${'0'.repeat(64)}`;
    const error = await s.refused(['import', '--expect', expected, s.path('layout')], 'ERR_DIGEST_MISMATCH', 1);
    assert.equal(error['expected'], expected);
    assert.deepEqual(await s.json(['ls']), []);
  });
  await t.test("the manifest's digest is taken, whole or its beginning", async () => {
    await s.ok(['import', '--expect', written.manifest.slice(0, 20), s.path('layout')]);
    await s.ok(['import', '--expect', written.manifest, s.path('layout')]);
    await s.refused(['import', '--expect', 'sha256:0000', s.path('layout')], 'ERR_DIGEST_MISMATCH', 1);
  });
});

test('platforms', async (t) => {
  const otherArchitecture = HOST.architecture === 'arm64' ? 'amd64' : 'arm64';
  const images = (ref?: string): OciImageSpec[] => [
    {
      ...(ref === undefined ? {} : { ref }),
      platform: { os: 'linux', architecture: otherArchitecture },
      layers: [tar([{ name: 'other' }])],
    },
    { ...(ref === undefined ? {} : { ref }), platform: HOST, layers: [tar([{ name: 'host' }])] },
  ];
  for (const [what, ref] of [
    ['an index of its own', 'example.com/many:v1'],
    ["the layout's own index", undefined],
  ] as const) {
    await t.test(what, async (t) => {
      const s = new TestStore(t);
      ociLayout(s.path('layout'), images(ref));
      await t.test("gives the host's", async () => {
        const { key } = await imported(s, '--name', 'host', s.path('layout'));
        assert.deepEqual(await pathsOf(s, key), ['.', 'host']);
      });
      await t.test('gives another with --platform', async () => {
        const platform = `linux/${otherArchitecture}`;
        const { key } = await imported(s, '--name', 'other', '--platform', platform, s.path('layout'));
        assert.deepEqual(await pathsOf(s, key), ['.', 'other']);
      });
      await t.test('has none for a platform that is not there', async () => {
        const ran = await s.run(['import', '--json', '--platform', 'linux/s390x', s.path('layout')]);
        assert.match(ran.error().code, /^ERR_(NOT_FOUND|UNSUPPORTED)$/);
        assert.match(ran.error().message, /s390x/);
      });
    });
  }
});

test('a single layer becomes an image of its own', async (t) => {
  for (const [what, bytes] of [
    ['plain', LOWER],
    ['gzipped', gzipSync(LOWER)],
  ] as const) {
    await t.test(what, async (t) => {
      const s = new TestStore(t);
      const image = await imported(s, '--layer', s.write('layer.tar', bytes), '--name', 'x');
      assert.equal(image['layers'], 1);
      assert.equal(image['format'], 'oci');
      assert.deepEqual(await pathsOf(s, 'x'), ['.', 'etc', 'etc/base', 'etc/gone']);
      assert.equal((await s.json(['inspect', digestOf(LOWER)]))['key'], image.key);
      await s.ok(['render', '--mode', 'link', 'x']);
      await s.ok(['check']);
    });
  }
});

test('a removed image leaves nothing behind once gc has run', async (t) => {
  const s = new TestStore(t);
  ociLayout(s.path('layout'), [{ ...APP, compress: 'gzip' }]);
  const { key } = await imported(s, s.path('layout'));
  await s.ok(['render', '--mode', 'link', key]);
  const [removed] = await s.json<[Json]>(['rm', key]);
  assert.equal((removed['removedTrees'] as unknown[]).length, 1);
  await s.ok(['gc', '--images', '--grace-period', '0s']);
  assert.deepEqual(await s.json(['ls']), []);
  assert.equal(await objectsIn(s), 0);
  assert.equal((await s.json(['fsck']))['ok'], true);
  await t.test('and comes back as new', async () => {
    assert.equal((await imported(s, s.path('layout'))).existed, false);
    await s.ok(['check']);
  });
});

test('gc takes an unused image, and leaves what another one shares with it', async (t) => {
  const s = new TestStore(t);
  ociLayout(s.path('layout'), [APP, { ref: 'other:1', layers: [LOWER] }]);
  await s.ok(['import', `${s.path('layout')}:${APP.ref}`, `${s.path('layout')}:other:1`]);
  await s.ok(['pin', 'other:1']);
  await s.ok(['gc', '--images', '--grace-period', '0s']);
  assert.deepEqual(await pathsOf(s, 'other:1'), ['.', 'etc', 'etc/base', 'etc/gone']);
  assert.equal((await s.json<Json[]>(['ls'])).length, 1);
  assert.equal(await objectsIn(s), 2);
  await s.ok(['render', '--mode', 'link', 'other:1']);
  await s.ok(['check']);
  assert.equal((await s.json(['fsck']))['ok'], true);
});

test('--keep-archive keeps the layers as they came', async (t) => {
  const s = new TestStore(t);
  const [written] = ociLayout(s.path('layout'), [{ ...APP, compress: 'gzip' }]);
  await s.ok(['import', '--keep-archive', s.path('layout')]);
  const kept = fs.readFileSync(blobPath(s.path('layout'), written?.layers[0] ?? ''));
  const key = `sha512-${createHash('sha512').update(kept).digest('hex')}`;
  assert.deepEqual((await s.ok(['get', key])).stdout, kept);
  await s.ok(['check']);
  assert.equal((await s.json(['fsck']))['ok'], true);
});

/** How many objects the store has, as its index and its disk say. */
async function objectsIn(s: TestStore): Promise<unknown> {
  const { checked, missing, stray } = await s.json<{ checked: Json; missing: Json[]; stray: string[] }>(['fsck']);
  assert.deepEqual([missing, stray], [[], []]);
  return checked['objects'];
}

test('--recursive takes layouts below a directory as the images they are', async (t) => {
  const s = new TestStore(t);
  ociLayout(s.path('images/app'), [APP]);
  fs.writeFileSync(s.path('images/other.tar'), dockerArchive([{ ref: 'other:v1', layers: [LOWER] }], { old: false }));
  fs.writeFileSync(s.path('images/notes.txt'), 'no image');
  const all = await s.json<Imported[]>(['import', '--recursive', s.path('images')]);
  assert.deepEqual(
    all.map(({ name }) => name),
    ['example.com/app', 'other'],
  );
});

test('a lease on a tree does not hold another image that has a layer in common', async (t) => {
  const s = new TestStore(t);
  ociLayout(s.path('one'), [{ ref: 'one', layers: [LOWER] }]);
  ociLayout(s.path('two'), [{ ref: 'two', layers: [LOWER, UPPER] }]);
  await s.ok(['import', s.path('one'), s.path('two')]);
  const [{ treeId }] = await s.json<[{ treeId: string }]>(['render', '--mode', 'link', 'two']);
  await s.ok(['lease', 'add', treeId, '--ttl', '1h']);
  await s.refused(['rm', 'two'], 'ERR_HELD', 1);
  await s.ok(['rm', 'one']);
  await s.ok(['check']);
});
