/** Who has packs open, and for how long: space of a deleted pack comes back only when nobody has it open. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../engine/store.js';
import { TestStore } from '../fixtures/store.js';

/** The packs of a store that this process has open, deleted ones too. */
function openPacks(store: string): string[] {
  const targets = fs.readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [fs.readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // it was that of the directory
    }
  });
  return targets.filter((target) => target.startsWith(join(store, 'packs/')));
}

/** More than is read at a time. */
const LARGE = 3_000_000;

test('who has done its work has no pack open, and deleted packs give their space back', async (t) => {
  const s = new TestStore(t);
  const archive = s.aci('a.aci', { name: 'example.com/a' }, [
    { name: 'a', content: 'a' },
    { name: 'large', content: Buffer.alloc(LARGE, 'large') },
  ]);
  await using store = await openStore({ dir: s.store, layout: 'packs', workers: 2 });
  const atRest = (what: string): void => assert.deepEqual(openPacks(store.dir), [], what);
  await store.import(archive);
  atRest('after an import');
  await store.render('example.com/a', { mode: 'copy' });
  atRest('after a render');
  assert.ok((await store.check()).ok);
  atRest('after a check');
  assert.ok((await store.fsck()).ok);
  atRest('after an fsck');
  const reading = (await store.readFile('example.com/a', 'large'))[Symbol.iterator]();
  let bytes = reading.next().value.length;
  await store.check(['example.com/a'], { quick: true });
  for (let next = reading.next(); next.done !== true; next = reading.next()) bytes += next.value.length;
  assert.equal(bytes, LARGE, 'what is read while others close the pack');
  atRest('after a file was read');
  await store.fsck({ repair: true });
  atRest('after a repair');
  await store.rm(['example.com/a']);
  await store.gc({ images: true, graceMs: 0 });
  assert.deepEqual(fs.readdirSync(join(s.store, 'packs')), []);
  atRest('after a gc');
});
