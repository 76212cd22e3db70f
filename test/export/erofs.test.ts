/** Exports as EROFS file systems: whole, checked, mounted by themselves, the same every time. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { isCairnError } from '../../engine/core/errors.js';
import { mountFilesystem, unmount } from '../../engine/disk/mount.js';
import { openStore } from '../../engine/store.js';
import { aci } from '../fixtures/archive.js';
import { ErofsReader } from '../fixtures/erofs-reader.js';
import { cannotMountTrees, mountingDirectory } from '../fixtures/mounting.js';
import { missing, run } from '../fixtures/peers.js';
import { objectOfSize, overwriteObject } from '../fixtures/stored-objects.js';
import { describeWhole } from '../fixtures/tree.js';

const APP = 'example.com/app';
const ENTRIES = [
  { name: 'a', flag: '5', mode: 0o1777 },
  { name: 'a/empty', content: '' },
  { name: 'a/one', content: 'x', mode: 0o4755, uid: 7 },
  { name: 'a/same', content: 'x', mode: 0o600 },
  { name: 'a/block', content: Buffer.alloc(4096, 'b') },
  { name: 'a/more', content: Buffer.alloc(300_001, 'm') },
  { name: 'a/link', flag: '1', link: 'a/more' },
  { name: 'soft', flag: '2', link: 'a/one' },
  { name: 'pipe', flag: '6' },
  { name: 'noted', content: 'n', pax: { 'SCHILY.xattr.user.note': 'v', 'SCHILY.xattr.system.other': 'left out' } },
];

test('an EROFS export is the tree with all contents', async (t) => {
  const dir = mountingDirectory(t);
  const path = (name: string): string => join(dir, name);
  fs.writeFileSync(path('app.aci'), aci({ name: APP }, ENTRIES));
  await using store = await openStore({ dir: path('store'), workers: 1 });
  await store.import(path('app.aci'));
  const exported = await store.export(APP, path('app.erofs'));
  const bytes = fs.readFileSync(path('app.erofs'));

  await t.test('told by name, size and what it does not hold', () => {
    assert.equal(exported.size, bytes.length);
    assert.equal(exported.original, false);
    assert.deepEqual(exported.skipped, { 'xattr system.other': { count: 1, paths: ['noted'] } });
    const found = new ErofsReader(bytes).walk();
    assert.equal(found.size, ENTRIES.length + 1);
    assert.equal(found.get('a/one')?.block, found.get('a/same')?.block, 'equal contents are there once');
    assert.equal(found.get('a/more')?.number, found.get('a/link')?.number);
  });
  await t.test('the same every time, also to a stream and compressed', async () => {
    const again = await store.export(APP, path('again'), { format: 'erofs' });
    assert.equal(again.key, exported.key);
    assert.ok(fs.readFileSync(path('again')).equals(bytes));
    assert.equal((await store.export(APP, path('app.erofs.gz'))).key, exported.key);
    assert.ok(gunzipSync(fs.readFileSync(path('app.erofs.gz'))).equals(bytes));
  });
  await t.test('fsck.erofs accepts it, content and all', { skip: missing('fsck.erofs') }, () => {
    run('fsck.erofs', [`--extract=${path('extracted')}`, path('app.erofs')]);
    assert.ok(fs.readFileSync(path('extracted/a/more')).equals(Buffer.alloc(300_001, 'm')));
  });
  await t.test('the kernel mounts it, and it is the tree', { skip: cannotMountTrees() }, async () => {
    await store.checkout(APP, path('files'), { mode: 'copy', rootfsOnly: true });
    fs.mkdirSync(path('mounted'));
    mountFilesystem({ type: 'erofs', options: [['source', path('app.erofs')], 'ro'], target: path('mounted') });
    assert.deepEqual(describeWhole(path('mounted')), describeWhole(path('files')));
    unmount(path('mounted'));
  });
  await t.test('an object that is damaged ends it, and nothing appears', async () => {
    overwriteObject(objectOfSize(store.dir, 300_001), Buffer.alloc(300_001, 'z'));
    await assert.rejects(store.export(APP, path('bad.erofs')), (error) => isCairnError(error, 'ERR_DAMAGED'));
    assert.deepEqual(
      fs.readdirSync(dir).filter((name) => name.includes('bad')),
      [],
    );
  });
});
