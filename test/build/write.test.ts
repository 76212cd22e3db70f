/** What builds become: files, documents, and the same image on any day. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { openStore, type Store } from '../../engine/store.js';
import { openBuilds, pathsOf, refused, treeOf } from '../fixtures/builds.js';
import { setEnvironment } from '../fixtures/environment.js';

const b = await openBuilds();
const { store } = b;

const base = b.tree({ 'etc/a': 'a', 'etc/b': 'b', big: 'x'.repeat(3_000_000) });
await store.importDirectory(base, { name: 'base:1', format: 'oci', sourceDate: 1000 });
await store.importDirectory(base, { name: 'example.com/base:1', sourceDate: 1000 });

const CASES = [
  { format: 'aci', from: 'example.com/base:1', name: 'example.com/app:2' },
  { format: 'oci', from: 'base:1', name: 'app:2' },
] as const;

/** The same session of edits, each time in other directories. */
async function session(
  on: Store,
  dir: string,
  { from, name }: { from: string; name: string },
  source: string,
): Promise<string[]> {
  await on.beginBuild(dir, { from });
  await on.editBuild(dir, [
    { add: 'environment', name: 'A', value: '1' },
    { add: 'label', name: 'made', value: 'here' },
    { set: 'exec', value: ['/bin/app'] },
  ]);
  await on.copyIntoBuild(dir, [source], '/usr/share/app/file');
  await on.copyIntoBuild(dir, [source], '/etc', { toDirectory: true });
  const keys: string[] = [];
  for (const as of [undefined, 'layer', 'squash'] as const)
    keys.push((await on.writeBuild(dir, { name, ...(as === undefined ? {} : { as }) })).key);
  return keys;
}

for (const each of CASES) {
  test(`a session gives the same ${each.format} again, whoever works on it`, async (t) => {
    const source = join(b.tree({ file: 'content' }), 'file');
    const keys = await session(store, b.fresh('build'), each, source);
    for (const workers of [1, 4]) {
      const dir = b.fresh('store');
      const other = await openStore({ dir, workers });
      t.after(() => other.close());
      await other.importDirectory(base, { name: each.from, format: each.format, sourceDate: 1000 });
      assert.deepEqual(await session(other, b.fresh('build'), each, source), keys, `${workers} workers`);
    }
  });

  test(`with the date of the source, files that are newer make the same ${each.format}`, async (t) => {
    const keys: string[][] = [];
    for (const day of [2_000_000_000, 2_000_086_400.123]) {
      setEnvironment(t, { SOURCE_DATE_EPOCH: '1700000000' });
      const dir = b.fresh('build');
      const { path } = await store.beginBuild(dir, { from: each.from });
      fs.mkdirSync(join(path, 'd'));
      fs.writeFileSync(join(path, 'd/f'), 'new');
      fs.rmSync(join(path, 'etc/b'));
      for (const changed of ['d/f', 'd', 'etc', '']) fs.utimesSync(join(path, changed), day, day);
      const written = [];
      for (const as of ['layer', 'squash'] as const) written.push(await store.writeBuild(dir, { name: each.name, as }));
      keys.push(written.map(({ key }) => key));
      const times = (await treeOf(store, written[1]?.key as string)).map(({ mtime }) => mtime);
      assert.equal(Math.max(...times), 1_700_000_000);
    }
    assert.deepEqual(keys[0], keys[1]);
  });
}

test('the date of the source is that of the documents', async (t) => {
  setEnvironment(t, { SOURCE_DATE_EPOCH: '1700000000' });
  const dir = b.fresh('build');
  await store.beginBuild(dir, { from: 'base:1' });
  await store.writeBuild(dir, { name: 'dated:1', createdBy: 'make image', comment: 'for tests' });
  const { history, created } = (await store.inspect('dated:1')).config as Record<string, unknown>;
  const at = '2023-11-14T22:13:20Z';
  assert.equal(created, at);
  assert.deepEqual((history as unknown[]).at(-1), {
    created: at,
    created_by: 'make image',
    comment: 'for tests',
    empty_layer: true,
  });
  const made = b.fresh('build');
  await store.beginBuild(made);
  await store.editBuild(made, [{ add: 'annotation', name: 'created', value: '2030-01-01T00:00:00Z' }]);
  const { key } = await store.writeBuild(made, { name: 'example.com/dated' });
  const { annotations } = JSON.parse((await store.catManifest(key)).toString()) as { annotations: unknown };
  assert.deepEqual(annotations, [{ name: 'created', value: at }]);
  setEnvironment(t, { SOURCE_DATE_EPOCH: 'soon' });
  await refused(store.writeBuild(made, { name: 'example.com/dated' }), 'ERR_USAGE', /SOURCE_DATE_EPOCH is "soon"/);
});

for (const { format, from, name } of CASES) {
  test(`a file of ${format} is the image that the store would get`, async () => {
    const dir = b.fresh('build');
    const { path } = await store.beginBuild(dir, { from });
    fs.writeFileSync(join(path, 'new'), 'new');
    const stored = await store.writeBuild(dir, { name });
    for (const end of format === 'aci' ? ['x.aci', 'x.aci.gz'] : ['x.tar', 'x.tar.gz', 'layout']) {
      const file = b.fresh(end);
      const written = await store.writeBuild(dir, { file, name });
      assert.equal(written.key, stored.key);
      assert.equal((await store.import(file)).existed, true);
      await refused(store.writeBuild(dir, { file, name }), 'ERR_EXISTS');
      if (end !== 'layout') await store.writeBuild(dir, { file, name, force: true });
    }
    const chunks: Buffer[] = [];
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        chunks.push(chunk);
        done();
      },
    });
    await store.writeBuild(dir, { file: sink, name });
    assert.equal((await store.import(Readable.from(chunks))).existed, true);
  });
}

test('a write that is cancelled leaves neither a file nor an image', async () => {
  const dir = b.fresh('build');
  const { path } = await store.beginBuild(dir);
  for (let i = 0; i < 40; i++) fs.writeFileSync(join(path, `f${i}`), Buffer.alloc(1_000_000, i));
  const file = b.fresh('cancelled.aci');
  for (const target of [{ file, name: 'example.com/cancelled' }, { name: 'example.com/cancelled' }]) {
    const controller = new AbortController();
    const writing = store.writeBuild(dir, { ...target, signal: controller.signal });
    setTimeout(() => controller.abort(), 20);
    await refused(writing, 'ERR_ABORTED');
  }
  assert.deepEqual(
    fs.readdirSync(b.dir).filter((name) => name.includes('cancelled')),
    [],
  );
  await refused(store.inspect('example.com/cancelled'), 'ERR_NOT_FOUND');
  assert.ok((await store.writeBuild(dir, { name: 'example.com/cancelled' })).key);
});

test('annotations of an OCI image are in its manifest, wherever it goes', async () => {
  const dir = b.fresh('build');
  await store.beginBuild(dir, { format: 'oci' });
  await store.editBuild(dir, [
    { add: 'port', name: 'http', protocol: 'tcp', port: 80 },
    { add: 'annotation', name: 'k', value: 'v' },
  ]);
  const layout = b.fresh('layout');
  const { key } = await store.writeBuild(dir, { name: 'noted:1' });
  await store.export(key, layout, { format: 'oci' });
  const index = JSON.parse(fs.readFileSync(join(layout, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
  const [hex] = index.manifests.map(({ digest }) => digest.slice('sha256:'.length));
  const manifest = JSON.parse(fs.readFileSync(join(layout, 'blobs/sha256', hex as string), 'utf8'));
  assert.deepEqual(manifest.annotations, { 'coreos.com/acbuild/port/http': 'number:80 protocol:tcp', k: 'v' });
});

test('an image is converted there and back', async () => {
  const there = await store.convert('example.com/base:1', { name: 'there:1' });
  assert.deepEqual([there.format, there.name], ['oci', 'there']);
  const back = await store.convert('there:1', { name: 'example.com/back:1' });
  assert.deepEqual([back.format, back.name, back.labels['version']], ['aci', 'example.com/back', '1']);
  assert.deepEqual(await treeOf(store, back.key), await treeOf(store, 'example.com/base:1'));
  const manifest = JSON.parse((await store.catManifest(back.key)).toString()) as { annotations: { name: string }[] };
  assert.ok(manifest.annotations.some(({ name }) => name === 'appc.io/docker/repository'));
  await refused(store.convert('there:1', { format: 'oci' }), 'ERR_USAGE', /in this format already/);
});

test('paths of a base that was removed cannot be layered, but written as a whole', async () => {
  const gone = b.tree({ f: 'f' });
  const { key } = await store.importDirectory(gone, { name: 'gone:1', format: 'oci' });
  const dir = b.fresh('build');
  await store.beginBuild(dir, { from: key });
  await store.rm([key]);
  await refused(store.writeBuild(dir, { name: 'kept:1' }), 'ERR_NOT_FOUND', /is gone/);
  const { key: whole } = await store.writeBuild(dir, { name: 'kept:1', as: 'squash' });
  assert.deepEqual(await pathsOf(store, whole), ['.', 'f']);
});
