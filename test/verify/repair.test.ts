/** `fsck --repair`: it mends what it can, leaves the rest to an import, and harms no other process. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import type { Key } from '../../engine/core/key.js';
import { shardedPath } from '../../engine/disk/shards.js';
import type { ImageRecord } from '../../engine/index/records.js';
import type { Table } from '../../engine/index/table.js';
import type { StoreContext } from '../../engine/session/context.js';
import { openContext } from '../../engine/session/open.js';
import { Store } from '../../engine/store.js';
import type { FsckResult } from '../../engine/verify/fsck.js';
import { aci, type EntrySpec, type ManifestSpec, tar } from '../fixtures/archive.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { dockerArchive, ociLayout } from '../fixtures/oci.js';
import { TestStore } from '../fixtures/store.js';
import {
  contentOf,
  filesOnly,
  inPacks,
  loseObject,
  objectWith,
  type StoredObject,
  spoilObject,
} from '../fixtures/stored-objects.js';

keepThreads();

/** A store opened by the library, with its parts. */
class Bench {
  readonly dir: string;
  readonly context: StoreContext;
  readonly store: Store;
  readonly notices: string[];

  private constructor(dir: string, context: StoreContext, notices: string[]) {
    this.dir = dir;
    this.context = context;
    this.notices = notices;
    this.store = new Store(context);
  }

  static async open(t: TestContext, dir = temporaryDirectory(t)): Promise<Bench> {
    const notices: string[] = [];
    const onNotice = (message: string): number => notices.push(message);
    const context = await openContext({ dir: join(dir, 'store'), workers: 2, onNotice });
    const bench = new Bench(dir, context, notices);
    t.after(() => bench.store.close());
    return bench;
  }

  /** Writes an ACI beside the store and imports it. @returns its path */
  async aci(name: string, entries: readonly EntrySpec[], more: Partial<ManifestSpec> = {}): Promise<string> {
    const path = join(this.dir, `${name}.aci`);
    fs.writeFileSync(path, aci({ name: `example.com/${name}`, ...more }, entries));
    await this.store.import(path);
    return path;
  }

  object(content: string): StoredObject {
    return objectWith(this.store.dir, content);
  }

  blob(key: Key): string {
    return this.context.layout.blob(key);
  }

  repair(): Promise<FsckResult> {
    return this.store.fsck({ repair: true });
  }

  async mustBeWell(): Promise<void> {
    assert.deepEqual((await this.store.check()).damaged, []);
    const { missing, stray, miscounted, reimport, ok } = await this.store.fsck();
    assert.deepEqual(
      { missing, stray, miscounted, reimport, ok },
      { missing: [], stray: [], miscounted: [], reimport: [], ok: true },
    );
  }

  async tocOf(image: string): Promise<Key> {
    const { layers } = await this.store.inspect(image);
    return layers[0]?.toc as Key;
  }

  /** @returns whether the image can be exported, byte for byte */
  async exports(image: string): Promise<boolean> {
    const out = join(this.dir, 'out');
    return this.store.export(image, out, { format: 'tar', force: true }).then(
      () => true,
      (error: { code: string }) => {
        assert.equal(error.code, 'ERR_DAMAGED');
        return false;
      },
    );
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function spoil(path: string): void {
  const { atime, mtime } = fs.statSync(path);
  const bytes = fs.readFileSync(path);
  bytes[0] = (bytes[0] as number) ^ 0x10;
  fs.writeFileSync(path, bytes);
  fs.utimesSync(path, atime, mtime);
}

const SHARED: EntrySpec = { name: 'shared', content: 'in both' };
const own = (name: string): EntrySpec => ({ name, content: `only in ${name}` });

test('an object that two images share', async (t) => {
  const bench = await Bench.open(t);
  const { store } = bench;
  await bench.aci('a', [SHARED, own('a')], { labels: { version: '1' } });
  const b = await bench.aci('b', [SHARED, own('b')]);
  await bench.aci('c', [own('c')]);
  await bench.aci('top', [own('top')], { dependencies: [{ imageName: 'example.com/a' }] });
  await store.pin('example.com/a');
  const before = (await all(store.images())).map(({ lastUsed: _used, ...rest }) => rest);
  for (const name of ['a', 'b', 'c', 'top']) await store.render(`example.com/${name}`, { mode: 'link' });
  const damaged = bench.object('in both');
  spoilObject(damaged);
  const spoiled = contentOf(damaged);
  const repaired = await bench.repair();

  await t.test('both are named, and nobody else', async () => {
    assert.deepEqual(repaired.reimport.sort(), ['example.com/a:1', 'example.com/b']);
    assert.equal(repaired.ok, false);
    assert.deepEqual([repaired.stray, repaired.miscounted], [[], []]);
    assert.deepEqual(repaired.missing[0]?.images.sort(), ['example.com/a:1', 'example.com/b']);
  });
  await t.test('the file lies in quarantine, as it was', () => {
    assert.equal(fs.existsSync(damaged.path), inPacks);
    const [path] = repaired.quarantined as [string];
    assert.ok(path.endsWith(shardedPath('/objects', damaged.name)), path);
    assert.deepEqual(fs.readFileSync(path), spoiled);
  });
  await t.test('trees with that file went, others stay', async () => {
    const left = await all(store.trees());
    // What a tree has of a pack are copies, and they are whole.
    if (inPacks) return assert.equal(left.length, 4);
    assert.deepEqual(
      left.map(({ images }) => images.length),
      [1],
    );
    assert.equal(left[0]?.images[0], (await store.inspect('example.com/c')).key);
    assert.equal(repaired.repaired.filter(({ action }) => action === 'dropped').length, 3);
  });
  await t.test('what needs it fails, and says what to import', async () => {
    for (const name of ['a', 'top']) {
      const told = { code: 'ERR_DAMAGED', message: /import again: example\.com\/a:1$/ };
      await assert.rejects(store.render(`example.com/${name}`, { mode: 'link' }), told);
      await assert.rejects(store.checkout(`example.com/${name}`, join(bench.dir, 'co')), told);
      await assert.rejects(
        store.export(`example.com/${name}`, join(bench.dir, 'out'), { format: 'tar', force: true }),
        told,
      );
      await assert.rejects(store.readFile(`example.com/${name}`, 'a'), told);
    }
    await store.render('example.com/c', { mode: 'link', rebuild: true });
  });
  await t.test('what is known is not called new, nor mended again', async () => {
    const again = await bench.repair();
    assert.deepEqual([again.repaired, again.quarantined], [[], []]);
    assert.deepEqual([...again.reimport].sort(), ['example.com/a:1', 'example.com/b']);
    assert.ok((await store.fsck()).missing.every(({ awaited }) => awaited === true));
    assert.ok((await store.check()).damaged.every(({ awaited }) => awaited === true));
    const { damaged: told } = await store.inspect('example.com/a');
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ['layer'],
    );
  });
  await t.test('importing one of the two heals both', async () => {
    const imported = await store.import(b);
    assert.deepEqual([imported.existed, imported.healed, imported.objects.new], [true, true, 1]);
    await bench.mustBeWell();
    const after = (await all(store.images())).map(({ lastUsed: _used, ...rest }) => rest);
    const sizes = (list: typeof before): object[] => list.map(({ treeSize: _size, ...rest }) => rest);
    assert.deepEqual(sizes(after), sizes(before));
    for (const name of ['a', 'b', 'top']) await store.render(`example.com/${name}`, { mode: 'link' });
    await bench.mustBeWell();
  });
  await t.test('gc keeps the quarantine for its grace period, then sweeps it', async () => {
    const dir = bench.context.layout.quarantine;
    assert.equal((await store.gc()).removed.quarantine, 0);
    assert.equal(fs.readdirSync(dir).length, 1);
    const told = await store.gc({ images: true, graceMs: 0, dryRun: true });
    const done = await store.gc({ images: true, graceMs: 0 });
    assert.deepEqual([told.removed.quarantine, done.removed.quarantine], [1, 1]);
    assert.equal(told.freedBytes, done.freedBytes);
    assert.deepEqual(fs.readdirSync(dir), []);
  });
});

test('what vanished is treated as what is damaged, without a quarantine', async (t) => {
  const bench = await Bench.open(t);
  const path = await bench.aci('a', [own('a'), own('b')]);
  const key = (await bench.store.put(path)).key;
  loseObject(bench.object('only in b'));
  fs.rmSync(bench.blob(await bench.tocOf('example.com/a')));
  fs.rmSync(bench.blob(key));
  const repaired = await bench.repair();
  assert.deepEqual(repaired.quarantined, []);
  assert.deepEqual(repaired.reimport, ['example.com/a', key]);
  await assert.rejects(bench.store.get(key, join(bench.dir, 'got')), { code: 'ERR_DAMAGED' });
  assert.equal((await bench.store.import(path)).healed, true);
  assert.equal((await bench.store.put(path)).existed, false);
  await bench.mustBeWell();
});

test('a table of contents that two layers share', async (t) => {
  const bench = await Bench.open(t);
  const { store } = bench;
  const a = await bench.aci('a', [own('file')]);
  const b = await bench.aci('b', [own('file')]);
  await bench.aci('c', [own('file'), own('c')]);
  const toc = await bench.tocOf('example.com/a');
  assert.equal(toc, await bench.tocOf('example.com/b'));
  spoil(bench.blob(toc));
  assert.deepEqual((await bench.repair()).reimport, ['example.com/a', 'example.com/b']);
  await t.test('what only these hold is no longer counted, and gc may take it', async () => {
    const { miscounted } = await store.fsck();
    assert.deepEqual(miscounted, []);
    await store.gc();
    assert.equal(await bench.exports('example.com/c'), true);
  });
  await t.test('importing one brings both back, with all that both hold', async () => {
    assert.equal((await store.import(a)).healed, true);
    await bench.mustBeWell();
    for (const name of ['a', 'b', 'c']) assert.equal(await bench.exports(`example.com/${name}`), true);
  });
  await t.test('and what one lets go of, the other keeps', async () => {
    await store.rm(['example.com/a']);
    await store.rm(['example.com/c']);
    await store.gc();
    assert.equal(await bench.exports('example.com/b'), true);
    await bench.mustBeWell();
  });
  await t.test('it may come back by an image that is new', async () => {
    spoil(bench.blob(toc));
    await bench.repair();
    await store.import(a);
    await bench.mustBeWell();
    assert.equal((await store.import(b)).existed, true);
    assert.equal(await bench.exports('example.com/b'), true);
  });
});

test('an image whose table of contents is damaged is removed and collected without harm', async (t) => {
  for (const way of ['rm', 'gc'] as const) {
    await t.test(way, async () => {
      const bench = await Bench.open(t);
      const { store } = bench;
      await bench.aci('a', [SHARED, own('a')]);
      await bench.aci('b', [SHARED, own('b')]);
      spoil(bench.blob(await bench.tocOf('example.com/a')));
      if (way === 'rm') await store.rm(['example.com/a']);
      else {
        await store.pin('example.com/b');
        await store.gc({ images: true, graceMs: -1 });
      }
      assert.deepEqual(
        (await all(store.images())).map(({ name }) => name),
        ['example.com/b'],
      );
      await store.gc();
      await store.render('example.com/b', { mode: 'link' });
      const { miscounted, missing } = await store.fsck();
      assert.deepEqual(missing, []);
      assert.equal(miscounted.length, 2, 'its objects are still counted');
      assert.equal((await bench.repair()).ok, true);
      await store.gc();
      await bench.mustBeWell();
      assert.equal([...bench.context.index.objects.keys()].length, 2);
    });
  }
});

test('a table of contents that reads as one for other objects lets go of nothing', async (t) => {
  const bench = await Bench.open(t);
  await bench.aci('a', [{ name: 'f', content: 'same', mode: 0o644 }]);
  await bench.aci('b', [{ name: 'f', content: 'same', mode: 0o645 }]);
  // One bit of the mode: with it the entry names the object of the other image.
  const path = bench.blob(await bench.tocOf('example.com/a'));
  const bytes = fs.readFileSync(path);
  const at = bytes.indexOf(Buffer.from([0xa4, 0x01]));
  bytes[at] = 0xa5;
  fs.writeFileSync(path, bytes);
  await bench.store.rm(['example.com/a']);
  await bench.store.gc();
  await bench.store.render('example.com/b', { mode: 'link' });
  assert.equal((await bench.store.check()).ok, true);
});

test('a damaged image stops nobody else', async (t) => {
  const s = new TestStore(t);
  const base = (version: string): string =>
    s.aci(`base${version}.aci`, { name: 'example.com/base', labels: { version } }, [own(`base${version}`)]);
  await s.ok(['import', base('1')]);
  await s.ok(['import', base('2')]);
  await s.ok([
    'import',
    s.aci('app.aci', { name: 'example.com/app', dependencies: [{ imageName: 'example.com/base' }] }),
  ]);
  const context = await openContext({ dir: s.store, readOnly: true });
  const [damaged] = [...context.index.images.values()].filter(({ labels }) => labels[0]?.value === '2');
  const { manifest, key } = damaged as { manifest: Key; key: Key };
  const path = context.layout.blob(manifest);
  await new Store(context).close();
  spoil(path);

  await t.test('a name leads to the other image that has it, and this is said', async () => {
    const ran = await s.ok(['inspect', 'example.com/base', '--json']);
    assert.equal(ran.json<{ labels: { version: string } }>().labels.version, '1');
    assert.match(ran.stderr, /the manifest of example\.com\/base:2 .* is damaged; run "cairn fsck --repair"/);
  });
  await t.test('so do dependencies', async () => {
    await s.ok(['render', '--mode', 'link', 'example.com/app']);
    assert.match((await s.ok(['files', 'example.com/app'])).stdout.toString(), /base1/);
  });
  await t.test('inspect tells what is damaged, and what it still knows', async () => {
    const told = await s.json<{ damaged: { kind: string; key: Key }[]; name: string }>(['inspect', key]);
    assert.deepEqual(
      told.damaged.map((each) => [each.kind, each.key]),
      [['manifest', manifest]],
    );
    assert.equal(told.name, 'example.com/base');
    assert.match(
      (await s.ok(['inspect', key])).stdout.toString(),
      /^damaged +manifest: a blob does not have its hash/m,
    );
    await s.refused(['cat-manifest', key], 'ERR_DAMAGED', 1);
  });
  await t.test('listing, counting and collecting go on', async () => {
    for (const args of [['ls'], ['du'], ['gc'], ['tree', 'ls'], ['pin', 'example.com/app']]) await s.ok(args);
  });
  await t.test('check and fsck tell people what to do', async () => {
    const checked = await s.run(['check']);
    assert.equal(checked.code, 4);
    assert.match(checked.stdout.toString(), /1 damaged; run "cairn fsck --repair"$/m);
    const repaired = await s.run(['fsck', '--repair']);
    assert.equal(repaired.code, 4);
    assert.match(repaired.stdout.toString(), /^quarantined: blob sha512-/m);
    assert.match(repaired.stdout.toString(), /^to be imported again: example\.com\/base:2$/m);
  });
  await t.test('removing it ends the matter', async () => {
    await s.ok(['unpin', 'example.com/app']);
    await s.ok(['rm', key]);
    assert.equal((await s.json<{ ok: boolean }>(['fsck'])).ok, true);
    await s.ok(['check']);
  });
});

type Wrong = readonly [what: string, spoil: (context: StoreContext, image: Key) => void, action: string];

const WRONG_IN_PACKS: readonly Wrong[] = [
  [
    'a pack counted too high',
    ({ index }) => change(index.packs, (record) => ({ ...record, used: record.used + 512 })),
    'counted anew',
  ],
];

/** Ways in which an index can be wrong with every file in place, and the action that mends it. */
const WRONG: readonly Wrong[] = [
  ...(inPacks ? WRONG_IN_PACKS : []),
  [
    'an object counted too high',
    ({ index }) => change(index.objects, (record) => ({ ...record, refs: 5 })),
    'counted anew',
  ],
  [
    'an object counted too low',
    ({ index }) => change(index.objects, (record) => ({ ...record, refs: 0 })),
    'counted anew',
  ],
  ['a blob counted too high', ({ index }) => change(index.blobs, (record) => ({ ...record, refs: 9 })), 'counted anew'],
  [
    'a layer counted too high',
    ({ index }) => change(index.layers, (record) => ({ ...record, refs: 9 })),
    'counted anew',
  ],
  ['wrong sums', ({ index }) => index.meta.put('totals', { ...index.totals, objectBytes: 1 }), 'counted anew'],
  ['an object that is not listed', ({ index }) => index.objects.remove(firstKey(index.objects)), 'found again'],
  ['a blob that is not listed', ({ index }) => index.blobs.remove(firstKey(index.blobs)), 'found again'],
  [
    'a layer that nobody needs',
    ({ index }, image) => {
      const layer = index.layer(image);
      const key = `sha512-${'ab'.repeat(64)}` as const;
      if (layer !== undefined) index.layers.put(key, { ...layer, key, archiveDigests: [] });
    },
    'removed',
  ],
];

function change<K, V>(table: Table<K, V>, to: (record: V) => V): void {
  const [first] = [...table.entries()];
  const { key, value } = first as { key: K; value: V };
  table.put(key, to(value));
}

function firstKey<K>(table: Table<K, unknown>): K {
  const [first] = [...table.keys()];
  return first as K;
}

test('an index that counts wrong, or has lost a record, is mended without an import', async (t) => {
  for (const [what, spoilIndex, action] of WRONG) {
    await t.test(what, async () => {
      const bench = await Bench.open(t);
      await bench.aci('a', [SHARED, own('a')]);
      await bench.aci('b', [SHARED]);
      const { key } = await bench.store.inspect('example.com/a');
      await bench.context.index.commit(() => spoilIndex(bench.context, key));
      assert.equal((await bench.store.fsck()).ok, false);
      const { ok, repaired, reimport } = await bench.repair();
      assert.deepEqual([ok, reimport], [true, []]);
      assert.ok(
        repaired.some((each) => each.action === action),
        JSON.stringify(repaired),
      );
      await bench.mustBeWell();
      assert.equal(await bench.exports('example.com/a'), true);
    });
  }
});

test('an image whose layer the index has lost is whole after an import', async (t) => {
  const bench = await Bench.open(t);
  const path = await bench.aci('a', [own('a')]);
  const { key } = await bench.store.inspect('example.com/a');
  await bench.context.index.commit(() => void bench.context.index.layers.remove(key));
  const { reimport, missing } = await bench.repair();
  assert.deepEqual([reimport, missing.map(({ kind }) => kind)], [['example.com/a'], ['layer']]);
  assert.equal((await bench.store.import(path)).healed, true);
  await bench.mustBeWell();
});

test('strays are removed, of whatever kind', async (t) => {
  const bench = await Bench.open(t);
  await bench.aci('a', [own('a')]);
  const { layout } = bench.context;
  const strays = [
    join(layout.trees, `deps-sha512-${'0'.repeat(128)}`),
    join(layout.staging, 'dead'),
    // Beside packs this is a file that trees may share.
    ...(inPacks ? [] : [join(layout.objects, 'ff', `${'f'.repeat(126)}.0644.0.0.0`)]),
    join(layout.objects, 'no-shard'),
    join(layout.blobs, 'ff', 'f'.repeat(126)),
    join(layout.blobs, 'ff', 'short'),
  ];
  for (const path of strays) fs.mkdirSync(path, { recursive: true });
  assert.deepEqual((await bench.store.fsck()).stray.sort(), [...strays].sort());
  const { repaired, ok } = await bench.repair();
  assert.equal(ok, true);
  assert.deepEqual(repaired.map(({ id }) => id).sort(), [...strays].sort());
  for (const path of strays) assert.equal(fs.existsSync(path), false, path);
  await bench.mustBeWell();
});

test('a tree is compared with the plan it was made by, whatever its names mean by now', async (t) => {
  const bench = await Bench.open(t);
  const { store } = bench;
  await bench.aci('base', [own('base')], { labels: { version: '1' } });
  const whitelisted = { dependencies: [{ imageName: 'example.com/base' }], pathWhitelist: ['base', 'app'] };
  await bench.aci('app', [own('app'), own('filtered')], whitelisted);
  const old = await store.render('example.com/app', { mode: 'copy' });
  await bench.aci('base', [own('other')], { labels: { version: '2' } });
  const now = await store.render('example.com/app', { mode: 'copy' });
  assert.notEqual(old.treeId, now.treeId);
  await bench.mustBeWell();
  spoil(join(old.path, 'base'));
  const { damaged } = await store.check();
  assert.deepEqual(
    damaged.map(({ id, path }) => [id, path]),
    [[old.treeId, 'base']],
  );
  assert.equal((await bench.repair()).ok, true);
  assert.deepEqual(
    (await all(store.trees())).map(({ id }) => id),
    [now.treeId],
  );
  await bench.mustBeWell();
});

test('a whole further copy takes the place of a damaged object', { skip: filesOnly }, async (t) => {
  for (const [bad, left] of [
    ['', 1],
    ['+1', 1],
    ['+2', 1],
  ] as const) {
    await t.test(`object${bad}`, async () => {
      const bench = await Bench.open(t);
      await bench.aci('a', [own('a')]);
      const { path } = bench.object('only in a');
      for (const n of [1, 2]) {
        fs.copyFileSync(path, `${path}+${n}`);
        fs.utimesSync(`${path}+${n}`, fs.statSync(path).atime, fs.statSync(path).mtime);
        fs.chmodSync(`${path}+${n}`, fs.statSync(path).mode);
      }
      const { index } = bench.context;
      await index.commit(() => change(index.objects, (record) => ({ ...record, copies: 2 })));
      await bench.repair(); // the sums
      await bench.mustBeWell();
      spoil(`${path}${bad}`);
      assert.deepEqual(
        (await bench.store.check()).damaged.map(({ kind }) => kind),
        ['object'],
      );
      const { ok, quarantined } = await bench.repair();
      assert.deepEqual([ok, quarantined.length], [true, 1]);
      assert.deepEqual(
        [...index.objects.values()].map(({ copies }) => copies),
        [left],
      );
      await bench.mustBeWell();
      assert.equal(await bench.exports('example.com/a'), true);
    });
  }
});

test('an OCI image heals from another kind of archive of it', async (t) => {
  const bench = await Bench.open(t);
  const { store } = bench;
  const layers = [tar([own('bottom')]), tar([own('top')])];
  const images = [{ ref: 'example.com/app:v1', layers, compress: 'gzip' as const }];
  ociLayout(join(bench.dir, 'layout'), images);
  const docker = join(bench.dir, 'docker.tar');
  fs.writeFileSync(docker, dockerArchive(images, { old: true }));
  const { key } = await store.import(join(bench.dir, 'layout'), { keepArchive: true });
  await t.test('with its kept archives gone it keeps none', async () => {
    const archive = bench.context.index.image(key)?.archives?.[0] as Key;
    spoil(bench.blob(archive));
    assert.deepEqual((await bench.repair()).reimport, ['example.com/app:v1']);
    await assert.rejects(store.export(key, join(bench.dir, 'out')), { code: 'ERR_DAMAGED' });
    assert.equal((await store.import(docker)).healed, true);
    assert.equal(bench.context.index.image(key)?.archives, undefined);
    await store.export(key, join(bench.dir, 'out'));
    await bench.mustBeWell();
  });
  await t.test('objects come back, the rest stays as it was', async () => {
    const before = bench.context.index.image(key);
    spoilObject(bench.object('only in top'));
    await bench.repair();
    assert.equal((await store.import(join(bench.dir, 'layout'))).healed, true);
    await bench.mustBeWell();
    const asked = ({ lastUsed: _used, digests: _digests, ...rest }: ImageRecord): object => rest;
    assert.deepEqual(asked(bench.context.index.image(key) as ImageRecord), asked(before as ImageRecord));
  });
});

test('a repair that is stopped anywhere is finished by the next', async (t) => {
  const stops: readonly [what: string, stop: (context: StoreContext) => void][] = [
    ['before trees go', ({ index }) => failing(index, 'commitRemoval', 1)],
    ['when files lie in quarantine', ({ disk }) => failing(disk, 'sync', 1)],
    ['before the index is settled', ({ index }) => failing(index, 'commitRemoval', 2)],
  ];
  for (const [what, stop] of stops) {
    await t.test(what, async () => {
      const dir = temporaryDirectory(t);
      const first = await Bench.open(t, dir);
      const path = await first.aci('a', [SHARED, own('a')]);
      await first.aci('b', [own('b')]);
      for (const name of ['a', 'b']) await first.store.render(`example.com/${name}`, { mode: 'link' });
      spoilObject(first.object('in both'));
      spoil(first.blob(await first.tocOf('example.com/a')));
      stop(first.context);
      await assert.rejects(first.repair(), /stopped here/);
      await first.store.close();
      const second = await Bench.open(t, dir);
      assert.deepEqual((await second.repair()).reimport, ['example.com/a']);
      await second.store.import(path);
      await second.store.render('example.com/a', { mode: 'link' });
      await second.mustBeWell();
    });
  }
});

/** Makes the n-th call of a method throw, as if the process ended there. */
function failing<N extends string>(
  of: { [name in N]: (...args: never[]) => Promise<unknown> },
  name: N,
  at: number,
): void {
  const real = of[name].bind(of);
  let calls = 0;
  of[name] = (...args: never[]) => (++calls === at ? Promise.reject(new Error('stopped here')) : real(...args));
}

test('nothing in quarantine is overwritten', async (t) => {
  const bench = await Bench.open(t);
  const path = await bench.aci('a', [own('a')]);
  const taken = new Set<string>();
  for (let n = 0; n < 3; n++) {
    spoilObject(bench.object('only in a'));
    for (const each of (await bench.repair()).quarantined) taken.add(each);
    await bench.store.import(path);
  }
  assert.equal(taken.size, 3);
  for (const each of taken) assert.ok(fs.existsSync(each));
});

test('removing an image that lacks something leaves a whole store', async (t) => {
  const bench = await Bench.open(t);
  await bench.aci('a', [SHARED, own('a')]);
  await bench.aci('b', [SHARED]);
  const key = (await bench.store.put(Readable.from(['put by hand']))).key;
  spoilObject(bench.object('only in a'));
  for (const blob of [await bench.tocOf('example.com/a'), key] as const) spoil(bench.blob(blob));
  await bench.repair();
  await bench.store.rm(['example.com/a']);
  assert.deepEqual((await bench.store.fsck()).reimport, [key]);
  await bench.store.put(Readable.from(['put by hand']));
  await bench.store.gc();
  await bench.mustBeWell();
});

test('a file is not printed for what it no longer is', async (t) => {
  const s = new TestStore(t);
  await s.ok(['import', s.aci('a.aci', { name: 'example.com/a' }, [own('a')])]);
  assert.equal((await s.ok(['cat', 'example.com/a', 'a'])).stdout.toString(), 'only in a');
  spoilObject(objectWith(s.store, 'only in a'));
  const ran = await s.run(['cat', '--json', 'example.com/a', 'a']);
  assert.deepEqual([ran.code, ran.error().code], [1, 'ERR_DAMAGED']);
});

test('a file that someone puts back is found again', async (t) => {
  const bench = await Bench.open(t);
  await bench.aci('a', [own('a')]);
  const bringBack = loseObject(bench.object('only in a'));
  assert.equal((await bench.repair()).ok, false);
  bringBack();
  const { ok, repaired } = await bench.repair();
  assert.equal(ok, true);
  assert.deepEqual(
    repaired.map(({ action }) => action),
    ['found again'],
  );
  await bench.mustBeWell();
});
