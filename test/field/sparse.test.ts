/** Sparse files in all forms of GNU tar: read with their holes, given back byte by byte, attacked on purpose. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { END, type EntrySpec, entry, padded, tar } from '../fixtures/archive.js';
import { digestOf } from '../fixtures/oci.js';
import { TestStore } from '../fixtures/store.js';

const SIZE = 1 << 20;

/** What a reader sees: zeros, but for what stands at a few places. */
function contentOf(size: number, parts: readonly (readonly [number, string])[]): Buffer {
  const content = Buffer.alloc(size);
  for (const [at, text] of parts) content.write(text, at, 'latin1');
  return content;
}

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;

/** Type `S` with up to four parts in the header, and blocks of 21 after it. */
function gnuSparse(name: string, size: number, parts: readonly (readonly [number, number])[], data: Buffer): Buffer {
  const field = ([offset, length]: readonly [number, number]): string => octal(offset, 12) + octal(length, 12);
  const patch = (block: Buffer): void => {
    for (const [i, part] of parts.slice(0, 4).entries()) block.write(field(part), 386 + 24 * i, 'latin1');
    block[482] = parts.length > 4 ? 1 : 0;
    block.write(octal(size, 12), 483, 'latin1');
  };
  const more: Buffer[] = [];
  for (let at = 4; at < parts.length; at += 21) {
    const block = Buffer.alloc(512);
    for (const [i, part] of parts.slice(at, at + 21).entries()) block.write(field(part), 24 * i, 'latin1');
    block[504] = parts.length > at + 21 ? 1 : 0;
    more.push(block);
  }
  const head = entry({ name, flag: 'S', size: data.length, dialect: 'gnu', patch });
  return Buffer.concat([head, ...more, padded(data)]);
}

function pax10(size: number, map: string, data: Buffer, more: Partial<EntrySpec> = {}): Buffer {
  const pax = {
    'GNU.sparse.major': '1',
    'GNU.sparse.minor': '0',
    'GNU.sparse.name': 'log',
    'GNU.sparse.realsize': `${size}`,
  };
  return entry({ name: 'GNUSparseFile.1/log', content: Buffer.concat([padded(Buffer.from(map)), data]), pax, ...more });
}

async function importLayer(store: TestStore, bytes: Buffer): Promise<void> {
  await store.ok(['import', '--layer', '--name', 'l', store.write('l.tar', bytes)]);
}

async function refuse(t: TestContext, bytes: Buffer, why: RegExp, code = 'ERR_BAD_ARCHIVE'): Promise<void> {
  const store = new TestStore(t);
  const error = await store.refused(['import', '--layer', store.write('bad.tar', bytes)], code as 'ERR_BAD_ARCHIVE', 1);
  assert.match(error.message, why);
}

for (const version of ['0.0', '0.1', '1.0', 'oldgnu'] as const) {
  test(`what GNU tar writes as ${version} is read with its holes and given back`, async (t) => {
    const store = new TestStore(t);
    fs.mkdirSync(store.path('d'));
    const content = contentOf(SIZE, [
      [500_000, 'rec'],
      [900_000, 'end'],
    ]);
    const file = store.path('d/log');
    const fd = fs.openSync(file, 'w');
    for (const at of [499_712, 897_024]) fs.writeSync(fd, content, at, 8192, at);
    fs.ftruncateSync(fd, SIZE);
    fs.closeSync(fd);
    // Twelve islands do not fit into a header of type S.
    const islands = contentOf(
      SIZE,
      Array.from({ length: 40 }, (_none, i) => [i * 24_576, `${i}`] as const),
    );
    const other = fs.openSync(store.path('d/islands'), 'w');
    for (let i = 0; i < 40; i++) fs.writeSync(other, islands, i * 24_576, 4096, i * 24_576);
    fs.ftruncateSync(other, SIZE);
    fs.closeSync(other);
    const format = version === 'oldgnu' ? ['--format=gnu'] : ['--format=posix', `--sparse-version=${version}`];
    execFileSync('tar', [
      '-C',
      store.path('d'),
      '-S',
      '--hole-detection=raw',
      ...format,
      '-cf',
      store.path('in.tar'),
      'log',
      'islands',
    ]);
    const bytes = fs.readFileSync(store.path('in.tar'));
    assert.ok(bytes.length < SIZE, 'tar wrote no sparse file');
    await importLayer(store, bytes);
    assert.ok((await store.ok(['cat', 'l', 'log'])).stdout.equals(content));
    assert.ok((await store.ok(['cat', 'l', 'islands'])).stdout.equals(islands));
    const root = (await store.ok(['render', 'l'])).stdout.toString().trim();
    const { blocks } = fs.statSync(join(root, 'log'));
    assert.ok(blocks * 512 < SIZE / 2, `${blocks} blocks`);
    await store.ok(['check']);
    const out = store.path('out');
    await store.ok(['export', 'l', out]);
    assert.ok(fs.existsSync(join(out, 'blobs/sha256', digestOf(bytes).slice('sha256:'.length))));
    const copy = store.path('copy');
    await store.ok(['checkout', '--rootfs-only', '--mode', 'copy', 'l', copy]);
    assert.ok(fs.statSync(join(copy, 'log')).blocks * 512 < SIZE / 2);
    assert.ok(fs.readFileSync(join(copy, 'log')).equals(content));
  });
}

test('a sparse file and a plain one of the same content are one object', async (t) => {
  const store = new TestStore(t);
  const content = contentOf(SIZE, [[0, 'a']]);
  const sparse = gnuSparse('one', SIZE, [[0, 512]], content.subarray(0, 512));
  await importLayer(store, Buffer.concat([sparse, entry({ name: 'two', content }), END]));
  const files = (await store.ok(['files', '--json', 'l'])).stdout.toString();
  const sha512 = createHash('sha512').update(content).digest('hex');
  assert.equal(files.split(`sha512-${sha512}`).length - 1, 2);
});

test('a file that is one hole has no content in the archive', async (t) => {
  const store = new TestStore(t);
  const bytes = Buffer.concat([gnuSparse('hole', 1 << 27, [], Buffer.alloc(0)), END]);
  await importLayer(store, bytes);
  const root = (await store.ok(['render', 'l'])).stdout.toString().trim();
  const { size, blocks } = fs.statSync(join(root, 'hole'));
  assert.equal(size, 1 << 27);
  assert.ok(blocks < 64);
});

test('maps that two readers could take in two ways are refused', async (t) => {
  const data = Buffer.alloc(1024, 'x');
  const of = (parts: readonly (readonly [number, number])[], bytes = data): Buffer =>
    Buffer.concat([gnuSparse('log', 4096, parts, bytes), END]);
  await refuse(
    t,
    of([
      [512, 512],
      [0, 512],
    ]),
    /out of order/,
  );
  await refuse(
    t,
    of([
      [0, 512],
      [256, 512],
    ]),
    /overlap/,
  );
  await refuse(
    t,
    of([
      [0, 512],
      [3900, 512],
    ]),
    /beyond its end/,
  );
  await refuse(t, of([[0, 512]]), /parts have 512 bytes/);
  await refuse(
    t,
    of([
      [0, 512],
      [512, 512],
      [1024, 512],
    ]),
    /parts have 1536 bytes/,
  );
  const wrap = (map: string, bytes = data): Buffer => Buffer.concat([pax10(4096, map, bytes), END]);
  await refuse(t, wrap('1\n0\n2048\n'), /parts have 2048 bytes/);
  await refuse(t, wrap('1\n-1\n1024\n'), /no list of numbers/);
  await refuse(t, wrap('9999999999\n'), /more than 1048576 parts/);
  await refuse(t, wrap(`1\n0\n${'9'.repeat(17)}\n`), /no list of numbers/);
  await refuse(t, wrap('3\n0\n512\n', Buffer.alloc(0)), /no list of numbers/);
  const long = `200\n${'0\n0\n'.repeat(200)}`;
  await refuse(t, Buffer.concat([pax10(4096, long, data, { size: 512 }), END]), /longer than its content/);
  await refuse(t, Buffer.concat([pax10(4096, '1\n0\n1024\n', data).subarray(0, 1024 + 700)]), /cut off/);
});

test('records that do not fit together are refused', async (t) => {
  const file = (pax: Record<string, string>, more: Partial<EntrySpec> = {}): Buffer =>
    tar([{ name: 'a', content: 'x', pax, ...more }]);
  await refuse(
    t,
    file({ 'GNU.sparse.major': '2', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '9' }),
    /version 2\.0/,
  );
  await refuse(t, file({ 'GNU.sparse.map': '0,1' }), /records are missing/);
  await refuse(
    t,
    file({ 'GNU.sparse.size': '9', 'GNU.sparse.numblocks': '2', 'GNU.sparse.map': '0,1' }),
    /number of its parts/,
  );
  await refuse(t, file({ 'GNU.sparse.size': '9', 'GNU.sparse.map': '0' }), /without a length/);
  await refuse(t, file({ 'GNU.sparse.size': '9', 'GNU.sparse.offset': '0' }), /records are missing/);
  await refuse(
    t,
    file({ 'GNU.sparse.size': '9', 'GNU.sparse.map': '0,1' }, { flag: '5', content: '' }),
    /sparse in two ways/,
  );
  await refuse(t, file({ 'GNU.sparse.name': 'a\0b' }), /a name that is none/);
  await refuse(t, file({ 'SUN.holesdata': ' 0 1' }), /Solaris/);
});

test('holes cost no more than the limits allow', async (t) => {
  const bomb = Buffer.concat([gnuSparse('bomb', 2 ** 32, [], Buffer.alloc(0)), END]);
  const store = new TestStore(t);
  const args = ['import', '--layer', store.write('bomb.tar', bomb)];
  assert.match((await store.refused([...args, '--max-bytes', '1GB'], 'ERR_LIMIT', 1)).message, /--max-bytes/);
  assert.match((await store.refused(args, 'ERR_LIMIT', 1)).message, /--max-ratio/);
  const large = Array.from({ length: 4 }, (_none, i) => gnuSparse(`b${i}`, 2 ** 30, [], Buffer.alloc(0)));
  await refuse(t, Buffer.concat([...large, END]), /--max-ratio/, 'ERR_LIMIT');
});
