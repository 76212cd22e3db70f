/** Trees mounted over packs: what they hold, and what keeps the packs as they are while somebody may read them. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isCairnError } from '../../engine/core/errors.js';
import { Layout } from '../../engine/disk/layout.js';
import { contextOf } from '../../engine/facade/opened.js';
import type { TreeImage, TreeRecord } from '../../engine/index/records.js';
import { repackStore } from '../../engine/recover/repack.js';
import { openStore } from '../../engine/store.js';
import { MountedStore } from '../fixtures/mounted-store.js';
import { cannotMountTrees } from '../fixtures/mounting.js';
import { objectWith, overwriteObject } from '../fixtures/stored-objects.js';

const skip = cannotMountTrees();
const APP = 'example.com/app';
const OTHER = 'example.com/other';
/** Sizes around those of sectors, pages and blocks of packs. */
const SIZES = [0, 1, 511, 512, 513, 4095, 4096, 4097, 65_535, 65_536, 65_537, 300_001];

const contentOf = (seed: string, size: number): Buffer => Buffer.alloc(size, `${seed} ${size} `);
const entriesOf = (seed: string) => SIZES.map((size) => ({ name: `${size}`, content: contentOf(seed, size) }));

async function packedStore(t: TestContext): Promise<MountedStore> {
  const s = new MountedStore(t);
  const store = await openStore({ dir: s.storeDir, layout: 'packs', workers: 1 });
  await store.close();
  await s.import({ name: OTHER }, entriesOf('other'));
  await s.import({ name: APP }, entriesOf('app'));
  await s.import({ name: `${OTHER}-two` }, entriesOf('two'));
  return s;
}

function assertHolds(root: string, seed: string): void {
  for (const size of SIZES) {
    assert.ok(fs.readFileSync(join(root, `${size}`)).equals(contentOf(seed, size)), `${seed} ${size}`);
  }
}

const packsOf = (s: MountedStore): string[] => {
  const { packs } = new Layout(s.storeDir);
  return fs.readdirSync(packs).map((name) => join(packs, name));
};
const blocksOf = (s: MountedStore): number => packsOf(s).reduce((sum, path) => sum + fs.statSync(path).blocks, 0);

test('a tree over packs is the tree that links make', { skip }, async (t) => {
  const s = await packedStore(t);
  await using store = await s.open();
  const mount = await store.mount(APP);
  assertHolds(mount.path, 'app');
  const links = await store.render(APP, { mode: 'link' });
  assert.equal(links.hash, mount.hash);
  assertHolds(links.path, 'app');
  assert.ok((await store.check()).ok);
  assert.equal((await store.mount(APP)).existed, true);
});

test('what a mount reads is not given back, what lies beside it is', { skip }, async (t) => {
  const s = await packedStore(t);
  await using store = await s.open();
  const { path } = await store.mount(APP);
  const before = blocksOf(s);
  const { removed } = await store.gc({ images: true, graceMs: 0 });
  assert.deepEqual([removed.images, removed.trees], [2, 0]);
  assert.ok(before - blocksOf(s) > 1000, `${before} → ${blocksOf(s)}`);
  fs.writeFileSync('/proc/sys/vm/drop_caches', '3');
  assertHolds(path, 'app');
  assert.ok((await store.check()).ok);
});

test('what nobody holds is punched from under a mount: the negative control', { skip }, async (t) => {
  const s = await packedStore(t);
  await using store = await s.open();
  const { path, treeId } = await store.mount(APP);
  const image = new Layout(s.storeDir).treeImage(treeId);
  // What gc asks is whether somebody has the image open; a file of the same name that nobody has open says nothing.
  fs.copyFileSync(image, `${image}.copy`);
  fs.renameSync(`${image}.copy`, image);
  await store.pin(OTHER);
  const { removed } = await store.gc({ images: true, graceMs: 0 });
  assert.deepEqual([removed.images, removed.trees], [2, 1]);
  fs.writeFileSync('/proc/sys/vm/drop_caches', '3');
  assert.throws(() => assertHolds(path, 'app'));
});

test('a plan that is kept from a look into an image names no places', { skip }, async (t) => {
  const s = await packedStore(t);
  await using store = await s.open();
  await store.stat(APP, '300001');
  overwriteObject(objectWith(s.storeDir, contentOf('app', 65_537).toString('latin1')), '!');
  await store.fsck({ repair: true });
  await store.import(s.path('example.com-app.aci'));
  await store.gc({ graceMs: 0 });
  await store.stat(APP, '300001');
  assertHolds((await store.mount(APP)).path, 'app');
});

test('an object that comes back lies elsewhere, and the next mount reads it there', { skip }, async (t) => {
  const s = await packedStore(t);
  await using store = await s.open();
  const { treeId } = await store.mount(OTHER);
  await store.unmount(OTHER);
  const [pack] = packsOf(s) as [string];
  const damaged = contentOf('app', 300_001);
  const at = fs.readFileSync(pack).indexOf(damaged);
  const fd = fs.openSync(pack, 'r+');
  fs.writeSync(fd, '!', at + 200_000);
  fs.closeSync(fd);
  const first = await store.mount(APP);
  await store.unmount(APP);
  assert.deepEqual((await store.fsck({ repair: true })).reimport, [APP]);
  assert.equal((await store.import(s.path('example.com-app.aci'))).healed, true);
  await store.gc({ graceMs: 0 });
  const again = await store.mount(APP);
  assert.deepEqual([again.existed, again.hash], [false, first.hash]);
  assertHolds(again.path, 'app');
  const other = await store.mount(OTHER);
  assert.deepEqual([other.treeId, other.existed], [treeId, false], 'its image may name places that have moved');
  assertHolds(other.path, 'other');
});

test('a store is not repacked while a tree is mounted, and its trees are mounted anew afterwards', {
  skip,
}, async (t) => {
  const s = await packedStore(t);
  const first = await s.use((store) => store.mount(APP));
  const repack = (layout: 'loose' | 'packs') => repackStore({ dir: s.storeDir, layout, workers: 1 });
  await assert.rejects(repack('loose'), (error) => isCairnError(error, 'ERR_HELD'));
  assertHolds(first.path, 'app');
  for (const layout of ['loose', 'packs'] as const) {
    await s.use((store) => store.unmount(APP));
    await repack(layout);
    const { path, hash, existed } = await s.use((store) => store.mount(APP));
    assert.deepEqual([hash, existed], [first.hash, false]);
    assertHolds(path, 'app');
  }
  assert.ok((await s.use((store) => store.check())).ok);
});

test('a pack that a tree is mounted from, or would be, is not written anew', { skip }, async (t) => {
  const s = new MountedStore(t);
  await (await openStore({ dir: s.storeDir, layout: 'packs', workers: 1 })).close();
  const small = (i: number): string => `small ${i} `.padEnd(700, '.');
  const all = Array.from({ length: 2400 }, (_none, i) => ({ name: `${i}`, content: small(i) }));
  const few = all.filter((_file, i) => i % 4 === 0);
  await s.import({ name: OTHER }, all);
  await s.import({ name: APP }, few);
  await using store = await s.open();
  const rewritten = async (graceMs: number): Promise<number> => (await store.gc({ graceMs })).packs.rewritten;
  const holds = (root: string): boolean =>
    few.every(({ name, content }) => fs.readFileSync(join(root, name), 'utf8') === content);

  const { path, treeId } = await store.mount(APP);
  await store.rm([OTHER]);
  assert.equal(await rewritten(0), 0);
  const { index } = contextOf(store);
  const tree = index.trees.get(treeId) as TreeRecord;
  await index.commit(() => index.trees.put(treeId, { ...tree, image: { ...(tree.image as TreeImage), devices: [] } }));
  assert.equal(await rewritten(0), 0, 'whatever the index says, the kernel has the pack open');
  await index.commit(() => index.trees.put(treeId, tree));
  fs.writeFileSync('/proc/sys/vm/drop_caches', '3');
  assert.ok(holds(path));

  await store.unmount(APP);
  assert.equal(await rewritten(3_600_000), 0, 'the image of a tree that is used names it');
  assert.equal(await rewritten(0), 1);
  const again = await store.mount(APP);
  assert.equal(again.existed, false);
  assert.ok(holds(again.path));
  assert.ok((await store.check()).ok);
});
