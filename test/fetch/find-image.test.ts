/** What commands take for an image: by scheme, by path, by name, from a registry, from the store's remote. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { tar } from '../fixtures/archive.js';
import { TestServer } from '../fixtures/https-server.js';
import { dockerArchive, HOST, indexOf, MEDIA, ociLayout } from '../fixtures/oci.js';
import { TestRegistry } from '../fixtures/registry-server.js';
import { TestStore } from '../fixtures/store.js';
import { objectWith, spoilObject } from '../fixtures/stored-objects.js';

const layer = (name: string): Buffer => tar([{ name, content: name }]);

interface Listed {
  key: string;
  names: string[];
}

const list = (store: TestStore): Promise<Listed[]> => store.json(['ls']);
const filesOf = async (store: TestStore, ...args: string[]): Promise<string> =>
  (await store.ok(['files', ...args])).stdout.toString();

test('schemes say what an argument is, in every command', async (t) => {
  const store = new TestStore(t);
  ociLayout(store.path('lay'), [{ ref: 'v1', layers: [layer('in-layout')] }]);
  store.write('saved.tar', dockerArchive([{ ref: 'app:1', layers: [layer('in-archive')] }], { old: true }));
  const app = store.aci('app.aci', { name: 'example.com/app' }, [{ name: 'in-aci' }]);
  await store.ok(['import', app]);
  assert.match(await filesOf(store, `oci:${store.path('lay')}`), /in-layout/);
  assert.match(await filesOf(store, `oci:${store.path('lay')}:v1`), /in-layout/);
  assert.match(await filesOf(store, `docker-archive:${store.path('saved.tar')}:app:1`), /in-archive/);
  assert.match(await filesOf(store, `file://${app}`), /in-aci/);
  await store.ok(['render', `oci:${store.path('lay')}`]);
  await store.refused(['files', `oci:${store.path('nothing')}`], 'ERR_NOT_FOUND', 3);
  await store.refused(['files', 'gopher://example.com/app'], 'ERR_NAME_SYNTAX', 1);
});

test('a name of the store wins over a scheme that looks like it, and --type over both', async (t) => {
  const store = new TestStore(t);
  ociLayout(store.path('one'), [{ ref: 'x', layers: [layer('one')] }]);
  ociLayout(store.path('1'), [{ ref: 'x', layers: [layer('other')] }]);
  await store.ok(['import', store.path('one'), '--name', 'oci:1']);
  const within = { cwd: store.dir };
  assert.match((await store.ok(['files', 'oci:1'], within)).stdout.toString(), / one$/m);
  assert.match((await store.ok(['--type', 'oci', 'files', 'oci:1'], within)).stdout.toString(), / other$/m);
  // A path that exists is one, unless it is said to be a name.
  await store.ok(['tag', 'oci:1', 'app']);
  fs.cpSync(store.path('1'), store.path('app'), { recursive: true });
  assert.match((await store.ok(['files', 'app'], within)).stdout.toString(), / other$/m);
  assert.match((await store.ok(['--type', 'name', 'files', 'app'], within)).stdout.toString(), / one$/m);
});

test('--pull says when a registry is asked', async (t) => {
  const store = new TestStore(t);
  const registry = await TestRegistry.start(t);
  const ref = `docker://${registry.host}/team/app:1`;
  registry.hold(store.path('first'), 'team/app', '1', { layers: [layer('first')] });
  await store.refused(['render', '--pull', 'never', ref], 'ERR_NOT_FOUND', 3);
  await store.refused(['files', ref], 'ERR_NOT_FOUND', 3);
  assert.equal(registry.asked.length, 0);
  const treeOf = async (...args: string[]): Promise<string[]> => {
    const [tree] = await store.json<[{ path: string }]>(['render', ...args]);
    return fs.readdirSync(tree.path);
  };
  assert.deepEqual(await treeOf(ref), ['first']);
  const asked = registry.asked.length;
  registry.hold(store.path('second'), 'team/app', '1', { layers: [layer('second')] });
  assert.deepEqual(await treeOf(ref), ['first']);
  assert.deepEqual(await treeOf(`${registry.host}/team/app:1`), ['first']);
  assert.match(await filesOf(store, ref), / first$/m);
  assert.equal(registry.asked.length, asked, 'what is here is not asked for');
  assert.deepEqual(await treeOf('--pull', 'always', ref), ['second']);
  assert.deepEqual(await treeOf('--pull', 'never', ref), ['second']);
  const names = (await list(store)).flatMap((image) => image.names);
  assert.deepEqual(names, [`${registry.host}/team/app:1`]);
  const checkout = store.path('out');
  await store.ok(['checkout', '--pull', 'always', '--rootfs-only', `${registry.host}/team/app:1`, checkout]);
  assert.deepEqual(fs.readdirSync(checkout), ['second']);
});

test('what a fetch can be told, a render and a checkout that fetch can be told, too', async (t) => {
  const store = new TestStore(t);
  const registry = await TestRegistry.start(t, { auth: 'basic', users: { me: 'hunter2' } });
  const other = { os: 'linux', architecture: 's390x' };
  const images = [HOST, other].map((platform) => {
    const dir = store.path(platform.architecture);
    const spec = { layers: [layer(platform.architecture)], platform };
    const digest = registry.hold(dir, 'team/app', platform.architecture, spec);
    const size = registry.manifests.get(`team/app ${digest}`)?.bytes.length ?? 0;
    return { mediaType: MEDIA.manifest, digest, size, platform };
  });
  registry.say('team/app', '1', indexOf(images), MEDIA.index);
  const ref = `docker://${registry.host}/team/app:1`;
  const auths = { [registry.host]: { auth: Buffer.from('me:hunter2').toString('base64') } };
  const authfile = store.write('auth.json', JSON.stringify({ auths }));
  fs.chmodSync(authfile, 0o600);
  const own = { env: { HOME: store.dir, XDG_RUNTIME_DIR: store.dir, REGISTRY_AUTH_FILE: '' } };
  await store.refused(['render', ref], 'ERR_UNAUTHORIZED', 1, own);
  const filesIn = async (...args: string[]): Promise<string[]> => {
    const ran = await store.ok(['render', '--json', '--authfile', authfile, ...args], own);
    return fs.readdirSync(ran.json<[{ path: string }]>()[0].path);
  };
  assert.deepEqual(await filesIn(ref), [HOST.architecture]);
  const asked = registry.asked.length;
  await store.refused(['render', '--pull', 'never', '--platform', 'linux/s390x', ref], 'ERR_NOT_FOUND', 3, own);
  assert.equal(registry.asked.length, asked);
  // The one that is here is for another platform.
  assert.deepEqual(await filesIn('--platform', 'linux/s390x', ref), ['s390x']);
  const out = store.path('out');
  const lax = ['--insecure-options', 'image', '--platform', 'linux/s390x', '--pull', 'always', '--authfile', authfile];
  const ran = await store.ok(['checkout', ...lax, '--rootfs-only', ref, out], own);
  assert.match(ran.stderr, /signatures of images are not checked, nor is the policy/);
  assert.deepEqual(fs.readdirSync(out), ['s390x']);
  const foreign = await store.json<Listed[]>(['fetch', '--pull', 'never', '--platform', 'linux/s390x', ref]);
  assert.notEqual(foreign[0]?.key, (await store.json<Listed>(['inspect', ref])).key);
});

test('what looks like a key is never fetched', async (t) => {
  const store = new TestStore(t);
  await store.ok(['import', store.aci('app.aci', { name: 'example.com/app' })]);
  for (const key of ['sha512-0123', `sha256:${'a'.repeat(64)}`])
    await store.refused(['render', '--pull', 'always', key], 'ERR_NOT_FOUND', 3);
});

test('a store reads through to its remote: names, keys, digests, dependencies, lost parts', async (t) => {
  const registry = await TestRegistry.start(t);
  const remote = `docker://${registry.host}/fleet`;
  const full = new TestStore(t);
  const library = { name: 'example.com/library', labels: { version: '1' } };
  const dependencies = [{ imageName: library.name, labels: [{ name: 'version', value: '1' }] }];
  ociLayout(full.path('lay'), [{ ref: 'v1', layers: [layer('base'), layer('top')] }]);
  await full.ok([
    ...['import', '--keep-archive', full.path('lay')],
    full.aci('library.aci', library, [{ name: 'library', content: 'library' }]),
    full.aci('app.aci', { name: 'example.com/app', labels: { version: 'a/b', os: 'linux' }, dependencies }, [
      { name: 'app' },
    ]),
  ]);
  const pushed = await full.json<{ ref: string; pushedBytes: number }[]>(['push', '--all', remote]);
  assert.ok(pushed.some(({ ref }) => ref === `${registry.host}/fleet/lay:v1`));
  const again = await full.json<{ pushedBytes: number }[]>(['push', '--all', remote]);
  assert.equal(
    again.reduce((sum, each) => sum + each.pushedBytes, 0),
    0,
  );
  const images = await list(full);
  for (const image of images) {
    for (const argument of [image.key, ...image.names]) {
      const store = new TestStore(t);
      const [tree] = await store.json<[{ image: string; path: string }]>(['--remote', remote, 'render', argument]);
      assert.equal(tree.image, image.key, argument);
    }
  }
  const app = images.find(({ names }) => names[0]?.startsWith('example.com/app') === true) as Listed;
  const store = new TestStore(t);
  await store.ok(['--remote', remote, 'render', app.key]);
  assert.equal((await list(store)).length, 2, 'the dependency came, too');
  // An object is lost, found missing, and comes back with the next use.
  spoilObject(objectWith(store.store, 'library'));
  await store.run(['fsck', '--repair']);
  assert.equal((await store.run(['cat', 'example.com/library:1', 'library'])).code, 1);
  const { stdout } = await store.ok(['--remote', remote, 'cat', 'example.com/library:1', 'library']);
  assert.equal(stdout.toString(), 'library');
});

test('a remote that is away, or lies, gives an error of its own and nothing else', async (t) => {
  const registry = await TestRegistry.start(t);
  const store = new TestStore(t);
  await store.ok(['import', store.aci('app.aci', { name: 'example.com/app' })]);
  // It answers, but not as registries do: of what does not answer at all it would be asked again.
  const none = (await TestServer.start(t)).serve('/v2/', { status: 400 });
  const away = await store.run(['--remote', `docker://${none.host}/fleet`, 'files', 'nothing:1']);
  assert.equal(away.code, 3);
  assert.ok(away.stderr.includes(none.host), away.stderr);
  await store.ok(['--remote', `docker://${none.host}/fleet`, 'files', 'example.com/app']);
  const key = `sha512-${'0'.repeat(128)}`;
  registry.hold(store.path('lay'), 'fleet/cairn-images', '0'.repeat(128), { layers: [layer('lie')] });
  const lied = await store.refused(
    ['--remote', `docker://${registry.host}/fleet`, 'files', key],
    'ERR_DIGEST_MISMATCH',
    1,
  );
  assert.match(lied.message, /sha512-0000/);
  assert.equal((await list(store)).length, 1);
  await store.refused(['--remote', 'registry.example.com', 'files', 'nothing:1'], 'ERR_USAGE', 2);
});
