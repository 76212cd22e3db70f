/** An index is made anew after something has filled the holes of packs, as many programs do that copy files. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import nodeFs, * as fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { contextOf } from '../../engine/facade/opened.js';
import { packedName } from '../../engine/objects/pack/name.js';
import { rebuildIndex } from '../../engine/recover/rebuild-index.js';
import type { Lanes } from '../../engine/session/lanes.js';
import { openStore } from '../../engine/store.js';
import { inspectPacks } from '../faults/inspect-packs.js';
import { TestStore } from '../fixtures/store.js';

const nameOf = (content: Buffer): string => packedName(createHash('sha512').update(content).digest('hex'));

test('what was given back is not taken for what it was', async (t) => {
  const s = new TestStore(t);
  const [again, gone, kept, later] = [0, 1, 2, 3].map(() => randomBytes(100_000)) as [Buffer, Buffer, Buffer, Buffer];
  const image = (name: string, content: Buffer): string =>
    s.aci(`${name}.aci`, { name: `example.com/${name}` }, [{ name: 'file', content }]);
  {
    await using store = await openStore({ dir: s.store, layout: 'packs', workers: 1 });
    const { index } = contextOf(store);
    const lanes = contextOf(store).lanes as Lanes;
    for (const [name, content] of Object.entries({ again, gone, kept })) await store.import(image(name, content));
    await store.remove(['example.com/again', 'example.com/gone']);
    await store.gc({ graceMs: 0 });
    // Nobody can append to the first pack, so what comes back goes to another one.
    const held = lanes.take();
    await store.import(image('again', again));
    assert.notEqual(index.objects.get(nameOf(again))?.at?.pack, held.pack);
    // What lies before a later import counts as committed, and is not read.
    await store.import(image('later', later));
    lanes.release(held, held.base);
    await store.import(image('last', randomBytes(10)));
  }
  const packs = fs.readdirSync(join(s.store, 'packs')).map((name) => join(s.store, 'packs', name));
  assert.equal(packs.length, 2);
  for (const pack of packs) fs.writeFileSync(pack, fs.readFileSync(pack));
  const { lost, orphans } = await rebuildIndex({ dir: s.store });
  await using store = await openStore({ dir: s.store });
  assert.deepEqual((await store.check()).damaged, []);
  assert.deepEqual([lost, orphans], [[], 0]);
  assert.deepEqual(inspectPacks(contextOf(store), true), []);
  await store.import(image('gone', gone));
  assert.deepEqual((await store.check()).damaged, []);
});

test('what cannot be read, and nothing needs, keeps no index from being made anew', async (t) => {
  const s = new TestStore(t);
  const content = randomBytes(100_000);
  let offset: number | undefined;
  {
    await using store = await openStore({ dir: s.store, layout: 'packs', workers: 1 });
    await store.import(s.aci('a.aci', { name: 'example.com/a' }, [{ name: 'file', content }]));
    offset = contextOf(store).index.objects.get(nameOf(content))?.at?.offset;
    await store.import(s.aci('b.aci', { name: 'example.com/b' }, [{ name: 'file', content: 'b' }]));
    await store.remove(['example.com/a']);
  }
  const system = nodeFs.readSync as (...args: unknown[]) => number;
  let failed = 0;
  t.mock.method(nodeFs, 'readSync', (...args: unknown[]) => {
    if (args[4] !== offset || args[3] !== content.length) return system(...args);
    failed++;
    throw Object.assign(new Error('input/output error'), { code: 'EIO', syscall: 'read' });
  });
  syncBuiltinESMExports();
  const { lost } = await rebuildIndex({ dir: s.store }).finally(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  assert.deepEqual([failed, lost], [1, []]);
  await using store = await openStore({ dir: s.store });
  assert.equal(contextOf(store).index.objects.get(nameOf(content)), undefined);
  assert.deepEqual((await store.check()).damaged, []);
});
