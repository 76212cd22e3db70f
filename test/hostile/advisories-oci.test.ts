/**
 * The tricks of known advisories as layers of OCI images. Unlike in ACIs, duplicates are allowed and the last entry
 * wins, and an entry below a symlink goes where the symlink leads inside the root. `advisories.test.ts` explains each
 * trick.
 */
import { END, type EntrySpec, tar } from '../fixtures/archive.js';
import { bad, badLink, type HostileCase, hostile, OCI, type Place } from '../fixtures/hostile.js';

const EVIL = 'evil';
const secret = ({ outside }: Place): string => `${outside}/secret`;
const one = (...entries: EntrySpec[]): Buffer => tar(entries);
const layers = (...each: EntrySpec[][]): Buffer[] => each.map((entries) => tar(entries));

/** The file lands below the root, not in the directory around the store to which the link points. */
function insideOnly({ outside }: Place, more: Record<string, string> = {}): Record<string, string> {
  const parts = `${outside.slice(1)}/secret`.split('/');
  const tree = parts.map((_part, i) => [parts.slice(0, i + 1).join('/'), i === parts.length - 1 ? 'file evil' : 'dir']);
  return { ...Object.fromEntries(tree), ...more };
}

/** Directories with the longest names, each with a one-letter link to it: short paths resolve to ones over PATH_MAX. */
function overlong(): Buffer {
  const long = 'd'.repeat(247);
  const letters = [...'abcdefghijklmnop'];
  const steps = letters.flatMap((letter, i): EntrySpec[] => {
    const at = letters
      .slice(0, i)
      .map((each) => `${each}/`)
      .join('');
    return [
      { name: 'x', flag: '5', pax: { path: `${at}${long}` } },
      { name: 'x', flag: '2', pax: { path: `${at}${letter}`, linkpath: long } },
    ];
  });
  const path = letters.join('/');
  return one(
    ...steps,
    { name: 'x', flag: '2', pax: { path: `${path}/${'l'.repeat(254)}`, linkpath: '../'.repeat(letters.length) } },
    { name: 'x', flag: '2', pax: { path: 'escape', linkpath: `${path}/${'l'.repeat(254)}/../../outside` } },
    { name: 'flaw', flag: '1', link: 'escape/secret' },
    { name: 'flaw', content: EVIL },
  );
}

/** An archive inside an archive: a reader that loses its position takes the content for a header. */
const INNER = tar([{ name: 'smuggled', content: EVIL }]).subarray(0, -END.length);

const CASES: readonly HostileCase[] = [
  [
    'CVE-2014-9357 (Docker), a link of one layer that the next writes through',
    ({ outside }) => layers([{ name: 'l', flag: '2', link: outside }], [{ name: 'l/secret', content: EVIL }]),
    { tree: (place) => insideOnly(place, { l: `link ${place.outside}` }) },
  ],
  [
    'CVE-2016-6321 (GNU tar), inside the root',
    one({ name: 'a/../etc/shadow', content: EVIL }),
    { tree: { etc: 'dir', 'etc/shadow': 'file evil' } },
  ],
  [
    'CVE-2016-6321 (GNU tar), out of the root',
    one({ name: 'a/../../etc/shadow', content: EVIL }),
    bad(/leaves the root/, 'a/../../etc/shadow'),
  ],
  [
    'CVE-2018-20834 (node-tar)',
    (place) => one({ name: 'x', flag: '1', link: secret(place) }, { name: 'x', content: EVIL }),
    badLink(/not there|no earlier entry/, 'x'),
  ],
  [
    'CVE-2018-20834 (node-tar), a link to a file of the tree',
    one({ name: 'a', content: 'good' }, { name: 'x', flag: '1', link: 'a' }, { name: 'x', content: EVIL }),
    { tree: { a: 'file good', x: 'file evil' } },
  ],
  [
    'CVE-2018-20835 (tar-fs)',
    one({ name: 'x', flag: '1', link: '../outside/secret' }, { name: 'x', content: EVIL }),
    bad(/through "\.\."/, 'x'),
  ],
  [
    'CVE-2021-29136 (umoci), "/"',
    ({ outside }) => one({ name: '/', flag: '2', link: outside }, { name: 'secret', content: EVIL }),
    bad(/only a directory/, '/'),
  ],
  [
    'CVE-2021-29136 (umoci), "." of the second layer',
    ({ outside }) =>
      layers(
        [{ name: 'a' }],
        [
          { name: '.', flag: '2', link: outside },
          { name: 'secret', content: EVIL },
        ],
      ),
    bad(/only a directory/, '.'),
  ],
  [
    'CVE-2021-32803 (node-tar)',
    ({ outside }) =>
      one({ name: 'd', flag: '5' }, { name: 'd', flag: '2', link: outside }, { name: 'd/secret', content: EVIL }),
    { tree: (place) => insideOnly(place, { d: `link ${place.outside}` }) },
  ],
  [
    'CVE-2021-32804 (node-tar)',
    (place) => one({ name: 'x', pax: { path: `///${secret(place)}` }, content: EVIL }),
    { tree: (place) => insideOnly(place) },
  ],
  [
    'CVE-2021-37701 (node-tar), backslashes',
    ({ outside }) =>
      one(
        { name: 'a/b', flag: '5' },
        { name: 'a\\b', flag: '2', link: outside },
        { name: 'a/b/secret', content: EVIL },
        { name: 'a\\b/secret', content: EVIL },
      ),
    {
      tree: (place) =>
        insideOnly(place, { a: 'dir', 'a/b': 'dir', 'a/b/secret': 'file evil', 'a\\b': `link ${place.outside}` }),
    },
  ],
  [
    'CVE-2021-37701 (node-tar), slashes',
    ({ outside }) =>
      one({ name: 'd', flag: '5' }, { name: 'd//', flag: '2', link: outside }, { name: 'd/secret', content: EVIL }),
    { tree: (place) => insideOnly(place, { d: `link ${place.outside}` }) },
  ],
  [
    'CVE-2021-37712 (node-tar)',
    ({ outside }) =>
      one(
        { name: 'caf\u00e9', flag: '5' },
        { name: 'cafe\u0301', flag: '2', link: outside },
        { name: 'caf\u00e9/secret', content: EVIL },
      ),
    {
      tree: ({ outside }) => ({
        'caf\xc3\xa9': 'dir',
        'caf\xc3\xa9/secret': 'file evil',
        'cafe\xcc\x81': `link ${outside}`,
      }),
    },
  ],
  [
    'CVE-2024-12905 (tar-fs), a file through a symlink',
    ({ outside }) => one({ name: 'l', flag: '2', link: outside }, { name: 'l/secret', content: EVIL }),
    { tree: (place) => insideOnly(place, { l: `link ${place.outside}` }) },
  ],
  [
    'CVE-2024-12905 (tar-fs), a hard link through a symlink',
    ({ outside }) =>
      one(
        { name: 'l', flag: '2', link: outside },
        { name: 'h', flag: '1', link: 'l/secret' },
        { name: 'h', content: EVIL },
      ),
    badLink(/not there at that point/, 'h'),
  ],
  ['CVE-2025-4517 (CPython)', overlong(), bad(/too deep to name/)],
  [
    'CVE-2025-48387 (tar-fs)',
    one(
      { name: 'a/up', flag: '2', link: '..' },
      { name: 'a/up/up2', flag: '2', link: '../../../../outside' },
      { name: 'a/up/up2/secret', content: EVIL },
    ),
    {
      tree: {
        a: 'dir',
        'a/up': 'link ..',
        up2: 'link ../../../../outside',
        outside: 'dir',
        'outside/secret': 'file evil',
      },
    },
  ],
  [
    'CVE-2025-59343 (tar-fs)',
    ({ store }) => one({ name: 'l', flag: '2', link: `${store}-sibling` }, { name: 'l/secret', content: EVIL }),
    {
      tree: ({ dir, store }) => insideOnly({ dir, store, outside: `${store}-sibling` }, { l: `link ${store}-sibling` }),
    },
  ],
  [
    'CVE-2025-62518 (astral-tokio-tar), pax size above',
    one({ name: 'a', size: 0, content: INNER, pax: { size: `${INNER.length}` } }),
    bad(/pax header says 1024 bytes, the entry's own header 0/, 'a'),
  ],
  [
    'CVE-2025-62518 (astral-tokio-tar), pax size below',
    one({ name: 'a', content: INNER, pax: { size: '0' } }),
    bad(/pax header says 0 bytes, the entry's own header 1024/, 'a'),
  ],
  [
    'CVE-2025-62518 (astral-tokio-tar), where both agree',
    one({ name: 'a', content: INNER, pax: { size: `${INNER.length}` } }),
    { tree: { a: `file ${INNER.toString('latin1')}` } },
  ],
  [
    'CVE-2026-23745 (node-tar), a hard link',
    (place) => one({ name: 'h', flag: '1', link: secret(place) }, { name: 'other', content: EVIL }),
    badLink(/not there|no earlier entry/, 'h'),
  ],
  [
    'CVE-2026-23745 (node-tar), a symlink',
    (place) => one({ name: 's', flag: '2', link: secret(place), mode: 0o777, mtime: 1 }),
    { tree: (place) => ({ s: `link ${secret(place)}` }) },
  ],
  [
    'CVE-2026-24842 (node-tar)',
    one({ name: 'a/b/c/d/x', flag: '1', link: '../../../../outside/secret' }),
    bad(/through "\.\."/, 'a/b/c/d/x'),
  ],
  [
    'CVE-2026-26960 (node-tar)',
    one(
      { name: 'a/b/c/up', flag: '2', link: '../..' },
      { name: 'a/b/escape', flag: '2', link: 'c/up/../..' },
      { name: 'exfil', flag: '1', link: 'a/b/escape/outside/secret' },
    ),
    badLink(/not there at that point/, 'exfil'),
  ],
];

hostile('the trick of', CASES, { form: OCI });
