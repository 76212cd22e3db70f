/** Exports of images as OCI layouts, docker archives and squashed ACIs: importing them gives the exported image. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Key } from '../../engine/core/key.js';
import { openContext } from '../../engine/session/open.js';
import { Store } from '../../engine/store.js';
import { tar } from '../fixtures/archive.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { dockerArchive, ociLayout, type WrittenImage } from '../fixtures/oci.js';
import { type Json, TestStore } from '../fixtures/store.js';

keepThreads();

const LAYERS = [
  tar([
    { name: 'etc', flag: '5', mode: 0o755 },
    { name: 'etc/kept', content: 'kept', mtime: 100 },
    { name: 'etc/gone', content: 'gone' },
    { name: 'bin', flag: '2', link: 'usr/bin' },
    { name: 'usr/bin/tool', content: '#!tool', mode: 0o4755 },
    { name: 'usr/bin/same', flag: '1', link: 'usr/bin/tool' },
  ]),
  tar([
    { name: 'etc/.wh.gone', content: '' },
    { name: 'bin/more', content: 'through the link' },
  ]),
];

interface Listed extends Json {
  path: string;
  layer?: string;
}

/** The tree of an image as `files` lists it, without the layers of its entries. */
async function treeOf(s: TestStore, image: string): Promise<Json[]> {
  const { stdout } = await s.ok(['files', '--json', image]);
  const lines = stdout.toString().trimEnd().split('\n');
  return lines.map((line) => {
    const { layer: _layer, ...rest } = JSON.parse(line) as Listed;
    return rest;
  });
}

function layoutOf(s: TestStore, compress: 'none' | 'gzip'): WrittenImage {
  const config = { config: { Entrypoint: ['/bin/tool'], Env: ['A=b'], ExposedPorts: { '80/tcp': {} } } };
  const [written] = ociLayout(s.path('layout'), [{ ref: 'example.com/app:v1', layers: LAYERS, compress, config }]);
  return written as WrittenImage;
}

/** Digests of the blobs of a written layout, in order. */
function blobsIn(dir: string): string[] {
  return fs
    .readdirSync(join(dir, 'blobs', 'sha256'))
    .map((name) => `sha256:${name}`)
    .sort();
}

test('an OCI image is given back', async (t) => {
  const s = new TestStore(t);
  const written = layoutOf(s, 'gzip');
  const [{ key }] = await s.json<[{ key: string }]>(['import', s.path('layout')]);
  const tree = await treeOf(s, key);
  for (const [format, file] of [
    ['oci', 'out'],
    ['oci', 'out.tar'],
    ['docker', 'docker.tar'],
  ] as const) {
    await t.test(`as ${format} in ${file}, with the same configuration and diffIDs`, async (t) => {
      await s.ok(['export', '--format', format, 'example.com/app:v1', s.path(file)]);
      const other = new TestStore(t);
      const [again] = await other.json<[{ key: string; existed: boolean }]>(['import', s.path(file)]);
      assert.equal(again.key, key);
      assert.deepEqual(await treeOf(other, written.config), tree);
      assert.deepEqual(await treeOf(other, written.diffIds[1] as string), tree);
      await other.ok(['check']);
    });
  }
  await t.test('with uncompressed layers, which are what the diffIDs name', async () => {
    const blobs = blobsIn(s.path('out'));
    for (const diffId of written.diffIds) assert.ok(blobs.includes(diffId), diffId);
  });
  await t.test('with gzipped layers', async (t) => {
    await s.ok(['export', '--compress', 'gzip', key, s.path('gzipped')]);
    const other = new TestStore(t);
    const [again] = await other.json<[{ key: string }]>(['import', s.path('gzipped')]);
    assert.equal(again.key, key);
    assert.ok(!blobsIn(s.path('gzipped')).includes(written.diffIds[0] as string));
  });
  await t.test('not over a directory that holds something', async () => {
    await s.refused(['export', key, s.path('out')], 'ERR_EXISTS', 1);
  });
  await t.test('as an ACI with the merged tree and a manifest made of the configuration', async (t) => {
    await s.ok(['export', '--format', 'aci', key, s.path('squashed.aci')]);
    const other = new TestStore(t);
    await other.ok(['import', s.path('squashed.aci')]);
    assert.deepEqual(await treeOf(other, 'example.com/app:v1'), tree);
    const manifest = await other.json<{ app: { exec: string[] } }>(['cat-manifest', 'example.com/app']);
    assert.deepEqual(manifest.app.exec, ['/bin/tool']);
  });
});

test('with --keep-archive the layout that comes out has the digests of the one that went in', async (t) => {
  const s = new TestStore(t);
  layoutOf(s, 'gzip');
  await s.ok(['import', '--keep-archive', s.path('layout')]);
  await s.ok(['export', 'example.com/app:v1', s.path('out')]);
  assert.deepEqual(blobsIn(s.path('out')), blobsIn(s.path('layout')));
  await s.ok(['check']);
  await s.ok(['rm', 'example.com/app:v1']);
  await s.ok(['gc', '--images', '--grace-period', '0s']);
  const fsck = await s.json<{ ok: boolean; checked: { blobs: number }; stray: string[] }>(['fsck']);
  assert.deepEqual([fsck.ok, fsck.checked.blobs, fsck.stray], [true, 0, []]);
});

test('archives that were kept are copied by workers: counted, checked, and cancelled like all else', async (t) => {
  const s = new TestStore(t);
  ociLayout(s.path('layout'), [{ ref: 'app:v1', layers: [tar([{ name: 'f', content: randomBytes(3 << 20) }])] }]);
  await s.ok(['import', '--keep-archive', s.path('layout')]);
  const context = await openContext({ dir: s.store, workers: 1 });
  const store = new Store(context);
  t.after(() => store.close());
  for (const format of ['oci', 'docker'] as const) {
    await t.test(format, async () => {
      let done = 0;
      const onProgress = (progress: { done: number }): void => {
        done = progress.done;
      };
      await store.export('app:v1', s.path(`counted-${format}`), { format, onProgress });
      assert.ok(done >= (format === 'oci' ? 1 : 2) * (3 << 20), `${done} bytes were counted`);

      const { pool } = context;
      const run = pool.run.bind(pool);
      const controller = new AbortController();
      pool.run = (task) => {
        if (task.kind === 'export-blob') controller.abort();
        return run(task);
      };
      const { signal } = controller;
      await assert.rejects(store.export('app:v1', s.path('cancelled'), { format, signal }), { code: 'ERR_ABORTED' });
      pool.run = run;
    });
  }
  await t.test('one that is damaged is not given out', async () => {
    const archives = [...context.index.images.entries()].flatMap(({ value }) => value.archives ?? []);
    const path = context.layout.blob(archives[0] as Key);
    const bytes = fs.readFileSync(path);
    bytes[1 << 20] = (bytes[1 << 20] as number) ^ 1;
    fs.writeFileSync(path, bytes);
    const error = await s.refused(['export', 'app:v1', s.path('damaged')], 'ERR_DAMAGED', 1);
    assert.equal(error.path, path);
  });
  assert.deepEqual(
    fs.readdirSync(s.dir).filter((name) => name.startsWith('.') || /cancelled|damaged/.test(name)),
    [],
  );
});

test('--keep-archive of what docker saves gives the same layers, since nothing names their archives', async (t) => {
  const s = new TestStore(t);
  fs.writeFileSync(s.path('saved.tar'), dockerArchive([{ ref: 'app:v1', layers: LAYERS }], { old: true }));
  const [{ key }] = await s.json<[{ key: string }]>(['import', '--keep-archive', s.path('saved.tar')]);
  await s.ok(['export', 'app:v1', s.path('out')]);
  const other = new TestStore(t);
  const [again] = await other.json<[{ key: string }]>(['import', s.path('out')]);
  assert.equal(again.key, key);
  assert.equal((await s.json<{ ok: boolean }>(['fsck'])).ok, true);
});

test('archives can be kept of an image that is here without them', async (t) => {
  const s = new TestStore(t);
  layoutOf(s, 'gzip');
  await s.ok(['import', s.path('layout')]);
  await s.ok(['import', '--keep-archive', s.path('layout')]);
  await s.ok(['export', 'example.com/app:v1', s.path('out')]);
  assert.deepEqual(blobsIn(s.path('out')), blobsIn(s.path('layout')));
  assert.equal((await s.json<{ ok: boolean }>(['fsck'])).ok, true);
});

test('an ACI chain becomes one layer for each image, with whiteouts for what its whitelist drops', async (t) => {
  const s = new TestStore(t);
  const base = s.aci('base.aci', { name: 'example.com/base' }, [
    { name: 'rootfs/etc', flag: '5', mode: 0o755 },
    { name: 'rootfs/etc/kept', content: 'kept' },
    { name: 'rootfs/etc/dropped', content: 'dropped' },
    { name: 'rootfs/var/log/dropped', content: 'with its directory' },
  ]);
  const dependencies = [{ imageName: 'example.com/base' }];
  const app = s.aci('app.aci', { name: 'example.com/app', dependencies, pathWhitelist: ['/etc/kept', '/app'] }, [
    { name: 'rootfs/app', content: 'app' },
  ]);
  await s.ok(['import', base, app]);
  await s.ok(['export', '--format', 'oci', 'example.com/app', s.path('chain')]);
  const other = new TestStore(t);
  const [{ key, layers }] = await other.json<[{ key: string; layers: number }]>(['import', s.path('chain')]);
  assert.equal(layers, 2);
  assert.deepEqual(await treeOf(other, key), await treeOf(s, 'example.com/app'));

  await s.ok(['export', '--format', 'oci', 'example.com/base', s.path('base')]);
  const [again] = await other.json<[{ objects: { new: number } }]>(['import', s.path('base')]);
  assert.equal(again.objects.new, 0, 'the base is a layer of both');
});

test('an ACI is exported as no more layers than an OCI image may have', async (t) => {
  const s = new TestStore(t);
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const dependencies = names.map((name) => ({ imageName: `example.com/${name}` }));
  const acis = names.map((name, i) =>
    s.aci(`${name}.aci`, { name: `example.com/${name}` }, [
      { name: `rootfs/${name}`, content: name },
      { name: 'rootfs/same', content: 'same', mtime: i },
    ]),
  );
  await s.ok(['import', ...acis, s.aci('top.aci', { name: 'example.com/top', dependencies })]);
  const exporting = ['export', '--format', 'oci', 'example.com/top', s.path('out'), '--max-layers'];
  const error = await s.refused([...exporting, '6'], 'ERR_LIMIT', 1);
  assert.match(error.message, /7 layers.*--max-layers/);
  assert.equal(fs.existsSync(s.path('out')), false);
  await s.ok([...exporting, '7']);
  const other = new TestStore(t);
  const [{ key, layers }] = await other.json<[{ key: string; layers: number }]>(['import', s.path('out')]);
  assert.equal(layers, 7);
  assert.deepEqual(await treeOf(other, key), await treeOf(s, 'example.com/top'));
});

test('--diff-from gives what makes one tree of another', async (t) => {
  const s = new TestStore(t);
  ociLayout(s.path('old'), [{ ref: 'old', layers: LAYERS.slice(0, 1) }]);
  ociLayout(s.path('new'), [{ ref: 'new', layers: LAYERS }]);
  await s.ok(['import', '--jobs', '1', s.path('old'), s.path('new')]);
  await s.ok(['export', '--diff-from', 'old', 'new', s.path('diff')]);
  const index = JSON.parse(fs.readFileSync(join(s.path('diff'), 'index.json'), 'utf8'));
  const manifestPath = join(s.path('diff'), 'blobs', ...index.manifests[0].digest.split(':'));
  const [layer] = JSON.parse(fs.readFileSync(manifestPath, 'utf8')).layers;
  const diff = fs.readFileSync(join(s.path('diff'), 'blobs', ...layer.digest.split(':')));
  ociLayout(s.path('patched'), [{ ref: 'patched', layers: [LAYERS[0] as Buffer, diff] }]);
  await s.ok(['import', s.path('patched')]);
  assert.deepEqual(await treeOf(s, 'patched'), await treeOf(s, 'new'));
  await s.refused(['export', '--format', 'tar', '--diff-from', 'old', 'new', s.path('x')], 'ERR_USAGE', 2);
});
