/** Mounted trees: made, found, listed, taken away, and held against whatever would take away what they read. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isCairnError } from '../../engine/core/errors.js';
import { Layout } from '../../engine/disk/layout.js';
import { tryUntil } from '../../engine/disk/lock.js';
import { mountFilesystem, unmount } from '../../engine/disk/mount.js';
import { mountAt, mountsBelow } from '../../engine/disk/mounts.js';
import { treesInUse } from '../../engine/disk/tree-use.js';
import { listXattrs } from '../../engine/disk/xattrs.js';
import { rebuildIndex } from '../../engine/recover/rebuild-index.js';
import type { Store } from '../../engine/store.js';
import type { TreeMount } from '../../engine/tree/mounts.js';
import { PROGRAM } from '../fixtures/cli.js';
import { MountedStore } from '../fixtures/mounted-store.js';
import { cannotMountTrees } from '../fixtures/mounting.js';

const skip = cannotMountTrees();
/** Packs have tests of their own, see `mount-packs.test.ts`. */
const skipInPacks = skip || (process.env['CAIRN_LAYOUT'] === 'packs' ? 'it looks at files of objects' : false);
const APP = 'example.com/app';
const ENTRIES = [
  { name: 'etc', flag: '5', mode: 0o750, mtime: 7 },
  { name: 'etc/name', content: 'app\n', mtime: 1_700_000_000 },
  { name: 'etc/also', flag: '1', link: 'etc/name' },
  { name: 'bin', content: 'x'.repeat(5000), mode: 0o4755 },
];

async function appStore(t: TestContext): Promise<MountedStore> {
  const s = new MountedStore(t);
  await s.import({ name: APP }, ENTRIES);
  return s;
}

async function mountsOf(store: Store): Promise<TreeMount[]> {
  const all: TreeMount[] = [];
  for await (const each of store.mounts()) all.push(each);
  return all;
}

const held = (error: unknown): boolean => isCairnError(error, 'ERR_HELD');

async function gcAll(s: MountedStore): Promise<number> {
  const { removed } = await s.use((store) => store.gc({ images: true, graceMs: 0 }));
  return removed.trees + removed.images;
}

/** Waits until the kernel has taken apart what was unmounted, which it does by and by. */
async function unused(s: MountedStore): Promise<void> {
  const layout = new Layout(s.storeDir);
  const free = await tryUntil(() => treesInUse(layout).size === 0 || undefined, {
    longestPauseMs: 10,
    patienceMs: 5000,
  });
  assert.ok(free, 'a tree is still in use');
}

/** Another process's mount namespace, in which the tree is mounted while `work` runs. */
async function whileMountedElsewhere(s: MountedStore, work: () => Promise<void>): Promise<void> {
  const script = '"$0" "$1" mount example.com/app && exec sleep 60';
  const child = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script, process.execPath, PROGRAM], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...s.env, CAIRN_STORE: s.storeDir },
  });
  try {
    await once(child.stdout, 'data');
    await work();
  } finally {
    child.kill();
    await once(child, 'close');
  }
}

test('a tree is mounted at a place of its own, and found there', { skip }, async (t) => {
  const s = await appStore(t);
  await using store = await s.open();
  const first = await store.mount(APP);
  assert.equal(first.existed, false);
  assert.deepEqual([first.mode, first.files, first.bytes, first.uniqueBytes], ['mount', 3, 5004, first.imageBytes]);
  assert.ok(first.path.startsWith(`${s.path('run')}/`), first.path);
  assert.equal(fs.readFileSync(join(first.path, 'etc/also'), 'utf8'), 'app\n');
  assert.equal(fs.statSync(join(first.path, 'bin')).mode & 0o7777, 0o4755);
  assert.equal(fs.statSync(s.path('run')).mode & 0o777, 0o700, 'only root reaches programs that lend rights');
  const again = await store.mount(APP);
  assert.deepEqual({ ...again, ms: 0 }, { ...first, existed: true, ms: 0 });
  const rendered = await store.render(APP);
  assert.deepEqual([rendered.mode, rendered.path, rendered.existed], ['mount', first.path, true]);
  const byId = await store.mount(first.treeId.slice(0, 20));
  assert.deepEqual([byId.path, byId.existed], [first.path, true]);
  const [mounted, ...others] = await mountsOf(store);
  assert.equal(others.length, 0);
  const { treeId, path, hash, files, bytes, imageBytes } = first;
  assert.deepEqual(mounted, { treeId, path, image: first.image, hash, files, bytes, mode: 'mount', imageBytes });
  assert.equal(store.treePath(treeId), path);
});

test('after a reboot the next render mounts the same image again', { skip }, async (t) => {
  const s = await appStore(t);
  const { path, treeId } = await s.use((store) => store.render(APP, { mode: 'mount' }));
  const image = new Layout(s.storeDir).treeImage(treeId);
  const made = fs.statSync(image).mtimeMs;
  unmount(path);
  fs.rmSync(s.path('run'), { recursive: true });
  const again = await s.use((store) => store.render(APP));
  assert.deepEqual([again.path, again.mode, again.existed], [path, 'mount', true]);
  assert.equal(fs.readFileSync(join(path, 'etc/name'), 'utf8'), 'app\n');
  assert.equal(fs.statSync(image).mtimeMs, made);
});

test('a tree can be there as files and mounted at once, and each is found by its mode', { skip }, async (t) => {
  const s = await appStore(t);
  await using store = await s.open();
  const links = await store.render(APP, { mode: 'link' });
  const mount = await store.render(APP, { mode: 'mount' });
  assert.deepEqual([links.existed, mount.existed, mount.mode], [false, false, 'mount']);
  assert.equal((await store.render(APP)).path, links.path, 'it was made as links');
  assert.deepEqual(await store.render(APP, { mode: 'mount' }).then(({ path, existed }) => [path, existed]), [
    mount.path,
    true,
  ]);
  const rebuilt = await store.render(APP, { mode: 'link', rebuild: true });
  assert.deepEqual([rebuilt.existed, rebuilt.mode], [false, 'link']);
  assert.equal(fs.readFileSync(join(mount.path, 'etc/name'), 'utf8'), 'app\n');
  await assert.rejects(store.mount(APP, { rebuild: true }), held);
  await assert.rejects(store.removeTrees(store.findTrees(APP)), held);
  await store.unmount(APP);
  assert.equal((await store.mount(APP, { rebuild: true })).existed, false);
  const { ok, damaged } = await store.check();
  assert.deepEqual([ok, damaged], [true, []]);
  assert.deepEqual((await store.fsck()).ok, true);
});

test('files are added to a tree that was only mounted, whose leases hold', { skip }, async (t) => {
  const s = await appStore(t);
  await using store = await s.open();
  const mount = await store.mount(APP);
  const lease = await store.lease(APP, 60_000);
  const links = await store.render(APP, { mode: 'link' });
  assert.equal(links.existed, false);
  assert.equal(fs.readFileSync(join(links.path, 'etc/name'), 'utf8'), 'app\n');
  assert.deepEqual(await store.leases(), [lease]);
  assert.equal((await store.render(APP, { mode: 'mount' })).path, mount.path);
  assert.ok((await store.check()).ok);
});

test('a tree is mounted where it is asked for, as often as it is asked', { skip }, async (t) => {
  const s = await appStore(t);
  await using store = await s.open();
  const [one, two] = [s.path('one'), s.path('two')];
  for (const dir of [one, two]) fs.mkdirSync(dir);
  assert.equal((await store.mount(APP, { dir: one })).path, one);
  assert.equal((await store.mount(APP, { dir: two })).path, two);
  assert.equal((await store.mount(APP, { dir: one })).existed, true);
  assert.deepEqual(
    (await mountsOf(store)).map(({ path }) => path),
    [one, two],
  );
  await assert.rejects(store.mount(APP, { dir: s.path('missing') }), (error) => isCairnError(error, 'ERR_NOT_FOUND'));
  mountFilesystem({ type: 'tmpfs', options: [], target: two });
  await assert.rejects(store.mount(APP, { dir: two }), (error) => isCairnError(error, 'ERR_EXISTS'));
  unmount(two);
  assert.deepEqual(
    (await store.unmount(one)).map(({ path }) => path),
    [one],
  );
  assert.deepEqual(
    (await store.unmount(APP)).map(({ path }) => path),
    [two],
  );
  assert.deepEqual(mountsBelow(s.dir), []);
  await assert.rejects(store.unmount(APP), (error) => isCairnError(error, 'ERR_NOT_FOUND'));
  await assert.rejects(store.unmount(one), (error) => isCairnError(error, 'ERR_NOT_FOUND'));
});

test('those who want a tree at the same time get one mount', { skip }, async (t) => {
  const s = await appStore(t);
  const other = s.run(['mount', APP]);
  await s.use(async (store) => {
    const all = await Promise.all([1, 2, 3].map(() => store.mount(APP)));
    assert.equal((await other).stdout.toString(), `${all[0]?.path}\n`);
    assert.equal((await mountsOf(store)).length, 1);
  });
});

test('what would lead an overlay astray is in no mounted tree', { skip }, async (t) => {
  const s = new MountedStore(t);
  const pax = {
    'SCHILY.xattr.trusted.overlay.redirect': '/../../../../etc/passwd',
    'SCHILY.xattr.trusted.overlay.metacopy': '',
    'SCHILY.xattr.trusted.overlay.opaque': 'y',
    'SCHILY.xattr.user.overlay.redirect': '/etc/passwd',
  };
  await s.import({ name: APP }, [
    { name: 'file', content: 'own', pax },
    { name: 'empty', content: '', pax },
    { name: 'dir', flag: '5', pax },
    { name: 'dir/inside', content: 'inside' },
    { name: 'gone', flag: '3', devMajor: 0, devMinor: 0 },
  ]);
  const { path, skipped } = await s.use((store) => store.mount(APP));
  const [file, empty, dir] = ['file', 'empty', 'dir'].map((name) => join(path, name)) as [string, string, string];
  assert.equal(fs.readFileSync(file, 'utf8'), 'own');
  assert.equal(fs.readFileSync(empty, 'utf8'), '');
  assert.equal(fs.readFileSync(join(dir, 'inside'), 'utf8'), 'inside');
  for (const each of [file, empty, dir]) assert.deepEqual([...(listXattrs(each) ?? [])], []);
  assert.deepEqual(skipped.device, { count: 1, paths: ['gone'] });
  assert.equal(fs.existsSync(join(path, 'gone')), false);
});

test('a mount that somebody works in stays', { skip }, async (t) => {
  const s = await appStore(t);
  await using store = await s.open();
  const { path } = await store.mount(APP);
  const open = fs.openSync(join(path, 'bin'), 'r');
  await assert.rejects(store.unmount(APP), (error) => isCairnError(error, 'ERR_HELD') && error.path === path);
  assert.notEqual(mountAt(path), undefined);
  fs.closeSync(open);
  await store.unmount(APP);
  assert.equal(fs.existsSync(path), false, 'its directory goes, too');
});

test('nothing takes away a tree that is mounted, whoever mounted it', { skip }, async (t) => {
  const s = await appStore(t);
  const ran = await s.run(['mount', '--json', APP]);
  assert.equal(ran.code, 0, ran.stderr);
  const { path } = ran.json<{ path: string }>();
  await s.use(async (store) => {
    await assert.rejects(store.remove([APP]), held);
    await assert.rejects(store.remove([APP], { force: true }), held);
    await assert.rejects(store.removeTrees(store.findTrees(APP), { force: true }), held);
    assert.deepEqual((await store.inspect(APP)).roots, [`its mount at ${path}`]);
  });
  assert.equal(await gcAll(s), 0);
  await assert.rejects(rebuildIndex({ dir: s.storeDir }), held);
  assert.equal(fs.readFileSync(join(path, 'etc/name'), 'utf8'), 'app\n');
  assert.equal((await s.run(['umount', path])).code, 0);
  assert.equal(await gcAll(s), 2);
});

test('what nobody holds goes from under a mount: the negative control', { skip: skipInPacks }, async (t) => {
  const s = await appStore(t);
  const { path, treeId } = await s.use((store) => store.mount(APP));
  const image = new Layout(s.storeDir).treeImage(treeId);
  // What gc asks is whether somebody has the image open; a file of the same name that nobody has open says nothing.
  fs.copyFileSync(image, `${image}.copy`);
  fs.renameSync(`${image}.copy`, image);
  assert.equal(await gcAll(s), 2);
  assert.throws(() => fs.readFileSync(join(path, 'etc/name')), { code: 'ENOENT' });
});

test('a mount in a namespace that nobody sees holds its tree until it goes', { skip }, async (t) => {
  const s = await appStore(t);
  await whileMountedElsewhere(s, async () => {
    await s.use(async (store) => {
      const [mount, ...others] = await mountsOf(store);
      assert.deepEqual([mount?.path, others.length], [null, 0]);
      await assert.rejects(store.remove([APP]), held);
      await assert.rejects(store.unmount(APP), held);
    });
    assert.equal(await gcAll(s), 0);
    const { path } = await s.use((store) => store.mount(APP));
    await s.use((store) => store.unmount(path));
    assert.equal(await gcAll(s), 0);
  });
  await unused(s);
  assert.equal(await gcAll(s), 2);
});

test('an overlay on top of a mount holds the tree when the mount itself is gone', { skip }, async (t) => {
  const s = await appStore(t);
  const { path } = await s.use((store) => store.mount(APP));
  const [upperdir, workdir, target] = ['upper', 'work', 'top'].map(s.path, s) as [string, string, string];
  for (const dir of [upperdir, workdir, target]) fs.mkdirSync(dir);
  const options = [
    ['source', 'top'],
    ['lowerdir+', path],
    ['upperdir', upperdir],
    ['workdir', workdir],
  ] as const;
  mountFilesystem({ type: 'overlay', options, target });
  await s.use((store) => store.unmount(path));
  assert.equal(await gcAll(s), 0);
  assert.equal(fs.readFileSync(join(target, 'etc/name'), 'utf8'), 'app\n');
  unmount(target);
  await unused(s);
  assert.equal(await gcAll(s), 2);
});

test('a store with mounts can be moved', { skip }, async (t) => {
  const s = await appStore(t);
  const { path } = await s.use((store) => store.mount(APP));
  fs.renameSync(s.storeDir, s.path('moved'));
  assert.equal(fs.readFileSync(join(path, 'etc/name'), 'utf8'), 'app\n');
  fs.renameSync(s.path('moved'), s.storeDir);
  await s.use(async (store) => {
    assert.deepEqual(await store.mount(APP).then((mount) => [mount.path, mount.existed]), [path, true]);
    await store.unmount(APP);
  });
  fs.renameSync(s.storeDir, s.path('moved'));
  const env = { CAIRN_STORE: s.path('moved') };
  assert.equal((await s.run(['render', APP], { store: s.path('moved'), env })).stdout.toString(), `${path}\n`);
});

/** Changes one byte of a file in place. */
function flip(path: string): void {
  const bytes = fs.readFileSync(path);
  const at = bytes.length - 100;
  bytes.writeUInt8((bytes[at] as number) ^ 1, at);
  const fd = fs.openSync(path, 'r+');
  fs.writeSync(fd, bytes, at, 1, at);
  fs.closeSync(fd);
}

test('a damaged image is found by check, and made anew when it is to be mounted', { skip }, async (t) => {
  const s = await appStore(t);
  await using store = await s.open();
  const { treeId, path } = await store.mount(APP);
  const image = new Layout(s.storeDir).treeImage(treeId);
  flip(image);
  const told = [{ kind: 'tree', id: treeId, what: 'image: content does not have the hash it is named by' }];
  assert.deepEqual(
    (await store.check()).damaged.map(({ kind, id, what }) => ({ kind, id, what })),
    told,
  );
  await assert.rejects(store.mount(APP), held, 'not while it is mounted');
  const { ok, missing, repaired } = await store.fsck({ repair: true });
  assert.deepEqual([ok, repaired], [false, []]);
  assert.match(missing[0]?.what as string, /^image: .*; left as it is, since a tree that needs it is mounted$/);
  await store.unmount(path);
  const again = await store.mount(APP);
  assert.equal(again.existed, false);
  assert.ok((await store.check()).ok);
  await store.unmount(path);
  fs.rmSync(image);
  assert.deepEqual(
    (await store.fsck()).missing.map(({ what }) => what),
    ['its image is missing'],
  );
  assert.equal((await store.render(APP)).existed, false);
  assert.ok((await store.fsck()).ok);
});

test('a repair leaves a damaged object that a mount reads, until the mount is gone', {
  skip: skipInPacks,
}, async (t) => {
  const s = await appStore(t);
  await using store = await s.open();
  const { path, treeId } = await store.mount(APP);
  const objects = new Layout(s.storeDir).objects;
  const [name] = fs
    .readdirSync(objects, { recursive: true, encoding: 'utf8' })
    .filter((each) => each.includes('.4755.'));
  const object = join(objects, name as string);
  flip(object);
  const damaged = (await store.check()).damaged.map(({ kind, path: at }) =>
    at === undefined ? kind : `${kind} ${at}`,
  );
  assert.deepEqual(damaged, ['object', 'tree bin']);
  const held = await store.fsck({ repair: true });
  assert.deepEqual(
    [held.ok, held.repaired, held.missing.map(({ kind }) => kind).sort()],
    [false, [], ['object', 'tree']],
  );
  assert.equal(fs.readFileSync(join(path, 'bin')).length, 5000);
  await store.unmount(treeId);
  const mended = await store.fsck({ repair: true });
  assert.deepEqual(mended.repaired.map(({ kind, action }) => `${kind} ${action}`).sort(), [
    'object marked as gone',
    'object quarantined',
    'tree dropped',
  ]);
  assert.deepEqual(mended.reimport, [APP]);
  await store.import(s.path('example.com-app.aci'));
  assert.equal((await store.mount(APP)).existed, false);
  assert.ok((await store.check()).ok);
});

test('leftovers of a crash are found, and taken away', { skip }, async (t) => {
  const s = await appStore(t);
  await using store = await s.open();
  const { treeId } = await store.render(APP, { mode: 'link' });
  const layout = new Layout(s.storeDir);
  fs.writeFileSync(layout.treeImage(treeId), 'an image that was never listed');
  assert.deepEqual((await store.fsck()).stray, [layout.treeImage(treeId)]);
  assert.equal((await store.mount(APP)).existed, false, 'it is not taken for the image');
  await store.unmount(APP);
  fs.mkdirSync(layout.tree('deps-left'));
  fs.writeFileSync(layout.treeImage('deps-left'), 'x');
  await store.gc();
  assert.equal(fs.existsSync(layout.tree('deps-left')), false);
});

test('a backup has no mounts and no images of trees', { skip }, async (t) => {
  const s = await appStore(t);
  await s.use(async (store) => {
    await store.mount(APP);
    await store.backup(s.path('backup'));
  });
  assert.deepEqual(fs.readdirSync(new Layout(s.path('backup')).trees), []);
  assert.equal((await s.run(['fsck'], { store: s.path('backup') })).code, 0);
});

test('where trees cannot be mounted that is said, and a tree that is only mounted is made of files', {
  skip,
}, async (t) => {
  const s = await appStore(t);
  await s.use(async (store) => {
    await store.mount(APP);
    await store.unmount(APP);
  });
  const env = { CAIRN_NO_FFI: '1' };
  const refused = await s.run(['mount', '--json', APP], { env });
  assert.equal(refused.code, 1);
  assert.match(refused.error().message, /mounting needs direct system calls/);
  assert.equal(refused.error().code, 'ERR_UNSUPPORTED');
  const [rendered] = (await s.run(['render', '--json', APP], { env })).json<[{ mode: string; existed: boolean }]>();
  assert.deepEqual([rendered.mode, rendered.existed], ['link', false]);
  const info = (await s.run(['info', '--json'], { env })).json<{ modes: { mount: { ok: boolean; why?: string } } }>();
  assert.equal(info.modes.mount.ok, false);
  assert.match(info.modes.mount.why as string, /direct system calls/);
  assert.deepEqual(await s.use((store) => store.info()).then(({ modes }) => modes.mount), { ok: true });
});

test('an older version refuses an index with trees to be mounted, and no other', { skip }, async (t) => {
  const s = await appStore(t);
  await using store = await s.open();
  const { contextOf } = await import('../../engine/facade/opened.js');
  assert.equal(contextOf(store).index.schema, 2);
  await store.mount(APP);
  assert.equal(contextOf(store).index.schema, 3);
});
