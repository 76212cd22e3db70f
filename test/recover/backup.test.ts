/** A backup is a complete store, whatever happens to its source meanwhile or later. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { newObjects, releaseObjects, retainObjects } from '../../engine/index/objects.js';
import type { BackedUp } from '../../engine/recover/backup.js';
import { openContext } from '../../engine/session/open.js';
import { openStore, Store } from '../../engine/store.js';
import { cloneBlobs } from '../../workers/files/clone.js';
import { killedAt } from '../fixtures/cli.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { type Json, madeOnce, TestStore } from '../fixtures/store.js';
import { inPacks, loseObject, objectsOf, type StoredObject } from '../fixtures/stored-objects.js';
import { stride } from '../fixtures/whole.js';

keepThreads();

const AT = { mtime: 1_700_000_000 };
const SHM = '/dev/shm';
const NEEDS_SHM =
  fs.existsSync(SHM) && fs.statSync(SHM).dev !== fs.statSync('/tmp').dev ? false : `${SHM} is no other file system`;

const storeWithImages = madeOnce(async (s) => {
  await s.ok([
    'import',
    s.aci('base.aci', { name: 'example.com/base' }, [
      { name: 'f', content: 'base\n', ...AT },
      { name: 'su', content: 'su\n', mode: 0o4755, ...AT },
      { name: 'x', content: 'x\n', pax: { 'SCHILY.xattr.user.mark': 'a', mtime: '1700000000.25' } },
    ]),
    s.aci('app.aci', { name: 'example.com/app', dependencies: [{ imageName: 'example.com/base' }] }, [
      { name: 'app', content: 'app\n', ...AT },
    ]),
  ]);
  await s.ok(['render', '--mode', 'link', 'example.com/app']);
  await s.ok(['put', s.write('blob', 'any bytes\n')]);
  await s.ok(['pin', 'example.com/base']);
});

/** Packs are copied whole: the store may go on and append to them. */
const packsIn = (s: TestStore): number => (inPacks ? fs.readdirSync(join(s.store, 'packs')).length : 0);

/** The store has no damage, no unlisted files and no trees. */
async function isSound(dir: string): Promise<void> {
  await using store = await openStore({ dir, workers: 1 });
  const { ok, missing, stray, miscounted, checked } = await store.fsck();
  assert.deepEqual({ ok, missing, stray, miscounted }, { ok: true, missing: [], stray: [], miscounted: [] });
  assert.equal(checked.trees, 0);
  assert.deepEqual((await store.check()).damaged, []);
}

test('on the same file system a backup shares its files, and outlives what is removed from the store', async (t) => {
  const { s } = await storeWithImages(t);
  const dest = s.path('backup');
  const made = await s.json<BackedUp>(['backup', dest]);
  const { images, layers, objects, blobs, linked, copied } = made;
  const packs = packsIn(s);
  assert.deepEqual([made.dest, images, layers, objects, copied], [dest, 2, 2, 4, packs]);
  assert.equal(linked, inPacks ? blobs : objects + blobs);
  assert.ok(made.bytes > 0);
  assert.equal(objectsOf(dest).length, 4);
  const before = (await s.json<Json[]>(['ls'])).map(({ treeSize: _size, ...image }) => image);
  await s.ok(['rm', '--force', 'example.com/app', 'example.com/base']);
  await s.ok(['gc', '--images', '--grace-period', '0']);
  assert.deepEqual(objectsOf(s.store), []);
  await isSound(dest);
  const images2 = (await s.run(['--store', dest, 'ls', '--json'])).json<Json[]>();
  assert.deepEqual(
    images2.map(({ treeSize: _size, ...image }) => image),
    before,
  );
  const ran = await s.ok(['--store', dest, 'render', '--mode', 'link', 'example.com/app', '--json']);
  const [tree] = ran.json<[{ path: string }]>();
  assert.equal(fs.readFileSync(join(tree.path, 'f'), 'utf8'), 'base\n');
});

test('on another file system files are copied with all of their metadata', { skip: NEEDS_SHM }, async (t) => {
  const { s } = await storeWithImages(t);
  const parent = fs.mkdtempSync(join(SHM, 'cairn-test-'));
  t.after(() => fs.rmSync(parent, { recursive: true, force: true }));
  const dest = join(parent, 'backup');
  const { objects, blobs, linked, copied } = await s.json<BackedUp>(['backup', dest]);
  assert.deepEqual([linked, copied], [0, (inPacks ? packsIn(s) : objects) + blobs]);
  await isSound(dest);
});

test('settings go with the store, but not what a link leads to', async (t) => {
  const { s } = await storeWithImages(t);
  const [settings, outside] = [join(s.store, 'cairn.toml'), s.write('outside.toml', '')];
  fs.writeFileSync(settings, 'workers = 1\n');
  await s.ok(['backup', s.path('backup')]);
  assert.equal(fs.readFileSync(s.path('backup/cairn.toml'), 'utf8'), 'workers = 1\n');
  fs.rmSync(settings);
  fs.symlinkSync(outside, settings);
  await s.ok(['backup', s.path('second')]);
  assert.equal(fs.existsSync(s.path('second/cairn.toml')), false);
  await isSound(s.path('second'));
});

test('what nothing needs is left out', async (t) => {
  const { s } = await storeWithImages(t);
  await s.ok(['unpin', 'example.com/base']);
  const { blobs } = await s.json<BackedUp>(['backup', s.path('backup')]);
  const listed = await s.json<{ blobs: number; reclaimableBytes: number }>(['du']);
  assert.equal(blobs, listed.blobs - 2, 'two documents that a later one took the place of');
  await isSound(s.path('backup'));
});

test('a great many orphans are left out', async (t) => {
  const { s } = await storeWithImages(t);
  const context = await openContext({ dir: s.store, workers: 1 });
  await using store = new Store(context);
  const { index } = context;
  const [{ key: like = '' } = {}] = index.objects.entries();
  const names = Array.from({ length: 20_000 }, (_none, i) =>
    like.replace(/^[^.]+/, createHash('sha512').update(`${i}`).digest('hex')),
  );
  await index.commit(() => {
    retainObjects(index, newObjects(names, { sizes: new Float64Array(names.length), skipped: {} }));
    releaseObjects(index, names);
  });
  assert.ok(index.totals.orphans >= names.length);
  const { images, objects } = await store.backup(s.path('backup'));
  assert.deepEqual([images, objects], [2, 4]);
  await isSound(s.path('backup'));
});

test('made while others import, remove and collect it is whole', async (t) => {
  const { s } = await storeWithImages(t);
  const many = Array.from({ length: 1000 }, (_none, i) => ({ name: `f${i}`, content: `${i}\n`, ...AT }));
  const big = s.aci('big.aci', { name: 'example.com/big' }, many);
  await s.ok(['import', big]);
  const others = async (): Promise<void> => {
    for (let i = 0; i < 2; i++) {
      await s.ok(['rm', 'example.com/big']);
      await s.ok(['gc', '--images', '--grace-period', '7d']);
      await s.ok(['import', big, s.aci(`n${i}.aci`, { name: `example.com/n${i}` }, [{ name: 'n', content: `n${i}` }])]);
    }
  };
  let busy = true;
  const backups = async (): Promise<string[]> => {
    const made: string[] = [];
    while ((busy && made.length < 4) || made.length < 2) {
      made.push(s.path(`backup-${made.length}`));
      await s.ok(['backup', made.at(-1) as string]);
    }
    return made;
  };
  const [made] = await Promise.all([backups(), others().finally(() => (busy = false))]);
  for (const dest of made) await isSound(dest);
});

test('a place that is taken, or inside the store, is refused', async (t) => {
  const { s } = await storeWithImages(t);
  fs.mkdirSync(s.path('taken'));
  s.write('taken/mine', 'mine');
  await s.refused(['backup', s.path('taken')], 'ERR_EXISTS', 1);
  await s.refused(['backup', s.path('base.aci')], 'ERR_EXISTS', 1);
  await s.refused(['backup', join(s.store, 'backup')], 'ERR_USAGE', 2);
  await s.refused(['backup', s.dir], 'ERR_USAGE', 2);
  await s.refused(['backup', s.path('no/such')], 'ERR_IO', 1);
  fs.symlinkSync(s.store, s.path('way-in'));
  await s.refused(['backup', join(s.path('way-in'), 'backup')], 'ERR_USAGE', 2);
  assert.deepEqual(fs.readdirSync(s.path('taken')), ['mine']);
  await isSoundWithTree(s);
});

async function isSoundWithTree(s: TestStore): Promise<void> {
  const fsck = await s.json(['fsck']);
  assert.deepEqual([fsck['ok'], fsck['stray']], [true, []]);
}

test('of two backups to one place the second is refused and harms nothing', async (t) => {
  const { s } = await storeWithImages(t);
  await t.test('while the first is in the middle', async () => {
    const dest = s.path('backup');
    let first: ChildProcess | undefined;
    const ran = s.run(['backup', dest], { onStart: (child) => (first = child) });
    while (!fs.existsSync(join(dest, 'backup-unfinished'))) await setImmediate();
    first?.kill('SIGSTOP');
    const before = fs.readdirSync(dest, { recursive: true }).sort();
    try {
      const { message, path } = await s.refused(['backup', dest], 'ERR_EXISTS', 1);
      assert.deepEqual([message, path], ['a backup is being made there', dest]);
      assert.deepEqual(fs.readdirSync(dest, { recursive: true }).sort(), before);
    } finally {
      first?.kill('SIGCONT');
    }
    assert.equal((await ran).code, 0);
    await isSound(dest);
  });
  await t.test('whichever of several is first', async () => {
    for (const dest of ['a', 'b', 'c'].map((name) => s.path(name))) {
      const ran = await Promise.all([1, 2, 3].map(() => s.run(['backup', dest, '--json'])));
      assert.deepEqual(ran.map(({ code }) => code).sort(), [0, 1, 1]);
      for (const { code, error } of ran) if (code === 1) assert.equal(error().code, 'ERR_EXISTS');
      await isSound(dest);
    }
  });
  await t.test('in one process', async () => {
    const dest = s.path('same');
    await using store = await openStore({ dir: s.store, workers: 1 });
    const [one, other] = await Promise.allSettled([store.backup(dest), store.backUp(dest)]);
    assert.equal(one.status, 'fulfilled');
    assert.equal(other.status === 'rejected' && other.reason.code, 'ERR_EXISTS');
    await isSound(dest);
  });
});

test('killed at any point it is no store, and can be made again', async (t) => {
  const { s } = await storeWithImages(t);
  const dest = s.path('backup');
  let at = 1;
  for (; ; at += stride(inPacks ? 25 : 9)) {
    const ran = await s.run(['backup', dest], killedAt(at));
    if (ran.code === 0) break;
    assert.equal(ran.code, null, ran.stderr);
    if (fs.existsSync(join(dest, 'cairn.json'))) {
      await isSound(dest);
      fs.rmSync(dest, { recursive: true });
    } else if (fs.existsSync(dest) && fs.readdirSync(dest).length > 0) {
      const refused = await s.run(['--store', dest, 'ls', '--json']);
      assert.equal(refused.error().code, 'ERR_NOT_A_STORE', `killed at ${at}`);
    }
  }
  assert.ok(at > 10, `${at} changes of the disk`);
  await isSound(dest);
  assert.ok(!fs.existsSync(join(dest, 'backup-unfinished')));
});

test('cancelled, or of a store that lacks something, it leaves nothing', async (t) => {
  const { s } = await storeWithImages(t);
  const dest = s.path('backup');
  await using store = await openStore({ dir: s.store, workers: 1 });
  const controller = new AbortController();
  const onProgress = (): void => controller.abort();
  await assert.rejects(store.backup(dest, { signal: AbortSignal.abort() }), { code: 'ERR_ABORTED' });
  // The first report may come before the end or not. Either way nothing is left half made.
  const ended = await store.backup(dest, { signal: controller.signal, onProgress }).catch((error: Error) => error);
  assert.equal(fs.existsSync(join(dest, 'cairn.json')), !(ended instanceof Error));
  fs.rmSync(dest, { recursive: true, force: true });
  fs.mkdirSync(dest);
  const [object] = objectsOf(s.store);
  const bringBack = loseObject(object as StoredObject);
  await assert.rejects(store.backup(dest), { code: 'ERR_DAMAGED', path: object?.path });
  assert.deepEqual(fs.readdirSync(dest), []);
  bringBack();
  await store.backup(dest);
  await isSound(dest);
});

test('a file with as many links as it can have is copied', async (t) => {
  const s = new TestStore(t);
  for (const dir of ['from', 'from/ab', 'to', 'links']) fs.mkdirSync(s.path(dir));
  const file = s.write('from/ab/cd', 'content\n');
  fs.chmodSync(file, 0o640);
  fs.utimesSync(file, 1_700_000_000, 1_700_000_000);
  let full = false;
  for (let i = 0; i < 70_000 && !full; i++) {
    try {
      fs.linkSync(file, s.path(`links/${i}`));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EMLINK');
      full = true;
    }
  }
  if (!full) return t.skip('this file system has no such limit');
  const control = { cancel: new Int32Array(1), done: new BigInt64Array(3) };
  const from = s.path('from');
  const result = cloneBlobs({ kind: 'clone-blobs', control, from, to: s.path('to'), names: ['abcd'] });
  assert.deepEqual(result, { linked: 0, copied: 1, skipped: {} });
  const { mode, mtimeMs, nlink } = fs.statSync(s.path('to/ab/cd'));
  assert.deepEqual([mode & 0o7777, mtimeMs, nlink], [0o640, 1_700_000_000_000, 1]);
});
