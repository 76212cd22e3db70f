/** EROFS images, read back by a reader that shares nothing with the writer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isCairnError } from '../../engine/core/errors.js';
import type { NodeType, Xattr } from '../../engine/core/metadata.js';
import { crc32c } from '../../engine/erofs/crc32c.js';
import { type ErofsImage, erofsImage, type ImageEntry, type ImageOptions } from '../../engine/erofs/image.js';
import { planAci } from '../../engine/plan/aci.js';
import { ErofsReader, type ReadInode } from '../fixtures/erofs-reader.js';
import { aciNodesOf, images } from '../fixtures/plan-arbitrary.js';

const UUID = Buffer.from('0123456789abcdef');
const LAYER = '/objects';

function entry(path: string, type: NodeType, more: Partial<ImageEntry> = {}): ImageEntry {
  const plain = { mode: 0o644, uid: 0, gid: 0, sec: 0, nsec: 0, size: 0, key: '', link: '', devMajor: 0, devMinor: 0 };
  return { ...plain, xattrs: [], group: '', path, type, ...more };
}

const root = entry('', 'dir', { mode: 0o755 });
const file = (path: string, size: number, more: Partial<ImageEntry> = {}): ImageEntry =>
  entry(path, 'file', { size, key: `key of ${path}`, ...more });

function inLayer(entries: readonly ImageEntry[], more: Partial<ImageOptions> = {}): ErofsImage {
  const contents = ({ key }: ImageEntry) => ({ layer: LAYER, path: `/${key}` });
  return erofsImage(entries, { uuid: UUID, blockBits: 12, contents, ...more });
}

function read(image: ErofsImage): { reader: ErofsReader; found: Map<string, ReadInode> } {
  const bytes = Buffer.concat([...image.metadata()]);
  if (image.contents.length === 0) assert.equal(bytes.length, image.size);
  const reader = new ErofsReader(Buffer.concat([bytes, Buffer.alloc(image.size - bytes.length)]));
  return { reader, found: reader.walk() };
}

test('any plan is read back as it was, in blocks of any size, and written twice with the same bytes', () => {
  fc.assert(
    fc.property(images, fc.integer({ min: 9, max: 12 }), fc.boolean(), (all, blockBits, inside) => {
      const { entries } = planAci(aciNodesOf(all));
      const image = inLayer(entries, { blockBits, ...(inside ? { contents: 'inside' as const } : {}) });
      const { found } = read(image);
      const kept = entries.filter((each) => inside || !isWhiteout(each));
      assert.deepEqual(
        [...found.keys()].sort(byBytes),
        kept.map(({ path }) => path),
      );
      for (const each of kept) sameEntry(found, each);
      assert.deepEqual(
        [...inLayer(entries, { blockBits }).metadata()],
        [...inLayer(entries, { blockBits }).metadata()],
      );
    }),
    { numRuns: 500 },
  );
});

const byBytes = (a: string, b: string): number => (a < b ? -1 : 1);
const isWhiteout = ({ type, devMajor, devMinor }: ImageEntry): boolean =>
  type === 'char' && devMajor === 0 && devMinor === 0;

function sameEntry(found: Map<string, ReadInode>, entry: ImageEntry): void {
  const inode = found.get(entry.path) as ReadInode;
  const { mode, uid, gid, sec, nsec, size, link, type } = entry;
  const rights = type === 'symlink' ? 0o777 : mode;
  assert.deepEqual(
    [inode.mode & 0o7777, inode.uid, inode.gid, inode.sec, inode.nsec],
    [rights, uid, gid, BigInt(sec), nsec],
    entry.path,
  );
  if (type === 'file') assert.equal(inode.size, size);
  if (type === 'symlink') assert.equal(inode.target, link);
  if (type === 'char') assert.equal(inode.rdev, (entry.devMajor << 8) | entry.devMinor);
  if (entry.group !== '') assert.equal(inode.number, found.get(entry.group)?.number);
  const own = [...inode.xattrs].filter(([name]) => !name.startsWith('trusted.overlay.'));
  const expected = type === 'file' || type === 'dir' ? entry.xattrs : [];
  assert.deepEqual(
    own,
    expected.map(({ name, value }) => [name, value]),
  );
}

test('links count names, and directories those in them', () => {
  const { found } = read(
    inLayer([
      root,
      file('a', 1, { group: 'a' }),
      entry('d', 'dir'),
      entry('d/e', 'dir'),
      file('d/f', 1, { group: 'a' }),
    ]),
  );
  assert.deepEqual(
    [...found].map(([path, { links }]) => `${path} ${links}`),
    [' 3', 'a 2', 'd 3', 'd/e 2', 'd/f 2'],
  );
});

test('names that stand before the dots, between them and after them; names of 255 bytes', () => {
  const names = ['!', '-x', '.-', '.a', '..a', '...', 'n'.repeat(255), '\xff'.repeat(255)].sort(byBytes);
  const { found } = read(inLayer([root, ...names.map((name) => entry(name, 'file'))]));
  assert.deepEqual([...found.keys()], ['', ...names]);
});

test('times before 1970 and far away, owners of 32 bits, files of terabytes', () => {
  const far = { sec: -1, nsec: 999_999_999, uid: 0xffff_fffe, gid: 0xffff_fffe };
  const { found } = read(inLayer([root, file('a', 5 * 2 ** 40, far), file('b', 1, { sec: 2 ** 53 - 1 })]));
  sameEntry(found, file('a', 5 * 2 ** 40, far));
  sameEntry(found, file('b', 1, { sec: 2 ** 53 - 1 }));
});

test('symlinks of every length lie behind their inodes or in a block, never across two', () => {
  for (const blockBits of [9, 12]) {
    const lengths = [1, 300, 447, 448, 449, 511, 512, 513, 1000, 4031, 4032, 4033, 4095];
    const links = lengths.map((length) => entry(`l${length}`.padEnd(6, '_'), 'symlink', { link: 'x'.repeat(length) }));
    const { found } = read(inLayer([root, ...links.sort((a, b) => byBytes(a.path, b.path))], { blockBits }));
    for (const each of links) assert.equal(found.get(each.path)?.target, each.link);
  }
});

test('contents in a layer: a hole, and the two attributes that an overlay asks for', () => {
  const image = inLayer([root, entry('empty', 'file'), file('f', 10_000)]);
  assert.deepEqual([image.layers, image.devices], [[LAYER], []]);
  const { found } = read(image);
  const { chunks, xattrs } = found.get('f') as ReadInode;
  assert.deepEqual(chunks?.places, [{ device: 0, block: undefined }]);
  assert.deepEqual(
    [...xattrs].map(([name, value]) => `${name}=${value}`),
    ['trusted.overlay.metacopy=', 'trusted.overlay.redirect=/key of f'],
  );
  assert.equal(found.get('empty')?.xattrs.size, 0);
});

test('contents in devices: one chunk, counted in blocks; equal contents have one place', () => {
  const at: Record<string, { device: string; offset: number }> = {
    one: { device: '/packs/1', offset: 512 },
    two: { device: '/packs/2', offset: 0 },
    three: { device: '/packs/1', offset: 1024 },
  };
  const contents = ({ key }: ImageEntry) => at[key] as { device: string; offset: number };
  const entries = [
    root,
    file('a', 100, { key: 'one' }),
    file('b', 513, { key: 'two' }),
    file('c', 513, { key: 'two', mode: 0o600 }),
    file('d', 1500, { key: 'three' }),
  ];
  const image = inLayer(entries, { blockBits: 9, contents });
  assert.deepEqual(image.devices, ['/packs/1', '/packs/2']);
  const { reader, found } = read(image);
  assert.deepEqual(reader.deviceBlocks, [5, 2]);
  const placed = ['a', 'b', 'c', 'd'].map((path) => found.get(path)?.chunks);
  assert.deepEqual(placed, [
    { bits: 0, places: [{ device: 1, block: 1 }] },
    { bits: 1, places: [{ device: 2, block: 0 }] },
    { bits: 1, places: [{ device: 2, block: 0 }] },
    { bits: 2, places: [{ device: 1, block: 2 }] },
  ]);
});

test('contents inside follow the metadata, each once', () => {
  const entries = [root, file('a', 5000, { key: 'k' }), file('b', 1), file('c', 5000, { key: 'k' })];
  const image = inLayer(entries, { contents: 'inside' });
  assert.deepEqual(
    image.contents.map(({ path }) => path),
    ['a', 'b'],
  );
  const { found } = read(image);
  const [a, b, c] = ['a', 'b', 'c'].map((path) => found.get(path)?.block as number) as [number, number, number];
  assert.deepEqual([b - a, c], [2, a]);
  assert.equal(image.size, (b + 1) * 4096);
});

test('limits of the format are told, with the path', () => {
  const many = Array.from({ length: 65_536 }, (_none, i) => file(`f${`${i}`.padStart(5, '0')}`, 1));
  const each = ({ path }: ImageEntry) => ({ device: `/${path}`, offset: 0 });
  const unsupported = (message: RegExp) => (error: unknown) =>
    isCairnError(error, 'ERR_UNSUPPORTED') && message.test(error.message);
  assert.equal(inLayer([root, ...many.slice(1)], { contents: each }).devices.length, 65_535);
  assert.throws(() => inLayer([root, ...many], { contents: each }), unsupported(/65535 devices/));
  const far = () => ({ device: '/pack', offset: 2 ** 44 });
  assert.throws(() => inLayer([root, file('f', 1)], { contents: far }), unsupported(/content of f lies beyond/));
  assert.throws(
    () => inLayer([root, file('f', 2 ** 45)], { contents: 'inside' }),
    unsupported(/an image of \d+ blocks/),
  );
});

test('devices whose numbers do not fit are left out, and told', () => {
  const image = inLayer([
    root,
    entry('a', 'char', { devMajor: 4096 }),
    entry('b', 'block', { devMajor: 4095, devMinor: 2 ** 20 - 1 }),
    entry('c', 'block', { devMinor: 2 ** 20 }),
    entry('null', 'char'),
  ]);
  const { found } = read(image);
  assert.deepEqual([...found.keys()], ['', 'b']);
  assert.equal(found.get('b')?.rdev, 0xffffffff);
  assert.deepEqual(
    image.skipped.map(({ path, kind }) => `${path}: ${kind}`),
    ['a: device', 'c: device', 'null: device'],
  );
});

const xattr = (name: string, value: string | Buffer = 'v'): Xattr => ({ name, value: Buffer.from(value) });
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');

/** Type, attribute, and whether an image holds it. */
const ATTRIBUTES: readonly [NodeType, Xattr, boolean][] = [
  ['file', xattr('user.a'), true],
  ['file', xattr('user.empty', ''), true],
  ['dir', xattr('user.a'), true],
  ['symlink', xattr('user.a'), false],
  ['fifo', xattr('user.a'), false],
  ['symlink', xattr('trusted.a'), true],
  ['char', xattr('security.selinux'), true],
  ['file', xattr('trusted.overlay.redirect', '/etc/shadow'), false],
  ['file', xattr('user.overlay.redirect', '/etc/shadow'), false],
  ['file', xattr('system.other'), false],
  ['file', xattr('strange'), false],
  ['file', xattr('user.'), false],
  ['file', xattr(`user.${'n'.repeat(250)}`), true],
  ['file', xattr(`user.${'n'.repeat(251)}`), false],
  ['file', xattr('user.large', Buffer.alloc(65_535)), true],
  ['file', xattr('user.large', Buffer.alloc(65_536)), false],
  ['file', xattr('security.capability', CAPABILITY), true],
  ['file', xattr('security.capability', 'nonsense'), false],
];

test('an image holds the attributes that a file could be given', () => {
  for (const [type, attribute, isHeld] of ATTRIBUTES) {
    const image = inLayer([root, entry('x', type, { xattrs: [attribute], link: 't', devMajor: 1 })]);
    const held = read(image).found.get('x')?.xattrs.get(attribute.name);
    const what = `${attribute.name} of a ${type}`;
    assert.deepEqual(held, isHeld ? attribute.value : undefined, what);
    assert.deepEqual(image.skipped, isHeld ? [] : [{ path: 'x', kind: `xattr ${attribute.name}` }], what);
  }
});

test('of more attributes than fit an inode the last ones are left out, and told', () => {
  const xattrs = Array.from({ length: 5 }, (_none, i) => xattr(`user.${i}`, Buffer.alloc(65_000, i)));
  const image = inLayer([root, file('f', 1, { xattrs })]);
  assert.deepEqual(image.skipped, [{ path: 'f', kind: 'xattr user.4' }]);
  assert.equal(read(image).found.get('f')?.xattrs.size, 4 + 2);
});

/** Lines of tag, rights and id, in the form of the attribute. */
function list(...lines: [tag: number, rights: number, id?: number][]): Buffer {
  const bytes = Buffer.alloc(4 + lines.length * 8);
  bytes.writeUInt32LE(2);
  lines.forEach(([tag, rights, id = 0xffff_ffff], i) => {
    bytes.writeUInt16LE(tag, 4 + i * 8);
    bytes.writeUInt16LE(rights, 6 + i * 8);
    bytes.writeUInt32LE(id, 8 + i * 8);
  });
  return bytes;
}

test('access control lists are what the kernel makes of them', () => {
  const access = 'system.posix_acl_access';
  const wide = list([1, 7], [2, 5, 1000], [4, 7], [16, 7], [32, 7]);
  const cases: [what: string, type: NodeType, name: string, value: Buffer, held: Buffer | undefined, told: boolean][] =
    [
      // With a mask the mode's group bits are the mask's.
      ['mode 0640 narrows', 'file', access, wide, list([1, 6], [2, 5, 1000], [4, 7], [16, 4], [32, 0]), false],
      ['no more than the mode', 'file', access, list([1, 7], [4, 7], [32, 7]), undefined, false],
      ['empty', 'file', access, list(), undefined, false],
      ['no mask', 'file', access, list([1, 7], [2, 5, 1000], [4, 7], [32, 7]), undefined, true],
      ['out of order', 'file', access, list([4, 7], [1, 7], [16, 7], [32, 7]), undefined, true],
      ['no user', 'file', access, list([1, 7], [2, 5], [4, 7], [16, 7], [32, 7]), undefined, true],
      ['of a symlink', 'symlink', access, wide, undefined, true],
      ['nonsense', 'file', access, Buffer.from('nonsense'), undefined, true],
      ['handed down', 'dir', 'system.posix_acl_default', wide, wide, false],
      ['handed down by a file', 'file', 'system.posix_acl_default', wide, undefined, true],
    ];
  for (const [what, type, name, value, held, told] of cases) {
    const image = inLayer([root, entry('x', type, { mode: 0o640, link: 't', xattrs: [{ name, value }] })]);
    assert.deepEqual(read(image).found.get('x')?.xattrs.get(name), held, what);
    assert.equal(image.skipped.length, told ? 1 : 0, what);
  }
});

test('the checksum is the one of the standard, before its last step', () => {
  assert.equal(~crc32c(Buffer.from('123456789')) >>> 0, 0xe3069283);
});

test('ten thousand names in a directory are found in order', () => {
  const names = Array.from({ length: 10_000 }, (_none, i) => entry(`name-${`${i}`.padStart(6, '0')}`, 'file'));
  const { found } = read(inLayer([root, ...names]));
  assert.equal(found.size, 10_001);
});
