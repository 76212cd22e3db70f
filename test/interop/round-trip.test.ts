/** What is exported goes through other programs and comes back: names, digests and trees are the same. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { type TestContext, test } from 'node:test';
import { type EntrySpec, tar } from '../fixtures/archive.js';
import { ociLayout } from '../fixtures/oci.js';
import { missing, run } from '../fixtures/peers.js';
import { TestStore } from '../fixtures/store.js';

const NAME = 'example.com/team/app:2.0';

const LOWER: readonly EntrySpec[] = [
  { name: './', flag: '5', mtime: 5 },
  { name: 'etc/', flag: '5', mtime: 5 },
  { name: 'etc/conf', content: 'conf', mode: 0o640, uid: 3, gid: 4, mtime: 6 },
  { name: 'etc/gone', content: 'gone', mtime: 6 },
  { name: 'old', content: 'older than 1970', mtime: 7, pax: { mtime: '-86400' } },
];
const UPPER: readonly EntrySpec[] = [
  { name: 'etc/', flag: '5', mtime: 8 },
  { name: 'etc/.wh.gone', mtime: 8 },
  { name: 'su', content: 'su', mode: 0o4755, mtime: 9 },
  { name: 'again', flag: '1', link: '/su', mode: 0o4755, mtime: 9 },
  { name: 'link', flag: '2', link: 'etc/conf', mtime: 9 },
];

interface Known {
  key: string;
  digest?: string;
  names: string[];
}

/** A store with the image that goes round, its key and the hash of its tree. */
async function filled(t: TestContext): Promise<{ store: TestStore; known: Known; hash: string }> {
  const store = new TestStore(t);
  ociLayout(store.path('lay'), [{ ref: NAME, layers: [tar([...LOWER]), tar([...UPPER])], compress: 'gzip' }]);
  await store.ok(['import', '--keep-archive', store.path('lay')]);
  return { store, known: await only(store), hash: await hashOf(store) };
}

async function only(store: TestStore): Promise<Known> {
  const [image, ...others] = await store.json<Known[]>(['ls']);
  assert.ok(image !== undefined && others.length === 0);
  return image;
}

async function hashOf(store: TestStore): Promise<string> {
  const { key } = await only(store);
  const [tree] = await store.json<{ hash: string }[]>(['render', key]);
  return tree?.hash ?? '';
}

/** Imports into a store of its own what came back. */
async function cameBack(t: TestContext, source: string, ...flags: string[]): Promise<{ back: Known; hash: string }> {
  const store = new TestStore(t);
  await store.ok(['import', ...flags, source]);
  return { back: await only(store), hash: await hashOf(store) };
}

test('an OCI layout goes through skopeo', { skip: missing('skopeo') }, async (t) => {
  const { store, known, hash } = await filled(t);
  const exported = await store.json<{ digest: string; original: boolean }>(['export', NAME, store.path('out')]);
  assert.deepEqual([exported.digest, exported.original], [known.digest, true]);
  const digest = JSON.parse(run('skopeo', ['inspect', '--raw', `oci:${store.path('out')}:2.0`])) as object;
  assert.ok('layers' in digest);
  run('skopeo', ['copy', '-q', `oci:${store.path('out')}:2.0`, `oci-archive:${store.path('through.tar')}:${NAME}`]);
  const through = await cameBack(t, store.path('through.tar'));
  assert.deepEqual(through, { back: { ...through.back, key: known.key, digest: known.digest, names: [NAME] }, hash });
});

test('an OCI layout is unpacked by umoci under its tag', { skip: missing('umoci') }, async (t) => {
  const { store } = await filled(t);
  await store.ok(['export', NAME, store.path('out')]);
  run('umoci', ['unpack', '--image', `${store.path('out')}:2.0`, store.path('bundle')]);
  assert.equal(fs.readFileSync(store.path('bundle/rootfs/again'), 'utf8'), 'su');
});

test('a Docker archive has what docker load looks for', async (t) => {
  const { store } = await filled(t);
  const file = store.path('docker.tar');
  await store.ok(['export', '--format', 'docker', NAME, file]);
  const members = run('tar', ['tf', file]).trim().split('\n');
  const [image] = JSON.parse(run('tar', ['xOf', file, 'manifest.json'])) as [
    { Config: string; RepoTags: string[]; Layers: string[] },
  ];
  assert.deepEqual(image.RepoTags, [NAME]);
  for (const member of [image.Config, ...image.Layers]) assert.ok(members.includes(member), member);
});

test('a Docker archive goes through skopeo', { skip: missing('skopeo') }, async (t) => {
  const { store, known, hash } = await filled(t);
  await store.ok(['export', '--format', 'docker', NAME, store.path('docker.tar')]);
  run('skopeo', [
    'copy',
    '-q',
    `docker-archive:${store.path('docker.tar')}`,
    `docker-archive:${store.path('on.tar')}:${NAME}`,
  ]);
  const through = await cameBack(t, store.path('on.tar'));
  assert.deepEqual([through.back.key, through.back.names, through.hash], [known.key, [NAME], hash]);
});

/** Podman with a storage of its own; `undefined` where it does not work. */
function podmanIn(store: TestStore): ((...args: string[]) => string) | undefined {
  const own = ['--root', store.path('pr'), '--runroot', store.path('prr'), '--storage-driver', 'vfs'];
  if (spawnSync('podman', [...own, 'info'], { stdio: 'ignore' }).status !== 0) return undefined;
  return (...args) => run('podman', [...own, ...args]);
}

for (const format of ['docker', 'oci'] as const) {
  test(`podman loads a ${format} export under its full name and gives it back`, {
    skip: missing('podman'),
  }, async (t) => {
    const { store, known, hash } = await filled(t);
    const podman = podmanIn(store);
    if (podman === undefined) return t.skip('podman does not work here');
    const file = store.path('export.tar');
    await store.ok(['export', '--format', format, NAME, file]);
    assert.match(podman('load', '-q', '-i', file), new RegExp(`Loaded image: ${NAME}`));
    podman('save', '-q', '--format', `${format}-archive`, '-o', store.path('saved.tar'), NAME);
    const through = await cameBack(t, store.path('saved.tar'));
    assert.deepEqual([through.back.key, through.back.names, through.hash], [known.key, [NAME], hash]);
  });
}

test('an ACI goes out as OCI and comes back with the same tree', { skip: missing('skopeo') }, async (t) => {
  const store = new TestStore(t);
  const labels = { version: '1.0', os: 'linux', arch: 'amd64' };
  await store.ok(['import', store.aci('a.aci', { name: 'example.com/app', labels }, LOWER.slice(1))]);
  const paths = async (own: TestStore, image: string) => (await own.ok(['files', image])).stdout.toString();
  const before = await paths(store, 'example.com/app');
  await store.ok(['export', '--format', 'oci', 'example.com/app', store.path('out')]);
  run('skopeo', [
    'copy',
    '-q',
    `oci:${store.path('out')}:1.0`,
    `oci-archive:${store.path('on.tar')}:example.com/app:1.0`,
  ]);
  const again = new TestStore(t);
  await again.ok(['import', store.path('on.tar')]);
  assert.deepEqual((await only(again)).names, ['example.com/app:1.0']);
  assert.equal(await paths(again, 'example.com/app:1.0'), before);
});

test('an image goes out as an ACI that actool takes, and comes back', { skip: missing('actool') }, async (t) => {
  const { store } = await filled(t);
  await store.ok(['export', NAME, store.path('app.aci')]);
  run('actool', ['validate', store.path('app.aci')]);
  const again = new TestStore(t);
  await again.ok(['import', store.path('app.aci')]);
  const content = (own: TestStore, image: string) => own.ok(['files', image]).then(({ stdout }) => stdout.toString());
  assert.equal(await content(again, 'example.com/team/app:2.0'), await content(store, NAME));
  const [exported] = [
    await again.json<{ original: boolean }>(['export', 'example.com/team/app', store.path('same.aci')]),
  ];
  assert.equal(exported.original, true);
  assert.ok(fs.readFileSync(store.path('same.aci')).equals(fs.readFileSync(store.path('app.aci'))));
});
