/** Hostile hard links, kinds, headers and metadata (hostile.md, "hard links", "kinds", "headers", "metadata"). */
import { gunzipSync, gzipSync } from 'node:zlib';
import { END, gnuLong, manifest, padded, paxHeader, tar } from './fixtures/archive.js';
import { bad, badLink, below, type HostileCase, hostile, limited, raw } from './fixtures/hostile.js';

/** The archive without its end marker, and more. */
const then = (archive: Buffer, ...more: Buffer[]): Buffer => Buffer.concat([archive.subarray(0, -END.length), ...more]);

hostile('hard links that are refused', [
  [
    'an absolute target',
    ({ outside }) => raw({ name: 'rootfs/l', flag: '1', link: `${outside}/secret` }),
    bad(/absolute path/, 'rootfs/l'),
  ],
  [
    'an absolute target that names the root',
    raw({ name: 'rootfs/a' }, { name: 'rootfs/l', flag: '1', link: '/rootfs/a' }),
    bad(/absolute path/, 'rootfs/l'),
  ],
  [
    'a target through ".."',
    below({ name: 'l', flag: '1', link: '../../outside/secret' }),
    bad(/through "\.\."/, 'rootfs/l'),
  ],
  [
    'a target whose ".." stays inside',
    below({ name: 'd/a' }, { name: 'l', flag: '1', link: 'd/../d/a' }),
    bad(/through "\.\."/, 'rootfs/l'),
  ],
  [
    'a target in the header that a pax record replaces',
    below({ name: 'a' }, { name: 'l', flag: '1', link: 'a', pax: { linkpath: '/etc/passwd' } }),
    bad(/absolute path/, 'rootfs/l'),
  ],
  [
    'a target through a symlink that leads outside',
    ({ outside }) => below({ name: 's', flag: '2', link: outside }, { name: 'l', flag: '1', link: 's/secret' }),
    badLink(/no earlier entry/, 'rootfs/l'),
  ],
  [
    'a target through a symlink that stays inside',
    below({ name: 'd/a' }, { name: 's', flag: '2', link: 'd' }, { name: 'l', flag: '1', link: 's/a' }),
    badLink(/no earlier entry/, 'rootfs/l'),
  ],
  [
    'a directory',
    below({ name: 'd', flag: '5' }, { name: 'l', flag: '1', link: 'd' }),
    bad(/to a directory/, 'rootfs/l'),
  ],
  [
    'a directory that only its content declares',
    below({ name: 'd/a' }, { name: 'l', flag: '1', link: 'd' }),
    badLink(/no earlier entry/, 'rootfs/l'),
  ],
  [
    'the root',
    raw({ name: 'rootfs', flag: '5' }, { name: 'rootfs/l', flag: '1', link: 'rootfs' }),
    badLink(/no earlier entry/, 'rootfs/l'),
  ],
  ['the manifest', raw({ name: 'rootfs/l', flag: '1', link: 'manifest' }), badLink(/no earlier entry/, 'rootfs/l')],
  ['itself', below({ name: 'l', flag: '1', link: 'l' }), bad(/to itself/, 'rootfs/l')],
  ['itself, spelled otherwise', below({ name: 'l', flag: '1', link: './/l' }), bad(/to itself/, 'rootfs/l')],
  [
    'a target that comes later',
    below({ name: 'l', flag: '1', link: 'a' }, { name: 'a' }),
    badLink(/no earlier entry/, 'rootfs/l'),
  ],
  [
    'a target that is only in another layer',
    below({ name: 'l', flag: '1', link: 'bin/sh' }),
    badLink(/no earlier entry/, 'rootfs/l'),
  ],
  ['no target', below({ name: 'l', flag: '1', link: '' }, { name: 'a' }), badLink(/no earlier entry/, 'rootfs/l')],
  ['an empty target', raw({ name: 'rootfs/l', flag: '1' }), bad(/without a target/, 'rootfs/l')],
  [
    'a body',
    below({ name: 'a' }, { name: 'l', flag: '1', link: 'a', content: 'evil' }),
    bad(/4 bytes of content/, 'rootfs/l'),
  ],
  [
    'a regular file of the same name after it',
    below({ name: 'a' }, { name: 'l', flag: '1', link: 'a' }, { name: 'l', content: 'evil' }),
    bad(/duplicate/, 'rootfs/l'),
  ],
]);

hostile('hard links that are harmless', [
  [
    'a link to a symlink, which is not followed',
    ({ outside }) =>
      below(
        { name: 's', flag: '2', link: `${outside}/secret` },
        { name: 'l', flag: '1', link: 's', mode: 0o777, mtime: 9 },
      ),
    { tree: ({ outside }) => ({ s: `link ${outside}/secret`, l: `link ${outside}/secret` }) },
  ],
  [
    'a link to a link to a file',
    below({ name: 'a', content: 'x' }, { name: 'b', flag: '1', link: 'a' }, { name: 'c', flag: '1', link: './b' }),
    { tree: { a: 'file x', b: 'file x', c: 'file x' } },
  ],
  [
    'a link to a fifo',
    below({ name: 'f', flag: '6' }, { name: 'g', flag: '1', link: 'f' }),
    { tree: { f: 'fifo', g: 'fifo' } },
  ],
]);

hostile('kinds that are refused', [
  ['GNU sparse', below({ name: 'a', flag: 'S', dialect: 'gnu' }), bad(/sparse/, 'rootfs/a')],
  ['pax sparse 0.1', below({ name: 'a', pax: { 'GNU.sparse.map': '0,1', 'GNU.sparse.size': '1' } }), bad(/sparse/)],
  [
    'pax sparse 1.0, which also hides the name',
    below({ name: 'a', pax: { 'GNU.sparse.major': '1', 'GNU.sparse.name': '../x' } }),
    bad(/sparse/),
  ],
  ...[...'sADMNVX89'].map(
    (flag): HostileCase => [
      `the unknown type "${flag}" (tar has none for sockets)`,
      below({ name: 'a', flag }),
      bad(/unknown entry type/, 'rootfs/a'),
    ],
  ),
  [
    'a device of a number that no kernel has',
    below({ name: 'c', flag: '3', devMajor: 2 ** 40 }),
    bad(/device number/, 'rootfs/c'),
  ],
]);

const VICTIM = 'rootfs/v';
const negative = (at: number, length: number) => (block: Buffer) => {
  block.fill(0xff, at, at + length);
};

hostile('headers that are refused', [
  [
    'a bad checksum',
    below({ name: 'a' }, { name: 'v', spoil: (block) => block.write('w', 7) }),
    bad(/checksum/, 'rootfs/a'),
  ],
  ['a negative size', below({ name: 'v', patch: negative(124, 12) }), bad(/negative size/, VICTIM)],
  ['a size over 2^53', below({ name: 'v', size: 2 ** 53 }), bad(/larger than 2\^53/, VICTIM)],
  ['a size over what 48 bits hold', below({ name: 'v', size: 2 ** 50 }), limited(/--max-bytes/, VICTIM)],
  [
    'a size over the limit, refused before any of it is read',
    below({ name: 'v', size: 2 ** 37 }),
    limited(/--max-bytes/, VICTIM),
  ],
  ['a size on a directory', below({ name: 'v', flag: '5', content: 'x' }), bad(/a dir with 1 bytes/, VICTIM)],
  [
    'a size on a symlink',
    below({ name: 'v', flag: '2', link: 'a', content: 'x' }),
    bad(/a symlink with 1 bytes/, VICTIM),
  ],
  ['a size on a fifo', below({ name: 'v', flag: '6', content: 'x' }), bad(/a fifo with 1 bytes/, VICTIM)],
  [
    'a pax size that re-frames the archive',
    below({ name: 'v', content: 'x'.repeat(512), pax: { size: '0' } }),
    bad(/pax header says 0/, VICTIM),
  ],
  [
    'a pax record of a wrong length',
    then(raw(), tar([{ name: 'x', flag: 'x', content: '12 path=rootfs/v\n' }, { name: 'y' }])),
    bad(/bad pax header/),
  ],
  [
    'a pax header over 1 MiB',
    then(raw(), tar([{ name: 'x', flag: 'x', content: Buffer.alloc(2 ** 20 + 1) }])),
    limited(/--max-pax/, 'x'),
  ],
  [
    'a GNU long name over 1 MiB',
    then(raw(), gnuLong('L', 'n'.repeat(2 ** 20)), tar([{ name: 'y' }])),
    limited(/--max-pax/),
  ],
  [
    'five meta headers in a row',
    then(raw(), ...[1, 2, 3, 4, 5].map(() => paxHeader({ comment: 'x' })), tar([{ name: VICTIM }])),
    bad(/more than 4/),
  ],
  ...['path', 'size', 'linkpath'].map(
    (key): HostileCase => [
      `a global pax ${key}`,
      then(raw(), paxHeader({ [key]: '1' }, 'g'), tar([{ name: VICTIM }])),
      bad(/global header may not set/),
    ],
  ),
  ['a negative mode', below({ name: 'v', patch: negative(100, 8) }), bad(/negative mode/, VICTIM)],
  ['a negative uid', below({ name: 'v', patch: negative(108, 8) }), bad(/negative uid/, VICTIM)],
  ['a negative mtime', below({ name: 'v', patch: negative(136, 12) }), bad(/negative mtime/, VICTIM)],
  ['a negative pax mtime', below({ name: 'v', pax: { mtime: '-1.5' } }), bad(/not a time/)],
  ['a pax mtime that is no number', below({ name: 'v', pax: { mtime: 'NaN' } }), bad(/not a time/)],
  ['a pax uid that is no number', below({ name: 'v', pax: { uid: 'root' } }), bad(/"uid" is not a number/)],
  [
    'an entry after the end marker',
    Buffer.concat([below({ name: 'a' }), tar([{ name: VICTIM }])]),
    bad(/after the end marker/),
  ],
  [
    'trailing garbage',
    Buffer.concat([below({ name: 'a' }), padded(Buffer.from('garbage'))]),
    bad(/after the end marker/),
  ],
  ['a cut inside a header', below({ name: 'v' }).subarray(0, -1200), bad(/cut off/)],
  [
    'a cut inside a body',
    below({ name: 'v', content: 'x'.repeat(2000) }).subarray(0, -2000),
    bad(/cut off inside/, VICTIM),
  ],
  ['a cut inside the padding', below({ name: 'v', content: 'x' }).subarray(0, -1124), bad(/cut off/, VICTIM)],
  ['a cut between two entries', below({ name: 'v' }).subarray(0, -1024), bad(/no end marker/)],
  ['half an end marker', below({ name: 'v' }).subarray(0, -512), bad(/no end marker/)],
  ['an extended header before the end', then(raw(), paxHeader({ path: VICTIM }), END), bad(/without an entry/)],
  [
    'an extended attribute over 64 KiB',
    below({ name: 'v', pax: { 'SCHILY.xattr.user.x': Buffer.alloc(65_537) } }),
    bad(/extended attribute over/),
  ],
]);

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

hostile('volumes that are refused', [
  [
    'a manifest over 4 MiB',
    tar([{ name: 'manifest', content: Buffer.alloc(4 * 2 ** 20 + 1, ' ') }]),
    bad(/--max-manifest/, 'manifest'),
  ],
  [
    'a manifest that only claims to be large',
    tar([{ name: 'manifest', size: 2 ** 33 }]),
    bad(/--max-manifest/, 'manifest'),
  ],
  [
    'JSON nested deeper than 64',
    tar([{ name: 'manifest', content: `{"x":${nested(65)}}` }]),
    bad(/nested deeper/, 'manifest'),
  ],
  [
    'JSON nested so deep that a parser would overflow',
    tar([{ name: 'manifest', content: nested(2 ** 20) }]),
    bad(/nested deeper/, 'manifest'),
  ],
  [
    'a manifest with "__proto__"',
    tar([{ name: 'manifest', content: manifest({ name: 'a' }).replace('{', '{"__proto__":{"name":"b"},') }]),
    bad(/__proto__/, 'manifest'),
  ],
  ['gzip that unpacks to over 1000 times its size', bomb(100), limited(/--max-ratio/)],
  ['gzip cut short', gzipSync(below({ name: 'a' })).subarray(0, -9), { code: 'ERR_BAD_COMPRESSION', why: /truncated/ }],
  [
    'gzip with garbage after it',
    Buffer.concat([gzipSync(below({ name: 'a' })), Buffer.from('garbage'.repeat(9))]),
    { code: 'ERR_BAD_COMPRESSION', why: /gzip/ },
  ],
  [
    'a million empty gzip members and nothing else',
    Buffer.alloc(20e6, gzipSync('')),
    bad(/end marker|empty|no manifest/),
  ],
]);

/** Zeros behind an end marker. Deflate packs no tighter than 1030:1, and the first MiB is free. */
function bomb(mib: number): Buffer {
  const packed = gzipSync(Buffer.concat([below({ name: 'a' }), Buffer.alloc(mib * 2 ** 20)]), { level: 9 });
  if (gunzipSync(packed).length / packed.length < 1000) throw new Error('no bomb');
  return packed;
}

hostile(
  'entries over a lowered limit',
  [['three entries where two are allowed', below({ name: 'a' }), limited(/--max-entries/, 'rootfs/a')]],
  { args: ['--max-entries', '2'] },
);
hostile(
  'bytes over a lowered limit',
  [
    [
      'a layer of 1 MiB',
      below({ name: 'a', content: Buffer.alloc(2 ** 19) }, { name: 'b', content: Buffer.alloc(2 ** 19, 1) }),
      limited(/--max-bytes/),
    ],
  ],
  { args: ['--max-bytes', '700k'] },
);
