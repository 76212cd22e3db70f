/** Directories that become images in one go: all that can be in one, and all that cannot. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fromText, toFsPath } from '../../engine/core/bytes.js';
import { fileKinds, mknod } from '../../engine/disk/native.js';
import { setXattr } from '../../engine/disk/xattrs.js';
import { IS_ROOT, openBuilds, pathsOf, refused, treeOf } from '../fixtures/builds.js';

const b = await openBuilds();
const { store } = b;

test('everything in a directory is in its image', async () => {
  const root = b.tree({ 'bin/app': 'x', sparse: '', 'line\nbreak': 'n', "it's": 'q', empty: null });
  const at = (name: string): string => join(root, name);
  fs.truncateSync(at('sparse'), 5_000_000);
  fs.linkSync(at('bin/app'), at('bin/same'));
  fs.symlinkSync('loop', at('loop'));
  fs.symlinkSync('.', at('here'));
  fs.writeFileSync(toFsPath(`${fromText(root)}/\xff\xfe`), 'no text');
  mknod(fromText(at('fifo')), fileKinds.fifo, 0o600, { devMajor: 0, devMinor: 0 });
  if (IS_ROOT) mknod(fromText(at('null')), fileKinds.char, 0o666, { devMajor: 1, devMinor: 3 });
  setXattr(fromText(at('bin/app')), { name: 'user.note', value: Buffer.from([0, 1, 255]) });
  fs.chmodSync(at('bin/app'), 0o4755);
  fs.utimesSync(at('empty'), 4_000_000_000.5, 4_000_000_000.5);
  for (const format of ['aci', 'oci'] as const) {
    const name = format === 'aci' ? 'example.com/all:1' : 'all:1';
    const { key, labels, skipped, objects } = await store.importDirectory(root, { name, format });
    assert.deepEqual([labels['version'], skipped], ['1', []]);
    assert.ok(objects.new + objects.shared >= 5);
    const files = new Map((await treeOf(store, key)).map((file) => [file.path, file]));
    assert.deepEqual(files.get('bin/same')?.group, 'bin/app');
    assert.deepEqual(files.get('bin/app')?.mode, '4755');
    assert.deepEqual(files.get('bin/app')?.xattrs, { 'user.note': Buffer.from([0, 1, 255]).toString('base64') });
    assert.deepEqual(files.get('loop')?.link, 'loop');
    assert.deepEqual(files.get('sparse')?.size, 5_000_000);
    assert.deepEqual(files.get('fifo')?.type, 'fifo');
    assert.deepEqual(files.get('empty')?.mtime, 4_000_000_000.5);
    if (IS_ROOT) assert.deepEqual(files.get('null')?.dev, { major: 1, minor: 3 });
    assert.ok([...files.values()].some(({ pathBase64 }) => pathBase64 === Buffer.from([255, 254]).toString('base64')));
    assert.equal(files.size, IS_ROOT ? 13 : 12);
  }
});

test('sockets are passed over, and told', async (t) => {
  const root = b.tree({ f: 'x' });
  const server = createServer().listen(join(root, 'socket'));
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => server.close());
  const { key, skipped } = await store.importDirectory(root, { name: 'example.com/socket' });
  assert.deepEqual(skipped, ['socket']);
  assert.deepEqual(await pathsOf(store, key), ['.', 'f']);
  assert.ok(b.notices.some((text) => /socket is a socket/.test(text)));
});

test('an ACI that is unpacked has its own manifest and name', async () => {
  const manifest = {
    acKind: 'ImageManifest',
    acVersion: '0.8.11',
    name: 'example.com/own',
    labels: [{ name: 'version', value: '7' }],
  };
  const dir = b.tree({ manifest: JSON.stringify(manifest), 'rootfs/f': 'f' });
  const made = await store.importDirectory(dir);
  assert.deepEqual([made.name, made.labels, made.format], ['example.com/own', { version: '7' }, 'aci']);
  assert.deepEqual(await pathsOf(store, made.key), ['.', 'f']);
  fs.writeFileSync(join(dir, 'more'), '');
  await refused(store.importDirectory(dir), 'ERR_BAD_ARCHIVE', /nothing may stand/);
  const broken = b.tree({ manifest: '{}', 'rootfs/f': 'f' });
  await refused(store.importDirectory(broken), 'ERR_BAD_MANIFEST', /ACKind must be set/);
});

test('all files can be given to root', { skip: !IS_ROOT && 'needs root' }, async () => {
  const root = b.tree({ f: 'x' });
  fs.lchownSync(join(root, 'f'), 5, 6);
  const owners = async (options: object): Promise<unknown> => {
    const { key } = await store.importDirectory(root, { name: 'example.com/owned', ...options });
    return (await treeOf(store, key)).map(({ uid, gid }) => [uid, gid]).at(-1);
  };
  assert.deepEqual(await owners({}), [5, 6]);
  assert.deepEqual(await owners({ ownerRoot: true }), [0, 0]);
});

test('what is no such directory is refused', async () => {
  const layout = b.fresh('layout');
  fs.mkdirSync(layout);
  fs.writeFileSync(join(layout, 'oci-layout'), '{}');
  await refused(store.importDirectory(layout, { name: 'x' }), 'ERR_USAGE', /image layout/);
  await refused(store.importDirectory(b.fresh('none'), { name: 'x' }), 'ERR_NOT_FOUND');
  await refused(store.importDirectory(b.dir, { name: 'x' }), 'ERR_USAGE', /lie in one another/);
  await refused(store.importDirectory(b.tree({})), 'ERR_USAGE', /needs a name/);
  const build = b.fresh('build');
  await store.beginBuild(build);
  await refused(store.importDirectory(build, { name: 'x' }), 'ERR_USAGE', /is a build/);
  await refused(store.importDirectory(b.tree({ '.wh.x': '' }), { name: 'x', format: 'oci' }), 'ERR_UNSUPPORTED');
  assert.ok((await store.importDirectory(b.tree({ '.wh.x': '' }), { name: 'example.com/wh' })).key);
});

test('a file that changes while it is read is told of by its path', async () => {
  const root = b.tree({ a: 'x'.repeat(100), 'd/large': 'y'.repeat(30_000_000), z: 'z' });
  const large = join(root, 'd/large');
  const growing = setInterval(() => fs.appendFileSync(large, 'more'), 1);
  try {
    await refused(store.importDirectory(root, { name: 'example.com/changing' }), 'ERR_IO', /d\/large changed while/);
  } finally {
    clearInterval(growing);
  }
  await refused(store.inspect('example.com/changing'), 'ERR_NOT_FOUND');
});
