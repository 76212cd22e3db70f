/** Stores of the default layout: packs where trees can be mounted. A render mounts there, which holds nothing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isCairnError } from '../../engine/core/errors.js';
import { Layout, passingMark } from '../../engine/disk/layout.js';
import { createMount, isIdle, unmount } from '../../engine/disk/mount.js';
import { mountAt } from '../../engine/disk/mounts.js';
import { runDirectory } from '../../engine/disk/run-directory.js';
import { repackStore } from '../../engine/recover/repack.js';
import { openStore } from '../../engine/store.js';
import { setEnvironment } from '../fixtures/environment.js';
import { MountedStore } from '../fixtures/mounted-store.js';
import { cannotMountTrees } from '../fixtures/mounting.js';

const skip = cannotMountTrees();
const APP = 'example.com/app';
const ALL = { images: true, graceMs: 0 };

const isMounted = (path: string): boolean => mountAt(path) !== undefined;

/** A store as the first command makes it, with an image. */
async function newStore(t: TestContext): Promise<MountedStore> {
  setEnvironment(t, { CAIRN_LAYOUT: '' });
  const s = new MountedStore(t);
  await s.import({ name: APP }, [{ name: 'name', content: 'app\n' }]);
  return s;
}

/** A process that works in a directory until what this gives is called. */
async function workIn(dir: string): Promise<() => Promise<void>> {
  const child = spawn('cat', { cwd: dir, stdio: ['pipe', 'ignore', 'ignore'] });
  await once(child, 'spawn');
  return async () => {
    child.stdin.end();
    await once(child, 'exit');
  };
}

test('a new store has packs where trees can be mounted, and a render mounts there', { skip }, async (t) => {
  const s = await newStore(t);
  await using store = await s.open();
  assert.equal((await store.info()).layout, 'packs');
  assert.deepEqual(
    fs.readdirSync(s.storeDir).filter((name) => name.endsWith('.probe')),
    [],
  );
  const rendered = await store.render(APP);
  assert.equal(rendered.mode, 'mount');
  assert.equal(fs.readFileSync(join(rendered.path, 'name'), 'utf8'), 'app\n');
  assert.equal((await store.render(APP)).existed, true);
  assert.equal((await store.render(APP, { mode: 'link' })).mode, 'link');
  assert.ok((await store.check()).ok);
});

test('a new store has files where trees cannot be mounted', async (t) => {
  setEnvironment(t, { CAIRN_LAYOUT: '' });
  // Of a file system in memory nothing can be mounted.
  const dir = fs.mkdtempSync('/dev/shm/cairn-test-');
  t.after(() => fs.rmSync(dir, { recursive: true }));
  await using store = await openStore({ dir: join(dir, 'store') });
  assert.equal((await store.info()).layout, 'loose');
  assert.deepEqual(
    fs.readdirSync(store.dir).filter((name) => name.includes('probe')),
    [],
  );
});

test('a directory in which a killed process tried what it can becomes a store all the same', async (t) => {
  const s = new MountedStore(t);
  const left = `${new Layout(s.storeDir).format}.1.probe`;
  fs.mkdirSync(left, { recursive: true });
  fs.writeFileSync(join(left, 'object'), 'x');
  await using store = await s.open();
  await store.gc();
  assert.equal(fs.existsSync(left), false);
});

test('of two that make a store at once, the layout of the first counts', async (t) => {
  const s = new MountedStore(t);
  const opened = await Promise.all(
    (['packs', 'loose', 'packs'] as const).map((layout) => openStore({ dir: s.storeDir, layout, workers: 1 })),
  );
  const layouts = await Promise.all(opened.map(async (each) => (await each.info()).layout));
  for (const each of opened) await each.close();
  assert.equal(new Set(layouts).size, 1, layouts.join());
});

test('looking whether anybody works in a mount leaves it where it is', { skip }, async (t) => {
  const s = await newStore(t);
  await using store = await s.open();
  const { path } = await store.render(APP);
  for (let i = 0; i < 5; i++) assert.equal(isIdle(path), true);
  assert.ok(isMounted(path));
  const leave = await workIn(path);
  assert.equal(isIdle(path), false);
  await leave();
});

test('a tree that a render mounted goes with its image, and when it is collected', { skip }, async (t) => {
  const s = await newStore(t);
  await using store = await s.open();
  const first = await store.render(APP);
  const dry = await store.gc({ graceMs: 0, dryRun: true });
  assert.deepEqual(
    dry.gone.trees.map(({ treeId }) => treeId),
    [first.treeId],
  );
  assert.ok(isMounted(first.path));
  assert.equal((await store.gc({ graceMs: 0 })).removed.trees, 1);
  assert.ok(!isMounted(first.path));

  const second = await store.render(APP);
  await store.removeTrees([await store.findTree(APP)]);
  assert.ok(!isMounted(second.path));

  const third = await store.render(APP);
  const [removed] = await store.rm([APP]);
  assert.deepEqual(removed?.removedTrees, [third.treeId]);
  assert.ok(!isMounted(third.path));
});

test('a mount in which somebody works stays, and so does one that was asked for', { skip }, async (t) => {
  const s = await newStore(t);
  await using store = await s.open();
  const held = (error: unknown): boolean => isCairnError(error, 'ERR_HELD');
  const { path } = await store.render(APP);
  const leave = await workIn(path);
  await assert.rejects(store.rm([APP]), held);
  assert.equal((await store.gc({ ...ALL, dryRun: true })).removed.trees, 0);
  assert.equal((await store.gc(ALL)).removed.trees, 0);
  assert.ok(isMounted(path));
  await leave();

  for (const ask of [() => store.mount(APP), () => store.render(APP, { mode: 'mount' })]) {
    await ask();
    await assert.rejects(store.rm([APP]), held);
    assert.equal((await store.gc(ALL)).removed.trees, 0);
    assert.ok(isMounted(path));
    // Taken away by hand, and made by a render again, it holds nothing again.
    await store.unmount(path);
    await store.render(APP);
    assert.equal((await store.gc({ graceMs: 0 })).removed.trees, 1);
  }
});

test('a pin or a lease keeps the mount, too', { skip }, async (t) => {
  const s = await newStore(t);
  await using store = await s.open();
  const { path, treeId } = await store.render(APP);
  await store.lease(treeId, 60_000);
  await assert.rejects(store.rm([APP]), (error: unknown) => isCairnError(error, 'ERR_HELD'));
  await assert.rejects(
    async () => store.removeTrees([await store.findTree(treeId)]),
    (error: unknown) => isCairnError(error, 'ERR_HELD'),
  );
  assert.equal((await store.gc(ALL)).removed.trees, 0);
  assert.ok(isMounted(path));
});

test('a repack takes such mounts away, and no others', { skip }, async (t) => {
  const s = await newStore(t);
  const path = await s.use(async (store) => (await store.mount(APP)).path);
  await assert.rejects(repackStore({ dir: s.storeDir, layout: 'loose' }), (error: unknown) =>
    isCairnError(error, 'ERR_HELD'),
  );
  await s.use(async (store) => {
    await store.unmount(path);
    await store.render(APP);
  });
  assert.equal((await repackStore({ dir: s.storeDir, layout: 'loose' })).layout, 'loose');
  assert.ok(!isMounted(path));
});

test('what somebody mounted on top of a tree stays, and so does the tree', { skip }, async (t) => {
  const s = await newStore(t);
  await using store = await s.open();
  const { path } = await store.render(APP);
  const over = createMount({ type: 'tmpfs', options: [] });
  over.attach(path);
  over.close();
  fs.writeFileSync(join(path, 'theirs'), 'kept');
  await assert.rejects(store.rm([APP]), (error: unknown) => isCairnError(error, 'ERR_HELD'));
  assert.equal((await store.gc(ALL)).removed.trees, 0);
  assert.equal(fs.readFileSync(join(path, 'theirs'), 'utf8'), 'kept');
  unmount(path);
  assert.equal((await store.gc(ALL)).removed.trees, 1);
});

test('a mark of another mount at the same place says nothing', { skip }, async (t) => {
  const s = await newStore(t);
  await using store = await s.open();
  const { path, treeId } = await store.render(APP);
  const mark = passingMark(runDirectory(s.storeDir), treeId);
  fs.writeFileSync(mark, '0:1');
  assert.equal((await store.gc(ALL)).removed.trees, 0);
  assert.ok(isMounted(path));
});

test('a directory of mounts behind a symlink is the same directory', { skip }, async (t) => {
  const s = await newStore(t);
  fs.mkdirSync(s.path('real'), { mode: 0o700 });
  fs.symlinkSync('real', s.path('link'));
  setEnvironment(t, { CAIRN_RUN_DIR: s.path('link/run') });
  await using store = await s.open();
  const { path } = await store.render(APP);
  assert.equal((await store.gc(ALL)).removed.trees, 1);
  assert.ok(!isMounted(path));
});

test('where there is no place to mount trees, a render makes files', { skip }, async (t) => {
  const s = await newStore(t);
  fs.writeFileSync(s.path('file'), '');
  fs.mkdirSync(s.path('open'), { mode: 0o755 });
  fs.chmodSync(s.path('open'), 0o755);
  for (const place of ['file/run', 'open']) {
    setEnvironment(t, { CAIRN_RUN_DIR: s.path(place) });
    await using store = await s.open();
    const { mode, treeId } = await store.render(APP);
    assert.equal(mode, 'link', place);
    await assert.rejects(store.mount(APP), isCairnError);
    await store.removeTrees([await store.findTree(treeId)]);
  }
});

test('a render that makes the tree anew takes its mount away', { skip }, async (t) => {
  const s = await newStore(t);
  await using store = await s.open();
  const first = await store.render(APP);
  const second = await store.render(APP, { rebuild: true });
  assert.deepEqual([second.path, second.existed], [first.path, false]);
  await store.mount(APP);
  await assert.rejects(store.render(APP, { rebuild: true }), (error: unknown) => isCairnError(error, 'ERR_HELD'));
});

test('of two trees of an image the one that was not used goes, as the dry run says', { skip }, async (t) => {
  const s = await newStore(t);
  await s.import({ name: `${APP}-two`, dependencies: [{ imageName: APP }] }, [{ name: 'more', content: 'x' }]);
  await using store = await s.open();
  const old = await store.render(APP);
  await sleep(1100);
  const recent = await store.render(`${APP}-two`);
  const options = { graceMs: 1000 };
  const dry = await store.gc({ ...options, dryRun: true });
  const real = await store.gc(options);
  assert.deepEqual(real.gone, dry.gone);
  assert.deepEqual(
    real.gone.trees.map(({ treeId }) => treeId),
    [old.treeId],
  );
  assert.deepEqual([isMounted(old.path), isMounted(recent.path)], [false, true]);
});

test('what was asked for is mounted when it is told, whatever a gc does meanwhile', { skip }, async (t) => {
  const s = await newStore(t);
  await using store = await s.open();
  let isOver = false;
  const collecting = (async () => {
    let trees = 0;
    while (!isOver) {
      const ran = await s.run(['gc', '--grace-period', '0', '--json']);
      assert.equal(ran.code, 0, ran.stderr);
      trees += ran.json<{ removed: { trees: number } }>().removed.trees;
    }
    return trees;
  })();
  const until = performance.now() + 4000;
  while (performance.now() < until) {
    await store.render(APP);
    const { path } = await store.mount(APP);
    assert.equal(fs.readFileSync(join(path, 'name'), 'utf8'), 'app\n');
    await store.unmount(path);
    await store.render(APP);
    await sleep(Math.random() * 100);
  }
  isOver = true;
  assert.ok((await collecting) > 0);
  assert.ok((await store.check()).ok);
});
