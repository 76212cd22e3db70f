/** An index that is damaged or gone is refused, and made anew from the other files of the store. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeImageDocument } from '../../engine/content/image-document.js';
import type { Key } from '../../engine/core/key.js';
import { Layout } from '../../engine/disk/layout.js';
import type { Index } from '../../engine/index/open.js';
import { decodeToc, encodeToc } from '../../engine/layer/toc.js';
import { type Rebuilt, rebuildIndex } from '../../engine/recover/rebuild-index.js';
import { openContext } from '../../engine/session/open.js';
import { openStore, Store } from '../../engine/store.js';
import { aci, tar } from '../fixtures/archive.js';
import { killedAt } from '../fixtures/cli.js';
import { documentsIn } from '../fixtures/documents.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { ociLayout } from '../fixtures/oci.js';
import { unpackOldStore } from '../fixtures/old-stores.js';
import { type Json, madeOnce, TestStore } from '../fixtures/store.js';
import { filesOnly, inPacks, objectWith } from '../fixtures/stored-objects.js';
import { stride } from '../fixtures/whole.js';

keepThreads();

const AT = { mtime: 1_700_000_000 };

/** A store with some of every kind of content. */
const richStore = madeOnce(async (s) => {
  const base = s.aci('base.aci', { name: 'example.com/base', labels: { version: '1' } }, [
    { name: 'etc', flag: '5', ...AT },
    { name: 'etc/os-release', content: 'ID=base\n', ...AT },
    { name: 'marked', content: 'marked\n', ...AT, pax: { 'SCHILY.xattr.user.mark': 'a' } },
    { name: 'again', flag: '1', link: 'marked' },
  ]);
  const app = s.aci('app.aci', { name: 'example.com/app', dependencies: [{ imageName: 'example.com/base' }] }, [
    { name: 'index.html', content: 'hello\n', ...AT, pax: { mtime: '1700000000.25' } },
  ]);
  const shared = tar([{ name: 'shared', content: 'shared\n', ...AT }]);
  ociLayout(s.path('layout'), [
    { ref: 'one', compress: 'gzip', layers: [shared, tar([{ name: 'one', content: '1\n', ...AT }])] },
    { ref: 'two', compress: 'gzip', layers: [shared, tar([{ name: '.wh.shared', ...AT }])] },
  ]);
  await using store = await openStore({ dir: s.store, workers: 1 });
  await store.import(base);
  await store.import(app, { latest: true });
  await store.import(`${s.path('layout')}:one`, { name: 'example.com/one:1', keepArchive: true });
  await store.import(`${s.path('layout')}:two`, { name: 'example.com/two:1' });
  await store.import(`${s.path('layout')}:two`, { name: 'example.com/two:stable' });
  await store.put(s.write('blob', 'any bytes\n'));
  await store.pin('example.com/base');
  await store.gc();
});

/** All rows of an index, without times of use. */
function contentOf(index: Index): Record<string, unknown> {
  const rows = (table: { entries(): Iterable<{ key: unknown; value: unknown }> }): unknown[] =>
    [...table.entries()].map(({ key, value }) => [key, value]);
  const { names, digests, fingerprints, blobs, objects, orphans, trees, leases, totals } = index;
  const tables = { names, digests, fingerprints, blobs, objects, orphans, trees, leases };
  const images = [...index.images.values()].map((value) => ({ ...value, lastUsed: 0 }));
  // Places are noted by imports alone; without them they are looked up.
  const layers = [...index.layers.values()].map((value) => ({ ...value, placedIn: undefined }));
  return {
    images,
    layers,
    totals,
    ...Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, rows(table)])),
  };
}

async function contentIn(dir: string): Promise<Record<string, unknown>> {
  const context = await openContext({ dir, readOnly: true });
  const content = contentOf(context.index);
  await new Store(context).close();
  return content;
}

const dataFile = (s: TestStore): string => join(s.store, 'index', 'data.mdb');

function loseIndex(s: TestStore): void {
  fs.rmSync(join(s.store, 'index'), { recursive: true });
}

function blobPath(s: TestStore, key: string | undefined): string {
  const hex = String(key).slice('sha512-'.length);
  return join(s.store, 'blobs', 'sha512', hex.slice(0, 2), hex.slice(2));
}

function objectPaths(s: TestStore): string[] {
  return fs
    .readdirSync(join(s.store, 'objects'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** No listed file is missing, no file is unlisted, and every count and hash is right. */
async function isSound(dir: string): Promise<void> {
  await using store = await openStore({ dir, workers: 1 });
  const { ok, missing, stray, miscounted } = await store.fsck();
  assert.deepEqual({ ok, missing, stray, miscounted }, { ok: true, missing: [], stray: [], miscounted: [] });
  assert.deepEqual((await store.check()).damaged, []);
}

test('a rebuilt index has everything that the lost one had', async (t) => {
  const { s } = await richStore(t);
  const before = await contentIn(s.store);
  loseIndex(s);
  const result = await s.json<Rebuilt & { ok: boolean; missing: unknown[] }>(['fsck', '--rebuild-index']);
  assert.deepEqual([result.ok, result.missing, result.lost, result.quarantined], [true, [], [], []]);
  const { images, layers, objects, blobs } = result.rebuilt;
  assert.deepEqual([images, layers, objects], [4, 5, 5]);
  assert.equal(result.putBlobs, 1);
  assert.deepEqual(await contentIn(s.store), before);
  assert.equal((before['blobs'] as unknown[]).length, blobs);
  await isSound(s.store);
  const [app] = await s.json<[{ path: string }]>(['render', '--mode', 'link', 'example.com/app']);
  assert.equal(fs.readFileSync(join(app.path, 'again'), 'utf8'), 'marked\n');
  const again = await s.json<[{ existed: boolean }]>(['import', s.path('base.aci')]);
  assert.equal(again[0].existed, true);
});

test('an old index goes to quarantine; trees are dropped and rendered again', async (t) => {
  const { s } = await richStore(t);
  await s.ok(['render', '--mode', 'link', 'example.com/app']);
  const ran = await s.ok(['fsck', '--rebuild-index']);
  assert.match(ran.stdout.toString(), /^made the index anew: 4 images, /m);
  assert.match(ran.stdout.toString(), /^1 trees were dropped/m);
  assert.match(ran.stdout.toString(), /^in quarantine: .*\/quarantine\/index-/m);
  assert.deepEqual(fs.readdirSync(join(s.store, 'trees')), []);
  assert.equal(fs.readdirSync(join(s.store, 'quarantine')).length, 1);
  const [app] = await s.json<[{ existed: boolean }]>(['render', '--mode', 'link', 'example.com/app']);
  assert.equal(app.existed, false);
  await isSound(s.store);
});

test('what an image needs and is gone makes it lost, by name; the others come back', async (t) => {
  const cases: Record<string, (s: TestStore) => void> = {
    // Those in packs are another test's.
    ...(inPacks
      ? {}
      : {
          object: (s) => fs.rmSync(objectWith(s.store, 'hello\n').path),
          'object of another size': (s) => fs.appendFileSync(objectWith(s.store, 'hello\n').path, 'x'),
        }),
    recipe: (s) => fs.rmSync(blobPath(s, documentsIn(s.store)[0]?.layers[0]?.recipe.key)),
    'table of contents': (s) => {
      const path = blobPath(s, documentsIn(s.store)[0]?.layers[0]?.toc.key);
      const bytes = fs.readFileSync(path);
      bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
      fs.writeFileSync(path, bytes);
    },
    manifest: (s) => fs.rmSync(blobPath(s, documentsIn(s.store)[0]?.image.manifest)),
    document: (s) => {
      const { path } = documentsIn(s.store)[0] as { path: string };
      fs.writeFileSync(path, fs.readFileSync(path, 'utf8').replace('"latest":true', '"latest":trux'));
    },
  };
  for (const [part, spoil] of Object.entries(cases)) {
    const { s } = await richStore(t);
    const [app] = documentsIn(s.store);
    spoil(s);
    loseIndex(s);
    const { lost, rebuilt, quarantined } = await s.json<Rebuilt>(['fsck', '--rebuild-index'], 4);
    const name = part === 'document' ? `sha512-${app?.hex}` : 'example.com/app';
    assert.deepEqual(
      lost.map(({ image }) => image),
      [name],
      part,
    );
    assert.ok(lost[0]?.why.includes(part.split(' of')[0] as string), lost[0]?.why);
    assert.equal(rebuilt.images, 3, part);
    assert.equal(
      quarantined.length,
      ['object of another size', 'table of contents', 'document'].includes(part) ? 1 : 0,
      part,
    );
    await s.ok(['import', s.path('app.aci')]);
    await s.ok(['render', '--mode', 'link', 'example.com/app']);
    await isSound(s.store);
  }
});

test('of several documents of an image the last that is whole is taken; the others are left to gc', async (t) => {
  const { s } = await richStore(t);
  await s.ok(['unpin', 'example.com/base']);
  await s.ok(['pin', 'example.com/app']);
  loseIndex(s);
  const result = await s.json<Rebuilt>(['fsck', '--rebuild-index']);
  assert.equal(result.orphans, 2);
  const pinned = (await s.json<{ name: string; pinned: boolean }[]>(['ls'])).filter((image) => image.pinned);
  assert.deepEqual(
    pinned.map(({ name }) => name),
    ['example.com/app'],
  );
  await s.ok(['gc']);
  assert.deepEqual(
    documentsIn(s.store).map(({ image, revision }) => [image.name, revision]),
    [
      ['example.com/app', 2],
      ['example.com/base', 3],
      ['example.com/one', 1],
      ['example.com/two', 2],
    ],
  );
  await isSound(s.store);
});

test('objects get their further copies and their missing metadata noted; what nothing needs is left to gc', {
  skip: filesOnly,
}, async (t) => {
  const { s } = await richStore(t);
  const [first, second, third] = objectPaths(s).sort() as [string, string, string];
  fs.cpSync(first, `${first}+1`, { preserveTimestamps: true });
  fs.chmodSync(second, 0o600);
  const unneeded = third.replace(/\.0644\./, '.0600.');
  fs.cpSync(third, unneeded, { preserveTimestamps: true });
  fs.chmodSync(unneeded, 0o600);
  loseIndex(s);
  const { orphans } = await s.json<Rebuilt>(['fsck', '--rebuild-index']);
  assert.equal(orphans, 1);
  const { objects } = (await contentIn(s.store)) as { objects: [string, { copies: number; skipped?: string[] }][] };
  assert.equal(objects.filter(([, { copies }]) => copies === 1).length, 1);
  assert.deepEqual(objects.find(([, { skipped }]) => skipped !== undefined)?.[1].skipped, ['mode']);
  await isSound(s.store);
  await s.ok(['gc']);
  assert.equal(objectPaths(s).length, 6);
  await isSound(s.store);
});

/** Meaningless bytes, always the same. */
function garbage(length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let i = 0; i * 64 < length; i++) blocks.push(createHash('sha512').update(`${i}`).digest());
  return Buffer.concat(blocks).subarray(0, length);
}

test('a damaged index is refused with the command that helps, and nothing crashes', async (t) => {
  const { s } = await richStore(t);
  const sound = fs.readFileSync(dataFile(s));
  const page = sound.readUInt32LE(48);
  const overwrite =
    (at: number, bytes: Buffer): ((data: Buffer) => Buffer) =>
    (data) => {
      bytes.copy(data, at * page);
      return data;
    };
  const cases: [string, (data: Buffer) => Buffer, refused: boolean][] = [
    ['empty', () => Buffer.alloc(0), true],
    ['cut in the first page', (data) => data.subarray(0, 100), true],
    ['cut after the meta pages', (data) => data.subarray(0, 2 * page), true],
    ['cut in the middle', (data) => data.subarray(0, Math.floor(data.length / 2 / page) * page), true],
    ['both meta pages zero', overwrite(0, Buffer.alloc(2 * page)), true],
    ['both meta pages garbage', overwrite(0, garbage(2 * page)), true],
    ['all garbage', (data) => garbage(data.length), true],
    ['all zero', (data) => Buffer.alloc(data.length), true],
    ['another version', overwrite(0, Buffer.concat([sound.subarray(0, 28), Buffer.from([7, 0, 0, 0])])), true],
  ];
  for (let at = 0; at < sound.length / page; at++) {
    if (at % 3 === 0) cases.push([`page ${at} zero`, overwrite(at, Buffer.alloc(page)), at < 2]);
    cases.push([`page ${at} garbage`, overwrite(at, garbage(page)), at < 2]);
  }
  let refusals = 0;
  for (const [name, damage, refused] of cases) {
    fs.writeFileSync(dataFile(s), damage(Buffer.from(sound)));
    for (const command of refused || name.endsWith('garbage') ? ['fsck', 'ls'] : ['fsck']) {
      const ran = await s.run([command, '--json']);
      if (!refused && ran.code === 0) continue; // nothing uses that page, or the command does not
      assert.equal(ran.code, 1, `${command}, ${name}: ${ran.stderr}`);
      const error = ran.error();
      assert.equal(error.code, 'ERR_DAMAGED', `${command}, ${name}: ${error.message}`);
      assert.match(error.message, /cairn fsck --rebuild-index/, name);
      assert.ok(!ran.stderr.includes('    at '), name);
      refusals++;
    }
  }
  assert.ok(refusals > 25, `${refusals} refused`);
  const result = await s.json<Rebuilt>(['fsck', '--rebuild-index']);
  assert.deepEqual([result.rebuilt.images, result.lost], [4, []]);
  assert.ok(fs.existsSync(join(String(result.oldIndex), 'data.mdb')));
  await isSound(s.store);
});

test('a missing index is refused, not made anew without a word', async (t) => {
  const { s } = await richStore(t);
  for (const lose of [() => fs.rmSync(dataFile(s)), () => loseIndex(s)]) {
    lose();
    for (const args of [['ls'], ['put', s.path('blob')], ['gc']]) {
      const error = await s.refused(args, 'ERR_DAMAGED', 1);
      assert.match(error.message, /the index is missing; "cairn fsck --rebuild-index"/);
    }
  }
});

test('killed at any point it can be run again', async (t) => {
  const { s } = await richStore(t);
  await s.ok(['render', '--mode', 'link', 'example.com/app']);
  let at = 1;
  for (; ; at += stride(5)) {
    const ran = await s.run(['fsck', '--rebuild-index'], killedAt(at));
    if (ran.code === 0) break;
    assert.equal(ran.code, null, ran.stderr);
    const ls = await s.run(['ls', '--json']);
    if (ls.code === 0) assert.equal(ls.json<unknown[]>().length, 4, `killed at ${at}`);
    else assert.equal(ls.error().code, 'ERR_DAMAGED', `killed at ${at}`);
  }
  assert.ok(at > 6, `${at} changes of the disk`);
  await s.ok(['gc']);
  await isSound(s.store);
  assert.deepEqual(
    documentsIn(s.store).map(({ image }) => image.name),
    ['example.com/app', 'example.com/base', 'example.com/one', 'example.com/two'],
  );
});

test('a store of format 1 is left alone', async (t) => {
  const s = new TestStore(t);
  unpackOldStore(1, s.store);
  const error = await s.refused(['fsck', '--rebuild-index'], 'ERR_UNSUPPORTED', 1);
  assert.match(error.message, /open it for writing once/);
  assert.ok(fs.existsSync(dataFile(s)));
  await s.ok(['pin', 'example.com/base']);
  loseIndex(s);
  const { lost, rebuilt } = await rebuildIndex({ dir: s.store, workers: 1 });
  assert.deepEqual([rebuilt.images, lost], [3, []]);
  await isSound(s.store);
});

test('where there is no store, there is nothing to rebuild', async (t) => {
  const s = new TestStore(t);
  await s.refused(['fsck', '--rebuild-index'], 'ERR_NOT_FOUND', 3);
  fs.mkdirSync(s.store);
  fs.writeFileSync(join(s.store, 'mine'), 'mine');
  await s.refused(['fsck', '--rebuild-index'], 'ERR_NOT_A_STORE', 1);
  assert.deepEqual(fs.readdirSync(s.store), ['mine']);
});

test('bytes that only begin as a document are a blob like any other', async (t) => {
  const { s } = await richStore(t);
  const text = 'cairn-image 1\n{"of": "no image"}\n';
  const { key } = await s.json<{ key: string }>(['put', s.write('fake', text)]);
  await s.ok(['import', s.write('later.aci', aci({ name: 'example.com/later' }))]);
  loseIndex(s);
  const { lost, putBlobs } = await s.json<Rebuilt>(['fsck', '--rebuild-index']);
  assert.deepEqual([lost, putBlobs], [[], 2]);
  assert.equal((await s.ok(['get', key, '-'])).stdout.toString(), text);
});

test('blobs that were put to look like an image lead nowhere out of its trees', async (t) => {
  const s = new TestStore(t);
  await s.ok(['import', s.write('app.aci', aci({ name: 'example.com/app' }, [{ name: 'f', content: 'f' }]))]);
  const [genuine] = documentsIn(s.store);
  assert.ok(genuine);
  const [layer] = genuine.layers;
  assert.ok(layer);
  const toc = decodeToc(fs.readFileSync(new Layout(s.store).blob(layer.toc.key)));
  const put = async (bytes: Buffer): Promise<{ key: Key; size: number }> => s.json(['put', s.write('blob', bytes)]);
  for (const [i, path] of ['../../../../outside', '/outside', 'a/./b', 'a//b'].entries()) {
    const { key, size } = await put(encodeToc(toc.map((entry) => (entry.path === 'f' ? { ...entry, path } : entry))));
    await put(encodeImageDocument({ ...genuine, revision: 90 + i, layers: [{ ...layer, toc: { key, size } }] }));
  }
  await put(encodeImageDocument({ ...genuine, revision: 99, image: { ...genuine.image, importTime: 1e300 } }));
  loseIndex(s);
  await s.ok(['fsck', '--rebuild-index']);
  const [{ path }] = await s.json<[{ path: string }]>(['render', '--mode', 'link', 'example.com/app']);
  assert.deepEqual(fs.readdirSync(path), ['f']);
  assert.deepEqual(fs.readdirSync(s.dir).sort(), ['app.aci', 'blob', 'store']);
  assert.equal((await s.json<Json[]>(['ls'])).length, 1);
});
