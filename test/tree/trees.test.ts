/** Trees and what is in them: `render`, `checkout`, `tree`, `files`, `cat`, `lease`. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hasShape, type Json, TestStore } from '../fixtures/store.js';

const AS_ROOT = process.geteuid?.() === 0;
const TREE = { treeId: 'string', path: 'string', hash: 'key', files: 'number', bytes: 'number' } as const;

/** A store with `example.com/app`, versions 1 and 2. */
async function appStore(t: TestContext): Promise<TestStore> {
  const s = new TestStore(t);
  const common = [
    { name: 'etc', flag: '5', mode: 0o750, mtime: 7 },
    { name: 'etc/name', content: 'app\n', mtime: 1_700_000_000 },
    { name: 'etc/also', flag: '1', link: 'etc/name' },
    { name: 'etc/abs', flag: '2', link: '/etc/name' },
    { name: 'lib', flag: '2', link: '/etc' },
    { name: 'up', flag: '2', link: '../../../lib/name' },
    { name: 'loop', flag: '2', link: 'loop' },
    { name: 'pipe', flag: '6' },
  ];
  const one = [...common, { name: 'old', content: 'old' }, { name: 'v', content: '1', mode: 0o4755 }];
  const two = [...common, { name: 'new', content: 'new' }, { name: 'v', content: '2', mode: 0o755 }];
  const sources = [one, two].map((entries, i) =>
    s.aci(`v${i + 1}.aci`, { name: 'example.com/app', labels: { version: `${i + 1}` } }, entries),
  );
  await s.ok(['import', ...sources]);
  return s;
}

test('render and tree', async (t) => {
  const s = await appStore(t);
  let path = '';
  let treeId = '';

  await t.test('tree path of what is not rendered is not found', async () => {
    await s.refused(['tree', 'path', 'example.com/app:1'], 'ERR_NOT_FOUND', 3);
  });
  await t.test('render gives a record for each image', async () => {
    const trees = await s.json<[Json, Json]>(['render', '--mode', 'link', 'example.com/app:1', 'example.com/app:2']);
    assert.equal(trees.length, 2);
    hasShape(trees[0], {
      ...TREE,
      image: 'key',
      uniqueBytes: 'number',
      mode: 'string',
      existed: 'boolean',
      ms: 'number',
    });
    assert.equal(trees[0]['existed'], false);
    assert.equal(trees[0]['mode'], 'link');
    assert.deepEqual([trees[0]['files'], trees[0]['bytes']], [4, 8]);
    treeId = trees[0]['treeId'] as string;
    path = trees[0]['path'] as string;
    assert.equal(fs.readFileSync(join(path, 'etc/name'), 'utf8'), 'app\n');
    assert.equal(fs.statSync(join(path, 'etc')).mtimeMs, 7000);
  });
  await t.test('to people it gives the path, and finds the tree the second time', async () => {
    assert.equal((await s.ok(['render', '--mode', 'link', 'example.com/app:1'])).stdout.toString(), `${path}\n`);
    assert.equal((await s.json<[Json]>(['render', '--mode', 'link', 'example.com/app:1']))[0]['existed'], true);
  });
  await t.test('--rebuild makes it anew, in the mode that is asked for', async () => {
    const [tree] = await s.json<[Json]>(['render', '--rebuild', '--mode', 'copy', 'example.com/app:2']);
    assert.equal(tree['existed'], false);
    assert.equal(tree['mode'], 'copy');
    assert.equal(tree['uniqueBytes'], tree['bytes']);
  });
  await t.test('tree ls gives a record for each tree', async () => {
    const trees = await s.json<Json[]>(['tree', 'ls']);
    assert.equal(trees.length, 2);
    for (const tree of trees) hasShape(tree, { ...TREE, image: 'string?', renderedAt: 'time', lastUsed: 'time' });
  });
  await t.test('tree path takes an image, a tree id or a prefix of one', async () => {
    for (const argument of ['example.com/app:1', treeId, treeId.slice(0, 20)]) {
      assert.equal((await s.ok(['tree', 'path', argument])).stdout.toString(), `${path}\n`);
    }
  });
  await t.test('tree diff tells what was added, removed and changed, in order of paths', async () => {
    const differences = await s.json<(Json & { before: Json | null; after: Json | null })[]>([
      ...['tree', 'diff', 'example.com/app:1', 'example.com/app:2'],
    ]);
    assert.deepEqual(
      differences.map(({ path, change, before, after }) => [path, change, before?.['mode'], after?.['mode']]),
      [
        ['new', 'added', undefined, '0644'],
        ['old', 'removed', '0644', undefined],
        ['v', 'changed', '4755', '0755'],
      ],
    );
    assert.deepEqual(await s.json(['tree', 'diff', 'example.com/app:1', 'example.com/app:1']), []);
  });
  await t.test('a lease holds a tree until it is let go', async () => {
    const lease = await s.json(['lease', 'add', treeId, '--ttl', '1h', '--holder', 'tests']);
    hasShape(lease, { id: 'string', tree: 'string', holder: 'string', createdAt: 'time', expiresAt: 'time' });
    assert.equal(Date.parse(lease['expiresAt'] as string) - Date.parse(lease['createdAt'] as string), 3_600_000);
    assert.deepEqual(await s.json(['lease', 'ls']), [lease]);
    const ids = (await s.json<Json[]>(['tree', 'ls'])).map((tree) => tree['treeId'] as string);
    await s.refused(['tree', 'rm', ...ids.filter((id) => id !== treeId), treeId], 'ERR_HELD', 1);
    assert.equal((await s.json<Json[]>(['tree', 'ls'])).length, 2, 'all or none are removed');
    await s.refused(['rm', 'example.com/app:1'], 'ERR_HELD', 1);
    assert.deepEqual(await s.json(['lease', 'rm', lease['id'] as string]), [lease]);
    assert.deepEqual(await s.json(['lease', 'ls']), []);
    await s.refused(['lease', 'rm', lease['id'] as string], 'ERR_NOT_FOUND', 3);
  });
  await t.test('tree rm takes the tree and leaves the image', async () => {
    assert.equal((await s.json<[Json]>(['tree', 'rm', treeId]))[0]['treeId'], treeId);
    assert.equal(fs.existsSync(path), false);
    await s.refused(['tree', 'path', treeId], 'ERR_NOT_FOUND', 3);
    await s.ok(['inspect', 'example.com/app:1']);
    assert.equal((await s.json<Json[]>(['tree', 'ls'])).length, 1);
  });
});

test('checkout', async (t) => {
  const s = await appStore(t);
  const out = s.path('out');
  await t.test('puts manifest and rootfs at DIR', async () => {
    const [made] = await s.json<[Json]>(['checkout', 'example.com/app:1', out]);
    hasShape(made, { ...TREE, dir: 'string', mode: 'string' });
    assert.equal(made['dir'], out);
    assert.equal(made['path'], join(out, 'rootfs'));
    assert.deepEqual(fs.readdirSync(out).sort(), ['manifest', 'rootfs']);
    assert.equal(JSON.parse(fs.readFileSync(join(out, 'manifest'), 'utf8')).name, 'example.com/app');
  });
  await t.test('its files are its own: links share an inode with each other, not with the store', () => {
    const name = fs.statSync(join(out, 'rootfs/etc/name'));
    assert.equal(name.nlink, 2);
    assert.equal(fs.statSync(join(out, 'rootfs/etc/also')).ino, name.ino);
  });
  await t.test('is refused where something is, and leaves it', async () => {
    const error = await s.refused(['checkout', 'example.com/app:2', out], 'ERR_EXISTS', 1);
    assert.equal(error.path, out);
    assert.equal(fs.readFileSync(join(out, 'rootfs/v'), 'utf8'), '1');
  });
  await t.test('--force replaces it', async () => {
    await s.ok(['checkout', '--force', 'example.com/app:2', out]);
    assert.equal(fs.readFileSync(join(out, 'rootfs/v'), 'utf8'), '2');
  });
  await t.test('--rootfs-only puts the root itself at DIR, also over an empty directory', async () => {
    const root = s.path('root');
    fs.mkdirSync(root);
    const [made] = await s.json<[Json]>(['checkout', '--rootfs-only', 'example.com/app:1', root]);
    assert.equal(made['path'], root);
    assert.equal(fs.readFileSync(join(root, 'v'), 'utf8'), '1');
  });
  await t.test('--mode link says that it is for reading only', async () => {
    const linked = await s.ok(['checkout', '--mode', 'link', 'example.com/app:1', s.path('linked')]);
    assert.match(linked.stderr, /do not write/);
  });
  await t.test('--uid-shift moves every owner', { skip: AS_ROOT ? false : 'needs root' }, async () => {
    const shifted = s.path('shifted');
    await s.ok(['checkout', '--uid-shift', '100000', 'example.com/app:1', shifted]);
    for (const name of ['', 'etc', 'etc/name', 'lib', 'pipe', 'v']) {
      const { uid, gid } = fs.lstatSync(join(shifted, 'rootfs', name));
      assert.deepEqual([uid, gid], [100_000, 100_000], name);
    }
    assert.equal(fs.statSync(join(shifted, 'rootfs/v')).mode & 0o7777, 0o4755);
  });
  await t.test('--uid-shift leads to no owner that cannot be', async () => {
    await s.refused(['checkout', '--uid-shift', '4294967295', 'example.com/app:1', s.path('far')], 'ERR_USAGE', 2);
  });
  await t.test('a directory whose parent is missing is not found', async () => {
    await s.refused(['checkout', 'example.com/app:1', s.path('no/where')], 'ERR_NOT_FOUND', 3);
  });
  await t.test('nothing is left beside any of them, and the store checks clean', async () => {
    assert.deepEqual(
      fs.readdirSync(s.dir).filter((name) => name.startsWith('.')),
      [],
    );
    assert.equal((await s.json(['check']))['ok'], true);
  });
});

test('files and cat', async (t) => {
  const s = await appStore(t);
  await t.test('files gives a JSON line for each path, in byte order, without rendering', async () => {
    const text = (await s.ok(['files', '--json', 'example.com/app:1'])).stdout.toString();
    const files = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Json);
    const paths = files.map(({ path }) => path);
    assert.deepEqual(paths, ['.', 'etc', 'etc/abs', 'etc/also', 'etc/name', 'lib', 'loop', 'old', 'pipe', 'up', 'v']);
    const { layer, ...v } = files.at(-1) as Json;
    assert.match(layer as string, /^sha512-/);
    const key = `sha512-4dff4ea340f0a823f15d3f4f01ab62eae0e5da579ccb851f8db9dfe84c58b2b37b89903a740e1ee172da793a6e79d560e5f7f9bd058a12a280433ed6fa46510a`;
    assert.deepEqual(v, { path: 'v', type: 'file', mode: '4755', uid: 0, gid: 0, mtime: 0, size: 1, key });
    const [also, name] = files.filter(({ group }) => group === 'etc/also');
    assert.deepEqual([also?.['path'], name?.['path'], name?.['mtime']], ['etc/also', 'etc/name', 1_700_000_000]);
    assert.equal(files.find(({ path }) => path === 'lib')?.['link'], '/etc');
    assert.deepEqual(await s.json(['tree', 'ls']), []);
  });
  for (const [behaviour, path] of [
    ['a file', 'etc/name'],
    ['a path with slashes around it', '/etc//name'],
    ['a hard link', 'etc/also'],
    ['through an absolute symlink, from the root of the image', 'etc/abs'],
    ['through a symlinked directory', 'lib/name'],
    ['a symlink that climbs, inside the root', 'up'],
    ['dots', 'lib/../etc/./name'],
  ] as const) {
    await t.test(`cat gives ${behaviour}`, async () => {
      assert.equal((await s.ok(['cat', 'example.com/app:1', path])).stdout.toString(), 'app\n');
    });
  }
  for (const [behaviour, path] of [
    ['what is not there', 'nothing'],
    ['a directory', 'etc'],
    ['a loop', 'loop'],
  ] as const) {
    await t.test(`cat of ${behaviour} is not found`, async () => {
      await s.refused(['cat', 'example.com/app:1', path], 'ERR_NOT_FOUND', 3);
    });
  }
});
