/** `gc` and `du`: what is collected, and what is kept. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Layout } from '../../engine/disk/layout.js';
import { tryLock } from '../../engine/disk/lock.js';
import type { Usage } from '../../engine/inspect/usage.js';
import { tar } from '../fixtures/archive.js';
import { ociLayout } from '../fixtures/oci.js';
import { hasShape, type Json, TestStore } from '../fixtures/store.js';

interface Collected extends Json {
  dryRun: boolean;
  removed: { trees: number; images: number; layers: number; objects: number; staging: number };
  freedBytes: number;
  keptBytes: number;
}

const EVERYTHING = ['gc', '--images', '--grace-period', '0s'];

/** Names of the images in the store. */
async function names(s: TestStore): Promise<string[]> {
  const images = await s.json<(Json & { name: string; labels: Record<string, string> })[]>(['ls', '--sort', 'name']);
  return images.map(({ name, labels }) => name.replace('example.com/', '') + (labels['version'] ?? '')).sort();
}

/** A dry run, then the real one, which must do the same. */
async function collect(s: TestStore, args: readonly string[]): Promise<Collected> {
  const before = await names(s);
  const { ms: _said, ...told } = await s.json<Collected>([...args, '--dry-run']);
  assert.equal(told.dryRun, true);
  assert.deepEqual(await names(s), before, 'a dry run removes nothing');
  const { ms: _took, ...done } = await s.json<Collected>(args);
  assert.deepEqual({ ...done, dryRun: true }, told, 'the real run does what the dry run told');
  assert.equal((await s.json(['fsck']))['ok'], true);
  return done as Collected;
}

test('gc keeps what is used, pinned or leased, with all that it needs', async (t) => {
  const s = new TestStore(t);
  await s.ok([
    'import',
    s.aci('base.aci', { name: 'example.com/base' }, [{ name: 'f', content: 'base' }]),
    s.aci('app.aci', { name: 'example.com/app', dependencies: [{ imageName: 'example.com/base' }] }),
    s.aci('other.aci', { name: 'example.com/other' }, [{ name: 'f', content: 'other' }]),
  ]);
  const [app, other] = await s.json<[Json, Json]>(['render', '--mode', 'link', 'example.com/app', 'example.com/other']);

  await t.test('inside the grace period everything stays', async () => {
    const { removed, freedBytes } = await collect(s, ['gc']);
    assert.deepEqual(removed, { trees: 0, images: 0, layers: 0, objects: 0, staging: 0, quarantine: 0 });
    assert.equal(freedBytes, 0);
  });
  await t.test('a pin keeps the image, its dependencies and its tree', async () => {
    await s.ok(['pin', 'example.com/app']);
    const { removed, freedBytes, keptBytes } = await collect(s, EVERYTHING);
    assert.deepEqual([removed.trees, removed.images, removed.layers, removed.staging], [1, 1, 1, 0]);
    assert.ok(freedBytes > 0 && keptBytes > 0);
    assert.deepEqual(await names(s), ['app', 'base']);
    assert.deepEqual(
      [app, other].map(({ path }) => fs.existsSync(path as string)),
      [true, false],
    );
  });
  await t.test('a lease keeps them, too', async () => {
    const { id } = await s.json(['lease', 'add', app['treeId'] as string, '--ttl', '1h']);
    await s.ok(['unpin', 'example.com/app']);
    assert.deepEqual((await collect(s, EVERYTHING)).removed.images, 0);
    await s.ok(['lease', 'rm', id as string]);
  });
  await t.test('a lease that ran out keeps nothing; then all goes, to the last file', async () => {
    await s.ok(['lease', 'add', app['treeId'] as string, '--ttl', '1ms']);
    const { removed, keptBytes } = await collect(s, EVERYTHING);
    assert.deepEqual([removed.trees, removed.images, removed.layers, keptBytes], [1, 2, 2, 0]);
    for (const dir of ['objects', 'blobs', 'trees', 'staging']) assert.deepEqual(filesBelow(join(s.store, dir)), []);
  });
  await t.test('what a dead process left in staging is swept', async () => {
    const dead = join(s.store, 'trees', `deps-sha512-${'0'.repeat(128)}`);
    fs.mkdirSync(join(dead, 'rootfs'), { recursive: true });
    assert.equal((await collect(s, ['gc'])).removed.staging, 1);
    assert.equal(fs.existsSync(dead), false);
  });
});

test('gc --keep-last keeps the newest of each name', async (t) => {
  const s = new TestStore(t);
  for (const version of ['1', '2', '3']) {
    const labels = { version };
    await s.ok([
      'import',
      s.aci(`a${version}`, { name: 'example.com/a', labels }),
      s.aci('b', { name: 'example.com/b', labels }),
    ]);
    if (version === '2') await s.ok(['rm', 'example.com/b:2']);
  }
  await collect(s, [...EVERYTHING, '--keep-last', '2']);
  assert.deepEqual(await names(s), ['a2', 'a3', 'b1', 'b3']);
  await collect(s, [...EVERYTHING, '--keep-last', '1']);
  assert.deepEqual(await names(s), ['a3', 'b3']);
});

test('gc --keep-storage evicts the least recently used until the rest fits', async (t) => {
  const s = new TestStore(t);
  for (const name of ['a', 'b', 'c']) {
    await s.ok([
      'import',
      s.aci(name, { name: `example.com/${name}` }, [{ name: 'f', content: randomBytes(200_000) }]),
    ]);
  }
  await s.ok(['render', '--mode', 'link', 'example.com/a']); // b is now the one that nobody used for longest
  await sleep(5);
  await t.test('nothing goes while all fits', async () => {
    assert.equal((await collect(s, ['gc', '--keep-storage', '1MB'])).removed.images, 0);
  });
  await t.test('one goes where that is enough', async () => {
    const { keptBytes } = await collect(s, ['gc', '--keep-storage', '500KB']);
    assert.ok(keptBytes <= 500_000);
    assert.deepEqual(await names(s), ['a', 'c']);
  });
  await t.test('nothing inside a grace period goes, whatever it takes', async () => {
    assert.equal((await collect(s, ['gc', '--keep-storage', '1B', '--grace-period', '1h'])).removed.images, 0);
  });
  await t.test('all goes for a size that nothing fits', async () => {
    await collect(s, ['gc', '--keep-storage', '1B']);
    assert.deepEqual(await names(s), []);
  });
});

test('du tells what takes the space', async (t) => {
  const s = new TestStore(t);
  const content = 'x'.repeat(10_000);
  await s.ok([
    'import',
    s.aci('a', { name: 'example.com/a' }, [
      { name: 'f', content },
      { name: 'g', content },
    ]),
    s.aci('b', { name: 'example.com/b' }, [{ name: 'f', content }]),
  ]);
  await s.ok(['render', '--mode', 'copy', 'example.com/a']);
  const usage = await s.json<Json & { perImage: Json[]; storedBytes: number }>(['du']);
  hasShape(usage, { blobs: 'number', index: 'number', perImage: '[]' });
  const { images, layers, objects, trees, logicalBytes, sharedBytes, reclaimableBytes } = usage;
  assert.deepEqual({ images, layers, objects, trees }, { images: 2, layers: 2, objects: 1, trees: 1 });
  assert.deepEqual(
    { logicalBytes, sharedBytes, reclaimableBytes },
    { logicalBytes: 30_000, sharedBytes: 10_000, reclaimableBytes: 0 },
  );
  assert.ok(usage.storedBytes >= 30_000, 'one object and a tree with two copies');
  const a = usage.perImage.find(({ name }) => name === 'example.com/a') as Json;
  assert.deepEqual([a['objectBytes'], a['trees'], a['treeBytes']], [10_000, 1, 20_000]);
});

test('du tells of kept archives and put blobs, and its parts add up', async (t) => {
  const s = new TestStore(t);
  const layer = tar([
    { name: 'f', content: randomBytes(30_000) },
    { name: 'g', content: 'g' },
  ]);
  const images = ['one', 'two'].map((ref) => ({ ref, layers: [layer], compress: 'gzip' as const }));
  ociLayout(s.path('app'), images);
  await s.ok(['import', '--recursive', '--keep-archive', s.path('app')]);
  await s.ok(['put', s.write('blob', 'x'.repeat(5000))]);
  const usage = await s.json<Usage & Json>(['du']);
  const { stored } = usage;
  assert.ok(stored.archives > 30_000 && stored.archives < 35_000, `${stored.archives}`);
  assert.equal(stored.put, 5000);
  assert.equal(
    Object.values(stored).reduce((sum, bytes) => sum + bytes),
    usage.storedBytes,
  );
  assert.deepEqual([usage.logicalBytes, usage.neededBytes], [30_001, 30_001]);
  assert.ok(usage.perImage.every(({ archiveBytes }) => archiveBytes === stored.archives));
  const told = (await s.ok(['du'])).stdout.toString();
  assert.match(told, /^KEY +NAME +SIZE +OBJECTS +ARCHIVES +TREES +OWN$/m);
  assert.match(told, /kept archives 3\d\.\d KB, put blobs 5\.0 KB, trees 0 B/);
  assert.match(told, /^layers hold 30\.0 KB of files in 30\.0 KB of objects: sharing saves 0 B$/m);
});

function filesBelow(dir: string): string[] {
  const entries = fs.readdirSync(dir, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}

test('what is half fetched goes after the grace period, unless somebody works on it', async (t) => {
  const s = new TestStore(t);
  await s.ok(['import', s.aci('app.aci', { name: 'example.com/app' }, [{ name: 'f', content: 'app' }])]);
  const layout = new Layout(s.store);
  fs.mkdirSync(layout.fetching);
  const partial = (digit: string): string => join(layout.fetching, digit.repeat(64));
  const hourOld = new Date(Date.now() - 3_600_000);
  for (const digit of ['a', 'b', 'c']) fs.writeFileSync(partial(digit), 'half');
  for (const digit of ['a', 'b']) fs.utimesSync(partial(digit), hourOld, hourOld);
  const held = tryLock(layout.fetchLock('b'.repeat(64)), true);
  const had = await s.json(['du']);

  assert.equal((await s.json(['fsck']))['ok'], true);
  const { stray } = await s.json<{ stray: string[] }>(['fsck']);
  assert.ok(!stray.some((path) => path.includes('fetching')), `${stray}`);
  assert.equal((await s.json<Collected>(['gc'])).removed.staging, 0);
  await s.ok(['backup', join(s.dir, 'backup')]);
  assert.equal(fs.existsSync(join(s.dir, 'backup', 'fetching')), false);
  assert.equal((await s.json(['--store', join(s.dir, 'backup'), 'fsck']))['ok'], true);

  const { removed, freedBytes } = await collect(s, ['gc', '--grace-period', '30m']);
  assert.deepEqual([removed.staging, freedBytes], [1, 4]);
  assert.deepEqual(
    ['a', 'b', 'c'].filter((digit) => fs.existsSync(partial(digit))),
    ['b', 'c'],
  );
  held?.release();
  assert.equal((await collect(s, ['gc', '--grace-period', '0s'])).removed.staging, 2);
  assert.deepEqual(fs.readdirSync(layout.fetching), []);
  assert.deepEqual(fs.readdirSync(layout.locks), []);
  assert.equal((await s.json(['du']))['storedBytes'], had['storedBytes']);
});
