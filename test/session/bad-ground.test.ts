/** Stores in bad places: a full or read-only file system, a newer format, no store at all, or no more links. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FORMAT_VERSION } from '../../engine/session/format.js';
import { aci } from '../fixtures/archive.js';
import { cairn, temporaryDirectory } from '../fixtures/cli.js';
import { filesOnly } from '../fixtures/stored-objects.js';

const MORE_THAN_EXT4_ALLOWS = 70_000;
const NEEDS_ROOT = process.geteuid?.() === 0 ? false : 'only root can mount';

/** A small file system for the test alone; `undefined`, with a visible skip, where mounting is not allowed. */
function mountTmpfs(t: TestContext, size: string, more = ''): string | undefined {
  const dir = fs.mkdtempSync(join(tmpdir(), 'cairn-test-'));
  t.after(() => {
    // lmdb keeps the data of a read-only file system open until its process ends.
    spawnSync('umount', ['--lazy', dir]);
    fs.rmdirSync(dir);
  });
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}${more}`, 'tmpfs', dir]).status !== 0) {
    t.skip('mounting is not allowed here');
    return undefined;
  }
  return dir;
}

function write(dir: string, name: string, bytes: Buffer): string {
  const path = join(dir, name);
  fs.writeFileSync(path, bytes);
  return path;
}

test('a full disk fails an import and keeps what was there; removing works on it', { skip: NEEDS_ROOT }, async (t) => {
  const dir = mountTmpfs(t, '24m');
  if (dir === undefined) return;
  const outside = temporaryDirectory(t);
  const store = join(dir, 'store');
  const small = write(outside, 'small.aci', aci({ name: 'example.com/small' }, [{ name: 'f', content: 'small' }]));
  const content = Buffer.alloc(30_000_000, 'x');
  const large = write(outside, 'large.aci', aci({ name: 'example.com/large' }, [{ name: 'f', content }]));
  assert.equal((await cairn(['import', small], { store })).code, 0);
  const refused = await cairn(['import', '--json', large], { store });
  assert.equal(refused.code, 1);
  assert.equal(refused.error().code, 'ERR_NO_SPACE');
  assert.equal(refused.error()['errno'], 'ENOSPC');
  assert.deepEqual(fs.readdirSync(join(store, 'staging')), []);
  fs.writeFileSync(join(dir, 'filler'), Buffer.alloc(1));
  const filler = fs.openSync(join(dir, 'filler'), 'a');
  assert.throws(() => {
    for (;;) fs.writeSync(filler, Buffer.alloc(4096));
  }, /ENOSPC/);
  fs.closeSync(filler);
  assert.equal((await cairn(['check'], { store })).code, 0);
  const pinned = await cairn(['pin', 'example.com/small'], { store });
  assert.equal(pinned.code, 0, pinned.stderr);
  const unpinned = await cairn(['unpin', 'example.com/small'], { store });
  assert.equal(unpinned.code, 0, unpinned.stderr);
  assert.equal((await cairn(['rm', 'example.com/small'], { store })).code, 0);
  assert.equal((await cairn(['gc', '--images', '--grace-period', '0s'], { store })).code, 0);
  assert.deepEqual((await cairn(['ls', '--json'], { store })).json(), []);
});

test('a read-only store is read, and not written', { skip: NEEDS_ROOT }, async (t) => {
  const dir = mountTmpfs(t, '64m');
  if (dir === undefined) return;
  const store = join(dir, 'store');
  const source = write(dir, 'app.aci', aci({ name: 'example.com/app' }, [{ name: 'f', content: 'f' }]));
  assert.equal((await cairn(['import', source], { store })).code, 0);
  assert.equal(spawnSync('mount', ['-o', 'remount,ro', dir]).status, 0);
  for (const args of [
    ['ls'],
    ['files', 'example.com/app'],
    ['check'],
    ['fsck'],
    ['du'],
    ['inspect', 'example.com/app'],
  ]) {
    assert.equal((await cairn(args, { store })).code, 0, args.join(' '));
  }
  for (const args of [['import', source], ['render', 'example.com/app'], ['gc'], ['rm', 'example.com/app']]) {
    const refused = await cairn([...args, '--json'], { store });
    assert.deepEqual([refused.code, refused.error().code], [1, 'ERR_READ_ONLY'], args.join(' '));
  }
});

test('a store of a newer version is refused', async (t) => {
  const store = join(temporaryDirectory(t), 'store');
  await cairn(['put', '-'], { store, input: Buffer.from('x') });
  fs.writeFileSync(join(store, 'cairn.json'), `{"format":${FORMAT_VERSION + 1}}\n`);
  const refused = await cairn(['ls', '--json'], { store });
  assert.deepEqual([refused.code, refused.error().code], [1, 'ERR_STORE_VERSION']);
});

test('settings may be there before the store is', async (t) => {
  const store = temporaryDirectory(t);
  fs.writeFileSync(join(store, 'cairn.toml'), 'workers = 1\n');
  const early = await cairn(['ls', '--json'], { store });
  assert.deepEqual([early.code, early.error().code], [3, 'ERR_NOT_FOUND']);
  assert.equal((await cairn(['put', '-'], { store, input: Buffer.from('x') })).code, 0);
  assert.equal((await cairn(['fsck'], { store })).code, 0);
  assert.equal(fs.readFileSync(join(store, 'cairn.toml'), 'utf8'), 'workers = 1\n');
});

test('a directory that is no store is refused and left alone', async (t) => {
  const store = temporaryDirectory(t);
  fs.writeFileSync(join(store, 'mine'), 'mine');
  const source = write(temporaryDirectory(t), 'app.aci', aci({ name: 'example.com/app' }));
  const refused = await cairn(['import', '--json', source], { store });
  assert.deepEqual([refused.code, refused.error().code], [1, 'ERR_NOT_A_STORE']);
  assert.deepEqual(fs.readdirSync(store), ['mine']);
});

test('where no more files fit, removing and collecting go on', { skip: NEEDS_ROOT }, async (t) => {
  const dir = mountTmpfs(t, '64m', ',nr_inodes=900');
  if (dir === undefined) return;
  const store = join(dir, 'store');
  const names = ['a', 'b', 'c'].map((name) => `example.com/${name}`);
  for (const name of names) {
    const source = write(temporaryDirectory(t), 'image.aci', aci({ name }, [{ name: 'f', content: name }]));
    assert.equal((await cairn(['import', source], { store })).code, 0);
    assert.equal((await cairn(['render', name], { store })).code, 0);
  }
  assert.throws(() => {
    for (let i = 0; ; i++) fs.writeFileSync(join(dir, `filler-${i}`), '');
  }, /ENOSPC/);
  for (const args of [
    ['tree', 'rm', 'example.com/a'],
    ['rm', 'example.com/b'],
    ['gc', '--images', '--grace-period', '0s'],
  ]) {
    const ran = await cairn(args, { store });
    assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`);
  }
  const fsck = (await cairn(['fsck', '--json'], { store })).json<{ ok: boolean; stray: string[] }>();
  assert.deepEqual([fsck.ok, fsck.stray], [true, []]);
  assert.deepEqual((await cairn(['ls', '--json'], { store })).json<string[]>(), []);
});

/** Gives a file as many further names as it can have, but for a few. @returns whether its file system has a limit */
function linkToTheLimit(file: string, dir: string, but: number): boolean {
  fs.mkdirSync(dir);
  let names = 0;
  try {
    for (; names < MORE_THAN_EXT4_ALLOWS; names++) fs.linkSync(file, join(dir, `${names}`));
    return false;
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'EMLINK');
  }
  for (let i = 1; i <= but; i++) fs.rmSync(join(dir, `${names - i}`));
  return true;
}

function filesBelow(dir: string): string[] {
  const found = fs.readdirSync(dir, { withFileTypes: true, recursive: true });
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

test('an object at the link limit of the file system gets a second copy', { skip: filesOnly }, async (t) => {
  const dir = temporaryDirectory(t);
  const store = join(dir, 'store');
  const entries = Array.from({ length: 500 }, (_none, i) => ({ name: `d${i % 64}/f${i}`, content: 'x' }));
  const source = write(dir, 'many.aci', aci({ name: 'example.com/many' }, entries));
  assert.equal((await cairn(['import', source], { store })).code, 0);
  const [object = ''] = filesBelow(join(store, 'objects'));
  const isLimited = linkToTheLimit(object, join(dir, 'links'), 200);
  const rendered = (await cairn(['render', '--json', 'example.com/many'], { store })).json<[{ files: number }]>();
  assert.equal(rendered[0].files, 500);
  assert.equal(filesBelow(join(store, 'objects')).length, isLimited ? 2 : 1);
  assert.equal((await cairn(['check'], { store })).code, 0);
  const linked = await cairn(['checkout', '--mode', 'link', 'example.com/many', join(dir, 'linked')], { store });
  assert.equal(linked.code, 0, linked.stderr);
  const fsck = (await cairn(['fsck', '--json'], { store })).json<{ ok: boolean; stray: string[] }>();
  assert.deepEqual([fsck.ok, fsck.stray], [true, []]);
  assert.equal((await cairn(['rm', 'example.com/many'], { store })).code, 0);
  assert.deepEqual(filesBelow(join(store, 'objects')), []);
});
