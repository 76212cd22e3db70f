/** A store with packs does all that one with loose objects does, from import to a lost index. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BLOCK } from '../../engine/core/extent.js';
import { punch } from '../../engine/disk/file-ranges.js';
import { contextOf } from '../../engine/facade/opened.js';
import type { PackRecord } from '../../engine/index/records.js';
import { rebuildIndex } from '../../engine/recover/rebuild-index.js';
import { repackStore } from '../../engine/recover/repack.js';
import { openStore, type Store } from '../../engine/store.js';
import { tar } from '../fixtures/archive.js';
import { ociLayout } from '../fixtures/oci.js';
import { TestStore } from '../fixtures/store.js';
import { loseObject, objectWith, spoilObject } from '../fixtures/stored-objects.js';

async function packedStore(t: TestContext, dir: string): Promise<Store> {
  const store = await openStore({ dir, layout: 'packs', workers: 2 });
  t.after(() => store.close());
  return store;
}

/** Two images that have a content in common, with other metadata in each. */
function sources(s: TestStore): string[] {
  return [
    s.aci('base.aci', { name: 'example.com/base' }, [
      { name: 'same', content: 'the same', mode: 0o644 },
      { name: 'only', content: 'only here', uid: 7 },
      { name: 'empty', content: '' },
    ]),
    s.aci('app.aci', { name: 'example.com/app', dependencies: [{ imageName: 'example.com/base' }] }, [
      { name: 'other', content: 'the same', mode: 0o4755, uid: 1000, mtime: 5 },
      { name: 'large', content: Buffer.alloc(3 << 20, 'large') },
      { name: 'again', content: Buffer.alloc(3 << 20, 'large') },
      { name: 'middle', content: Buffer.alloc(100_000, 'middle') },
    ]),
  ];
}

async function damageIn(store: Store): Promise<string[]> {
  const { damaged } = await store.check();
  return damaged.map(({ kind, id, what }) => `${kind} ${id}: ${what}`);
}

const packsOf = (s: TestStore): string[] =>
  fs.readdirSync(join(s.store, 'packs')).map((name) => join(s.store, 'packs', name));
const blocksOf = (s: TestStore): number => packsOf(s).reduce((sum, path) => sum + fs.statSync(path).blocks * 512, 0);

test('objects lie in packs', async (t) => {
  const s = new TestStore(t);
  const archives = sources(s);
  const loose = await openStore({ dir: s.path('loose'), layout: 'loose', workers: 1 });
  t.after(() => loose.close());
  await loose.importAll(archives);
  const store = await packedStore(t, s.store);
  await store.importAll(archives);

  await t.test('once for each content', async () => {
    const { objects } = await store.du();
    assert.equal(objects, 5);
    assert.deepEqual(fs.readdirSync(join(s.store, 'objects')), []);
    assert.equal(fs.statSync(packsOf(s)[0] as string).size % 4096, 0);
  });
  for (const mode of ['link', 'copy'] as const) {
    await t.test(`renders the same tree by ${mode}, twice`, async () => {
      const there = await loose.render('example.com/app', { mode: 'link' });
      for (const rebuild of [true, true]) {
        const here = await store.render('example.com/app', { mode, rebuild });
        assert.equal(here.hash, there.hash);
        for (const name of fs.readdirSync(there.path)) {
          const [own, its] = [here, there].map(({ path }) => fs.statSync(join(path, name)));
          assert.deepEqual(
            [own?.mode, own?.uid, own?.size, own?.mtimeMs],
            [its?.mode, its?.uid, its?.size, its?.mtimeMs],
          );
          assert.deepEqual(fs.readFileSync(join(here.path, name)), fs.readFileSync(join(there.path, name)));
        }
        assert.deepEqual(await damageIn(store), []);
      }
    });
  }
  await t.test('shares files of link trees', async () => {
    const here = await store.render('example.com/app', { mode: 'link', rebuild: true });
    assert.equal(fs.statSync(join(here.path, 'only')).nlink, process.geteuid?.() === 0 ? 2 : 1);
  });
  await t.test('gives back what came', async () => {
    const chunks = [...(await store.readFile('example.com/app', 'only'))];
    assert.equal(Buffer.concat(chunks).toString(), 'only here');
    await store.export('example.com/app', s.path('out.aci'));
    assert.deepEqual(fs.readFileSync(s.path('out.aci')), fs.readFileSync(s.path('app.aci')));
    const tars = await Promise.all(
      [store, loose].map((each, i) => each.export('example.com/app', s.path(`${i}.tar`), { format: 'tar' })),
    );
    assert.equal(tars[0]?.key, tars[1]?.key);
  });
  await t.test('knows what it has', async () => {
    const before = blocksOf(s);
    assert.equal((await store.import(archives[0] as string)).existed, true);
    const twin = s.aci('twin.aci', { name: 'example.com/twin' }, [{ name: 'same', content: 'the same', mtime: 77 }]);
    const { objects } = await store.import(twin);
    assert.deepEqual([objects.new, objects.shared], [0, 1]);
    assert.ok(blocksOf(s) <= before + 4096);
    const { stray, missing, miscounted } = await store.fsck();
    assert.deepEqual([stray, missing, miscounted], [[], [], []]);
  });
  await t.test('backs up', async () => {
    await store.backup(s.path('backup'));
    const copy = await packedStore(t, s.path('backup'));
    assert.deepEqual(await damageIn(copy), []);
    assert.equal(
      (await copy.render('example.com/app', { mode: 'link' })).hash,
      (await loose.render('example.com/app', { mode: 'link' })).hash,
    );
    assert.equal((await copy.fsck()).ok, true);
  });
  await t.test('finds damage, and takes back what is imported again', async () => {
    const pack = packsOf(s).find((path) => fs.readFileSync(path).includes('only here')) as string;
    const fd = fs.openSync(pack, 'r+');
    fs.writeSync(fd, 'ONLY', fs.readFileSync(pack).indexOf('only here'));
    fs.closeSync(fd);
    assert.match((await damageIn(store)).join(), /object [0-9a-f]{128}\.p: content does not have the hash/);
    const { reimport } = await store.fsck({ repair: true });
    assert.equal(reimport.length, 1);
    assert.equal((await store.import(archives[0] as string)).healed, true);
    assert.deepEqual(await damageIn(store), []);
    assert.equal((await store.fsck()).ok, true);
  });
  await t.test('collects what nobody needs', async () => {
    await store.rm(['example.com/app', 'example.com/base', 'example.com/twin']);
    await store.gc({ images: true, graceMs: 0 });
    assert.deepEqual(packsOf(s), []);
    const { stray, missing, ok } = await store.fsck();
    assert.deepEqual([stray, missing, ok], [[], [], true]);
  });
});

test('space of one image among others comes back, to the last whole block', async (t) => {
  const s = new TestStore(t);
  const store = await packedStore(t, s.store);
  const image = (name: string): string =>
    s.aci(`${name}.aci`, { name: `example.com/${name}` }, [
      ...Array.from({ length: 300 }, (_none, i) => ({ name: `${i}`, content: `${name} ${i} `.repeat(200) })),
      { name: 'big', content: Buffer.alloc(2 << 20, name) },
    ]);
  for (const name of ['a', 'b', 'c']) await store.import(image(name));
  const before = blocksOf(s);
  await store.rm(['example.com/b']);
  await store.gc({ graceMs: 0 });
  assert.ok(before - blocksOf(s) > 0.3 * before, `${before} → ${blocksOf(s)}`);
  assert.deepEqual(await damageIn(store), []);
  assert.equal((await store.fsck()).ok, true);
  const { removed } = await store.gc({ graceMs: 0 });
  assert.equal(removed.objects, 0);
});

test('an import that fails leaves space that gc finds', async (t) => {
  const s = new TestStore(t);
  const store = await packedStore(t, s.store);
  const good = s.aci('good.aci', { name: 'example.com/good' }, [{ name: 'a', content: Buffer.alloc(1 << 20, 'g') }]);
  const bad = s.aci('bad.aci', { name: 'example.com/bad' }, [{ name: 'b', content: Buffer.alloc(1 << 20, 'b') }]);
  await assert.rejects(store.import(bad, { expect: `sha512-${'0'.repeat(128)}` }), { code: 'ERR_DIGEST_MISMATCH' });
  await store.import(good);
  const before = blocksOf(s);
  await store.gc({ graceMs: 0 });
  // The file system may take a block of its own, to note the hole in.
  assert.ok(before - blocksOf(s) >= (1 << 20) - BLOCK, `${before} → ${blocksOf(s)}`);
  assert.deepEqual(await damageIn(store), []);
});

test('imports that leave nothing share one pack', async (t) => {
  const s = new TestStore(t);
  const bad = s.aci('bad.aci', { name: 'example.com/bad' }, [{ name: 'a', content: 'a' }]);
  fs.truncateSync(bad, 600);
  for (let i = 0; i < 3; i++) {
    await using store = await openStore({ dir: s.store, layout: 'packs', workers: 1 });
    await store.import(s.aci(`${i}.aci`, { name: `example.com/empty${i}` }));
    await assert.rejects(store.import(bad));
    assert.equal(packsOf(s).length, 1);
  }
  const store = await packedStore(t, s.store);
  await store.import(s.aci('good.aci', { name: 'example.com/good' }, [{ name: 'a', content: 'a' }]));
  assert.equal(packsOf(s).length, 1);
  assert.deepEqual(await damageIn(store), []);
  assert.equal((await store.fsck()).ok, true);
});

test('an index that is lost is made anew from the tables', async (t) => {
  const s = new TestStore(t);
  const archives = sources(s);
  ociLayout(s.path('layout'), [
    { ref: 'example.com/oci:1', layers: [tar([{ name: 'a', content: 'a' }]), tar([{ name: 'b', content: 'a' }])] },
  ]);
  {
    await using store = await openStore({ dir: s.store, layout: 'packs', workers: 2 });
    for (const archive of archives) await store.import(archive);
    await store.import(s.path('layout'));
    await store.rm(['example.com/oci:1']);
    await store.gc({ graceMs: 0 });
  }
  // As a crash in the middle of an import leaves it.
  fs.appendFileSync(packsOf(s)[0] as string, Buffer.alloc(10_000, 'torn'));
  fs.rmSync(join(s.store, 'index'), { recursive: true });
  const { rebuilt, lost } = await rebuildIndex({ dir: s.store });
  assert.deepEqual([rebuilt.images, lost], [2, []]);
  const store = await packedStore(t, s.store);
  assert.deepEqual(await damageIn(store), []);
  await store.gc({ graceMs: 0 });
  assert.equal((await store.fsck()).ok, true);
  assert.equal(
    fs.readFileSync(join((await store.render('example.com/app', { mode: 'link' })).path, 'other'), 'utf8'),
    'the same',
  );
});

test('what a hole or an end has taken of a pack is missed by a check, a backup, and who makes an index anew', async (t) => {
  const s = new TestStore(t);
  const image = (name: string): string =>
    s.aci(`${name}.aci`, { name: `example.com/${name}` }, [{ name, content: Buffer.alloc(100_000, name) }]);
  const [a, b] = [image('a'), image('b')];
  {
    await using store = await openStore({ dir: s.store, layout: 'packs', workers: 1 });
    for (const each of [a, b]) await store.import(each);
    const object = objectWith(s.store, 'a'.repeat(100_000));
    const bringBack = loseObject(object);
    await assert.rejects(store.backup(s.path('backup')), { code: 'ERR_DAMAGED', path: object.path });
    bringBack();
    const fd = fs.openSync(object.path, 'r+');
    const isPunched = punch(fd, { offset: object.offset + 8192, length: 4096 }, object.path);
    fs.closeSync(fd);
    if (!isPunched) return t.skip('this file system makes no holes');
    assert.match((await damageIn(store)).join(), /^object [0-9a-f]{128}\.p: missing$/);
    await assert.rejects(store.backup(s.path('backup')), { code: 'ERR_DAMAGED', path: object.path });
  }
  fs.rmSync(join(s.store, 'index'), { recursive: true });
  const { rebuilt, lost } = await rebuildIndex({ dir: s.store });
  assert.deepEqual([rebuilt.images, lost.map((each) => each.image)], [1, ['example.com/a']]);
  const store = await packedStore(t, s.store);
  await store.import(a);
  await store.gc({ graceMs: 0 });
  assert.deepEqual(await damageIn(store), []);
  assert.equal((await store.fsck()).ok, true);
  await store.backup(s.path('backup'));
});

test('rebuilds with other times take no more space', async (t) => {
  const s = new TestStore(t);
  const store = await packedStore(t, s.store);
  const build = (n: number): string =>
    s.aci(`${n}.aci`, { name: `example.com/n${n}` }, [
      ...Array.from({ length: 200 }, (_none, i) => ({ name: `${i}`, content: `${i}`.repeat(3000), mtime: 1000 + n })),
      { name: 'new', content: `build ${n}` },
    ]);
  await store.import(build(0));
  const once = blocksOf(s);
  for (let n = 1; n < 10; n++) await store.import(build(n));
  assert.ok(blocksOf(s) < 1.1 * once, `${once} → ${blocksOf(s)}`);
});

test('contents with holes are files of their own', async (t) => {
  const s = new TestStore(t);
  fs.writeFileSync(s.path('sparse'), '');
  fs.truncateSync(s.path('sparse'), 8 << 20);
  const store = await packedStore(t, s.store);
  const { execFileSync } = await import('node:child_process');
  fs.mkdirSync(s.path('in/rootfs'), { recursive: true });
  fs.renameSync(s.path('sparse'), s.path('in/rootfs/sparse'));
  fs.writeFileSync(
    s.path('in/manifest'),
    JSON.stringify({ acKind: 'ImageManifest', acVersion: '0.8.11', name: 'example.com/sparse' }),
  );
  execFileSync('tar', ['--sparse', '-cf', s.path('sparse.aci'), '-C', s.path('in'), 'manifest', 'rootfs']);
  await store.import(s.path('sparse.aci'));
  const { path } = await store.render('example.com/sparse', { mode: 'copy' });
  assert.equal(fs.statSync(join(path, 'sparse')).size, 8 << 20);
  assert.deepEqual(await damageIn(store), []);
  assert.equal((await store.fsck()).ok, true);
  await store.backup(s.path('backup'));
  assert.deepEqual(await damageIn(await packedStore(t, s.path('backup'))), []);
});

test('a store is repacked, there and back', async (t) => {
  const s = new TestStore(t);
  const archives = sources(s);
  let hash = '';
  {
    await using store = await openStore({ dir: s.store, layout: 'loose', workers: 2 });
    await store.importAll(archives);
    hash = (await store.render('example.com/app', { mode: 'link' })).hash;
  }
  for (const [layout, other] of [
    ['packs', 'loose'],
    ['loose', 'packs'],
  ] as const) {
    const repacked = await repackStore({ dir: s.store, layout });
    assert.deepEqual([repacked.layout, repacked.existed], [layout, false]);
    assert.equal((await repackStore({ dir: s.store, layout })).existed, true);
    await using store = await openStore({ dir: s.store, workers: 2 });
    assert.equal((await store.info()).layout, layout, other);
    assert.deepEqual(await damageIn(store), []);
    const { stray, missing, miscounted } = await store.fsck();
    assert.deepEqual([stray, missing, miscounted], [[], [], []]);
    assert.equal((await store.render('example.com/app', { mode: 'link', rebuild: true })).hash, hash);
    assert.equal((await store.import(archives[1] as string)).existed, true);
    await store.gc({ graceMs: 0 });
    assert.deepEqual(await damageIn(store), []);
    assert.equal((await store.fsck()).ok, true);
  }
});

test('what is damaged is not moved', async (t) => {
  for (const layout of ['loose', 'packs'] as const) {
    const s = new TestStore(t);
    {
      await using store = await openStore({ dir: s.store, layout, workers: 1 });
      await store.importAll(sources(s));
    }
    const undo = spoilObject(objectWith(s.store, 'only here'));
    const other = layout === 'loose' ? 'packs' : 'loose';
    await assert.rejects(repackStore({ dir: s.store, layout: other, workers: 1 }), { code: 'ERR_DAMAGED' });
    undo();
    {
      await using store = await openStore({ dir: s.store, workers: 1 });
      assert.equal((await store.info()).layout, layout);
      assert.deepEqual(await damageIn(store), []);
    }
    await repackStore({ dir: s.store, layout: other, workers: 1 });
    await using store = await openStore({ dir: s.store, workers: 1 });
    assert.deepEqual(await damageIn(store), []);
  }
});

test('a store that is open while it is repacked says so, and harms nothing', async (t) => {
  const s = new TestStore(t);
  const [base = '', app = ''] = sources(s);
  const store = await openStore({ dir: s.store, layout: 'loose', workers: 1 });
  t.after(() => store.close());
  await store.import(base);
  await repackStore({ dir: s.store, layout: 'packs' });
  await assert.rejects(store.import(app), { code: 'ERR_STORE_VERSION' });
  await assert.rejects(store.render('example.com/base', { mode: 'link' }), { code: 'ERR_STORE_VERSION' });
  await using again = await openStore({ dir: s.store, workers: 1 });
  assert.deepEqual(await damageIn(again), []);
});

test('gc deletes no pack that objects lie in, whatever the index says of the pack', async (t) => {
  const s = new TestStore(t);
  const store = await packedStore(t, s.store);
  await store.importAll(sources(s));
  const before = packsOf(s);
  const { index } = contextOf(store);
  const [[pack, row]] = [...index.packs.entries()].map(({ key, value }) => [key, value] as const) as [
    [number, PackRecord],
  ];
  for (const damaged of [undefined, { ...row, used: 0 }]) {
    await index.commit(() => (damaged === undefined ? index.packs.remove(pack) : index.packs.put(pack, damaged)));
    await store.gc({ graceMs: 0 });
    assert.deepEqual(packsOf(s), before);
    await index.commit(() => index.packs.put(pack, row));
    assert.deepEqual(await damageIn(store), []);
  }
});

test('a repack moves no damaged content, and no file that a tree shares and somebody wrote to', async (t) => {
  const s = new TestStore(t);
  const archives = sources(s);
  const opened = (): Promise<Store> => openStore({ dir: s.store, layout: 'packs', workers: 1 });
  const damaged = async (): Promise<string[]> => {
    await using store = await opened();
    return await damageIn(store);
  };
  let shared = '';
  {
    await using store = await opened();
    await store.importAll(archives);
    shared = join((await store.render('example.com/base', { mode: 'link' })).path, 'only');
  }
  const isShared = fs.statSync(shared).nlink > 1;
  const toLoose = () => repackStore({ dir: s.store, layout: 'loose', workers: 1 });
  const mend = spoilObject(objectWith(s.store, Buffer.alloc(100_000, 'middle').toString()));
  const before = packsOf(s);
  await assert.rejects(toLoose(), { code: 'ERR_DAMAGED' });
  assert.deepEqual(packsOf(s), before);
  assert.equal((await damaged()).length, 1, 'what was damaged, and nothing else');
  mend();
  assert.deepEqual(await damaged(), []);

  spoilObject(objectWith(s.store, Buffer.alloc(100_000, 'middle').toString()));
  {
    await using store = await opened();
    assert.equal((await store.fsck({ repair: true })).reimport.length, 1);
    shared = join((await store.render('example.com/base', { mode: 'link' })).path, 'only');
  }
  fs.writeFileSync(shared, 'ONLY HERE');
  await toLoose();
  await using store = await openStore({ dir: s.store, workers: 1 });
  assert.equal((await store.info()).layout, 'loose');
  const { ok, missing } = await store.fsck();
  assert.deepEqual([ok, missing.map(({ kind, awaited }) => `${kind} ${awaited}`)], [false, ['object true']]);
  const told = await damageIn(store);
  assert.ok(!isShared || told.some((line) => line.startsWith('tree ')), told.join());
  assert.equal(Buffer.concat([...(await store.readFile('example.com/base', 'only'))]).toString(), 'only here');
  assert.equal((await store.import(archives[1] as string)).healed, true);
  await store.render('example.com/base', { mode: 'link', rebuild: true });
  assert.deepEqual(await damageIn(store), []);
  assert.equal((await store.fsck()).ok, true);
});
