/** Deleting: what goes, what must stay, and what other processes do meanwhile. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { deleteTrees } from '../../engine/collect/remove.js';
import { deleteSmall, StagedDiscards } from '../../engine/content/delete.js';
import { dropTreeRecord } from '../../engine/content/drop-references.js';
import { resolveImage } from '../../engine/resolve/argument.js';
import { openContext } from '../../engine/session/open.js';
import { Pool } from '../../engine/session/pool.js';
import { openStore, Store } from '../../engine/store.js';
import { aci, tar } from '../fixtures/archive.js';
import { PROGRAM, temporaryDirectory } from '../fixtures/cli.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { ociLayout } from '../fixtures/oci.js';
import { type Json, TestStore } from '../fixtures/store.js';

keepThreads();

const isRoot = process.geteuid?.() === 0;
const asRoot = { skip: isRoot ? false : 'needs root' };
/** A user without rights. */
const USER = 65_534;

interface Rendered {
  treeId: string;
  path: string;
}

async function render(s: TestStore, name: string): Promise<Rendered> {
  const [rendered] = await s.json<[Rendered]>(['render', name]);
  return rendered;
}

/** Two images, `example.com/a` and `example.com/b`. */
async function twoImages(t: TestContext): Promise<TestStore> {
  const s = new TestStore(t);
  for (const name of ['a', 'b']) {
    await s.ok(['import', s.aci(`${name}.aci`, { name: `example.com/${name}` }, [{ name: 'd/f', content: name }])]);
  }
  return s;
}

test('what is mounted in a tree is never reached by deleting it', asRoot, async (t) => {
  const s = await twoImages(t);
  const [a, b] = [await render(s, 'example.com/a'), await render(s, 'example.com/b')];
  const host = s.path('of the host');
  fs.mkdirSync(host);
  fs.writeFileSync(join(host, 'precious'), 'all there is');
  const point = join(a.path, 'd');
  if (spawnSync('mount', ['--bind', host, point]).status !== 0) return t.skip('nothing can be mounted here');
  t.after(() => spawnSync('umount', [point]));

  for (const args of [
    ['rm', 'example.com/a'],
    ['rm', '--force', 'example.com/a'],
    ['tree', 'rm', '--force', a.treeId],
    ['render', '--rebuild', 'example.com/a'],
  ]) {
    const error = await s.refused(args, 'ERR_HELD', 1);
    assert.equal(error.path, point);
  }
  await s.ok(['gc', '--images', '--grace-period', '0s']);
  assert.deepEqual(
    (await s.json<Json[]>(['tree', 'ls'])).map((tree) => tree['treeId']),
    [a.treeId],
  );
  assert.equal(fs.existsSync(b.path), false);
  assert.equal(fs.readFileSync(join(host, 'precious'), 'utf8'), 'all there is');
  assert.equal(fs.readFileSync(join(point, 'precious'), 'utf8'), 'all there is');

  // An unlisted tree is left alone, too, and does not keep other trees from being collected.
  const unlisted = s.path(`store/trees/deps-sha512-${'0'.repeat(128)}`);
  fs.mkdirSync(unlisted);
  spawnSync('mount', ['--bind', host, unlisted]);
  t.after(() => spawnSync('umount', [unlisted]));
  fs.mkdirSync(s.path(`store/trees/deps-sha512-${'1'.repeat(128)}`));
  assert.match(
    (await s.ok(['gc', '--images', '--grace-period', '0s'])).stderr,
    /left behind: tree deps-sha512-000.* is mounted/,
  );
  assert.deepEqual(fs.readdirSync(s.path('store/trees')).sort(), [`deps-sha512-${'0'.repeat(128)}`, a.treeId].sort());

  execFileSync('umount', [unlisted]);
  execFileSync('umount', [point]);
  await s.ok(['gc', '--images', '--grace-period', '0s']);
  assert.deepEqual(fs.readdirSync(s.path('store/trees')), []);
  assert.equal(fs.readFileSync(join(host, 'precious'), 'utf8'), 'all there is');
});

test(
  'a user can delete trees whose directories nobody may write in, and replace checkouts of them',
  asRoot,
  async (t) => {
    const s = new TestStore(t);
    fs.chmodSync(s.dir, 0o777);
    const directory = (name: string) => ({ name, flag: '5', mode: 0o555 });
    const entries = [directory('./'), directory('usr'), { name: 'usr/f', content: 'f' }, directory('usr/lib')];
    const files = [...entries, { name: 'usr/lib/g', content: 'g' }];
    const source = s.write('app.aci', aci({ name: 'example.com/app' }, files, false));
    const as = { uid: USER };
    await s.ok(['import', source], as);
    await s.ok(['render', 'example.com/app'], as);
    await s.ok(['render', '--rebuild', 'example.com/app'], as);
    await s.ok(['tree', 'rm', 'example.com/app'], as);
    assert.deepEqual(fs.readdirSync(s.path('store/staging')), []);

    const target = s.path('out');
    await s.ok(['checkout', '--rootfs-only', 'example.com/app', target], as);
    await s.ok(['checkout', '--rootfs-only', '--force', 'example.com/app', target], as);
    assert.equal(fs.readFileSync(join(target, 'usr/lib/g'), 'utf8'), 'g');
    assert.deepEqual(fs.readdirSync(s.dir).sort(), ['app.aci', 'out', 'store']);
  },
);

test('a checkout that cannot take its place leaves what was there', async (t) => {
  const s = await twoImages(t);
  const target = s.path('out');
  await using store = await openStore({ dir: s.store });
  // Another process makes the destination while the checkout is made.
  const onProgress = (): void => {
    fs.mkdirSync(target, { recursive: true });
    fs.writeFileSync(join(target, 'theirs'), '');
  };
  await assert.rejects(store.checkout('example.com/a', target, { onProgress }), { code: 'ERR_EXISTS', path: target });
  assert.deepEqual(fs.readdirSync(target), ['theirs']);
  await store.checkout('example.com/a', target, { onProgress, force: true });
  assert.deepEqual(fs.readdirSync(target).sort(), ['manifest', 'rootfs']);
  assert.deepEqual(fs.readdirSync(s.dir).sort(), ['a.aci', 'b.aci', 'out', 'store']);
});

test('a tree that is rendered while others are deleted stays', async (t) => {
  const s = await twoImages(t);
  const [a, b] = [await render(s, 'example.com/a'), await render(s, 'example.com/b')];
  const context = await openContext({ dir: s.store });
  await context.index.commit(() => {
    for (const { treeId } of [a, b]) dropTreeRecord(context, treeId);
  });
  // Another process renders a tree in the middle. This process does not notice by itself.
  const lockOf = context.layout.treeLock.bind(context.layout);
  t.mock.method(context.layout, 'treeLock', (id: string) => {
    if (id === b.treeId) execFileSync(process.execPath, [PROGRAM, '--store', s.store, 'render', 'example.com/b']);
    return lockOf(id);
  });
  await deleteTrees(context, [a.treeId, b.treeId]);
  await new Store(context).close();
  assert.deepEqual([fs.existsSync(a.path), fs.existsSync(b.path)], [false, true]);
  assert.equal((await s.json(['fsck']))['ok'], true);
});

test('a tree that gc is just taking is made anew for who asks for it', async (t) => {
  const s = await twoImages(t);
  const { treeId, path } = await render(s, 'example.com/a');
  const context = await openContext({ dir: s.store });
  const commit = context.index.commit.bind(context.index);
  let taken = false;
  t.mock.method(context.index, 'commit', async (change: () => unknown, rows?: number) => {
    if (!taken) {
      taken = true;
      // gc drops the record first; the directory goes a moment later.
      await commit(() => dropTreeRecord(context, treeId));
      fs.rmSync(join(path, '..'), { recursive: true });
    }
    return commit(change, rows);
  });
  const store = new Store(context);
  const rendered = await store.render('example.com/a');
  await store.close();
  assert.deepEqual([rendered.existed, fs.existsSync(rendered.path)], [false, true]);
  assert.deepEqual(
    (await s.json<Json[]>(['tree', 'ls'])).map((tree) => tree['treeId']),
    [treeId],
  );
  assert.equal((await s.json(['fsck']))['ok'], true);
});

test('a tree that is made again is still that of all its images', async (t) => {
  const s = new TestStore(t);
  const layer = [{ name: 'f', content: 'one layer' }];
  ociLayout(s.path('x'), [{ ref: 'example.com/x:1', layers: [tar(layer)] }]);
  ociLayout(s.path('y'), [{ ref: 'example.com/y:1', layers: [tar(layer)], config: { config: { Env: ['A=b'] } } }]);
  await s.ok(['import', s.path('x'), s.path('y')]);
  const x = await render(s, 'example.com/x:1');
  const y = await render(s, 'example.com/y:1');
  assert.equal(x.treeId, y.treeId);
  await s.ok(['render', '--rebuild', 'example.com/x:1']);
  const context = await openContext({ dir: s.store });
  const { images } = context.index.trees.get(x.treeId) as { images: string[] };
  const keys = ['example.com/x:1', 'example.com/y:1'].map((name) => resolveImage(context.index, name).key as string);
  await new Store(context).close();
  assert.deepEqual([...images].sort(), keys.sort());
});

test('what one worker cannot delete keeps no other file; what is gone already is no matter', async (t) => {
  const dir = temporaryDirectory(t);
  const pool = new Pool(1);
  t.after(() => pool.close());
  const paths = ['a', 'b', 'c'].map((name) => join(dir, name));
  for (const path of paths) fs.mkdirSync(path);
  // No path lies below a file.
  fs.writeFileSync(join(dir, 'file'), '');
  await assert.rejects(deleteSmall(pool, [join(dir, 'file', 'below'), join(dir, 'missing'), ...paths]), {
    code: 'ERR_IO',
    errno: 'ENOTDIR',
  });
  assert.deepEqual(fs.readdirSync(dir), ['file']);
});

test('what is thrown away while other things are being deleted goes together, and what gc needs stays', async (t) => {
  const context = await openContext({ dir: new TestStore(t).store, workers: 1 });
  t.after(() => new Store(context).close());
  const { pool, staging } = context;
  const run = pool.run.bind(pool);
  const tasks: number[] = [];
  pool.run = (task) => {
    if (task.kind === 'remove') tasks.push(task.paths.length);
    return run(task);
  };
  const discards = new StagedDiscards(context);
  const dirs = Array.from({ length: 6 }, () => staging.make());
  const needed = dirs[5] as string;
  staging.abandon(needed);
  const gone: string[] = [];
  const discarding = dirs.map((dir) => discards.discard(dir).then(() => gone.push(dir)));
  await Promise.all(discarding.slice(0, 1));
  const late = staging.make();
  await Promise.all([...discarding, discards.discard(late)]);
  assert.deepEqual(
    [...dirs, late].filter((dir) => fs.existsSync(dir)),
    [needed],
  );
  assert.equal(gone.length, 6);
  assert.ok(tasks.length <= 3, `${tasks.length} tasks`);
  assert.equal(
    tasks.reduce((sum, count) => sum + count, 0),
    6,
  );
});
