/** Layers of a changed tree: put on their base, they make the tree, whatever was done to it. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromText } from '../../engine/core/bytes.js';
import { fileKinds, mknod } from '../../engine/disk/native.js';
import { setXattr } from '../../engine/disk/xattrs.js';
import { IS_ROOT, openBuilds, pathsOf, refused, treeOf } from '../fixtures/builds.js';

const b = await openBuilds();
const { store } = b;

const BASE = {
  'bin/app': 'app',
  'etc/a': 'a',
  'etc/b': 'b',
  'etc/d/x': 'x',
  'etc/d/y': 'y',
  'usr/lib/l': 'l',
  empty: null,
};

function baseTree(): string {
  const root = b.tree(BASE);
  fs.linkSync(join(root, 'etc/a'), join(root, 'etc/a-too'));
  fs.symlinkSync('etc', join(root, 'link'));
  fs.chmodSync(join(root, 'bin/app'), 0o4755);
  return root;
}

await store.importDirectory(baseTree(), { name: 'base:1', format: 'oci' });
await store.importDirectory(baseTree(), { name: 'example.com/base:1', format: 'aci' });

const FORMATS = [
  { format: 'oci', base: 'base:1', name: 'app:1', all: 'all:1' },
  { format: 'aci', base: 'example.com/base:1', name: 'example.com/app:1', all: 'example.com/all:1' },
] as const;

/** Changes of a tree: names are few, so that changes meet. */
const NAMES = [
  'bin',
  'etc',
  'etc/a',
  'etc/a-too',
  'etc/d',
  'etc/d/x',
  'etc/new',
  'empty',
  'link',
  'usr/lib/l',
  'new',
  'new/n',
];

type Change = (root: string, path: string, other: string) => void;

const at = (root: string, path: string): string => join(root, path);
const remove: Change = (root, path) => fs.rmSync(at(root, path), { recursive: true, force: true });
const stat = (root: string, path: string): fs.Stats => fs.lstatSync(at(root, path));

const CHANGES: Readonly<Record<string, Change>> = {
  remove,
  'write a file': (root, path) => {
    remove(root, path, '');
    fs.writeFileSync(at(root, path), `new ${path}`);
  },
  'make a directory': (root, path) => {
    remove(root, path, '');
    fs.mkdirSync(at(root, path));
  },
  'make a symlink': (root, path, other) => {
    remove(root, path, '');
    fs.symlinkSync(`/${other}`, at(root, path));
  },
  'make a fifo': (root, path) => {
    remove(root, path, '');
    mknod(fromText(at(root, path)), fileKinds.fifo, 0o600, { devMajor: 0, devMinor: 0 });
  },
  'append to a file': (root, path) => {
    if (stat(root, path).isFile()) fs.appendFileSync(at(root, path), 'more');
  },
  'write as many bytes, and put the time back': (root, path) => {
    const { size, atime, mtime } = stat(root, path);
    if (!stat(root, path).isFile()) return;
    fs.writeFileSync(at(root, path), 'z'.repeat(size));
    fs.utimesSync(at(root, path), atime, mtime);
  },
  'touch and put the time back': (root, path) => {
    const { atime, mtime } = stat(root, path);
    fs.lutimesSync(at(root, path), 5, 5);
    fs.lutimesSync(at(root, path), atime, mtime);
  },
  'change the time': (root, path) => fs.lutimesSync(at(root, path), 1_234_567_890.5, 4_000_000_000),
  'change the mode': (root, path) => {
    if (!stat(root, path).isSymbolicLink()) fs.chmodSync(at(root, path), 0o2711);
  },
  'change the owner': (root, path) => {
    if (IS_ROOT) fs.lchownSync(at(root, path), 7, 8);
  },
  rename: (root, path, other) => fs.renameSync(at(root, path), at(root, other)),
  'make a hard link': (root, path, other) => {
    if (!stat(root, path).isDirectory()) fs.linkSync(at(root, path), at(root, other));
  },
  'break a hard link': (root, path) => {
    if (!stat(root, path).isFile()) return;
    const bytes = fs.readFileSync(at(root, path));
    remove(root, path, '');
    fs.writeFileSync(at(root, path), bytes);
  },
  'set an attribute': (root, path) => {
    const isPlain = stat(root, path).isFile() || stat(root, path).isDirectory();
    if (isPlain) setXattr(fromText(at(root, path)), { name: 'user.note', value: Buffer.from([0, 255]) });
  },
};

const change = fc.record({
  what: fc.constantFrom(...Object.keys(CHANGES)),
  path: fc.constantFrom(...NAMES),
  other: fc.constantFrom(...NAMES),
});

/** What cannot be done to a tree is left out. */
function apply(root: string, { what, path, other }: { what: string; path: string; other: string }): void {
  try {
    (CHANGES[what] as Change)(root, path, other);
  } catch (error) {
    if (!/^E[A-Z]+$/.test((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

for (const { format, base, name, all } of FORMATS) {
  test(`a layer of ${format} on its base is the tree, whatever was changed`, async () => {
    const property = fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
      const dir = b.fresh('build');
      await store.beginBuild(dir, { from: base });
      for (const each of changes) apply(join(dir, 'rootfs'), each);
      const layered = await store.writeBuild(dir, { name, as: 'layer' });
      const thorough = await store.writeBuild(dir, { name, as: 'layer', thorough: true });
      assert.equal(thorough.key, layered.key);
      const whole = await store.importDirectory(join(dir, 'rootfs'), { name: all, format });
      assert.deepEqual(await treeOf(store, layered.key), await treeOf(store, whole.key));
      const squashed = await store.writeBuild(dir, { name, as: 'squash' });
      assert.deepEqual(await treeOf(store, squashed.key), await treeOf(store, whole.key));
      fs.rmSync(dir, { recursive: true });
    });
    await fc.assert(property, { numRuns: 12, endOnFailure: true });
  });
}

async function layersOf(image: string): Promise<string[]> {
  return (await store.inspect(image)).layers.map(({ key }) => key);
}

for (const { format, base, name } of FORMATS) {
  test(`an unchanged tree of ${format} costs no object, and an edit of its manifest no layer`, async () => {
    const dir = b.fresh('build');
    const begun = await store.beginBuild(dir, { from: base });
    // The inode is another one to look at, but the file is the same.
    for (const mode of [0o600, 0o644]) fs.chmodSync(join(begun.path, 'etc/b'), mode);
    const before = await layersOf(base);
    await store.editBuild(dir, [{ add: 'environment', name: 'A', value: '1' }]);
    const written = await store.writeBuild(dir, { name, as: 'layer' });
    assert.deepEqual([written.objects.new, written.changed, written.removed], [0, 0, 0]);
    if (format === 'oci') assert.deepEqual(await layersOf(written.key), before);
    assert.deepEqual(await treeOf(store, written.key), await treeOf(store, base));
  });
}

test('deletions in an ACI are one list of all paths that are left, however many layers delete', async () => {
  let from = 'example.com/base:1';
  for (const [i, gone] of ['etc/d/x', 'usr', 'etc/a'].entries()) {
    const dir = b.fresh('build');
    const { path } = await store.beginBuild(dir, { from, flat: true });
    const before = (await pathsOf(store, from)).filter((each) => each !== gone && !each.startsWith(`${gone}/`));
    fs.rmSync(join(path, gone), { recursive: true });
    const { key } = await store.writeBuild(dir, { name: `example.com/chain:${i}`, as: 'layer' });
    const left = await pathsOf(store, key);
    assert.deepEqual(left, before);
    const manifest = JSON.parse((await store.catManifest(key)).toString()) as { pathWhitelist: string[] };
    assert.equal(manifest.pathWhitelist.length, left.length - 1);
    from = key;
  }
});

test('a layer of an ACI keeps the dependencies of its base where they are, and adds others', async () => {
  const top = b.fresh('build');
  await store.beginBuild(top, { from: 'example.com/base:1' });
  await store.editBuild(top, [
    { set: 'name', value: 'example.com/top' },
    { add: 'dependency', name: 'example.com/base', labels: [{ name: 'version', value: '1' }] },
  ]);
  const own = await store.writeBuild(top, { name: 'example.com/top:1' });
  const dir = b.fresh('build');
  const begun = await store.beginBuild(dir, { from: own.key });
  fs.writeFileSync(join(begun.path, 'more'), 'more');
  fs.rmSync(join(begun.path, 'usr'), { recursive: true });
  const { key } = await store.writeBuild(dir, { name: 'example.com/over:1', as: 'layer' });
  const { dependencies } = JSON.parse((await store.catManifest(key)).toString()) as {
    dependencies: { imageID: string }[];
  };
  assert.deepEqual(
    dependencies.map(({ imageID }) => imageID),
    [own.key],
  );
  const paths = await pathsOf(store, key);
  assert.deepEqual([paths.includes('more'), paths.includes('usr')], [true, false]);
  await store.editBuild(dir, [{ remove: 'dependency', name: 'example.com/base' }]);
  await refused(store.writeBuild(dir, { name: 'example.com/over:2', as: 'layer' }), 'ERR_USAGE', /cannot take away/);
});

test('what a build cannot layer is refused', async () => {
  const empty = b.fresh('build');
  await store.beginBuild(empty);
  await refused(
    store.writeBuild(empty, { name: 'example.com/x', as: 'layer' }),
    'ERR_USAGE',
    /nothing to put a layer on/,
  );
  await refused(store.writeBuild(empty, { file: b.fresh('x.aci') }), 'ERR_USAGE', /name was never set/);
  await refused(store.writeBuild(empty, {}), 'ERR_USAGE', /where the image goes/);
  const dir = b.fresh('build');
  await store.beginBuild(dir, { from: 'base:1' });
  fs.writeFileSync(join(dir, 'rootfs/.wh.trap'), '');
  await refused(store.writeBuild(dir, { name: 'x' }), 'ERR_UNSUPPORTED', /\.wh\.trap/);
});
