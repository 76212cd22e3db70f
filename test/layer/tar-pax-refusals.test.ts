/** Extended headers that TarScanner refuses, and its limits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { END, entry, gnuLong, header, padded, paxHeader, tar } from '../fixtures/archive.js';
import { type Refused, refusal, scan } from '../fixtures/scan.js';

const VICTIM = 'victim';

/** An entry after a pax header with this body. */
function withPax(body: string | Buffer, flag = 'x'): Buffer {
  const bytes = Buffer.from(body as string, 'latin1');
  return Buffer.concat([header({ name: 'pax', flag, size: bytes.length }), padded(bytes), tar([{ name: 'victim' }])]);
}

const PAX: readonly Refused[] = [
  ['a record without a length', withPax('path=x\n'), /without a length/],
  ['a record whose length has a leading zero', withPax('09 path=x\n'), /without a length/],
  ['a record with a negative length', withPax('-9 path=x\n'), /without a length/],
  ['a record longer than its header', withPax('99 path=x\n'), /longer than its header/],
  ['a record shorter than its length says', withPax('8 path=x\n'), /newline/],
  ['a record that ends inside the next', withPax('11 path=x\n9 uid=1\n'), /newline/],
  ['a record whose length covers no keyword', withPax('2 path=x\n'), /longer than its header/],
  ['a record without an equals sign', withPax('7 path\n'), /keyword/],
  ['a record without a keyword', withPax('5 =x\n'), /keyword/],
  ['NULs after the last record', withPax('10 path=x\n\0\0'), /without a length/],
  ['a NUL in a path', tar([{ name: VICTIM, pax: { path: 'a\0b' } }]), /NUL byte in "path"/],
  ['a NUL in a link target', tar([{ name: VICTIM, flag: '2', pax: { linkpath: 'a\0b' } }]), /NUL byte in "linkpath"/],
  ...['-1', '1e3', '0x1', ' 1', '9007199254740992', 'NaN', '12.5'].flatMap((value) => [
    [
      `a uid of ${JSON.stringify(value)}`,
      tar([{ name: VICTIM, pax: { uid: value } }]),
      /"uid" is not a number/,
    ] as const,
    [
      `a size of ${JSON.stringify(value)}`,
      tar([{ name: VICTIM, pax: { size: value } }]),
      /"size" is not a number/,
    ] as const,
  ]),
  ...['--1', '-', '-1.-5', 'NaN', '1e9', '.5', '1.2.3', 'Infinity', '1.5x', '9007199254740992', '9999999999999999'].map(
    (value) =>
      [`an mtime of ${value}`, tar([{ name: VICTIM, pax: { mtime: value } }]), /"mtime" is not a time/] as const,
  ),
  [
    'a size below that of the header',
    tar([{ name: VICTIM, content: 'body', pax: { size: '0' } }]),
    /pax header says 0 bytes.*4/,
    VICTIM,
  ],
  [
    'a size above that of the header',
    tar([{ name: VICTIM, pax: { size: '512' } }]),
    /pax header says 512 bytes.*0/,
    VICTIM,
  ],
  ['a size on a directory', tar([{ name: VICTIM, flag: '5', pax: { size: '512' } }]), /pax header says 512/, VICTIM],
  [
    'an extended attribute over 64 KiB',
    tar([{ name: VICTIM, pax: { 'SCHILY.xattr.user.x': Buffer.alloc(65_537) } }]),
    /extended attribute over/,
  ],
  ['an extended attribute without a name', tar([{ name: VICTIM, pax: { 'SCHILY.xattr.': 'x' } }]), /proper name/],
  [
    'an extended attribute with a NUL in its name',
    tar([{ name: VICTIM, pax: { 'LIBARCHIVE.xattr.user.%00': 'AAAA' } }]),
    /proper name/,
  ],
  [
    'an extended attribute with an equals sign in its name',
    tar([{ name: VICTIM, pax: { 'LIBARCHIVE.xattr.user.a%3Db': 'AAAA' } }]),
    /"=" in its name/,
  ],
  ...['path', 'linkpath', 'size'].map(
    (key) =>
      [
        `a global "${key}"`,
        Buffer.concat([paxHeader({ [key]: '1' }, 'g'), tar([{ name: VICTIM }])]),
        /global header may not set/,
      ] as const,
  ),
  [
    'global extended attributes',
    Buffer.concat([paxHeader({ 'SCHILY.xattr.user.x': 'y' }, 'g'), END]),
    /global header may not set/,
  ],
  ...(['x', 'L', 'K'] as const).map((flag) => {
    const meta = flag === 'x' ? paxHeader({ path: 'a' }) : gnuLong(flag, 'a');
    return [
      `an extended header (${flag}) before the end marker`,
      Buffer.concat([meta, END]),
      /without an entry/,
    ] as const;
  }),
  ['an extended header before nothing', paxHeader({ path: 'a' }), /without an entry/],
  [
    'five extended headers in a row',
    Buffer.concat([...[1, 2, 3, 4, 5].map(() => paxHeader({ uid: '1' })), tar([{ name: VICTIM }])]),
    /more than 4/,
  ],
  [
    'five global headers in a row',
    Buffer.concat([...[1, 2, 3, 4, 5].map(() => paxHeader({ uid: '1' }, 'g')), tar([{ name: VICTIM }])]),
    /more than 4/,
  ],
];

for (const [behaviour, archive, why, name] of PAX) {
  test(`pax: refuses ${behaviour}`, () => {
    const error = refusal(archive);
    assert.match(error.message, why);
    if (name !== undefined) assert.equal(error.entry, name);
  });
}

test('a pax header may give any time that a header may', () => {
  const latest = Number.MAX_SAFE_INTEGER;
  const times = [header({ name: 'a', mtime: latest }), entry({ name: 'b', pax: { mtime: `${latest}.5` } })];
  const { entries } = scan([...times, END]);
  assert.deepEqual(
    entries.map(({ mtime }) => mtime),
    [
      { sec: latest, nsec: 0 },
      { sec: latest, nsec: 500_000_000 },
    ],
  );
});

test('a pax size replaces one that octal digits cannot spell', () => {
  const big = 8 ** 11;
  const archive = entry({ name: 'a', pax: { size: `${big}` } });
  assert.throws(() => scan([archive]), /cut off inside this entry/);
});

test('limits are typed, name the entry, and tell the flag that raises them', async (t) => {
  const cases: readonly [
    behaviour: string,
    archive: Buffer,
    limit: Parameters<typeof scan>[1],
    flag: RegExp,
    entry: string,
  ][] = [
    ['entries', tar([{ name: 'a' }, { name: 'b' }]), { maxEntries: 1 }, /--max-entries/, 'b'],
    ['bytes of a pax header', withPax(Buffer.alloc(2 ** 20 + 1)), {}, /1048577 bytes.*--max-pax/, 'pax'],
    ['bytes of a global header', withPax(Buffer.alloc(513), 'g'), { maxPax: 512 }, /--max-pax/, 'pax'],
    [
      'bytes of a GNU long name',
      Buffer.concat([gnuLong('L', 'x'.repeat(2 ** 20)), END]),
      {},
      /--max-pax/,
      '././@LongLink',
    ],
    [
      'bytes of a GNU long link',
      Buffer.concat([gnuLong('K', 'x'.repeat(2 ** 20)), END]),
      {},
      /--max-pax/,
      '././@LongLink',
    ],
  ];
  for (const [behaviour, archive, limit, flag, name] of cases) {
    await t.test(behaviour, () => {
      const error = refusal(archive, 'ERR_LIMIT', limit);
      assert.match(error.message, flag);
      assert.equal(error.entry, name);
    });
  }
});

test('an extended header that only claims a great length takes no memory', () => {
  const block = header({ name: 'pax', flag: 'x', size: 2 ** 40 });
  assert.equal(refusal(block, 'ERR_LIMIT').entry, 'pax');
});
