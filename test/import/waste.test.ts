/** What an import of contents that the store has takes on the disk: next to nothing, however large they are. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { contextOf } from '../../engine/facade/opened.js';
import { punchWaste } from '../../engine/import/waste.js';
import { openStore } from '../../engine/store.js';
import { inspectPacks } from '../faults/inspect-packs.js';
import { TestStore } from '../fixtures/store.js';

const LARGE = 3_000_000;
const SMALL = 100_000;
const SECTOR = 512;

function diskBytes(store: string): number {
  const packs = join(store, 'packs');
  return fs.readdirSync(packs).reduce((sum, name) => sum + fs.statSync(join(packs, name)).blocks * SECTOR, 0);
}

test('what cannot be punched is left for a gc, and ends of blocks in any case', async (t) => {
  const s = new TestStore(t);
  await using store = await openStore({ dir: s.store, layout: 'packs', workers: 1 });
  await store.import(s.aci('a.aci', { name: 'example.com/a' }, [{ name: 'a', content: randomBytes(SMALL) }]));
  const { layout, index } = contextOf(store);
  const [pack = 0] = index.packs.keys();
  const wasted = [{ offset: 4608, length: 12_288 }];
  const packed = { pack, base: 4096, end: 20_480, rows: new Uint8Array(), wasted };
  assert.deepEqual(punchWaste(layout, { ...packed, pack: pack + 1 }).wasted, wasted, 'a pack that is not there');
  assert.deepEqual(punchWaste(layout, packed).wasted, [
    { offset: 4608, length: 3584 },
    { offset: 16_384, length: 512 },
  ]);
  const few = [{ offset: 4608, length: 512 }];
  assert.deepEqual(punchWaste(layout, { ...packed, wasted: few }).wasted, few);
});

test('rebuilds with other times take the room of one, also before a gc', async (t) => {
  const s = new TestStore(t);
  await using store = await openStore({ dir: s.store, layout: 'packs', workers: 1 });
  const contents = [randomBytes(LARGE), randomBytes(SMALL), randomBytes(LARGE + 1)];
  const rebuild = (mtime: number): string =>
    s.aci(
      `${mtime}.aci`,
      { name: 'example.com/app', labels: { version: `${mtime}` } },
      contents.map((content, i) => ({ name: `${i}`, content, mtime })),
    );
  await store.import(rebuild(1));
  const one = diskBytes(s.store);
  assert.ok(one > 2 * LARGE);
  for (let i = 2; i <= 10; i++) await store.import(rebuild(i));
  assert.ok(diskBytes(s.store) < 1.1 * one, `${diskBytes(s.store)} instead of ${one}`);
  assert.deepEqual((await store.check()).damaged, []);
  await store.gc({ graceMs: 0 });
  assert.deepEqual(inspectPacks(contextOf(store), true), []);
  for (const [i, content] of contents.entries())
    assert.ok(Buffer.concat([...(await store.readFile('example.com/app:10', `${i}`))]).equals(content));
});

test('equal contents that are read at the same time take the room of one', async (t) => {
  const s = new TestStore(t);
  await using store = await openStore({ dir: s.store, layout: 'packs', workers: 2 });
  const contents = Array.from({ length: 40 }, () => randomBytes(SMALL));
  const builds = [1, 2, 3].map((mtime) =>
    s.aci(
      `${mtime}.aci`,
      { name: 'example.com/app', labels: { version: `${mtime}` } },
      contents.map((content, i) => ({ name: `${i}`, content, mtime })),
    ),
  );
  await Promise.all(builds.map((build) => store.import(build)));
  const one = contents.length * SMALL;
  assert.ok(diskBytes(s.store) < 1.2 * one, `${diskBytes(s.store)} instead of ${one}`);
  assert.deepEqual(inspectPacks(contextOf(store), true), []);
  assert.deepEqual((await store.check()).damaged, []);
  for (const [i, content] of contents.entries())
    assert.ok(Buffer.concat([...(await store.readFile('example.com/app:3', `${i}`))]).equals(content));
});
