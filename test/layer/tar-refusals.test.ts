/** Headers and types of entries that TarScanner refuses, one case each. Lenient readers guess at them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { END, type EntrySpec, entry, gnuLong, padded, tar } from '../fixtures/archive.js';
import { cut, type Refused, refusal, scan } from '../fixtures/scan.js';

/** A header with these bytes at one offset. */
function patched(at: number, bytes: string | readonly number[], spec: Partial<EntrySpec> = {}): Buffer {
  const patch = (block: Buffer): void => {
    Buffer.from(bytes as string, 'latin1').copy(block, at);
  };
  return tar([{ name: 'victim', ...spec, patch }]);
}

const NEGATIVE = Array<number>(12).fill(0xff);
const HUGE = [0x80, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0]; // 2^53
const VICTIM = 'victim';

const HEADERS: readonly Refused[] = [
  [
    'a wrong checksum',
    tar([{ name: 'before' }, { name: VICTIM, spoil: (block) => block.write('x', 0) }]),
    /checksum/,
    'before',
  ],
  [
    'a checksum that is no number',
    tar([{ name: 'before' }, { name: VICTIM, spoil: (block) => block.write('9', 148) }]),
    /checksum/,
    'before',
  ],
  [
    'a block of text in place of a header',
    Buffer.concat([entry({ name: 'before' }), Buffer.alloc(512, 'text'), END]),
    /checksum/,
    'before',
  ],
  ['a negative size', patched(124, NEGATIVE), /negative size/, VICTIM],
  ['a negative mode', patched(100, NEGATIVE.slice(0, 8)), /negative mode/, VICTIM],
  ['a negative uid', patched(108, NEGATIVE.slice(0, 8)), /negative uid/, VICTIM],
  ['a negative gid', patched(116, NEGATIVE.slice(0, 8)), /negative gid/, VICTIM],
  ['a size with a minus sign', patched(124, '-0000000001'), /size is not a number/, VICTIM],
  ['a size of 2^53', patched(124, HUGE), /size is larger than 2\^53/, VICTIM],
  ['an mtime of 2^53', patched(136, HUGE), /mtime is larger/, VICTIM],
  [
    'a base-256 number with bits above any real one',
    patched(124, [0x81, ...HUGE.slice(1)]),
    /size is not a number/,
    VICTIM,
  ],
  ['a mode that is no number', patched(100, '0x00644'), /mode is not a number/, VICTIM],
  ['a uid that is no number', patched(108, 'root\0\0\0\0'), /uid is not a number/, VICTIM],
  ['a gid in decimal', patched(116, '0000089\0'), /gid is not a number/, VICTIM],
  ['an mtime that is no number', patched(136, '12:34:56\0'), /mtime is not a number/, VICTIM],
  ['digits after the end of a number', patched(124, '00000 000000'), /size is not a number/, VICTIM],
  ['a uid beyond 32 bits', tar([{ name: VICTIM, uid: 2 ** 32 }]), /beyond 32 bits/, VICTIM],
  ['the uid that chown takes for "leave it"', tar([{ name: VICTIM, uid: 2 ** 32 - 1 }]), /beyond 32 bits/, VICTIM],
  [
    'the gid that chown takes for "leave it"',
    tar([{ name: VICTIM, pax: { gid: `${2 ** 32 - 1}` } }]),
    /beyond 32 bits/,
    VICTIM,
  ],
  ['a device number beyond 32 bits', tar([{ name: VICTIM, flag: '3', devMajor: 2 ** 32 }]), /beyond 32 bits/, VICTIM],
  [
    'a minor device number beyond 32 bits',
    tar([{ name: VICTIM, flag: '4', devMinor: 2 ** 40 }]),
    /beyond 32 bits/,
    VICTIM,
  ],
  [
    'a NUL inside a GNU long name',
    Buffer.concat([gnuLong('L', 'victim\0x'), tar([{ name: 'x' }])]),
    /NUL byte inside a long name/,
    VICTIM,
  ],
  [
    'a NUL inside a GNU long link',
    Buffer.concat([gnuLong('K', 'victim\0x'), tar([{ name: 'x', flag: '2' }])]),
    /NUL byte inside a long name/,
    VICTIM,
  ],
  [
    'an entry after the end marker',
    Buffer.concat([tar([{ name: 'before' }]), tar([{ name: VICTIM }])]),
    /after the end marker/,
    'before',
  ],
  [
    'an entry after half an end marker',
    Buffer.concat([tar([{ name: 'before' }], Buffer.alloc(512)), tar([{ name: VICTIM }])]),
    /after the end marker/,
    'before',
  ],
  [
    'garbage after the end marker',
    Buffer.concat([tar([{ name: 'before' }]), padded(Buffer.from('x'))]),
    /after the end marker/,
    'before',
  ],
  ['zeros after the end marker that fill no block', tar([{ name: 'before' }], Buffer.alloc(1025)), /cut off/, 'before'],
];

const KINDS: readonly Refused[] = [
  ...(['1 hardlink', '2 symlink', '3 char', '4 block', '6 fifo'] as const).map((each) => {
    const [flag, type] = each.split(' ') as [string, string];
    const archive = tar([{ name: VICTIM, flag, link: 't', content: 'body' }]);
    return [`a ${type} with a body`, archive, new RegExp(`a ${type} with 4 bytes`), VICTIM] as const;
  }),
  ['an old-style directory with a body', tar([{ name: 'victim/', content: 'body' }]), /a dir with 4 bytes/, 'victim/'],
  ['a pax sparse file of format 0.x', tar([{ name: VICTIM, pax: { 'GNU.sparse.map': '0,1' } }]), /sparse/],
  ['a pax sparse file of format 1.0', tar([{ name: VICTIM, pax: { 'GNU.sparse.major': '1' } }]), /sparse/],
  ["a sparse file of Solaris' tar", tar([{ name: VICTIM, pax: { 'SUN.holesdata': ' 0 1' } }]), /sparse/],
  ...['8', 'A', 's', 'M', 'N', 'X', '\xff'].map(
    (flag) =>
      [
        `the unknown type ${JSON.stringify(flag)}`,
        tar([{ name: VICTIM, flag }]),
        /unknown entry type/,
        VICTIM,
      ] as const,
  ),
];

for (const [area, cases] of Object.entries({ header: HEADERS, kind: KINDS })) {
  for (const [behaviour, archive, why, name] of cases) {
    test(`${area}: refuses ${behaviour}`, () => {
      const error = refusal(archive);
      assert.match(error.message, why);
      if (name !== undefined) assert.equal(error.entry, name);
      else assert.equal(typeof error.entry, 'string');
    });
  }
}

test('a cut anywhere before the end marker is refused, unless it is between two entries', () => {
  const first = entry({ name: 'a', content: 'x'.repeat(513), pax: { mtime: '1.5' } });
  const whole = tar([
    { name: 'a', content: 'x'.repeat(513), pax: { mtime: '1.5' } },
    { name: 'b', flag: '5' },
  ]);
  const whereItMayEnd = new Set([0, first.length, first.length + 512, whole.length - 512, whole.length]);
  for (let at = 0; at <= whole.length; at++) {
    const attempt = (): unknown => scan(cut(whole.subarray(0, at), [500]));
    if (whereItMayEnd.has(at)) attempt();
    else assert.throws(attempt, { code: 'ERR_BAD_ARCHIVE' }, `cut at ${at}`);
  }
});

test('a refusal does not depend on where the chunks are cut', () => {
  const archive = tar([
    { name: 'before', content: 'x'.repeat(700) },
    { name: VICTIM, flag: '2', link: 'x', size: 512 },
  ]);
  for (const length of [1, 13, 511, 512, 513, 5000]) {
    assert.throws(() => scan(cut(archive, [length])), { code: 'ERR_BAD_ARCHIVE', entry: VICTIM });
  }
});
