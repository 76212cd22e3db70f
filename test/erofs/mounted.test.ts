/** EROFS images in the kernel's hands: by themselves, and below the overlay that a tree is mounted as. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isCairnError } from '../../engine/core/errors.js';
import type { NodeType } from '../../engine/core/metadata.js';
import { createMount, mountFilesystem, unmount } from '../../engine/disk/mount.js';
import { attachedAt, createTreeMount, type TreeMount } from '../../engine/disk/mount-tree.js';
import { mountAt, mountsBelow } from '../../engine/disk/mounts.js';
import { isOpenElsewhere } from '../../engine/disk/open-elsewhere.js';
import { fileStat } from '../../engine/disk/stat.js';
import { listXattrs } from '../../engine/disk/xattrs.js';
import { erofsImage, type ImageEntry, type ImageOptions } from '../../engine/erofs/image.js';
import { cannotMountTrees, mountingDirectory } from '../fixtures/mounting.js';

const skip = cannotMountTrees();
const UUID = Buffer.from('0123456789abcdef');

function entry(path: string, type: NodeType, more: Partial<ImageEntry> = {}): ImageEntry {
  const plain = { mode: 0o755, uid: 0, gid: 0, sec: 0, nsec: 0, size: 0, key: '', link: '', devMajor: 0, devMinor: 0 };
  return { ...plain, xattrs: [], group: '', path, type, ...more };
}

const root = entry('', 'dir');
const SIZES = [1, 511, 512, 513, 4095, 4096, 4097, 100_000];

/** A file of each size, and the files with their contents, in a directory. */
function filesIn(dir: string): { entries: ImageEntry[]; contentOf: (size: number) => Buffer } {
  const contentOf = (size: number): Buffer => Buffer.alloc(size, `content of ${size} bytes`);
  for (const size of SIZES) fs.writeFileSync(join(dir, `object-${size}`), contentOf(size));
  const files = SIZES.map((size) => entry(`f${size}`, 'file', { size, key: `${size}` }));
  return { entries: files.sort((a, b) => (a.path < b.path ? -1 : 1)), contentOf };
}

function writeImage(dir: string, entries: readonly ImageEntry[], options: Partial<ImageOptions> = {}): string {
  const contents = ({ key }: ImageEntry) => ({ layer: dir, path: `/object-${key}` });
  const image = join(dir, 'image');
  const { metadata } = erofsImage(entries, { uuid: UUID, blockBits: 12, contents, ...options });
  fs.writeFileSync(image, Buffer.concat([...metadata()]));
  return image;
}

function mountTree(
  t: TestContext,
  entries: readonly ImageEntry[],
  dir = mountingDirectory(t),
  more: Partial<TreeMount> = {},
) {
  const target = join(dir, 'tree');
  fs.mkdirSync(target);
  const image = writeImage(dir, entries);
  const mount = createTreeMount({
    image,
    layers: [dir],
    scratch: join(dir, 'parts', 'one'),
    label: 'cairn-test',
    ...more,
  });
  mount.attach(target);
  mount.close();
  return { dir, target, image };
}

test('a tree has the contents of its objects, and nobody can write to it', { skip }, (t) => {
  const dir = mountingDirectory(t);
  const { entries, contentOf } = filesIn(dir);
  const { target } = mountTree(t, [root, ...entries], dir);
  for (const size of SIZES) assert.ok(fs.readFileSync(join(target, `f${size}`)).equals(contentOf(size)), `${size}`);
  assert.deepEqual(mountsBelow(dir), [target], 'the image itself is nowhere to be seen');
  assert.equal(mountAt(target)?.source, 'cairn-test');
  assert.throws(() => fs.writeFileSync(join(target, 'f1'), ''), { code: 'EROFS' });
});

test('with a place for changes the tree can be changed, and the objects cannot', { skip }, (t) => {
  const dir = mountingDirectory(t);
  const { entries, contentOf } = filesIn(dir);
  const [upper, work] = [join(dir, 'upper'), join(dir, 'work')];
  for (const each of [upper, work]) fs.mkdirSync(each);
  const { target } = mountTree(t, [root, ...entries], dir, { changes: { upper, work } });
  fs.appendFileSync(join(target, 'f513'), 'more');
  fs.rmSync(join(target, 'f1'));
  fs.chmodSync(join(target, 'f4096'), 0o600);
  assert.equal(fs.readFileSync(join(target, 'f513')).length, 517);
  assert.ok(!fs.existsSync(join(target, 'f1')));
  assert.ok(fs.readFileSync(join(target, 'f4096')).equals(contentOf(4096)));
  assert.ok(fs.readFileSync(join(dir, 'object-513')).equals(contentOf(513)));
  assert.ok(fs.existsSync(join(dir, 'object-1')));
});

test('an overlay goes on top of a mounted tree', { skip }, (t) => {
  const dir = mountingDirectory(t);
  const { entries } = filesIn(dir);
  const { target } = mountTree(t, [root, entry('d', 'dir'), ...entries], dir);
  const [upper, work, top] = ['upper', 'work', 'top'].map((name) => join(dir, name)) as [string, string, string];
  for (const each of [upper, work, top]) fs.mkdirSync(each);
  mountFilesystem({
    type: 'overlay',
    options: [
      ['source', 'top'],
      ['lowerdir+', target],
      ['upperdir', upper],
      ['workdir', work],
    ],
    target: top,
  });
  fs.appendFileSync(join(top, 'f1'), '!');
  fs.writeFileSync(join(top, 'd', 'new'), 'new');
  assert.equal(fs.readFileSync(join(top, 'f1'), 'utf8'), 'c!');
  assert.equal(fs.readFileSync(join(target, 'f1'), 'utf8'), 'c');
});

test('the kernel finds everything that an image can say', { skip }, (t) => {
  const big = Array.from({ length: 3 }, (_none, i) => ({ name: `user.${i}`, value: Buffer.alloc(65_000, i + 1) }));
  const names = Array.from({ length: 3000 }, (_none, i) => `many/${'n'.repeat(i % 200)}${`${i}`.padStart(55, '0')}`);
  const entries = [
    root,
    entry('!', 'file', { group: '!', xattrs: big }),
    entry('-dir', 'dir', { mode: 0o1777, uid: 4_000_000_000, sec: -1, nsec: 999_999_999 }),
    entry('fifo', 'fifo', { mode: 0o600 }),
    entry('link', 'symlink', { link: 'x'.repeat(4095) }),
    entry('many', 'dir'),
    ...names.sort().map((path) => entry(path, 'file')),
    entry('null', 'char', { mode: 0o666, devMajor: 1, devMinor: 3 }),
    entry('other', 'file', { group: '!' }),
    entry('\xff'.repeat(255), 'block', { devMajor: 4095, devMinor: 1_048_575 }),
  ];
  const { target } = mountTree(t, entries);
  const at = (path: string): string => `${target}/${path}`;
  assert.deepEqual(
    [...(listXattrs(at('!')) ?? [])].map(([name, value]) => [name, value.length, value[0]]),
    [
      ['user.0', 65_000, 1],
      ['user.1', 65_000, 2],
      ['user.2', 65_000, 3],
    ],
  );
  const directory = fileStat(at('-dir'));
  assert.deepEqual(
    [directory?.mode, directory?.uid, directory?.sec, directory?.nsec],
    [0o1777, 4_000_000_000, -1, 999_999_999],
  );
  assert.equal(fs.readlinkSync(at('link')), 'x'.repeat(4095));
  assert.deepEqual(
    fs.readdirSync(at('many')).sort(),
    names.map((name) => name.slice('many/'.length)),
  );
  for (const name of names) assert.ok(fs.existsSync(at(name)), name);
  assert.equal(fileStat(at('!'))?.ino, fileStat(at('other'))?.ino);
  assert.equal(fs.lstatSync(at('!')).nlink, 2);
  const nul = fileStat(at('null'));
  assert.deepEqual([nul?.type, nul?.mode, nul?.devMajor, nul?.devMinor], ['char', 0o666, 1, 3]);
  const strange = fileStat(at('\xff'.repeat(255)));
  assert.deepEqual([strange?.type, strange?.devMajor, strange?.devMinor], ['block', 4095, 1_048_575]);
});

test('an image reads whole blocks of devices, from where they begin', { skip }, (t) => {
  const dir = mountingDirectory(t);
  const pack = Buffer.alloc(512 * 100);
  for (let block = 0; block < 100; block++) pack.fill(block, block * 512);
  fs.writeFileSync(join(dir, 'pack'), pack);
  const files = [1, 7, 40].map((block) => entry(`f${block}`, 'file', { size: block * 512 - 5, key: `${block}` }));
  const image = writeImage(dir, [root, ...files.sort((a, b) => (a.path < b.path ? -1 : 1))], {
    blockBits: 9,
    contents: ({ key }) => ({ device: join(dir, 'pack'), offset: Number(key) * 512 }),
  });
  const target = join(dir, 'tree');
  fs.mkdirSync(target);
  const options = [['source', image], ['device', join(dir, 'pack')], 'ro'] as const;
  mountFilesystem({ type: 'erofs', options, target });
  for (const { path, size, key } of files) {
    const from = Number(key) * 512;
    assert.ok(fs.readFileSync(join(target, path)).equals(pack.subarray(from, from + size)), path);
  }
});

test('a file is known to be open as long as anything is mounted that needs it', { skip }, (t) => {
  const { target, image } = mountTree(t, [root, entry('f', 'file')]);
  assert.equal(isOpenElsewhere(image), true);
  const moved = `${image}-moved`;
  fs.renameSync(image, moved);
  assert.equal(isOpenElsewhere(moved), true);
  const open = fs.openSync(join(target, 'f'), 'r');
  const other = createMount({ type: 'erofs', options: [['source', moved], 'ro'] });
  unmount(target, { lazy: true });
  assert.equal(isOpenElsewhere(moved), true);
  fs.closeSync(open);
  assert.equal(isOpenElsewhere(moved), true);
  other.close();
  assert.equal(isOpenElsewhere(moved), false);
});

test('where a detached mount cannot be used it gets a place for a moment, even after a kill', { skip }, (t) => {
  const dir = mountingDirectory(t);
  const image = writeImage(dir, [root, entry('f', 'file')]);
  const scratch = join(dir, 'parts', 'one');
  const erofs = () => createMount({ type: 'erofs', options: [['source', image], 'ro'] });
  fs.mkdirSync(scratch, { recursive: true });
  const left = erofs();
  left.attach(scratch);
  left.close();
  const mount = erofs();
  assert.deepEqual(
    attachedAt(mount, scratch, (path) => fs.readdirSync(path)),
    ['f'],
  );
  mount.close();
  assert.deepEqual(mountsBelow(dir), []);
  assert.ok(!fs.existsSync(scratch));
});

test('an image that is none is refused', { skip }, (t) => {
  const dir = mountingDirectory(t);
  fs.writeFileSync(join(dir, 'image'), Buffer.alloc(8192));
  assert.throws(
    () => createTreeMount({ image: join(dir, 'image'), layers: [dir], scratch: join(dir, 'one'), label: 'x' }),
    (error) => isCairnError(error, 'ERR_IO') && error.errno === 'EINVAL',
  );
});
