/**
 * Makes archives of hostile entries in any order and dialect: names and links that lead out, whiteouts, changing types.
 */
import fc from 'fast-check';
import type { ImageFormat } from '../../workers/tasks/import.js';
import { END, type EntrySpec, entry, gnuLong, manifest } from '../fixtures/archive.js';

export interface Structured {
  bytes: Buffer;
  format: ImageFormat;
}

/** Few names, so that entries collide. Most are harmless, so that the first entry does not get the archive refused. */
const PLAIN = ['a', 'b', 'c', 'd', 'l', 'm'];
const ODD = [
  '..',
  '.',
  '',
  '.wh.a',
  '.wh.l',
  '.wh..wh..opq',
  '.wh..wh.plnk',
  '.wh.',
  '.wh..',
  '.wh...',
  'a\\..\\b',
  '\xff\xfe',
  '\xc3\xa9',
  'e\xcc\x81',
  '\x1b[2J',
  '-rf',
  ' ',
  'rootfs',
  'manifest',
  'x'.repeat(255),
  'x'.repeat(256),
];

const component = fc.oneof(
  { weight: 24, arbitrary: fc.constantFrom(...PLAIN) },
  { weight: 1, arbitrary: fc.constantFrom(...ODD) },
);
const markers = fc.constantFrom('.wh.a', '.wh.b', '.wh.l', '.wh..wh..opq');
const name = fc
  .tuple(
    fc.constantFrom('', '', '', '', '', '', './', '/', '////'),
    fc.array(component, { minLength: 1, maxLength: 4 }),
    fc.option(markers, { freq: 8, nil: undefined }),
    fc.constantFrom('', '', '', '', '/'),
  )
  .map(
    ([before, parts, marker, after]) =>
      `${before}${[...parts, ...(marker === undefined ? [] : [marker])].join('/')}${after}`,
  );

/** @param outside a path that no link may reach */
const target = (outside: string): fc.Arbitrary<string> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .array(fc.oneof(component, fc.constant('..')), { minLength: 1, maxLength: 5 })
        .map((parts) => parts.join('/')),
    },
    { weight: 2, arbitrary: name.map((each) => `/${each}`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        outside,
        `${outside}/secret`,
        '/',
        '.',
        '..',
        '../../../..',
        `../../../..${outside}`,
        '',
      ),
    },
  );

/** Type flags with their weights. Files and links of both kinds are the most frequent. */
const FLAGS = [...'0000000111112222222555534667'];

interface Choice {
  name: string;
  flag: string;
  target: string;
  /** A hard link's target is mostly an earlier entry. */
  earlier: number;
  honest: boolean;
  content: number;
  mode: number;
  dialect: 'ustar' | 'gnu' | 'v7' | 'pax' | 'gnu-long';
  xattr: string | undefined;
}

const choice = (outside: string): fc.Arbitrary<Choice> =>
  fc.record({
    name,
    flag: fc.constantFrom(...FLAGS),
    target: target(outside),
    earlier: fc.nat(20),
    honest: fc.integer({ min: 0, max: 9 }).map((die) => die > 0),
    content: fc.constantFrom(0, 0, 1, 511, 512, 513, 2000),
    mode: fc.constantFrom(0o644, 0o755, 0o4755, 0o7777, 0),
    dialect: fc.constantFrom('ustar', 'gnu', 'v7', 'pax', 'gnu-long'),
    xattr: fc.option(
      fc.constantFrom('user.a', 'user.overlay.opaque', 'trusted.overlay.redirect', 'security.capability'),
      {
        freq: 12,
        nil: undefined,
      },
    ),
  });

/** An ACI, or a layer of an OCI image. */
export function structuredArchive(outside: string): fc.Arbitrary<Structured> {
  return fc
    .tuple(fc.constantFrom<ImageFormat>('aci', 'oci'), fc.array(choice(outside), { maxLength: 14 }), fc.nat(1000))
    .map(([format, choices, seed]) => ({ format, bytes: spell(format, choices, seed) }));
}

function spell(format: ImageFormat, choices: readonly Choice[], seed: number): Buffer {
  const at = format === 'aci' ? 'rootfs/' : '';
  const first =
    format === 'aci' ? [entry({ name: 'manifest', content: manifest({ name: `example.com/fuzz${seed}` }) })] : [];
  const linkable: string[] = [];
  const entries = choices.map((each) => {
    const { name: below, flag, honest, earlier } = each;
    const full = at + below;
    const link =
      flag === '1' && honest && linkable.length > 0
        ? (linkable[earlier % linkable.length] as string)
        : `${flag === '1' ? at : ''}${each.target}`;
    if (flag !== '5' && !full.includes('.wh.')) linkable.push(full.replace(/^[./]*\//, ''));
    return spellEntry(each, full, flag === '1' || flag === '2' ? link : '');
  });
  return Buffer.concat([...first, ...entries, END]);
}

function spellEntry({ flag, content, mode, dialect, xattr }: Choice, full: string, link: string): Buffer {
  const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
  const isFile = flag === '0' || flag === '7';
  const spec: EntrySpec = {
    name: bytes(full),
    flag,
    link: bytes(link),
    mode,
    mtime: 1_700_000_000 + content,
    content: isFile ? 'x'.repeat(content) : '',
    ...(flag === '3' || flag === '4' ? { devMajor: 1, devMinor: 3 } : {}),
  };
  if (dialect === 'gnu-long') {
    return Buffer.concat([gnuLong('K', bytes(link)), gnuLong('L', bytes(full)), entry({ ...spec, dialect: 'gnu' })]);
  }
  const long = full.length > 100 || link.length > 100;
  if (dialect === 'pax' || long || xattr !== undefined) {
    const pax: Record<string, Buffer> = {
      path: bytes(full),
      linkpath: bytes(link),
      mtime: bytes('1700000000.123456789'),
    };
    if (xattr !== undefined) pax[`SCHILY.xattr.${xattr}`] = bytes('\0y\xff');
    return entry({ ...spec, pax });
  }
  return entry({ ...spec, dialect });
}
