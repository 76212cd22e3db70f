/** What `du` counts on the disk: holes take nothing there, and what trees share is counted once. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore, type Store } from '../../engine/store.js';
import { TestStore } from '../fixtures/store.js';

const MIB = 2 ** 20;
/** Eight MiB, of which the last bytes are written. */
const HOLES = { 'GNU.sparse.size': '8388608', 'GNU.sparse.numblocks': '1', 'GNU.sparse.map': '8388595,13' };

/** Bytes of the disk that what is below directories takes, each file once. */
function diskBytes(...dirs: string[]): number {
  const seen = new Map<number, number>();
  for (const dir of dirs) {
    for (const entry of fs.readdirSync(dir, { withFileTypes: true, recursive: true })) {
      const { ino, blocks } = fs.lstatSync(join(entry.parentPath, entry.name));
      if (entry.isFile()) seen.set(ino, blocks * 512);
    }
  }
  return [...seen.values()].reduce((sum, bytes) => sum + bytes, 0);
}

async function assertCounted(s: TestStore, store: Store, what: string): Promise<void> {
  const { diskBytes: told } = await store.du();
  const parts = ['packs', 'objects', 'blobs', 'trees', 'index'].map((name) => join(s.store, name));
  const there = diskBytes(...parts.filter(fs.existsSync));
  // Manifests of trees and files of the index's own lock are not counted.
  assert.ok(Math.abs(told - there) < 64 * 1024, `${what}: ${told} told, ${there} there`);
}

for (const layout of ['loose', 'packs'] as const) {
  test(`du counts what lies on the disk of a store with the layout ${layout}`, async (t) => {
    const s = new TestStore(t);
    await using store = await openStore({ dir: s.store, layout, workers: 1 });
    const large = (seed: string): Buffer => Buffer.alloc(MIB, seed);
    const shared = { name: 'shared', content: large('shared') };
    await store.import(s.aci('a.aci', { name: 'example.com/a' }, [shared, { name: 'a', content: large('a') }]));
    await store.import(s.aci('b.aci', { name: 'example.com/b' }, [shared, { name: 'b', content: large('b') }]));
    await store.import(
      s.aci('holes.aci', { name: 'example.com/holes' }, [{ name: 'holes', content: 'behind a hole', pax: HOLES }]),
    );
    await assertCounted(s, store, 'after imports');
    const before = await store.du();
    assert.ok(before.storedBytes > 8 * MIB);

    await store.render('example.com/a', { mode: 'copy' });
    await store.render('example.com/b', { mode: 'link' });
    await assertCounted(s, store, 'with trees');
    await store.render('example.com/a', { mode: 'link', rebuild: true });
    await store.render('example.com/b', { mode: 'link', rebuild: true });
    await assertCounted(s, store, 'with trees that were made anew');

    await store.rm(['example.com/a']);
    await store.gc({ graceMs: 0 });
    await assertCounted(s, store, 'after a gc');
    const { packs, links, treeImages } = await store.du();
    assert.deepEqual(treeImages, { files: 0, bytes: 0, diskBytes: 0 });
    if (layout === 'loose') return assert.deepEqual([packs, links], [undefined, undefined]);
    assert.ok(packs !== undefined && links !== undefined);
    assert.equal(packs.files, 1);
    assert.equal(packs.objectBytes, 2 * MIB);
    assert.ok(packs.holeBytes >= MIB - 8192 && packs.deadBytes < 8192, JSON.stringify(packs));
    assert.equal(packs.bytes, packs.objectBytes + packs.deadBytes + packs.holeBytes + packs.otherBytes);
    assert.equal(packs.diskBytes, diskBytes(join(s.store, 'packs')));
    const told = (await s.ok(['du'])).stdout.toString();
    assert.match(
      told,
      /^packs 1 \(3\.2 MB\): objects 2\.1 MB, dead \S+ \S+, holes 1\.0 MB, tables and padding .*; .* on the disk$/m,
    );
  });
}

test('files that trees share are told once, and counting them can be cut short', async (t) => {
  if (process.geteuid?.() !== 0) return t.skip('only files that have all of their metadata are shared');
  const s = new TestStore(t);
  await using store = await openStore({ dir: s.store, layout: 'packs', workers: 1 });
  const files = [{ name: 'one', content: Buffer.alloc(100_000, 'one') }];
  await store.import(s.aci('a.aci', { name: 'example.com/a' }, files));
  await store.import(s.aci('b.aci', { name: 'example.com/b' }, [...files, { name: 'b', content: 'b' }]));
  for (const name of ['a', 'b']) await store.render(`example.com/${name}`, { mode: 'link' });
  const { links, stored } = await store.du();
  assert.deepEqual([links?.files, links?.bytes, stored.trees], [2, 100_001, 200_001]);
  assert.match((await s.ok(['du'])).stdout.toString(), /^files that trees share 2 \(1\d\d KB on the disk\)$/m);
  await assertCounted(s, store, 'shared files');
  await assert.rejects(store.du({ signal: AbortSignal.abort() }), { code: 'ERR_ABORTED' });
});
