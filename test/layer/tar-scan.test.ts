/** Dialects and chunks that TarScanner reads, and where every byte goes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { END, type EntrySpec, entry, gnuLong, header, paxHeader, paxRecord, tar } from '../fixtures/archive.js';
import { cut, type Scanned, scan } from '../fixtures/scan.js';

const LONG = `${'directory/'.repeat(15)}file`;
const BINARY = Buffer.from([0, 1, 0x0a, 0x3d, 0x20, 0xff, 0xfe, 0]);

function plain(name: string, fields: Partial<Scanned> = {}): Scanned {
  return {
    name,
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: { sec: 0, nsec: 0 },
    size: fields.content?.length ?? 0,
    stored: fields.content?.length ?? 0,
    link: '',
    devMajor: 0,
    devMinor: 0,
    xattrs: [],
    content: Buffer.alloc(0),
    ...fields,
  };
}

const DIALECTS: readonly [behaviour: string, archive: Buffer, found: Scanned[]][] = [
  [
    'a ustar header with all its fields',
    tar([{ name: 'a', mode: 0o4755, uid: 1, gid: 2, mtime: 3, content: 'four' }]),
    [plain('a', { mode: 0o4755, uid: 1, gid: 2, mtime: { sec: 3, nsec: 0 }, content: Buffer.from('four') })],
  ],
  ['a ustar name prefix', tar([{ name: 'b/c', prefix: 'a' }]), [plain('a/b/c')]],
  [
    'prefix and name at their full lengths',
    tar([{ name: 'n'.repeat(100), prefix: 'p'.repeat(155) }]),
    [plain(`${'p'.repeat(155)}/${'n'.repeat(100)}`)],
  ],
  [
    'no prefix in a GNU header, where times stand in its bytes',
    tar([{ name: 'a', dialect: 'gnu', patch: (block) => block.write('00000000001\x0000000000002\0', 345, 'latin1') }]),
    [plain('a')],
  ],
  [
    'no prefix in a v7 header',
    tar([{ name: 'a', dialect: 'v7', patch: (block) => block.write('junk', 345, 'latin1') }]),
    [plain('a')],
  ],
  [
    'a v7 header, whose type flag is NUL',
    tar([{ name: 'a', dialect: 'v7', content: 'x' }]),
    [plain('a', { content: Buffer.from('x') })],
  ],
  ['a directory', tar([{ name: 'd', flag: '5' }]), [plain('d', { type: 'dir', mode: 0o755 })]],
  [
    'an old-style directory: a file whose name ends in a slash',
    tar([{ name: 'd/', dialect: 'v7' }]),
    [plain('d/', { type: 'dir' })],
  ],
  [
    'an old-style directory whose long name ends in a slash',
    Buffer.concat([gnuLong('L', `${LONG}/`), tar([{ name: 'x', dialect: 'gnu' }])]),
    [plain(`${LONG}/`, { type: 'dir' })],
  ],
  [
    'a contiguous file (type 7)',
    tar([{ name: 'a', flag: '7', content: 'x' }]),
    [plain('a', { content: Buffer.from('x') })],
  ],
  ['a symlink', tar([{ name: 'l', flag: '2', link: '../t' }]), [plain('l', { type: 'symlink', link: '../t' })]],
  ['a hard link', tar([{ name: 'l', flag: '1', link: 't' }]), [plain('l', { type: 'hardlink', link: 't' })]],
  ['no link target of a plain file', tar([{ name: 'a', link: 't' }]), [plain('a')]],
  [
    'device numbers',
    tar([
      { name: 'c', flag: '3', devMajor: 1, devMinor: 3 },
      { name: 'b', flag: '4', devMajor: 259, devMinor: 0xfffff },
    ]),
    [
      plain('c', { type: 'char', devMajor: 1, devMinor: 3 }),
      plain('b', { type: 'block', devMajor: 259, devMinor: 0xfffff }),
    ],
  ],
  [
    'a fifo, and no device numbers of one',
    tar([{ name: 'f', flag: '6', devMajor: 1 }]),
    [plain('f', { type: 'fifo' })],
  ],
  [
    'a GNU long name and a GNU long link target',
    Buffer.concat([
      gnuLong('K', `${LONG}2`),
      gnuLong('L', LONG),
      tar([{ name: 'x', flag: '2', link: 'y', dialect: 'gnu' }]),
    ]),
    [plain(LONG, { type: 'symlink', link: `${LONG}2` })],
  ],
  [
    'GNU long names of one entry, which say nothing of the next',
    Buffer.concat([
      gnuLong('K', LONG),
      gnuLong('L', LONG),
      tar(['x', 'y'].map((name) => ({ name, flag: '2', link: 'z' }))),
    ]),
    [plain(LONG, { type: 'symlink', link: LONG }), plain('y', { type: 'symlink', link: 'z' })],
  ],
  [
    'a GNU long name without its NUL',
    Buffer.concat([entry({ name: '././@LongLink', flag: 'L', content: LONG, dialect: 'gnu' }), tar([{ name: 'x' }])]),
    [plain(LONG)],
  ],
  [
    'base-256 numbers',
    tar([{ name: 'a', dialect: 'gnu', uid: 3_000_000_000, gid: 2_097_152, mtime: 2 ** 40 + 1 }]),
    [plain('a', { uid: 3_000_000_000, gid: 2_097_152, mtime: { sec: 2 ** 40 + 1, nsec: 0 } })],
  ],
  [
    'octal numbers that fill their field, are led by spaces, or are not there',
    tar([
      {
        name: 'a',
        patch: (block) => {
          block.write('77777777', 108, 'latin1');
          block.write('    12 \0', 116, 'latin1');
          block.fill(0, 136, 148);
        },
      },
    ]),
    [plain('a', { uid: 0o77777777, gid: 0o12 })],
  ],
  [
    'pax records: path, link target, owners, time, size',
    tar([
      {
        name: 'x',
        flag: '2',
        link: 'y',
        pax: { path: LONG, linkpath: 'é', uid: '4000000000', gid: '7', size: '0', mtime: '12.25' },
      },
    ]),
    [plain(LONG, { type: 'symlink', link: 'Ã©', uid: 4e9, gid: 7, mtime: { sec: 12, nsec: 250_000_000 } })],
  ],
  [
    'fractions of a nanosecond, cut off',
    tar([{ name: 'a', pax: { mtime: '1.9999999999' } }]),
    [plain('a', { mtime: { sec: 1, nsec: 999_999_999 } })],
  ],
  [
    'binary extended attributes, in byte order of their names',
    tar([{ name: 'a', pax: { 'SCHILY.xattr.user.z': BINARY, 'SCHILY.xattr.security.capability': BINARY } }]),
    [plain('a', { xattrs: ['security.capability', 'user.z'].map((name) => ({ name, value: BINARY })) })],
  ],
  [
    "libarchive's spelling of extended attributes, where the binary one is missing",
    tar([{ name: 'a', pax: { 'LIBARCHIVE.xattr.user.a%2Bb': BINARY.toString('base64') } }]),
    [plain('a', { xattrs: [{ name: 'user.a+b', value: BINARY }] })],
  ],
  [
    'an attribute in both spellings, where the binary one has the last word',
    tar(
      ['LIBARCHIVE SCHILY', 'SCHILY LIBARCHIVE'].map((order) => ({
        name: 'a',
        pax: Object.fromEntries(
          order.split(' ').map((each) => [`${each}.xattr.user.x`, each === 'SCHILY' ? 'binary' : 'AAAA']),
        ),
      })),
    ),
    [1, 2].map(() => plain('a', { xattrs: [{ name: 'user.x', value: Buffer.from('binary') }] })),
  ],
  [
    'an empty pax value, which takes an earlier one back',
    Buffer.concat([
      paxHeader({ path: 'no', uid: '5', mtime: '5' }),
      tar([{ name: 'a', pax: { path: '', uid: '', mtime: '' } }]),
    ]),
    [plain('a')],
  ],
  [
    'pax records before GNU long names',
    Buffer.concat([gnuLong('L', 'gnu'), tar([{ name: 'a', pax: { path: 'pax' } }])]),
    [plain('pax')],
  ],
  [
    'a global header, whose times and owners hold until an entry has its own',
    Buffer.concat([
      paxHeader({ mtime: '7.5', uid: '8', comment: 'x' }, 'g'),
      tar([{ name: 'a' }, { name: 'b', pax: { uid: '9' } }, { name: 'c' }]),
    ]),
    [
      ['a', 8],
      ['b', 9],
      ['c', 8],
    ].map(([name, uid]) => plain(`${name}`, { uid: Number(uid), mtime: { sec: 7, nsec: 500_000_000 } })),
  ],
  [
    'records of one entry, which say nothing of the next',
    tar([{ name: 'a', pax: { path: 'p', uid: '1', 'SCHILY.xattr.user.x': 'y' } }, { name: 'b' }]),
    [plain('p', { uid: 1, xattrs: [{ name: 'user.x', value: Buffer.from('y') }] }), plain('b')],
  ],
  ['names that are not UTF-8, byte for byte', tar([{ name: Buffer.from([0xff, 0x80, 0x0a]) }]), [plain('\xff\x80\n')]],
  [
    'a checksum over signed bytes',
    tar([
      {
        name: 'é',
        spoil: (block) => {
          block.fill(' ', 148, 156);
          const sum = block.reduce((total, byte) => total + ((byte << 24) >> 24), 0);
          block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
        },
      },
    ]),
    [plain('Ã©')],
  ],
  ['an archive of nothing', END, []],
  [
    'zeros after the end marker, as tar pads to its record size',
    tar([{ name: 'a' }], Buffer.alloc(10_240)),
    [plain('a')],
  ],
];

for (const [behaviour, archive, found] of DIALECTS) {
  test(`reads ${behaviour}`, () => {
    const { entries, bytes, ended } = scan([archive]);
    assert.deepEqual(entries, found);
    assert.ok(bytes.equals(archive), 'frames and contents do not give the archive back');
    assert.equal(ended, true);
  });
}

const MIXED: readonly EntrySpec[] = [
  { name: 'a', content: 'x'.repeat(513), pax: { mtime: '1.5', 'SCHILY.xattr.user.b': BINARY } },
  { name: 'b', flag: '5' },
  { name: 'c', content: 'y'.repeat(512) },
];
const WHOLE = Buffer.concat([gnuLong('L', LONG), tar(MIXED)]);

test('one cut at every offset gives the same entries and the same bytes', () => {
  const { entries } = scan([WHOLE]);
  for (let at = 0; at <= WHOLE.length; at++) {
    const cutThere = scan([WHOLE.subarray(0, at), WHOLE.subarray(at)]);
    assert.deepEqual(cutThere.entries, entries, `cut at ${at}`);
    assert.ok(cutThere.bytes.equals(WHOLE), `cut at ${at}`);
  }
});

test('chunks of any one length give the same entries and the same bytes', () => {
  const { entries } = scan([WHOLE]);
  for (const length of [1, 2, 3, 7, 100, 511, 512, 513, 1024, 4096]) {
    const cutThere = scan(cut(WHOLE, [length]));
    assert.deepEqual(cutThere.entries, entries, `chunks of ${length}`);
    assert.ok(cutThere.bytes.equals(WHOLE), `chunks of ${length}`);
  }
});

test('frames are the archive without the contents of its files', () => {
  const { frames } = scan(cut(WHOLE, [100]));
  const expected = Buffer.concat([
    gnuLong('L', LONG),
    paxHeader(MIXED[0]?.pax ?? {}),
    header({ ...MIXED[0], name: 'a' }),
    Buffer.alloc(511),
    header({ ...MIXED[1], name: 'b' }),
    header({ ...MIXED[2], name: 'c' }),
    END,
  ]);
  assert.ok(frames.equals(expected));
});

test('an archive that ends at a block without the end marker is read, and said to have none', () => {
  for (const end of [Buffer.alloc(0), Buffer.alloc(512)]) {
    const { entries, ended } = scan([tar([{ name: 'a' }], end)]);
    assert.equal(entries.length, 1);
    assert.equal(ended, false);
  }
});

test('an extended header of exactly the limit is taken', () => {
  const value = Buffer.alloc(65_536, 1);
  const pax = { 'SCHILY.xattr.user.a': value };
  const maxPax = paxRecord('SCHILY.xattr.user.a', value).length;
  assert.deepEqual(scan([tar([{ name: 'a', pax }])], { maxPax }).entries[0]?.xattrs[0]?.value, value);
});

test('as many entries as the limit are taken', () => {
  assert.equal(scan([tar([{ name: 'a' }, { name: 'b' }])], { maxEntries: 2 }).entries.length, 2);
});

test('four extended headers before one entry are taken, again before the next', () => {
  const four = Buffer.concat([1, 2, 3, 4].map((n) => paxHeader({ comment: `${n}` })));
  assert.equal(scan([four, entry({ name: 'a' }), four, tar([{ name: 'b' }])]).entries.length, 2);
});
