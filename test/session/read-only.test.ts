/** Reading leaves no trace, and writing is refused: `--read-only`, read-only mounts, stores of others. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openStore } from '../../engine/store.js';
import { cairn } from '../fixtures/cli.js';
import { type Json, TestStore } from '../fixtures/store.js';

const NEEDS_ROOT = process.geteuid?.() === 0 ? false : 'only root can mount, or be someone else';
const NOBODY = 65_534;

/** A store with an image that depends on another, its tree and a blob. */
async function filled(t: TestContext): Promise<{ s: TestStore; blob: string; tree: string }> {
  const s = new TestStore(t);
  await s.ok([
    'import',
    s.aci('base.aci', { name: 'example.com/base' }, [{ name: 'f', content: 'base' }]),
    s.aci('app.aci', { name: 'example.com/app', dependencies: [{ imageName: 'example.com/base' }] }),
  ]);
  const [{ treeId }] = await s.json<[Json]>(['render', 'example.com/app']);
  const { key } = await s.json(['put', s.write('blob', 'put by hand')]);
  return { s, blob: key as string, tree: treeId as string };
}

/** All commands that only read. Each succeeds. */
function readers(blob: string, tree: string, out: string): string[][] {
  return [
    ['ls'],
    ['inspect', 'example.com/app'],
    ['cat-manifest', 'example.com/app'],
    ['files', 'example.com/app'],
    ['cat', 'example.com/app', 'f'],
    ['check'],
    ['check', '--quick', tree],
    ['fsck'],
    ['du'],
    ['tree', 'ls'],
    ['tree', 'path', tree],
    ['tree', 'diff', 'example.com/base', 'example.com/app'],
    ['lease', 'ls'],
    ['export', 'example.com/app', join(out, 'aci')],
    ['export', 'example.com/app', join(out, 'tar'), '--format', 'tar'],
    ['export', 'example.com/app', '-', '--format', 'docker'],
    ['get', blob, '-'],
  ];
}

function writers(s: TestStore, blob: string, tree: string): string[][] {
  return [
    ['import', s.path('app.aci')],
    ['render', 'example.com/base'],
    ['checkout', 'example.com/app', s.path('out')],
    ['put', s.path('blob')],
    ['rm', 'example.com/app'],
    ['pin', 'example.com/app'],
    ['unpin', 'example.com/app'],
    ['lease', 'add', tree, '--ttl', '1h'],
    ['lease', 'rm', blob],
    ['tree', 'rm', tree],
    ['fsck', '--repair'],
    ['gc'],
  ];
}

/** Every path of the store: kind, mode, owner, inode, times of content and inode, bytes. */
function snapshot(root: string): string[] {
  const lines: string[] = [];
  const visit = (path: string): void => {
    const { mode, uid, ino, mtimeNs, ctimeNs } = fs.lstatSync(path, { bigint: true });
    const isFile = fs.lstatSync(path).isFile();
    const bytes = isFile ? createHash('sha512').update(fs.readFileSync(path)).digest('hex') : '';
    lines.push([path, mode, uid, ino, mtimeNs, ctimeNs, bytes].join(' '));
    if (fs.lstatSync(path).isDirectory()) for (const name of fs.readdirSync(path).sort()) visit(join(path, name));
  };
  visit(root);
  return lines;
}

const leftovers = (): string[] => fs.readdirSync(tmpdir()).filter((name) => name.startsWith('cairn-read-'));

test('--read-only reads all there is and leaves the store as it was, to the last time stamp', async (t) => {
  const { s, blob, tree } = await filled(t);
  fs.mkdirSync(s.path('out-dir'));
  const before = snapshot(s.store);
  assert.ok(before.some((line) => line.includes('lock.mdb')));
  for (const args of readers(blob, tree, s.path('out-dir'))) {
    await t.test(args.slice(0, 2).join(' '), async () => {
      await s.ok(['--read-only', ...args]);
      assert.deepEqual(snapshot(s.store), before);
    });
  }
  for (const args of writers(s, blob, tree)) {
    await t.test(`${args.slice(0, 2).join(' ')} is refused`, async () => {
      await s.refused(['--read-only', ...args], 'ERR_READ_ONLY', 1);
      assert.deepEqual(snapshot(s.store), before);
    });
  }
  await t.test('the program without the flag would not have: the snapshot sees a reader', async () => {
    await s.ok(['ls']);
    await s.ok(['check']);
    assert.notDeepEqual(snapshot(s.store), before);
  });
});

test('the library writes nothing either, and cleans up after itself', async (t) => {
  const { s, tree } = await filled(t);
  const before = snapshot(s.store);
  const store = await openStore({ dir: s.store, readOnly: true });
  const there = leftovers();
  assert.equal((await store.check()).ok, true);
  assert.equal(store.findTrees(tree).length, 1);
  await assert.rejects(store.put(s.path('blob')), { code: 'ERR_READ_ONLY' });
  await assert.rejects(store.import(s.path('app.aci')), { code: 'ERR_READ_ONLY' });
  await assert.rejects(store.fsck({ repair: true }), { code: 'ERR_READ_ONLY' });
  await store.close();
  assert.deepEqual(snapshot(s.store), before);
  assert.ok(leftovers().length < there.length, 'the directory beside is gone');
});

test('a reader says when someone wrote meanwhile', async (t) => {
  const { s } = await filled(t);
  const notices: string[] = [];
  const store = await openStore({ dir: s.store, readOnly: true, onNotice: (message) => notices.push(message) });
  await s.ok(['pin', 'example.com/app']);
  await store.close();
  assert.equal(notices.length, 1);
  assert.match(notices[0] as string, /someone wrote/);
});

test('a store that is not there is not made', async (t) => {
  const s = new TestStore(t);
  await s.refused(['--read-only', 'ls'], 'ERR_NOT_FOUND', 3);
  assert.equal(fs.existsSync(s.store), false);
});

test('all that reads works on a read-only bind mount', { skip: NEEDS_ROOT }, async (t) => {
  const { s, blob, tree } = await filled(t);
  const mount = fs.mkdtempSync(join(tmpdir(), 'cairn-mount-'));
  t.after(() => {
    // lmdb keeps the data of a read-only file system open until its process ends.
    spawnSync('umount', ['--lazy', mount]);
    fs.rmdirSync(mount);
  });
  fs.mkdirSync(s.path('out-dir'));
  if (spawnSync('mount', ['--bind', s.store, mount]).status !== 0) return t.skip('mounting is not allowed');
  if (spawnSync('mount', ['-o', 'remount,bind,ro', mount]).status !== 0) return t.skip('mounting is not allowed');
  const before = snapshot(s.store);
  for (const args of readers(blob, tree, s.path('out-dir'))) {
    const plain = await cairn(args, { store: mount });
    assert.equal(plain.code, 0, `${args.join(' ')}: ${plain.stderr}`);
  }
  assert.equal((await cairn(['--read-only', 'check'], { store: mount })).code, 0);
  assert.deepEqual(snapshot(s.store), before);
});

test('another user reads what modes allow', { skip: NEEDS_ROOT }, async (t) => {
  const { s, blob, tree } = await filled(t);
  fs.chmodSync(s.dir, 0o755);
  fs.mkdirSync(s.path('out-dir'), { mode: 0o777 });
  fs.chmodSync(s.path('out-dir'), 0o777);
  await t.test('nothing of a store as it is made', async () => {
    const refused = await s.run(['--read-only', 'ls', '--json'], { uid: NOBODY });
    assert.equal(refused.code, 1);
    assert.equal(refused.error().code, 'ERR_IO');
  });
  assert.equal(spawnSync('chmod', ['-R', 'a+rX', s.store]).status, 0);
  const before = snapshot(s.store);
  for (const args of readers(blob, tree, s.path('out-dir'))) {
    const ran = await s.run(['--read-only', ...args], { uid: NOBODY });
    assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`);
  }
  assert.deepEqual(snapshot(s.store), before);
});
