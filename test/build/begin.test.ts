/** Beginnings of builds: what they begin with, and that they are all or nothing. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { readDocument } from '../../engine/build/edit.js';
import { aci, tar } from '../fixtures/archive.js';
import { openBuilds, pathsOf, refused } from '../fixtures/builds.js';

const b = await openBuilds();
const { store } = b;

const manifestOf = (dir: string): Record<string, unknown> =>
  JSON.parse(readDocument(dir).toString()) as Record<string, unknown>;

test('a build of nothing has an empty tree and the manifest that acbuild begins with', async () => {
  const dir = b.fresh('build');
  const begun = await store.beginBuild(dir);
  assert.deepEqual([begun.format, begun.files, begun.base], ['aci', 0, undefined]);
  assert.deepEqual(fs.readdirSync(begun.path), []);
  assert.equal(fs.statSync(dir).mode & 0o777, 0o700);
  const { labels, ...rest } = manifestOf(dir);
  assert.deepEqual(rest, { acKind: 'ImageManifest', acVersion: '0.8.11', name: 'acbuild-unnamed' });
  assert.deepEqual(
    (labels as { name: string }[]).map(({ name }) => name),
    ['arch', 'os'],
  );
});

test('an ACI gives its own files and its manifest, whatever became of its dependencies', async () => {
  const manifest = {
    name: 'example.com/app',
    labels: { version: '1' },
    dependencies: [{ imageName: 'example.com/gone' }],
    more: { pathWhitelist: ['/f'], 'x-later': [1] },
  };
  fs.writeFileSync(
    join(b.dir, 'app.aci'),
    aci(manifest, [
      { name: 'f', content: 'f' },
      { name: 'hidden', content: 'h' },
    ]),
  );
  const { key } = await store.import(join(b.dir, 'app.aci'));
  const dir = b.fresh('build');
  const begun = await store.beginBuild(dir, { from: key });
  assert.deepEqual(fs.readdirSync(begun.path).sort(), ['f', 'hidden']);
  assert.deepEqual(manifestOf(dir), JSON.parse((await store.catManifest(key)).toString()));
  fs.writeFileSync(join(begun.path, 'new'), 'n');
  const written = await store.writeBuild(dir, { name: 'example.com/next:1' });
  const next = JSON.parse((await store.catManifest(written.key)).toString()) as Record<string, unknown>;
  assert.deepEqual(next['pathWhitelist'], ['/f', '/new'], 'what is new is not hidden');
  assert.deepEqual(next['x-later'], [1]);
  assert.deepEqual(next['dependencies'], [{ imageName: 'example.com/gone' }]);
});

test('a build with all of the tree of an ACI depends on nothing', async () => {
  for (const [name, dependencies] of [
    ['low', []],
    ['high', [{ imageName: 'example.com/low' }]],
  ] as const) {
    const path = join(b.dir, `${name}.aci`);
    fs.writeFileSync(path, aci({ name: `example.com/${name}`, dependencies }, [{ name, content: name }]));
    await store.import(path);
  }
  const dir = b.fresh('build');
  const { path } = await store.beginBuild(dir, { from: 'example.com/high', flat: true });
  assert.deepEqual(fs.readdirSync(path).sort(), ['high', 'low']);
  assert.equal(manifestOf(dir)['dependencies'], undefined);
  const plain = b.fresh('build');
  await store.beginBuild(plain, { from: 'example.com/high' });
  const { key } = await store.writeBuild(plain, { name: 'example.com/squashed', as: 'squash' });
  assert.deepEqual(await pathsOf(store, key), ['.', 'high', 'low']);
  assert.equal(JSON.parse((await store.catManifest(key)).toString()).dependencies, undefined);
});

test('a directory and a tar are root file systems', async () => {
  const root = b.tree({ 'etc/motd': 'hello' });
  const archive = join(b.dir, 'root.tar');
  fs.writeFileSync(
    archive,
    tar([
      { name: 'etc/', flag: '5', mtime: 7 },
      { name: 'etc/motd', content: 'hello', mtime: 7 },
    ]),
  );
  for (const from of [root, archive]) {
    for (const format of ['aci', 'oci'] as const) {
      const dir = b.fresh('build');
      const begun = await store.beginBuild(dir, { from, format });
      assert.equal(fs.readFileSync(join(begun.path, 'etc/motd'), 'utf8'), 'hello');
      assert.deepEqual([begun.format, begun.base], [format, undefined]);
      const { key } = await store.writeBuild(dir, { name: format === 'aci' ? 'example.com/r' : 'r' });
      assert.deepEqual(await pathsOf(store, key), ['.', 'etc', 'etc/motd']);
    }
  }
  assert.ok(b.notices.some((text) => text.includes('tar of a root file system')));
});

test('a build can be of the other format than its image', async () => {
  const name = 'example.com/both:1';
  const { key } = await store.importDirectory(b.tree({ 'bin/app': 'x' }), { name, format: 'aci' });
  const oci = b.fresh('build');
  await store.beginBuild(oci, { from: key, format: 'oci' });
  await store.editBuild(oci, [{ set: 'exec', value: ['/bin/app'] }]);
  const made = await store.writeBuild(oci, { name: 'both:1' });
  assert.equal(made.format, 'oci');
  const aciBuild = b.fresh('build');
  await store.beginBuild(aciBuild, { from: 'both:1', format: 'aci' });
  const manifest = manifestOf(aciBuild) as { app: { exec: string[] } };
  assert.deepEqual(manifest.app.exec, ['/bin/app']);
  const again = await store.writeBuild(aciBuild, { name: 'example.com/again:1' });
  assert.deepEqual(await pathsOf(store, again.key), ['.', 'bin', 'bin/app']);
  await refused(
    store.writeBuild(aciBuild, { name: 'example.com/x', as: 'layer' }),
    'ERR_USAGE',
    /nothing to put a layer on/,
  );
});

test('a beginning that fails leaves nothing', async () => {
  const dir = b.fresh('build');
  const leftBehind = (): string[] => fs.readdirSync(dirname(dir)).filter((name) => name.includes('cairn-'));
  const before = leftBehind();
  await refused(store.beginBuild(dir, { from: 'nowhere' }), 'ERR_NOT_FOUND');
  const controller = new AbortController();
  const many = b.tree(Object.fromEntries(Array.from({ length: 300 }, (_none, i) => [`d${i}/f`, `${i}`])));
  await store.importDirectory(many, { name: 'example.com/many' });
  const beginning = store.beginBuild(dir, { from: 'example.com/many', signal: controller.signal });
  setTimeout(() => controller.abort(), 5);
  await refused(beginning, 'ERR_ABORTED');
  assert.equal(fs.existsSync(dir), false);
  assert.deepEqual(leftBehind(), before);
});

test('a build neither takes the place of anything nor lies in the store', async () => {
  const dir = b.fresh('build');
  await store.beginBuild(dir);
  await refused(store.beginBuild(dir), 'ERR_EXISTS', /a build is under way/);
  await refused(store.beginBuild(b.tree({ f: 'x' })), 'ERR_EXISTS');
  await refused(store.beginBuild(join(b.dir, 'store', 'build')), 'ERR_USAGE', /lie in one another/);
  await refused(store.beginBuild('/'), 'ERR_USAGE');
  await store.endBuild(dir);
  assert.equal(fs.existsSync(dir), false);
  await refused(store.endBuild(dir), 'ERR_NOT_FOUND', /no build in/);
});
