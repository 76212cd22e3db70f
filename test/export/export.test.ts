/** `export`: images out of a store. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Key } from '../../engine/core/key.js';
import { Layout } from '../../engine/disk/layout.js';
import { openStore } from '../../engine/store.js';
import { aci, tar } from '../fixtures/archive.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { type Json, TestStore } from '../fixtures/store.js';
import { loseObject, objectOfSize, overwriteObject, type StoredObject } from '../fixtures/stored-objects.js';

keepThreads();

/** A name that is longer than a tar header's field. */
const LONG = `long/${'n'.repeat(150)}`;
const BASE = aci({ name: 'example.com/base' }, [
  { name: 'etc', flag: '5', mode: 0o750, mtime: 1_700_000_000 },
  { name: 'etc/name', content: 'base\n', mode: 0o640, uid: 1, gid: 2, mtime: 1_600_000_000 },
  { name: 'gone', content: 'x' },
]);
const APP = aci({ name: 'example.com/app', dependencies: [{ imageName: 'example.com/base' }] }, [
  { name: 'bin/run', content: '#!/bin/sh\n', mode: 0o4755, mtime: 1 },
  { name: 'bin/also', flag: '1', link: 'bin/run' },
  { name: 'gone', flag: '2', link: 'etc' },
  { name: 'x', content: 'long', pax: { path: `rootfs/${LONG}` } },
  { name: 'pipe', flag: '6' },
]);
/** Archives whose exact bytes a store loses easily. */
const ODD: readonly [what: string, bytes: Buffer][] = [
  ['no rootfs entry', aci({ name: 'example.com/odd-1' }, [], false)],
  ['zeros after the end', Buffer.concat([aci({ name: 'example.com/odd-2' }), Buffer.alloc(10_240)])],
  ['GNU headers and the manifest last', oddOrder()],
];

function oddOrder(): Buffer {
  const text = ` { "name": "example.com/odd-3", "acVersion": "0.8.11", "acKind": "ImageManifest" } \n`;
  return tar([
    { name: './rootfs/', flag: '5', dialect: 'gnu' },
    { name: './rootfs//f', content: 'f', dialect: 'gnu', uid: 0o7777777 + 1 },
    { name: './manifest', content: text, dialect: 'v7' },
  ]);
}

test('export gives images back', async (t) => {
  const s = new TestStore(t);
  const sources = [BASE, APP, ...ODD.map(([, bytes]) => bytes)].map((bytes, i) => s.write(`${i}.aci`, gzipSync(bytes)));
  await s.ok(['import', ...sources]);
  const out = s.path('out');

  await t.test('as the exact bytes that came in, uncompressed', async () => {
    const told = await s.json(['export', 'example.com/app', out]);
    assert.deepEqual(fs.readFileSync(out), APP);
    assert.deepEqual(told, { file: out, size: APP.length, key: keyOf(APP), original: true });
  });
  for (const [i, [what, bytes]] of ODD.entries()) {
    await t.test(`with ${what}`, async () => {
      assert.deepEqual((await s.ok(['export', `example.com/odd-${i + 1}`, '-'])).stdout, bytes);
    });
  }
  await t.test('compressed, where that is asked for', async () => {
    const told = await s.json(['export', '--force', '--compress', 'gzip', 'example.com/app', out]);
    assert.deepEqual(gunzipSync(fs.readFileSync(out)), APP);
    assert.deepEqual([told['key'], told['size']], [keyOf(APP), fs.statSync(out).size]);
  });
  await t.test('and leaves nothing beside the file', () => {
    assert.deepEqual(
      fs.readdirSync(s.dir).filter((name) => name.startsWith('.')),
      [],
    );
  });
  await t.test('a damaged image gives an error and no file', async () => {
    const undo = overwriteObject(objectOfSize(s.store, 10), '#!/bin/SH\n');
    const error = await s.refused(['export', 'example.com/app', s.path('damaged')], 'ERR_DAMAGED', 1);
    assert.equal(error['expected'], keyOf(APP));
    assert.equal(fs.existsSync(s.path('damaged')), false);
    undo();
  });
});

test('export --format tar gives the merged tree, as GNU tar reads it', async (t) => {
  const s = new TestStore(t);
  await s.ok(['import', '--jobs', '1', s.write('base.aci', BASE), s.write('app.aci', APP)]);
  const out = s.path('tree.tar');
  const told = await s.json(['export', '--format', 'tar', 'example.com/app', out]);
  const listing = execFileSync('tar', ['--list', '--verbose', '--utc', '--numeric-owner', '--file', out], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
  });
  const lines = listing
    .trimEnd()
    .split('\n')
    .map((line) => line.replaceAll(/ +/g, ' '));

  await t.test('with types, modes, owners, times and links', () => {
    assert.deepEqual(lines, [
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 ./',
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 bin/',
      '-rwsr-xr-x 0/0 10 1970-01-01 00:00 bin/also',
      'hrwsr-xr-x 0/0 0 1970-01-01 00:00 bin/run link to bin/also',
      'drwxr-x--- 0/0 0 2023-11-14 22:13 etc/',
      '-rw-r----- 1/2 5 2020-09-13 12:26 etc/name',
      'lrw-r--r-- 0/0 0 1970-01-01 00:00 gone -> etc',
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 long/',
      `-rw-r--r-- 0/0 4 1970-01-01 00:00 ${LONG}`,
      'prw-r--r-- 0/0 0 1970-01-01 00:00 pipe',
    ]);
  });
  await t.test('with the content', () => {
    assert.equal(execFileSync('tar', ['xfO', out, 'etc/name'], { encoding: 'utf8' }), 'base\n');
  });
  await t.test('under the sha512 of its bytes, which are the same each time, to standard output too', async () => {
    const bytes = fs.readFileSync(out);
    assert.deepEqual([told['key'], told['size']], [keyOf(bytes), bytes.length]);
    assert.deepEqual((await s.ok(['export', '--format', 'tar', 'example.com/app', '-'])).stdout, bytes);
  });
  await t.test('without rendering', async () => {
    assert.deepEqual(await s.json<Json[]>(['tree', 'ls']), []);
  });
});

test('an export that fails at its first byte leaves no file', async (t) => {
  const s = new TestStore(t);
  const store = await openStore({ dir: s.store, workers: 2 });
  t.after(() => store.close());
  await store.import(s.write('app.aci', APP));
  const [layer] = (await store.inspect('example.com/app')).layers;
  fs.rmSync(blobPath(s, layer?.toc as Key));
  fs.mkdirSync(s.path('out'));
  for (let i = 0; i < 50; i++) {
    await assert.rejects(store.export('example.com/app', s.path(`out/${i}`)));
    // Nor is a file left that is still being written.
    if (i % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual(fs.readdirSync(s.path('out')), []);
});

test('a file that the index lists and that is missing is damage, whatever it is', async (t) => {
  const s = new TestStore(t);
  await s.ok(['import', s.write('base.aci', BASE)]);
  const { layers } = await s.json<{ layers: [{ toc: Key; recipe: Key }] }>(['inspect', 'example.com/base']);
  const object = objectOfSize(s.store, 'base\n'.length);
  const cat = ['cat', 'example.com/base', 'etc/name'];
  const exported = ['export', 'example.com/base', s.path('out')];
  const blob = (key: Key): StoredObject => ({ name: key, path: blobPath(s, key), offset: 0, size: 0 });
  for (const [what, lost, args] of [
    ['a table of contents', blob(layers[0].toc), exported],
    ['a recipe', blob(layers[0].recipe), exported],
    ['an object', object, exported],
    ['an object that is printed', object, cat],
  ] as const) {
    await t.test(what, async () => {
      const bringBack = loseObject(lost);
      const error = await s.refused(args, 'ERR_DAMAGED', 1);
      // A part of a pack is missing in a file that is there.
      assert.deepEqual([error.path, error['errno']], [lost.path, lost.offset === 0 ? 'ENOENT' : undefined]);
      bringBack();
    });
  }
});

test('a merged tree is exported with every mode, also one that lets nobody in', async (t) => {
  const s = new TestStore(t);
  const entries = [
    { name: 'etc', flag: '5', mode: 0 },
    { name: 'etc/shadow', content: 'secret', mode: 0 },
    { name: 'pipe', flag: '6', mode: 0 },
  ];
  await s.ok(['import', s.write('app.aci', aci({ name: 'example.com/app' }, entries))]);
  await s.ok(['export', 'example.com/app', s.path('app.tar'), '--format', 'tar']);
  await s.ok(['import', '--layer', '--name', 'again', s.path('app.tar')]);
  const files = (await s.ok(['files', '--json', 'again'])).stdout.toString().trim().split('\n');
  const modes = files.map((line) => JSON.parse(line) as Json).map(({ path, mode }) => `${path} ${mode}`);
  assert.deepEqual(modes.slice(1), ['etc 0000', 'etc/shadow 0000', 'pipe 0000']);
});

test('a merged tree with a damaged file is not exported', async (t) => {
  const s = new TestStore(t);
  await s.ok(['import', s.write('base.aci', BASE)]);
  const object = objectOfSize(s.store, 'base\n'.length);
  overwriteObject(object, 'BASE\n');
  for (const format of ['tar', 'aci']) {
    const error = await s.refused(['export', 'example.com/base', s.path('out'), '--format', format], 'ERR_DAMAGED', 1);
    assert.ok(format === 'aci' || error.path === object.path);
    assert.equal(fs.existsSync(s.path('out')), false);
  }
});

/** The path of a document in a store. */
function blobPath(s: TestStore, key: Key): string {
  return new Layout(s.store).blob(key);
}

function keyOf(bytes: Buffer): string {
  return `sha512-${createHash('sha512').update(bytes).digest('hex')}`;
}
