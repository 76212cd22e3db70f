/**
 * Objects that lie elsewhere, and otherwise, are nothing that the rest of the engine notices: a store whose objects
 * have another home does all that one with loose objects does.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { HOMES, homeAt } from '../../engine/objects/homes.js';
import { openContext } from '../../engine/session/open.js';
import { openStore, Store } from '../../engine/store.js';
import { tar } from '../fixtures/archive.js';
import { FLAT, FlatObjects } from '../fixtures/flat-objects.js';
import { InlinePool } from '../fixtures/inline-pool.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { ociLayout } from '../fixtures/oci.js';
import { TestStore } from '../fixtures/store.js';

keepThreads();

const skip = process.geteuid?.() === 0 ? false : 'owners are set';

before(() => void HOMES.set(FLAT, ({ dir }) => new FlatObjects(dir)));

/** A store with the second home, and the directory that its objects lie in. */
async function flatStore(t: TestContext, dir: string): Promise<{ store: Store; objects: string }> {
  const context = await openContext({ dir, layout: 'loose', workers: 1 });
  const objects = homeAt({ kind: FLAT, dir: context.layout.objects });
  const store = new Store({ ...context, objects, pool: new InlinePool() });
  t.after(() => store.close());
  return { store, objects: context.layout.objects };
}

/** Two images that have a content in common, with other metadata in each. */
function sources(s: TestStore): string[] {
  return [
    s.aci('base.aci', { name: 'example.com/base' }, [
      { name: 'same', content: 'the same', mode: 0o644 },
      { name: 'only', content: 'only here', uid: 7 },
    ]),
    s.aci('app.aci', { name: 'example.com/app', dependencies: [{ imageName: 'example.com/base' }] }, [
      { name: 'other', content: 'the same', mode: 0o4755, uid: 1000, mtime: 5 },
      { name: 'large', content: Buffer.alloc(3 << 20, 'large') },
    ]),
  ];
}

test('objects may have another home', { skip }, async (t) => {
  const s = new TestStore(t);
  const archives = sources(s);
  const loose = await openStore({ dir: s.path('loose'), layout: 'loose', workers: 1 });
  t.after(() => loose.close());
  await loose.importAll(archives);
  const { store, objects } = await flatStore(t, s.store);
  const imported = await store.importAll(archives);
  assert.ok(imported.every((each) => !('error' in each)));

  await t.test('one for each content', () => {
    assert.equal(fs.readdirSync(objects).length, 3);
    assert.ok(fs.readdirSync(objects).every((name) => name.endsWith('.bytes')));
  });
  await t.test('renders the same tree', async () => {
    const here = await store.render('example.com/app');
    const there = await loose.render('example.com/app');
    assert.equal(here.hash, there.hash);
    for (const name of ['same', 'only', 'other', 'large']) {
      const [own, its] = [here, there].map(({ path }) => fs.statSync(join(path, name)));
      assert.deepEqual([own?.mode, own?.uid, own?.size, own?.mtimeMs], [its?.mode, its?.uid, its?.size, its?.mtimeMs]);
      assert.deepEqual(fs.readFileSync(join(here.path, name)), fs.readFileSync(join(there.path, name)));
    }
    assert.equal(fs.statSync(join(here.path, 'same')).nlink, 1);
  });
  await t.test('checks out, prints and gives back what came', async () => {
    const { path } = await store.checkout('example.com/app', s.path('co'), { mode: 'copy' });
    assert.equal(fs.readFileSync(join(path, 'other'), 'utf8'), 'the same');
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
    const again = await store.import(archives[0] as string);
    assert.equal(again.existed, true);
    assert.deepEqual(await damageIn(store), []);
  });
  await t.test('finds damage, mends what it can, and takes back what is imported again', async () => {
    const victim = join(objects, fs.readdirSync(objects).find((name) => sizeIn(objects, name) === 9) as string);
    fs.writeFileSync(victim, 'else here');
    const damaged = await damageIn(store);
    assert.ok(
      damaged.some((each) => /^object [0-9a-f]{128}\.flat: /.test(each)),
      damaged.join(),
    );
    const { reimport } = await store.fsck({ repair: true });
    assert.equal(reimport.length, 1);
    assert.ok(!fs.existsSync(victim));
    assert.equal((await store.import(archives[0] as string)).healed, true);
    assert.deepEqual(await damageIn(store), []);
  });
  await t.test('collects what nobody needs', async () => {
    await store.rm(['example.com/app', 'example.com/base']);
    await store.gc({ images: true, graceMs: 0 });
    assert.deepEqual(fs.readdirSync(objects), []);
    const { stray, missing, ok } = await store.fsck();
    assert.deepEqual([stray, missing, ok], [[], [], true]);
  });
});

test('layers of an OCI image, too', { skip }, async (t) => {
  const s = new TestStore(t);
  ociLayout(s.path('layout'), [
    { ref: 'example.com/oci:1', layers: [tar([{ name: 'a', content: 'a' }]), tar([{ name: 'b', content: 'a' }])] },
  ]);
  const { store, objects } = await flatStore(t, s.store);
  await store.import(s.path('layout'));
  const { path } = await store.render('example.com/oci:1');
  assert.deepEqual(fs.readdirSync(path).sort(), ['a', 'b']);
  assert.equal(fs.readdirSync(objects).length, 1);
  assert.deepEqual(await damageIn(store), []);
});

async function damageIn(store: Store): Promise<string[]> {
  const { damaged } = await store.check();
  return damaged.map(({ kind, id, what }) => `${kind} ${id}: ${what}`);
}

function sizeIn(dir: string, name: string): number {
  return fs.statSync(join(dir, name)).size;
}
