/** What layers note of where their contents lie: it is what the objects' rows say, whatever has happened since. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { type TestContext, test } from 'node:test';
import { readToc } from '../../engine/content/read-blob.js';
import { contextOf } from '../../engine/facade/opened.js';
import { placesIn, placesOf } from '../../engine/index/places.js';
import type { LayerRecord } from '../../engine/index/records.js';
import { packedName } from '../../engine/objects/pack/name.js';
import { repackStore } from '../../engine/recover/repack.js';
import { openStore, type Store } from '../../engine/store.js';
import { inspectPlaces } from '../faults/inspect-places.js';
import { TestStore } from '../fixtures/store.js';
import { objectWith, overwriteObject } from '../fixtures/stored-objects.js';

const FILES = 40;
/** So many that their pack is worth writing anew. */
const MANY = 1200;
const contentOf = (seed: string, i: number): string => `content ${i} of ${seed} `.padEnd(900 + 40 * (i % FILES), '.');

/** Contents by their seeds, an empty one, one twice, and a file with a hole. */
function image(s: TestStore, name: string, seeds: readonly string[], files = FILES): string {
  const numbers = Array.from({ length: files }, (_none, i) => i);
  const entries = numbers.flatMap((i) => seeds.map((seed) => ({ name: `${seed}/${i}`, content: contentOf(seed, i) })));
  const holes = { 'GNU.sparse.major': '0', 'GNU.sparse.minor': '1', 'GNU.sparse.map': '99987,13' };
  return s.aci(`${name}.aci`, { name: `example.com/${name}` }, [
    { name: 'empty', content: '' },
    ...entries,
    { name: 'twice', content: contentOf(seeds[0] as string, 3) },
    { name: 'hole', content: 'behind a hole', pax: { ...holes, 'GNU.sparse.size': '100000' } },
    { name: 'last', content: `last of ${name}` },
  ]);
}

async function packed(t: TestContext): Promise<{ s: TestStore; store: Store }> {
  const s = new TestStore(t);
  const store = await openStore({ dir: s.store, layout: 'packs', workers: 1 });
  t.after(() => store.close());
  return { s, store };
}

/** @returns of how many files places are told */
function inspect(store: Store): number {
  const { wrong, told } = inspectPlaces(contextOf(store));
  assert.deepEqual(wrong, []);
  return told;
}

test('a layer tells of all contents that it brought, also of those that it names twice', async (t) => {
  const { s, store } = await packed(t);
  await store.import(image(s, 'a', ['one']));
  // All but the one with a hole, which is a file.
  assert.equal(inspect(store), FILES + 3);
  await store.import(image(s, 'b', ['one', 'two']));
  assert.equal(inspect(store), FILES + 3 + FILES + 1, 'what was there is told by the layer that brought it');
  const { index } = contextOf(store);
  const layers = [...index.layers.keys()];
  const placeOf = placesIn(index, layers);
  for (const [home, layer] of layers.entries()) {
    for (const { key, file = -1 } of readToc(contextOf(store), layer)) {
      const at = placeOf({ home, file });
      if (at !== undefined) assert.deepEqual(at, index.objects.get(packedName(key))?.at);
    }
  }
  assert.equal(placeOf({ home: -1, file: -1 }), undefined);
  assert.equal(placeOf({ home: 0, file: 1000 }), undefined);
});

test('of two imports at one time one tells of what both brought', async (t) => {
  const { s, store } = await packed(t);
  const other = await openStore({ dir: s.store, workers: 1 });
  t.after(() => other.close());
  const [a, b] = [image(s, 'a', ['one', 'two']), image(s, 'b', ['two', 'three'])];
  await Promise.all([store.import(a), other.import(b)]);
  const told = inspect(store);
  assert.ok(told >= 3 * FILES + 3 && told <= 4 * FILES + 6, `${told}`);
  assert.equal(inspect(other), told);
});

test('a place that is wrong is found, and one in a layer that is gone: the negative control', async (t) => {
  const { s, store } = await packed(t);
  const { key } = await store.import(image(s, 'a', ['one']));
  const { index } = contextOf(store);
  const layer = index.layer(key);
  assert.ok(layer?.placedIn !== undefined);
  const at = [layer.placedIn, key] as const;
  const before = index.places.get(at);
  assert.ok(before !== undefined);
  const sectors = Buffer.from(before.sectors, 'base64');
  sectors.writeUInt32LE(sectors.readUInt32LE(20) + 1, 20);
  await index.commit(() => index.places.put(at, { ...before, sectors: sectors.toString('base64') }));
  assert.equal(inspectPlaces(contextOf(store)).wrong.length, 1);
  await index.commit(() => index.places.put([layer.placedIn as number, `sha512-${'0'.repeat(128)}`], before));
  assert.equal(inspectPlaces(contextOf(store)).wrong.length, 2);
});

test('places go with their layer, and when contents of their pack are written elsewhere', async (t) => {
  const { s, store } = await packed(t);
  await store.import(image(s, 'a', ['one', 'two', 'three', 'four'], MANY));
  const told = inspect(store);
  await store.import(image(s, 'other', ['five']));
  await store.remove(['example.com/other']);
  assert.equal(inspect(store), told);
  await store.import(image(s, 'few', ['one'], MANY));
  await store.untag(['example.com/a']);
  const { packs } = await store.gc({ graceMs: 0 });
  assert.equal(packs?.rewritten, 1);
  assert.equal(inspect(store), 0);
  assert.deepEqual([...contextOf(store).index.places.keys()], []);
  await store.import(image(s, 'b', ['five']));
  assert.ok(inspect(store) > FILES);
  assert.deepEqual((await store.check()).damaged, []);
});

test('nothing is told of places from before a damaged object came back elsewhere', async (t) => {
  const { s, store } = await packed(t);
  const path = image(s, 'a', ['one']);
  const { key } = await store.import(path);
  overwriteObject(objectWith(s.store, contentOf('one', 5)), 'damaged');
  assert.equal((await store.fsck({ repair: true })).reimport.length, 1);
  const { index } = contextOf(store);
  const record = index.layer(key);
  assert.ok(record?.placedIn !== undefined);
  assert.equal(placesOf(index, record), undefined);
  assert.equal((await store.import(path)).healed, true);
  assert.equal(placesOf(index, record), undefined);
  assert.equal(inspect(store), 0);
  await store.import(image(s, 'b', ['two']));
  assert.ok(inspect(store) > FILES, 'what came after that is told');
});

test('nothing is told of places from before the table of contents of their layer was lost', async (t) => {
  const { s, store } = await packed(t);
  const path = image(s, 'a', ['one', 'two']);
  const { key } = await store.import(path);
  await store.import(image(s, 'b', ['three', 'four', 'five', 'six']));
  const { index, layout } = contextOf(store);
  fs.rmSync(layout.blob((index.layer(key) as LayerRecord).toc.key));
  await store.fsck({ repair: true });
  await store.gc({ graceMs: 0 });
  assert.equal((await store.import(path)).healed, true);
  assert.deepEqual((await store.check()).damaged, []);
  assert.equal(inspect(store), 0);
});

test('nothing is told of places of objects whose rows were lost', async (t) => {
  const { s, store } = await packed(t);
  const path = image(s, 'a', ['one']);
  await store.import(path);
  const { name } = objectWith(s.store, contentOf('one', 5));
  const { index } = contextOf(store);
  overwriteObject(objectWith(s.store, contentOf('one', 5)), 'damaged');
  await index.commit(() => index.objects.remove(name));
  await store.fsck({ repair: true });
  assert.equal((await store.import(path)).healed, true);
  assert.equal(inspect(store), 0);
  assert.deepEqual((await store.check()).damaged, []);
});

test('a backup tells of what counts, and of nothing older', async (t) => {
  const { s, store } = await packed(t);
  await store.import(image(s, 'a', ['one']));
  overwriteObject(objectWith(s.store, contentOf('one', 5)), 'damaged');
  await store.fsck({ repair: true });
  await store.import(s.path('a.aci'));
  await store.import(image(s, 'b', ['two']));
  const told = inspect(store);
  await store.backup(s.path('backup'));
  const copy = await openStore({ dir: s.path('backup'), workers: 1 });
  t.after(() => copy.close());
  assert.equal(inspect(copy), told);
});

test('objects that become files and go to packs again are told of by none', async (t) => {
  const { s, store } = await packed(t);
  await store.import(image(s, 'a', ['one']));
  await store.close();
  for (const layout of ['loose', 'packs'] as const) {
    await repackStore({ dir: s.store, layout, workers: 1 });
    await using again = await openStore({ dir: s.store, workers: 1 });
    assert.equal(inspect(again), 0, layout);
    assert.deepEqual((await again.check()).damaged, []);
  }
});
