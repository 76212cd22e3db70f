/**
 * Hostile headers, types of entries and attributes. They mean the same in every form of image, since one reader reads
 * all.
 */
import { END, gnuLong, padded, paxHeader, tar } from '../fixtures/archive.js';
import { ACI, bad, below, FORMS, type HostileCase, hostile, limited, OCI } from '../fixtures/hostile.js';

/** An archive that goes on with more entries in place of its end marker. */
const then = (archive: Buffer, ...more: Buffer[]): Buffer => Buffer.concat([archive.subarray(0, -END.length), ...more]);

const negative = (at: number, length: number) => (block: Buffer) => {
  block.fill(0xff, at, at + length);
};

for (const form of FORMS) {
  const { at, below, raw } = form;
  const VICTIM = `${at}v`;
  hostile(
    `kinds that are refused ${form.name}`,
    [
      [
        'a sparse file of fewer bytes than its map says',
        below({ name: 'a', pax: { 'GNU.sparse.map': '0,1', 'GNU.sparse.size': '1' } }),
        bad(/sparse/, `${at}a`),
      ],
      [
        'a sparse file whose real name leads elsewhere',
        raw({ name: 'a', pax: { 'GNU.sparse.size': '0', 'GNU.sparse.map': '', 'GNU.sparse.name': '../../x' } }),
        bad(/leaves the root/),
      ],
      ...[...'DV'].map(
        (flag): HostileCase => [
          `type "${flag}" of GNU tar's own archives`,
          below({ name: 'a', flag }),
          bad(/part of no image/, `${at}a`),
        ],
      ),
      ...[...'sAMNX89'].map(
        (flag): HostileCase => [
          `the unknown type "${flag}" (tar has none for sockets)`,
          below({ name: 'a', flag }),
          bad(/unknown entry type/, `${at}a`),
        ],
      ),
      [
        'a device of a number that no kernel has',
        below({ name: 'c', flag: '3', devMajor: 2 ** 40 }),
        bad(/device number/, `${at}c`),
      ],
    ],
    { form },
  );

  hostile(
    `headers that are refused ${form.name}`,
    [
      [
        'a bad checksum',
        below({ name: 'a' }, { name: 'v', spoil: (block) => block.write('w', 7) }),
        bad(/checksum/, `${at}a`),
      ],
      ['a negative size', below({ name: 'v', patch: negative(124, 12) }), bad(/negative size/, VICTIM)],
      ['a size over 2^53', below({ name: 'v', size: 2 ** 53 }), bad(/larger than 2\^53/, VICTIM)],
      ['a size over what 48 bits hold', below({ name: 'v', size: 2 ** 50 }), limited(/--max-bytes/, VICTIM)],
      [
        'a size over the limit, refused before any of it is read',
        below({ name: 'v', size: 2 ** 37 }),
        limited(/--max-bytes/, VICTIM),
      ],
      [
        'content of a directory, which is read as a header',
        below({ name: 'v', flag: '5', content: 'x' }),
        bad(/checksum/, VICTIM),
      ],
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
      [
        'a time before all that doubles can tell apart',
        below({ name: 'v', pax: { mtime: `-${2 ** 53}` } }),
        bad(/not a time/),
      ],
      ['a pax mtime that is no number', below({ name: 'v', pax: { mtime: 'NaN' } }), bad(/not a time/)],
      ['a pax uid that is no number', below({ name: 'v', pax: { uid: 'root' } }), bad(/"uid" is not a number/)],
      ['a cut inside a header', below({ name: 'a' }, { name: 'v' }).subarray(0, -1200), bad(/cut off/, `${at}a`)],
      [
        'a cut inside a body',
        below({ name: 'v', content: 'x'.repeat(2000) }).subarray(0, -2000),
        bad(/cut off inside/, VICTIM),
      ],
      ['an extended header before the end', then(raw(), paxHeader({ path: VICTIM }), END), bad(/without an entry/)],
      [
        'an extended attribute over 64 KiB',
        below({ name: 'v', pax: { 'SCHILY.xattr.user.x': Buffer.alloc(65_537) } }),
        bad(/extended attribute over/),
      ],
    ],
    { form },
  );
}

hostile(
  'ends that are missing or not the end where nothing else tells the end',
  [
    ['a cut inside the padding', below({ name: 'v', content: 'x' }).subarray(0, -1124), bad(/cut off/, 'rootfs/v')],
    [
      'an entry after the end marker',
      Buffer.concat([below({ name: 'a' }), tar([{ name: 'rootfs/v' }])]),
      bad(/after the end marker/),
    ],
    [
      'trailing garbage',
      Buffer.concat([below({ name: 'a' }), padded(Buffer.from('garbage'))]),
      bad(/after the end marker/),
    ],
    ['a cut between two entries', below({ name: 'v' }).subarray(0, -1024), bad(/no end marker/)],
    ['half an end marker', below({ name: 'v' }).subarray(0, -512), bad(/no end marker/)],
  ],
  { form: ACI },
);

hostile(
  'ends that are missing or not the end where a digest tells the end',
  [
    ['a cut between two entries', tar([{ name: 'v' }], Buffer.alloc(0)), { tree: { v: 'file ' } }],
    ['half an end marker', tar([{ name: 'v' }], Buffer.alloc(512)), { tree: { v: 'file ' } }],
    ['a cut inside the padding', tar([{ name: 'v', content: 'x' }]).subarray(0, -1124), { tree: { v: 'file x' } }],
    [
      'entries after the end marker, which are never read',
      Buffer.concat([tar([{ name: 'v' }]), tar([{ name: '../evil' }, { name: 'w', flag: '2', link: '/etc' }])]),
      { tree: { v: 'file ' } },
    ],
    ['trailing garbage', Buffer.concat([tar([{ name: 'v' }]), Buffer.from('garbage')]), { tree: { v: 'file ' } }],
    [
      'zeros that fill no block, and then one that is none',
      Buffer.concat([tar([{ name: 'v' }], Buffer.alloc(600)), Buffer.from('x')]),
      bad(/cut off/),
    ],
  ],
  { form: OCI },
);
