/** What is wrong with packs, besides contents, is found and mended. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { contextOf } from '../../engine/facade/opened.js';
import { rebuildIndex } from '../../engine/recover/rebuild-index.js';
import { openStore, type Store } from '../../engine/store.js';
import { inspectPacks } from '../faults/inspect-packs.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { TestStore } from '../fixtures/store.js';

const BLOCK = 4096;

interface Packed {
  s: TestStore;
  store: Store;
  pack: string;
  keys: string[];
}

/** Three images, each with a segment of its own in one pack. */
async function threeImages(t: TestContext): Promise<Packed> {
  const s = new TestStore(t);
  const store = await openStore({ dir: s.store, layout: 'packs', workers: 1 });
  t.after(() => store.close());
  const keys: string[] = [];
  for (const name of ['a', 'b', 'c']) {
    const path = s.aci(`${name}.aci`, { name: `example.com/${name}` }, [
      { name, content: Buffer.alloc(20_000, name) },
      { name: 'shared', content: 'shared' },
    ]);
    keys.push((await store.import(path)).key);
  }
  return { s, store, pack: join(s.store, 'packs', '00000001.pack'), keys };
}

function overwrite(path: string, at: number, bytes: Buffer): void {
  const fd = fs.openSync(path, 'r+');
  fs.writeSync(fd, bytes, 0, bytes.length, at);
  fs.closeSync(fd);
}

/** Makes the index of a copy anew. @returns the images of the copy */
async function withNewIndex(t: TestContext, store: Store): Promise<string[]> {
  const copy = join(temporaryDirectory(t), 'copy');
  fs.cpSync(store.dir, copy, { recursive: true });
  await rebuildIndex({ dir: copy, workers: 1 });
  await using anew = await openStore({ dir: copy, workers: 1 });
  assert.equal((await anew.check()).ok, true);
  const keys: string[] = [];
  for await (const { key } of anew.images()) keys.push(key);
  return keys;
}

const endOf = (store: Store): number => contextOf(store).index.packs.get(1)?.end as number;

for (const [what, at] of [
  ['the last table', (store: Store) => endOf(store) - 100],
  ['a table in the middle', (store: Store) => (endOf(store) - BLOCK) / 3 + BLOCK + BLOCK * 4],
  ['the salt', () => 20],
  ['the head', () => 2],
] as const) {
  test(`${what} of a pack is found damaged, and written anew`, async (t) => {
    const { store, pack, keys } = await threeImages(t);
    overwrite(pack, at(store), Buffer.from('no such table was there'));
    const { damaged } = await store.check();
    assert.deepEqual(
      damaged.map(({ kind, id }) => [kind, id]),
      [['pack', '00000001.pack']],
    );
    const { repaired, ok } = await store.fsck({ repair: true });
    assert.deepEqual([repaired.map(({ action }) => action), ok], [['tables written anew'], true]);
    assert.deepEqual((await store.check()).damaged, []);
    assert.deepEqual((await withNewIndex(t, store)).sort(), keys.sort());
    await store.gc({ images: true, graceMs: 3_600_000 });
    assert.deepEqual(inspectPacks(contextOf(store), true), []);
  });
}

test('a damaged table costs a lost index only the images whose contents it told of', async (t) => {
  const { store, pack, keys } = await threeImages(t);
  overwrite(pack, endOf(store) - 100, Buffer.from('no such table was there'));
  assert.deepEqual((await withNewIndex(t, store)).sort(), keys.slice(0, 2).sort());
});

test('a content is no table of its pack', async (t) => {
  const { store, pack } = await threeImages(t);
  const other = await threeImages(t);
  const end = endOf(store);
  // It fits in all but the salt, which nobody knows beforehand.
  overwrite(pack, end - BLOCK, fs.readFileSync(other.pack).subarray(end - BLOCK, end));
  const { damaged } = await store.check();
  assert.deepEqual(
    damaged.map(({ kind }) => kind),
    ['pack'],
  );
});

test('wrong counts, and packs that nothing lists, are found and mended', async (t) => {
  const { store, pack } = await threeImages(t);
  const { index } = contextOf(store);
  await index.commit(() => {
    const known = index.packs.get(1);
    if (known !== undefined) index.packs.put(1, { ...known, used: known.used + 512, other: known.other + 512 });
  });
  const stray = pack.replace('1.pack', '9.pack');
  fs.copyFileSync(pack, stray);
  const found = await store.fsck();
  assert.deepEqual([found.miscounted, found.stray], [['pack 00000001.pack'], [stray]]);
  const { ok } = await store.fsck({ repair: true });
  assert.equal(ok, true);
  assert.equal(fs.existsSync(stray), false);
  await store.gc();
  assert.deepEqual(inspectPacks(contextOf(store), true), []);
});

test('a pack that is too short is found, and mended as far as it goes', async (t) => {
  const { store, pack, keys } = await threeImages(t);
  fs.truncateSync(pack, endOf(store) - 100);
  assert.deepEqual(
    (await store.check()).damaged.map(({ kind }) => kind),
    ['pack'],
  );
  assert.equal((await store.fsck({ repair: true })).ok, true);
  assert.deepEqual((await withNewIndex(t, store)).sort(), keys.sort());
});

test('a pack that is gone is told by the objects in it, and forgotten once they are elsewhere', async (t) => {
  const s = new TestStore(t);
  await using store = await openStore({ dir: s.store, layout: 'packs', workers: 1 });
  const archive = s.aci('a.aci', { name: 'example.com/a' }, [{ name: 'a', content: 'a' }]);
  await store.import(archive);
  fs.rmSync(join(s.store, 'packs', '00000001.pack'));
  assert.deepEqual(
    (await store.check()).damaged.map(({ kind }) => kind),
    ['object'],
  );
  await store.fsck({ repair: true });
  await store.import(archive);
  assert.deepEqual([(await store.check()).ok, (await store.fsck()).ok], [true, true]);
  await store.gc();
  assert.deepEqual(fs.readdirSync(join(s.store, 'packs')), ['00000002.pack']);
  assert.deepEqual(inspectPacks(contextOf(store), true), []);
});

/** A file of 100 000 bytes, of which only the last ones are written. It lies beside the packs. */
const HOLES = { 'GNU.sparse.size': '100000', 'GNU.sparse.numblocks': '1', 'GNU.sparse.map': '99987,13' };
const HOLED = Buffer.concat([Buffer.alloc(99_987), Buffer.from('behind a hole')]);

/** Takes rows of objects out of the index, as an accident would. */
async function loseRows(store: Store, ...contents: Buffer[]): Promise<string[]> {
  const { index } = contextOf(store);
  const names = contents.map((content) => `${createHash('sha512').update(content).digest('hex')}.p`);
  await index.commit(() => {
    for (const name of names) {
      assert.ok(index.objects.get(name) !== undefined);
      index.objects.remove(name);
    }
  });
  return names;
}

test('objects whose rows are lost are found again by tables and names, if they are whole', async (t) => {
  const { s, store, pack } = await threeImages(t);
  const holes = s.aci('h.aci', { name: 'example.com/h' }, [{ name: 'h', content: 'behind a hole', pax: HOLES }]);
  await store.import(holes);
  const [a, b] = [Buffer.alloc(20_000, 'a'), Buffer.alloc(20_000, 'b')];
  const lost = await loseRows(store, a, Buffer.from('shared'), HOLED);
  const { missing } = await store.fsck();
  assert.deepEqual(missing.map(({ id, what }) => `${id} ${what}`).sort(), lost.map((id) => `${id} not listed`).sort());
  // Another import has no use for their places.
  await store.import(s.aci('d.aci', { name: 'example.com/d' }, [{ name: 'd', content: 'd' }]));

  const { repaired, ok, reimport } = await store.fsck({ repair: true });
  const found = repaired.filter(({ action }) => action === 'found again');
  assert.deepEqual([found.map(({ id }) => id).sort(), ok, reimport], [lost.sort(), true, []]);
  assert.deepEqual((await store.check()).damaged, []);
  assert.deepEqual(Buffer.concat([...(await store.readFile('example.com/a', 'a'))]), a);
  await store.gc({ graceMs: 0 });
  assert.deepEqual(inspectPacks(contextOf(store), true), []);

  overwrite(pack, fs.readFileSync(pack).indexOf(b), Buffer.from('B'));
  const [damaged] = await loseRows(store, b);
  const second = await store.fsck({ repair: true });
  assert.deepEqual(
    second.repaired.map(({ id, action }) => `${id} ${action}`),
    [`${damaged} marked as gone`],
  );
  assert.deepEqual(second.reimport, ['example.com/b']);
  assert.equal((await store.import(s.path('b.aci'))).healed, true);
  assert.deepEqual((await store.check()).damaged, []);
});
