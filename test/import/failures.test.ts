/** Imports that fail half-way: they end, say why, and hold on to nothing. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { DEFAULT_LIMITS } from '../../engine/core/limits.js';
import { stagedRecipe } from '../../engine/disk/layout.js';
import { prepareAci } from '../../engine/import/aci.js';
import { LayerReader } from '../../engine/import/read-layer.js';
import { lookAtFile } from '../../engine/import/source/identify.js';
import { imagesBelow } from '../../engine/import/source/sources.js';
import { openContext } from '../../engine/session/open.js';
import { Store } from '../../engine/store.js';
import { readSource } from '../../workers/import/input.js';
import { listMembers } from '../../workers/import/list-members.js';
import { aci, END, header, tar } from '../fixtures/archive.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { blobPath, digestOf, ociLayout } from '../fixtures/oci.js';
import { type Json, TestStore } from '../fixtures/store.js';

keepThreads();

test('workers that share a layer do not wait for one that fails before it begins', async (t) => {
  const s = new TestStore(t);
  const context = await openContext({ dir: s.store, workers: 2 });
  const staging = context.staging.make();
  // A file is in the place of the layer's own, so that making that fails, as on a full disk or without free
  // descriptors.
  fs.writeFileSync(stagedRecipe(staging), '');
  const source = s.write('big.aci', aci({ name: 'example.com/big' }, [{ name: 'f', content: randomBytes(9 << 20) }]));
  const { size } = fs.statSync(source);
  const asked = { source: { path: source }, size, fingerprint: undefined };
  const preparing = prepareAci({ store: context, reader: new LayerReader(context), staging }, asked, {
    importTime: 1,
    progress: undefined,
  });
  await assert.rejects(preparing, { code: 'ERR_IO', errno: 'EEXIST' });
  await new Store(context).close();
});

test('refused sources leave no descriptors open', { skip: process.platform !== 'linux' }, async (t) => {
  const s = new TestStore(t);
  const bad = tar([
    { name: 'manifest', content: '{}' },
    { name: 'top', content: 'nothing but the root file system may be here' },
  ]);
  const sources = [
    s.write('bad.aci', bad),
    s.write('bad.aci.gz', gzipSync(bad)),
    s.write('cut.aci.gz', gzipSync(bad).subarray(0, 60)),
    s.write('text', 'no archive at all'.repeat(100)),
  ];
  const store = new Store(await openContext({ dir: s.store, workers: 1 }));
  const openFiles = (): string[] =>
    fs.readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        const target = fs.readlinkSync(`/proc/self/fd/${fd}`);
        // Files that the store itself keeps open do not count.
        return target.startsWith(s.dir) && !/\/store(\/index|$)|\/lock$|\/use$|\/locks\/pack-/.test(target)
          ? [target]
          : [];
      } catch {
        return [];
      }
    });
  for (const keepArchive of [false, true]) {
    const results = await store.importAll([...sources, ...sources], { keepGoing: true, keepArchive });
    assert.ok(results.every((result) => 'error' in result));
  }
  // Streams close their files a moment later.
  for (let i = 0; i < 100 && openFiles().length > 0; i++) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(openFiles(), []);
  await store.close();
});

test('what was placed for an image that cannot be recorded is swept by the next gc', async (t) => {
  const s = new TestStore(t);
  const shared = aci({ name: 'example.com/a' }, [{ name: 'f', content: 'hello' }]);
  ociLayout(s.path('layout'), [{ ref: 'x:v1', layers: [shared, tar([{ name: 'own', content: 'of nobody' }])] }]);
  await s.ok(['import', s.write('a.aci', shared)]);
  // The layer is in the store as one of an ACI, where entries have another meaning.
  await s.refused(['import', s.path('layout')], 'ERR_UNSUPPORTED', 1);
  const before = await s.json(['fsck']);
  assert.deepEqual([before['ok'], before['stray']], [true, []]);
  const { removed } = await s.json<{ removed: Json }>(['gc', '--images', '--grace-period', '1d']);
  assert.notEqual(removed['objects'], 0);
  const after = await s.json<{ ok: boolean; stray: string[]; checked: Json }>(['fsck']);
  assert.deepEqual([after.ok, after.stray, after.checked['objects']], [true, [], 1]);
  await s.ok(['check']);
});

for (const [what, input] of [
  ['nothing comes from', undefined],
  ['no more comes from', gzipSync(randomBytes(6 << 20))],
] as const) {
  test(`Ctrl-C ends an import to which ${what} standard input`, async (t) => {
    const s = new TestStore(t);
    const ran = await s.run(['import', '--layer', '-'], {
      endless: true,
      ...(input === undefined ? {} : { input }),
      onStart: (child) => {
        // An import that has a staging directory is reading.
        const timer = setInterval(() => {
          const staging = s.path('store/staging');
          if (!fs.existsSync(staging) || fs.readdirSync(staging).length === 0) return;
          clearInterval(timer);
          setTimeout(() => child.kill('SIGINT'), 500);
        }, 20);
      },
    });
    assert.equal(ran.code, 130, ran.stderr);
    assert.deepEqual(fs.readdirSync(s.path('store/staging')), []);
  });
}

const linux = { skip: process.platform === 'linux' ? false : 'the files of procfs are those of Linux' };

test('a pipe that came to the place of a source is refused, as nobody may ever write to it', linux, async (t) => {
  const s = new TestStore(t);
  const path = s.path('pipe');
  execFileSync('mkfifo', [path]);
  const refused = { code: 'ERR_NOT_AN_IMAGE', message: /not a regular file/ };
  const control = { cancel: new Int32Array(1), done: new BigInt64Array(3) };
  const limits = DEFAULT_LIMITS;
  await assert.rejects(lookAtFile(path), refused);
  await assert.rejects(readSource({ source: { path }, control, limits }, { take: () => {} }), refused);
  assert.throws(() => listMembers({ kind: 'list-members', path, control, limits }), refused);
});

test('files of a layout that lead to endless ones are read for as long as they say they are', linux, async (t) => {
  const s = new TestStore(t);
  const dir = s.path('layout');
  const layer = tar([{ name: 'f', content: 'text' }]);
  ociLayout(dir, [{ ref: 'app', layers: [layer] }]);
  const index = s.path('layout/index.json');
  const blob = blobPath(dir, digestOf(layer));
  const kept = [index, blob].map((path) => ({ path, bytes: fs.readFileSync(path) }));
  for (const [path, code] of [
    [index, 'ERR_BAD_MANIFEST'],
    [blob, 'ERR_DIGEST_MISMATCH'],
  ] as const) {
    // This file has no size, but gives hundreds of gigabytes to a reader that reads on.
    fs.rmSync(path);
    fs.symlinkSync('/proc/self/pagemap', path);
    await s.refused(['import', `${dir}:app`], code, 1);
    for (const { path, bytes } of kept) {
      fs.rmSync(path);
      fs.writeFileSync(path, bytes);
    }
  }
  // A link to a good file elsewhere is good.
  for (const [i, { path, bytes }] of kept.entries()) {
    fs.rmSync(path);
    fs.symlinkSync(s.write(`elsewhere-${i}`, bytes), path);
  }
  await s.ok(['import', `${dir}:app`]);
});

test('a member of an archive that claims more than there is of it is refused', async (t) => {
  const s = new TestStore(t);
  for (const size of [2048, 2 ** 40, 2 ** 53 - 512, 2 ** 53 - 1]) {
    const bytes = Buffer.concat([header({ name: 'blobs/sha256/x', size }), END]);
    const error = await s.refused(['import', s.write('claims.tar', bytes)], 'ERR_BAD_ARCHIVE', 1);
    assert.match(error.message, /cut off/);
  }
});

test('a directory that is too deep to be read is a source of its own, and refused alone', async (t) => {
  const s = new TestStore(t);
  const dir = s.path('in');
  const name = 'd'.repeat(200);
  fs.mkdirSync(dir);
  const image = s.aci('app.aci', { name: 'example.com/app' });
  fs.linkSync(image, `${dir}/z.aci`);
  // The path is longer than a path may be. So it is made below a shorter one, then moved to where it is too deep.
  const half = `${s.path('half')}${`/${name}`.repeat(12)}`;
  fs.mkdirSync(half, { recursive: true });
  const deep = `${dir}${`/${name}`.repeat(12)}`;
  fs.mkdirSync(deep, { recursive: true });
  fs.renameSync(s.path('half'), `${deep}/half`);
  const found = imagesBelow(dir);
  assert.equal(found.length, 2);
  assert.equal(found[1], `${dir}/z.aci`);
  const ran = await s.run(['import', '--recursive', '--keep-going', '--json', dir]);
  // Moved back, since nobody could delete it there.
  fs.renameSync(`${deep}/half`, s.path('half'));
  assert.equal(ran.code, 1, ran.stderr);
  const [bad, good] = ran.json<never>() as { source: string; error?: { code: string }; key?: string }[];
  assert.equal(bad?.error?.code, 'ERR_IO');
  assert.equal(good?.source, `${dir}/z.aci`);
  assert.ok(good.key);
});
