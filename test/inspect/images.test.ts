/** Images in and out of a store: `import`, `ls`, `inspect`, `cat-manifest`, `pin`, `unpin`, `rm`, `put`, `get`. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { aci, manifest, tar } from '../fixtures/archive.js';
import { hasShape, type Json, TestStore } from '../fixtures/store.js';

const BASE = { name: 'example.com/base', labels: { version: '1.0.0', os: 'linux', arch: 'amd64' } };
const APP = { name: 'example.com/app', dependencies: [{ imageName: 'example.com/base' }] };

interface Imported extends Json {
  source: string;
  key: string;
  existed: boolean;
  objects: Json;
  error?: Json;
}

test('import', async (t) => {
  const s = new TestStore(t);
  const base = s.aci('base.aci', BASE, [{ name: 'f', content: 'shared' }]);
  const app = s.aci('app.aci', APP, [
    { name: 'f', content: 'shared' },
    { name: 'g', content: 'own' },
  ]);
  const bad = s.write('bad.aci', tar([{ name: 'rootfs', flag: '5' }]));

  await t.test('the first bad source ends the command, naming source, entry and rule', async () => {
    const error = await s.refused(['import', bad], 'ERR_BAD_ARCHIVE', 1);
    assert.equal(error.path, bad);
    assert.equal(error.entry, 'manifest');
    assert.match(error.message, /no manifest/);
    assert.deepEqual(await s.json(['ls']), []);
  });
  await t.test('with --keep-going the others go in, and the exit code still says it', async () => {
    const [failed, imported] = await s.json<[Imported, Imported]>(['import', '--keep-going', bad, base], 1);
    assert.equal(failed.source, bad);
    assert.equal(failed.error?.['code'], 'ERR_BAD_ARCHIVE');
    assert.equal(imported.source, base);
    hasShape(imported, {
      key: 'key',
      name: 'string',
      format: 'string',
      size: 'number',
      layers: 'number',
      ms: 'number',
    });
    assert.equal(imported.existed, false);
    assert.deepEqual(imported.objects, { new: 1, shared: 0, newBytes: 6, sharedBytes: 0 });
  });
  await t.test('the key is the sha512 of the uncompressed bytes', async () => {
    const [imported] = await s.json<[Imported]>(['import', s.write('app.tar', gzipSync(fs.readFileSync(app)))]);
    assert.equal(imported.key, keyOf(fs.readFileSync(app)));
    assert.equal(imported['size'], fs.statSync(app).size);
    assert.deepEqual(imported.objects, { new: 1, shared: 1, newBytes: 3, sharedBytes: 6 });
  });
  await t.test('what is there already changes nothing and says so', async () => {
    const before = (await s.json<Json[]>(['ls'])).map(({ importTime, latest }) => [importTime, latest]);
    const [again] = await s.json<[Imported]>(['import', app]);
    assert.equal(again.existed, true);
    assert.equal(again.objects['new'], 0);
    const after = (await s.json<Json[]>(['ls'])).map(({ importTime, latest }) => [importTime, latest]);
    assert.deepEqual(after, before);
  });
  await t.test('a hyphen reads standard input', async () => {
    const bytes = aci({ name: 'example.com/piped' });
    const ran = await s.ok(['import', '-', '--json'], { input: bytes });
    const [imported] = ran.json<[Imported]>();
    assert.equal(imported.source, '-');
    assert.equal(imported.key, keyOf(bytes));
  });
  await t.test('another key than expected is refused, and nothing is stored', async () => {
    const other = s.aci('other.aci', { name: 'example.com/other' });
    const error = await s.refused(['import', '--expect', 'sha512-00ff', other], 'ERR_DIGEST_MISMATCH', 1);
    assert.equal(error['expected'], 'sha512-00ff');
    assert.equal(error['found'], keyOf(fs.readFileSync(other)));
    await s.refused(['inspect', 'example.com/other'], 'ERR_NOT_FOUND', 3);
    await s.ok(['import', '--expect', keyOf(fs.readFileSync(other)).slice(0, 20), other]);
  });
  await t.test('a directory is taken with --recursive only, and then every image in it', async () => {
    fs.mkdirSync(s.path('images/deep'), { recursive: true });
    s.aci('images/one.aci', { name: 'example.com/one' });
    s.aci('images/deep/two', { name: 'example.com/two' });
    s.write('images/readme.txt', 'not an image\n');
    await s.refused(['import', s.path('images')], 'ERR_NOT_AN_IMAGE', 1);
    const found = await s.json<Imported[]>(['import', '--recursive', s.path('images')]);
    assert.deepEqual(
      found.map(({ name }) => name),
      ['example.com/two', 'example.com/one'],
    );
  });
  await t.test('--files-from names more sources, one a line, also on standard input', async () => {
    const [three, four] = [s.aci('three', { name: 'example.com/three' }), s.aci('four', { name: 'example.com/four' })];
    const list = s.write('list', `${three}\n\n${four}\n`);
    const listed = await s.json<Imported[]>(['import', base, '--files-from', list]);
    assert.deepEqual(
      listed.map(({ source }) => source),
      [base, three, four],
    );
    const piped = await s.ok(['import', '--json', '-T', '-'], { input: Buffer.from(`${three}\n`) });
    assert.equal(piped.json<[Imported]>()[0].existed, true);
    await s.refused(['import', '-', '-T', '-'], 'ERR_USAGE', 2);
    await s.refused(['import', '-T', s.write('empty', '\n')], 'ERR_USAGE', 2);
    await s.refused(['import', '-T', s.path('no-list')], 'ERR_NOT_FOUND', 3);
  });
  await t.test('a file that is not there is not found', async () => {
    await s.refused(['import', s.path('nothing.aci')], 'ERR_NOT_FOUND', 3);
  });
  await t.test('an ACI cannot be given another name', async () => {
    await s.refused(['import', '--name', 'x', base], 'ERR_USAGE', 2);
  });
  await t.test('--latest marks it', async () => {
    await s.ok(['import', '--latest', s.aci('latest.aci', { name: 'example.com/latest' })]);
    assert.equal((await s.json(['inspect', 'example.com/latest']))['latest'], true);
  });
});

test('ls, inspect and cat-manifest', async (t) => {
  const s = new TestStore(t);
  await t.test('without a store there is nothing to list, and none is made', async () => {
    await s.refused(['ls'], 'ERR_NOT_FOUND', 3);
    assert.equal(fs.existsSync(s.store), false);
  });
  const text = ` ${manifest(BASE)}\n`;
  const sources = [s.write('base.aci', aci(text)), s.aci('app.aci', APP, [{ name: 'f', content: 'x'.repeat(5000) }])];
  await s.ok(['import', '--jobs', '1', ...sources]);

  await t.test('ls tells what is known of each image, the oldest import first', async () => {
    const [base, app] = await s.json<[Json, Json]>(['ls']);
    hasShape(base, { key: 'key', name: 'string', labels: 'object', format: 'string', size: 'number' });
    hasShape(app, { treeSize: 'number', importTime: 'time', lastUsed: 'time', latest: 'boolean', pinned: 'boolean' });
    assert.deepEqual([base['name'], app['name']], ['example.com/base', 'example.com/app']);
    assert.deepEqual(base['labels'], BASE.labels);
  });
  for (const [sort, order, first] of [
    ['name', 'asc', 'app'],
    ['name', 'desc', 'base'],
    ['size', 'asc', 'base'],
    ['size', 'desc', 'app'],
    ['importTime', 'desc', 'app'],
  ] as const) {
    await t.test(`ls sorts by ${sort} ${order}`, async () => {
      const [image] = await s.json<[Json]>(['ls', '--sort', sort, '--order', order]);
      assert.equal(image['name'], `example.com/${first}`);
    });
  }
  for (const alias of ['list', 'images']) {
    await t.test(`${alias} is ls`, async () => assert.equal((await s.json<Json[]>([alias])).length, 2));
  }
  await t.test('ls --full gives whole keys to people, too', async () => {
    assert.match(
      (await s.ok(['ls', '--full'])).stdout.toString(),
      /^example\.com\/base {2}1\.0\.0 {2}sha512-[0-9a-f]{128} /m,
    );
  });
  await t.test('inspect gives dependencies, layers, trees and roots', async () => {
    const [base, app] = await s.json<[Json, Json]>(['ls']);
    await s.ok(['render', '--mode', 'link', 'example.com/app']);
    await s.ok(['pin', 'example.com/app']);
    const found = await s.json(['inspect', 'example.com/app']);
    assert.deepEqual(found['dependencies'], [{ name: 'example.com/base', key: base['key'] }]);
    assert.equal((found['layers'] as Json[])[0]?.['key'], app['key']);
    assert.equal((found['trees'] as Json[])[0]?.['treeId'], found['treeId']);
    assert.deepEqual(found['roots'], ['its pin']);
    assert.deepEqual((await s.json(['inspect', 'example.com/base']))['roots'], ['the pin of example.com/app']);
  });
  await t.test('cat-manifest gives the exact bytes', async () => {
    assert.equal((await s.ok(['cat-manifest', 'example.com/base'])).stdout.toString(), text);
  });
  await t.test('cat-manifest --pretty indents them', async () => {
    const pretty = (await s.ok(['cat-manifest', '--pretty', 'example.com/base'])).stdout.toString();
    assert.equal(pretty, `${JSON.stringify(JSON.parse(text), null, 2)}\n`);
  });
});

test('pin, unpin and rm', async (t) => {
  const s = new TestStore(t);
  await s.ok(['import', s.aci('base.aci', BASE, [{ name: 'f', content: 'base' }]), s.aci('app.aci', APP)]);
  const [{ treeId, path }] = await s.json<[Json & { path: string }]>(['render', '--mode', 'link', 'example.com/app']);

  await t.test('pin gives the record, and is kept when repeated', async () => {
    for (let i = 0; i < 2; i++) {
      const [pinned] = await s.json<[Json]>(['pin', 'example.com/app']);
      assert.equal(pinned['pinned'], true);
      assert.equal(pinned['name'], 'example.com/app');
    }
  });
  await t.test('rm is refused while a pin holds the image or one that needs it, and removes nothing', async () => {
    await s.refused(['rm', 'example.com/app'], 'ERR_HELD', 1);
    const error = await s.refused(['rm', 'example.com/base'], 'ERR_HELD', 1);
    assert.match(error.message, /pin of example\.com\/app/);
    assert.equal((await s.json<Json[]>(['ls'])).length, 2);
  });
  await t.test('rm --force says what held it', async () => {
    const [removed] = await s.json<[Json]>(['rm', '--force', 'example.com/base']);
    hasShape(removed, { key: 'key', name: 'string', removedTrees: '[]', freedBytes: 'number' });
    assert.deepEqual(removed['held'], ['the pin of example.com/app']);
    await s.refused(['inspect', 'example.com/base'], 'ERR_NOT_FOUND', 3);
  });
  await t.test('unpin gives the record; then rm takes the image and the trees only it had', async () => {
    assert.equal((await s.json<[Json]>(['unpin', 'example.com/app']))[0]['pinned'], false);
    const [removed] = await s.json<[Json & { freedBytes: number }]>(['rm', 'example.com/app']);
    assert.deepEqual(removed['removedTrees'], [treeId]);
    assert.ok(removed.freedBytes > 0);
    assert.equal(fs.existsSync(path), false);
    assert.deepEqual(await s.json(['ls']), []);
    assert.equal((await s.json(['fsck']))['ok'], true);
  });
  await t.test('rm, pin and unpin of nothing known are not found', async () => {
    for (const verb of ['rm', 'pin', 'unpin']) await s.refused([verb, 'example.com/app'], 'ERR_NOT_FOUND', 3);
  });
});

test('put and get', async (t) => {
  const s = new TestStore(t);
  const bytes = Buffer.from([0, 255, 10, 13, 0]);
  const file = s.write('blob', bytes);
  await t.test('put gives key and size, and says when it was there', async () => {
    assert.deepEqual(await s.json(['put', file]), { key: keyOf(bytes), size: 5, existed: false });
    const again = (await s.ok(['put', '-', '--json'], { input: bytes })).json();
    assert.deepEqual(again, { key: keyOf(bytes), size: 5, existed: true });
  });
  await t.test('get gives the bytes back, to standard output or a file', async () => {
    assert.deepEqual((await s.ok(['get', keyOf(bytes).slice(0, 12)])).stdout, bytes);
    const got = await s.json(['get', keyOf(bytes), s.path('out')]);
    assert.equal(got['key'], keyOf(bytes));
    assert.deepEqual(fs.readFileSync(s.path('out')), bytes);
  });
  await t.test('a blob that is not there is not found', async () => {
    await s.refused(['get', `sha512-${'0'.repeat(128)}`], 'ERR_NOT_FOUND', 3);
  });
  await t.test('a file that is not there is not found; a directory is told by its path', async () => {
    await s.refused(['put', s.path('missing')], 'ERR_NOT_FOUND', 3);
    const error = await s.refused(['put', s.dir], 'ERR_IO', 1);
    assert.deepEqual([error.path, error['errno']], [s.dir, 'EISDIR']);
  });
});

function keyOf(bytes: Buffer): string {
  return `sha512-${createHash('sha512').update(bytes).digest('hex')}`;
}
