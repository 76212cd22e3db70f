/** Layers as programs of this field write them, against rules that no reader needs. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { END, type EntrySpec, entry, paxHeader, tar } from '../fixtures/archive.js';
import { digestOf, layoutOfBlobs, ociLayout } from '../fixtures/oci.js';
import { TestStore } from '../fixtures/store.js';

// Node has it since 22.15; the types are those of the oldest Node that is supported.
const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Buffer) => Buffer };

interface FileRecord {
  path: string;
  type: string;
  size: number;
  mtime: number;
  group?: string;
}

async function importLayer(store: TestStore, bytes: Buffer, flags: readonly string[] = []): Promise<string> {
  const path = store.write(`${digestOf(bytes).slice(7, 19)}.tar`, bytes);
  const [imported] = await store.json<{ key: string }[]>(['import', '--layer', '--name', 'l', ...flags, path]);
  return imported?.key ?? '';
}

async function filesOf(store: TestStore, image: string): Promise<Map<string, FileRecord>> {
  const { stdout } = await store.ok(['files', '--json', image]);
  const records = stdout
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as FileRecord);
  return new Map(records.map((record) => [record.path, record]));
}

/** The layer's tar as an export gives it back. */
async function exported(store: TestStore, image: string): Promise<Buffer> {
  const dir = store.path(`out-${Math.random()}`);
  await store.ok(['export', '--format', 'oci', image, dir]);
  const index = JSON.parse(fs.readFileSync(join(dir, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
  const blob = (digest = ''): Buffer => fs.readFileSync(join(dir, 'blobs', ...digest.split(':')));
  const manifest = JSON.parse(blob(index.manifests[0]?.digest).toString()) as { layers: { digest: string }[] };
  return blob(manifest.layers[0]?.digest);
}

test('times before 1970 are taken, set and given back, with their fractions', async (t) => {
  const store = new TestStore(t);
  const negative = (block: Buffer): void => {
    // Base-256, two's complement: one second before 1970.
    block.fill(0xff, 136, 148);
  };
  const bytes = tar([
    { name: 'header', content: 'a', patch: negative },
    { name: 'pax', content: 'b', pax: { mtime: '-152668800' } },
    { name: 'fraction', content: 'c', pax: { mtime: '-152668800.25' } },
    { name: 'dir/', flag: '5', pax: { mtime: '-0.5' } },
    { name: 'link', flag: '2', link: 'pax', pax: { mtime: '-1.000000001' } },
  ]);
  await importLayer(store, bytes);
  const wanted = { header: -1, pax: -152668800, fraction: -152668800.25, dir: -0.5, link: -1.000000001 };
  const files = await filesOf(store, 'l');
  for (const [path, mtime] of Object.entries(wanted)) assert.equal(files.get(path)?.mtime, mtime, path);
  const root = (await store.ok(['render', 'l'])).stdout.toString().trim();
  const onDisk = (path: string): bigint => fs.lstatSync(join(root, path), { bigint: true }).mtimeNs;
  assert.equal(onDisk('header'), -1_000_000_000n);
  assert.equal(onDisk('fraction'), -152_668_800_250_000_000n);
  assert.equal(onDisk('dir'), -500_000_000n);
  assert.equal(onDisk('link'), -1_000_000_001n);
  await store.ok(['check']);
  assert.ok((await exported(store, 'l')).equals(bytes));
  for (const format of ['tar', 'aci']) {
    const file = store.path(`packed.${format}`);
    await store.ok(['export', '--format', format, 'l', file]);
    const again = new TestStore(t);
    await again.ok(['import', ...(format === 'tar' ? ['--layer', '--name', 'l'] : []), file]);
    const key = (await again.json<{ key: string }[]>(['ls']))[0]?.key ?? '';
    for (const [path, mtime] of Object.entries(wanted))
      assert.equal((await filesOf(again, key)).get(path)?.mtime, mtime, `${format} ${path}`);
  }
  const copy = store.path('copy');
  await store.ok(['checkout', '--rootfs-only', '--mode', 'copy', 'l', copy]);
  assert.equal(fs.lstatSync(join(copy, 'fraction'), { bigint: true }).mtimeNs, -152_668_800_250_000_000n);
});

test('an absolute hard link target means the same below the root; ".." stays refused', async (t) => {
  const store = new TestStore(t);
  const usr: EntrySpec[] = [
    { name: 'usr/', flag: '5' },
    { name: 'usr/a', content: 'x' },
  ];
  await importLayer(store, tar([...usr, { name: 'usr/b', flag: '1', link: '/usr/a' }]));
  assert.equal((await filesOf(store, 'l')).get('usr/b')?.group, 'usr/a');
  for (const link of ['/../usr/a', '../usr/a', '/usr/../usr/a']) {
    const bytes = tar([...usr, { name: 'usr/b', flag: '1', link }]);
    const error = await store.refused(['import', '--layer', store.write('bad.tar', bytes)], 'ERR_BAD_ARCHIVE', 1);
    assert.match(error.message, /\.\./);
  }
});

test('a directory with a size has no content', async (t) => {
  const store = new TestStore(t);
  await importLayer(
    store,
    tar([
      { name: 'package/', flag: '5', size: 4096 },
      { name: 'package/a', content: '{}' },
    ]),
  );
  assert.equal((await filesOf(store, 'l')).get('package/a')?.size, 2);
  for (const flag of ['1', '2']) {
    const bytes = tar([
      { name: 'a', content: 'a' },
      { name: 'b', flag, link: 'a', size: 1, content: 'x' },
    ]);
    await store.refused(['import', '--layer', store.write('bad.tar', bytes)], 'ERR_BAD_ARCHIVE', 1);
  }
});

test('a name ends at its NUL', async (t) => {
  const store = new TestStore(t);
  const patch = (block: Buffer): void => {
    Buffer.from('\0dle3.13').copy(block, 16);
  };
  const bytes = tar([
    { name: 'python/bin/idle3', content: 'x', patch },
    { name: 'to', flag: '2', link: 'python\0rest' },
  ]);
  await importLayer(store, bytes);
  const files = await filesOf(store, 'l');
  assert.equal(files.get('python/bin/idle3')?.size, 1);
  assert.equal((files.get('to') as { link?: string }).link, 'python');
  assert.ok((await exported(store, 'l')).equals(bytes));
});

test('a layer that its diffID vouches for may end early, or go on after its end', async (t) => {
  const store = new TestStore(t);
  const one = entry({ name: 'a', content: 'x' });
  const endings: [string, Buffer, RegExp | undefined][] = [
    ['zeros that fill no block', Buffer.concat([one, END, Buffer.alloc(384)]), undefined],
    ['no padding', Buffer.concat([one.subarray(0, 513)]), undefined],
    ['half of an end marker', Buffer.concat([one, Buffer.alloc(700)]), undefined],
    ['garbage', Buffer.concat([one, END, Buffer.from('trailer')]), /7 bytes that are not zero after the layer's end/],
    [
      'a second tar',
      Buffer.concat([one, END, tar([{ name: 'hidden', content: 'y' }])]),
      /bytes that are not zero after/,
    ],
  ];
  for (const [what, bytes, told] of endings) {
    const own = new TestStore(t);
    const dir = layoutOfBlobs(own.path('lay'), 'v1', [bytes]);
    const ran = await own.ok(['import', dir]);
    if (told === undefined) assert.equal(ran.stderr, '', what);
    else assert.match(ran.stderr, told, what);
    const files = await filesOf(own, 'lay:v1');
    assert.deepEqual([...files.keys()], ['.', 'a'], what);
    assert.ok((await exported(own, 'lay:v1')).equals(bytes), what);
    await own.ok(['check']);
    const bare = own.write('bare.tar', bytes);
    if (told !== undefined || what === 'no padding') {
      await store.refused(['import', '--layer', bare], 'ERR_BAD_ARCHIVE', 1);
      const [known] = await own
        .json<{ layers: number }[]>(['import', '--layer', '--expect', digestOf(bytes), bare], 1)
        .catch(() => []);
      assert.equal(known, undefined);
    }
  }
});

test('a hard link to itself does nothing where the file is there, and is refused in an ACI', async (t) => {
  const store = new TestStore(t);
  const self: EntrySpec = { name: './f', flag: '1', link: './f' };
  await importLayer(store, tar([{ name: './f', content: 'x' }, { name: './g', flag: '1', link: './f' }, self]));
  assert.equal((await filesOf(store, 'l')).get('g')?.group, 'f');
  await store.refused(['import', '--layer', store.write('none.tar', tar([self]))], 'ERR_BAD_LINK', 1);
  const manifest = JSON.stringify({ acKind: 'ImageManifest', acVersion: '0.8.11', name: 'x' });
  const inAci = tar([
    { name: 'manifest', content: manifest },
    { name: 'rootfs/f', content: 'x' },
    { name: 'rootfs/f', flag: '1', link: 'rootfs/f' },
  ]);
  await store.refused(['import', store.write('self.aci', inAci)], 'ERR_BAD_ARCHIVE', 1);
});

test('honest zeros are no bomb: the ratio counts past 256 MiB', async (t) => {
  const store = new TestStore(t);
  const bytes = tar([{ name: 'var/log/lastlog', content: Buffer.alloc(30 << 20) }]);
  if (zstdCompressSync === undefined) return t.skip('this Node has no zstd');
  await store.ok(['import', layoutOfBlobs(store.path('lay'), 'v1', [bytes])]);
  const packed = store.write('l.tar.zst', zstdCompressSync(bytes));
  await store.ok(['import', '--layer', packed]);
});

test('500 layers are as many as others take', async (t) => {
  const store = new TestStore(t);
  const layers = Array.from({ length: 130 }, (_none, i) => tar([{ name: `f${i}`, content: `${i}` }]));
  ociLayout(store.path('lay'), [{ ref: 'v1', layers }]);
  const [image] = await store.json<{ layers: number }[]>(['import', store.path('lay')]);
  assert.equal(image?.layers, 130);
});

test("GNU tar's volume label and incremental directories are taken in a bare tar alone", async (t) => {
  const store = new TestStore(t);
  const label: EntrySpec = { name: 'backup', flag: 'V' };
  const dumped: EntrySpec = { name: './', flag: 'D', content: 'Yf\0\0' };
  const bytes = tar([label, dumped, { name: './f', content: 'x' }]);
  await importLayer(store, bytes);
  assert.deepEqual([...(await filesOf(store, 'l')).keys()], ['.', 'f']);
  assert.ok((await exported(store, 'l')).equals(bytes));
  for (const stranger of [label, dumped]) {
    const dir = layoutOfBlobs(store.path(`lay${stranger.flag}`), 'v1', [tar([stranger])]);
    await store.refused(['import', dir], 'ERR_BAD_ARCHIVE', 1);
  }
  await store.refused(
    ['import', '--layer', store.write('m.tar', tar([{ name: 'a', flag: 'M' }]))],
    'ERR_BAD_ARCHIVE',
    1,
  );
});

test('zstd that begins with a skippable frame is recognised', async (t) => {
  if (zstdCompressSync === undefined) return t.skip('this Node has no zstd');
  const store = new TestStore(t);
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 0, 0, 0]);
  const bytes = Buffer.concat([skippable, zstdCompressSync(tar([{ name: 'a', content: 'x' }]))]);
  await importLayer(store, bytes);
  assert.equal((await filesOf(store, 'l')).get('a')?.size, 1);
});

test('a global pax header changes no name behind a NUL', async (t) => {
  const store = new TestStore(t);
  const bytes = Buffer.concat([paxHeader({ path: 'a\0b' }), tar([{ name: 'x', content: 'x' }])]);
  await store.refused(['import', '--layer', store.write('nul.tar', bytes)], 'ERR_BAD_ARCHIVE', 1);
});

test('hard links into the directory of aufs lead to its files, which are no part of the tree', async (t) => {
  const store = new TestStore(t);
  const content = tar([
    { name: '.wh..wh.aufs' },
    { name: '.wh..wh.plnk/', flag: '5' },
    { name: '.wh..wh.plnk/1.2', content: 'linked' },
    { name: '.wh..wh.plnk/3.4', content: 'of nobody' },
    { name: 'a', flag: '1', link: '.wh..wh.plnk/1.2' },
    { name: 'b', flag: '1', link: '/.wh..wh.plnk/1.2' },
  ]);
  ociLayout(store.path('lay'), [{ ref: 'v1', layers: [content] }]);
  await store.ok(['import', store.path('lay')]);
  const [tree] = await store.json<[{ path: string }]>(['render', 'lay:v1']);
  const root = tree.path;
  assert.deepEqual(fs.readdirSync(root).sort(), ['a', 'b']);
  assert.equal(fs.readFileSync(`${root}/b`, 'utf8'), 'linked');
  assert.equal(fs.statSync(`${root}/a`).ino, fs.statSync(`${root}/b`).ino);
  await store.ok(['check']);
  // The layer comes out as it came in.
  await store.ok(['export', 'lay:v1', store.path('out')]);
  const again = new TestStore(t);
  await again.ok(['import', store.path('out')]);
  assert.equal(
    (await again.json<{ key: string }[]>(['ls']))[0]?.key,
    (await store.json<{ key: string }[]>(['ls']))[0]?.key,
  );
});
