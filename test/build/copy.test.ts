/** Files that are copied into a working tree: where they get to, and what they are there. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fromText } from '../../engine/core/bytes.js';
import { fileKinds, mknod } from '../../engine/disk/native.js';
import { IS_ROOT, openBuilds, refused } from '../fixtures/builds.js';

const b = await openBuilds();
const { store } = b;

async function begin(): Promise<{ dir: string; root: string }> {
  const dir = b.fresh('build');
  const { path } = await store.beginBuild(dir);
  return { dir, root: path };
}

test('a file gets the name that is given, and missing directories that nobody can tell the day by', async () => {
  const { dir, root } = await begin();
  const file = join(b.tree({ f: 'text' }), 'f');
  fs.chmodSync(file, 0o640);
  fs.utimesSync(file, 1_500_000_000, 1_500_000_000);
  const copied = await store.copyIntoBuild(dir, [file], '/usr/share/app/name');
  assert.deepEqual([copied.files, copied.bytes], [1, 4]);
  const stat = fs.statSync(join(root, 'usr/share/app/name'));
  assert.deepEqual([stat.mode & 0o7777, stat.mtimeMs], [0o640, 1_500_000_000_000]);
  for (const made of ['', 'usr', 'usr/share', 'usr/share/app']) {
    const { mode, mtimeMs } = fs.statSync(join(root, made));
    assert.deepEqual([mode & 0o7777, mtimeMs], [0o755, 0], made);
  }
  await store.copyIntoBuild(dir, [file], 'usr/share/app/name');
  fs.symlinkSync('/etc/passwd', join(root, 'usr/link'));
  await store.copyIntoBuild(dir, [file], '/usr/link');
  assert.equal(fs.lstatSync(join(root, 'usr/link')).isFile(), true, 'a symlink is replaced');
});

test('a directory is copied with all that is in it', async () => {
  const { dir, root } = await begin();
  const source = b.tree({ 'd/f': 'f', 'd/empty': null, 'd/two': '2' });
  const inside = (name: string): string => join(source, 'd', name);
  fs.linkSync(inside('f'), inside('same'));
  fs.symlinkSync('/nowhere', inside('link'));
  mknod(fromText(inside('fifo')), fileKinds.fifo, 0o600, { devMajor: 0, devMinor: 0 });
  fs.chmodSync(inside('two'), IS_ROOT ? 0o6711 : 0o711);
  fs.chmodSync(inside('empty'), 0o555);
  if (IS_ROOT) fs.lchownSync(inside('two'), 12, 34);
  if (IS_ROOT) fs.chmodSync(inside('two'), 0o6711);
  fs.lutimesSync(inside('link'), 9, 9);
  fs.utimesSync(join(source, 'd'), 99.25, 99.25);
  await store.copyIntoBuild(dir, [join(source, 'd')], '/opt/d');
  const at = (name: string): string => join(root, 'opt/d', name);
  assert.deepEqual(fs.readdirSync(at('')).sort(), ['empty', 'f', 'fifo', 'link', 'same', 'two']);
  assert.equal(fs.statSync(at('f')).ino, fs.statSync(at('same')).ino);
  assert.equal(fs.readlinkSync(at('link')), '/nowhere');
  assert.equal(fs.lstatSync(at('link')).mtimeMs, 9000);
  assert.ok(fs.lstatSync(at('fifo')).isFIFO());
  assert.equal(fs.statSync(at('')).mtimeMs, 99_250);
  assert.equal(fs.statSync(at('empty')).mode & 0o777, 0o555);
  const { mode, uid, gid } = fs.statSync(at('two'));
  if (IS_ROOT) assert.deepEqual([mode & 0o7777, uid, gid], [0o6711, 12, 34]);
});

test('several are copied into a directory', async () => {
  const { dir, root } = await begin();
  const source = b.tree({ 'a/x': 'x', b: 'b' });
  await store.copyIntoBuild(dir, [`${source}/a/`, join(source, 'b')], '/etc', { toDirectory: true });
  await store.copyIntoBuild(dir, [join(source, 'b')], '/etc/a', { toDirectory: true });
  assert.deepEqual(fs.readdirSync(join(root, 'etc/a')).sort(), ['b', 'x']);
});

test('a path in the tree never leads out of it', async () => {
  const { dir, root } = await begin();
  const outside = b.tree({});
  const file = join(b.tree({ f: 'secret' }), 'f');
  fs.symlinkSync(outside, join(root, 'absolute'));
  fs.symlinkSync('../../../../../../..', join(root, 'up'));
  fs.symlinkSync('loop', join(root, 'loop'));
  await store.copyIntoBuild(dir, [file], '/absolute/one');
  await store.copyIntoBuild(dir, [file], '/up/two');
  await store.copyIntoBuild(dir, [file], '../../three');
  await store.copyIntoBuild(dir, [file], '/up/absolute', { toDirectory: true });
  assert.deepEqual(fs.readdirSync(outside), []);
  assert.ok(fs.existsSync(join(root, outside, 'one')), 'where a process of the image would find it');
  assert.ok(fs.existsSync(join(root, outside, 'f')));
  assert.ok(fs.existsSync(join(root, 'two')));
  assert.ok(fs.existsSync(join(root, 'three')));
  await refused(store.copyIntoBuild(dir, [file], '/loop/f'), 'ERR_USAGE', /round in circles/);
  await refused(store.copyIntoBuild(dir, [file], '/two/f'), 'ERR_USAGE', /is a file, no directory/);
});

test('what cannot be copied is refused, and nothing of it stays', async () => {
  const { dir, root } = await begin();
  const source = b.tree({ 'd/f': 'f', g: 'g' });
  const [d, g] = [join(source, 'd'), join(source, 'g')];
  await store.copyIntoBuild(dir, [d], '/d');
  await refused(store.copyIntoBuild(dir, [d], '/d'), 'ERR_EXISTS', /copy-to-dir/);
  await refused(store.copyIntoBuild(dir, [g], '/d'), 'ERR_EXISTS');
  await refused(store.copyIntoBuild(dir, [d], '/d/f'), 'ERR_EXISTS');
  await refused(store.copyIntoBuild(dir, [g], '/x/'), 'ERR_USAGE', /copy-to-dir/);
  await refused(store.copyIntoBuild(dir, [g], '/'), 'ERR_USAGE');
  await refused(store.copyIntoBuild(dir, [join(source, 'none')], '/x'), 'ERR_NOT_FOUND', /no such file or directory/);
  await refused(store.copyIntoBuild(dir, [b.dir], '/x'), 'ERR_USAGE', /lie in one another/);
  await refused(store.copyIntoBuild(b.tree({}), [g], '/x'), 'ERR_NOT_FOUND', /no build in/);
  await refused(store.copyIntoBuild(dir, [g], '/x', { signal: AbortSignal.abort() }), 'ERR_ABORTED');
  assert.deepEqual(fs.readdirSync(root), ['d']);
});
