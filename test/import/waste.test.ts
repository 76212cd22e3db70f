/** What an import of contents that the store has takes on the disk: next to nothing, however large they are. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { contextOf } from '../../engine/facade/opened.js';
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
