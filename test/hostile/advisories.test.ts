/** The tricks of known advisories against readers of tar archives, one test each, as ACIs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { aci, END, type EntrySpec, tar } from '../fixtures/archive.js';
import { cairn } from '../fixtures/cli.js';
import {
  bad,
  badLink,
  below,
  canaries,
  type HostileCase,
  hostile,
  makePlace,
  OCI,
  type Place,
  raw,
} from '../fixtures/hostile.js';

const EVIL = 'evil';
const secret = ({ outside }: Place): string => `${outside}/secret`;

/** Directories with the longest names, each with a one-letter link to it: short paths resolve to ones over PATH_MAX. */
function overlong(): HostileCase {
  const long = 'd'.repeat(247);
  const letters = [...'abcdefghijklmnop'];
  const steps = letters.flatMap((letter, i) => {
    const at = letters
      .slice(0, i)
      .map((each) => `${each}/`)
      .join('');
    return [
      { name: 'x', flag: '5', pax: { path: `rootfs/${at}${long}` } },
      { name: `rootfs/${at}${letter}`, flag: '2', link: long },
    ];
  });
  const path = letters.join('/');
  const archive = raw(
    ...steps,
    { name: `rootfs/${path}/${'l'.repeat(60)}`, flag: '2', link: '../'.repeat(letters.length) },
    { name: 'rootfs/escape', flag: '2', link: `${path}/${'l'.repeat(60)}/../../outside` },
    { name: 'rootfs/flaw', flag: '1', link: 'rootfs/escape/secret' },
    { name: 'rootfs/flaw', content: EVIL },
  );
  return ['CVE-2025-4517 (CPython)', archive, badLink(/no earlier entry/, 'rootfs/flaw')];
}

/** An archive inside an archive: a reader that loses its position takes the content for a header. */
const INNER = tar([{ name: 'rootfs/smuggled', content: EVIL }]).subarray(0, -END.length);

const CASES: readonly HostileCase[] = [
  // GNU tar cut a name after its last "..", so "a/../etc/shadow" became a file that the caller never asked for.
  [
    'CVE-2016-6321 (GNU tar), inside the root',
    below({ name: 'a/../etc/shadow', content: EVIL }),
    { tree: { etc: 'dir', 'etc/shadow': 'file evil' } },
  ],
  [
    'CVE-2016-6321 (GNU tar), out of the root',
    below({ name: 'a/../../../etc/shadow', content: EVIL }),
    bad(/leaves the root/, 'rootfs/a/../../../etc/shadow'),
  ],
  // node-tar made a hard link to a file of the system, then wrote to the shared inode through the link's name.
  [
    'CVE-2018-20834 (node-tar)',
    (place) => raw({ name: 'rootfs/x', flag: '1', link: secret(place) }, { name: 'rootfs/x', content: EVIL }),
    badLink(/not there|no earlier entry/, 'rootfs/x'),
  ],
  // tar-fs did the same for a target with "..".
  [
    'CVE-2018-20835 (tar-fs)',
    below({ name: 'x', flag: '1', link: '../../../../outside/secret' }, { name: 'x', content: EVIL }),
    bad(/through "\.\."/, 'rootfs/x'),
  ],
  // umoci let a layer replace the root directory with a symlink, and unpacked the rest through it.
  [
    'CVE-2021-29136 (umoci), "rootfs"',
    ({ outside }) => raw({ name: 'rootfs', flag: '2', link: outside }, { name: 'rootfs/secret', content: EVIL }),
    bad(/only a directory/, 'rootfs'),
  ],
  [
    'CVE-2021-29136 (umoci), "rootfs/."',
    ({ outside }) => below({ name: '.', flag: '2', link: outside }, { name: 'secret', content: EVIL }),
    bad(/only a directory/, 'rootfs/.'),
  ],
  // node-tar remembered that "d" was a directory after a symlink had replaced it.
  [
    'CVE-2021-32803 (node-tar)',
    ({ outside }) =>
      below({ name: 'd', flag: '5' }, { name: 'd', flag: '2', link: outside }, { name: 'd/secret', content: EVIL }),
    bad(/duplicate/, 'rootfs/d'),
  ],
  // node-tar stripped one root of absolute names; "////etc/passwd" stayed absolute.
  [
    'CVE-2021-32804 (node-tar), below the root',
    raw({ name: '////rootfs/secret', content: EVIL }),
    { tree: { secret: 'file evil' } },
  ],
  [
    'CVE-2021-32804 (node-tar), elsewhere',
    (place) => raw({ name: `///${secret(place)}`.slice(0, 100), content: EVIL }),
    bad(/at the top of an ACI/),
  ],
  // Backslashes, which are letters here, and trailing slashes fooled node-tar's cache of directories.
  [
    'CVE-2021-37701 (node-tar), backslashes',
    ({ outside }) =>
      below(
        { name: 'a/b', flag: '5' },
        { name: 'a\\b', flag: '2', link: outside },
        { name: 'a/b/secret', content: EVIL },
        { name: 'a\\b/secret', content: EVIL },
      ),
    { tree: { a: 'dir', 'a/b': 'dir', 'a/b/secret': 'file evil', 'a\\b': 'dir', 'a\\b/secret': 'file evil' } },
  ],
  [
    'CVE-2021-37701 (node-tar), slashes',
    ({ outside }) => below({ name: 'd', flag: '5' }, { name: 'd//', flag: '2', link: outside }, { name: 'd/secret' }),
    bad(/duplicate/, 'rootfs/d//'),
  ],
  // So did two Unicode spellings of one name, which are one file on some file systems and two here.
  [
    'CVE-2021-37712 (node-tar)',
    ({ outside }) =>
      below(
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
  // tar-fs checked neither the target of a symlink nor that of a hard link through the symlink.
  [
    'CVE-2024-12905 (tar-fs), a file through a symlink',
    ({ outside }) => below({ name: 'l', flag: '2', link: outside }, { name: 'l/secret', content: EVIL }),
    { tree: { l: 'dir', 'l/secret': 'file evil' } },
  ],
  [
    'CVE-2024-12905 (tar-fs), a hard link through a symlink',
    ({ outside }) =>
      below(
        { name: 'l', flag: '2', link: outside },
        { name: 'h', flag: '1', link: 'l/secret' },
        { name: 'h', content: EVIL },
      ),
    badLink(/no earlier entry/, 'rootfs/h'),
  ],
  // CPython's realpath gave up past PATH_MAX and took the rest of the path for harmless.
  overlong(),
  // tar-fs resolved a symlink's parents by name; a second link below the first one led out.
  [
    'CVE-2025-48387 (tar-fs)',
    below(
      { name: 'a/up', flag: '2', link: '..' },
      { name: 'a/up/up2', flag: '2', link: '../../../../outside' },
      { name: 'a/up/up2/secret', content: EVIL },
    ),
    { tree: { a: 'dir', 'a/up': 'dir', 'a/up/up2': 'dir', 'a/up/up2/secret': 'file evil' } },
  ],
  // tar-fs asked whether a target begins with the destination's path, as those of its siblings do, too.
  [
    'CVE-2025-59343 (tar-fs)',
    ({ store }) => below({ name: 'l', flag: '2', link: `${store}-sibling` }, { name: 'l/secret', content: EVIL }),
    { tree: { l: 'dir', 'l/secret': 'file evil' } },
  ],
  // astral-tokio-tar passed over content by the size of the pax header and went on by that of the ustar header.
  [
    'CVE-2025-62518 (astral-tokio-tar), pax size above',
    raw({ name: 'rootfs/a', size: 0, content: INNER, pax: { size: `${INNER.length}` } }),
    bad(/pax header says 1024 bytes, the entry's own header 0/, 'rootfs/a'),
  ],
  [
    'CVE-2025-62518 (astral-tokio-tar), pax size below',
    raw({ name: 'rootfs/a', content: INNER, pax: { size: '0' } }),
    bad(/pax header says 0 bytes, the entry's own header 1024/, 'rootfs/a'),
  ],
  [
    'CVE-2025-62518 (astral-tokio-tar), where both agree',
    below({ name: 'a', content: INNER, pax: { size: `${INNER.length}` } }),
    { tree: { a: `file ${INNER.toString('latin1')}` } },
  ],
  // node-tar resolved link targets against its root, which an absolute target overrides.
  [
    'CVE-2026-23745 (node-tar), a hard link',
    (place) => raw({ name: 'rootfs/h', flag: '1', link: secret(place) }, { name: 'rootfs/other', content: EVIL }),
    badLink(/not there|no earlier entry/, 'rootfs/h'),
  ],
  [
    'CVE-2026-23745 (node-tar), a symlink',
    (place) => below({ name: 's', flag: '2', link: secret(place), mode: 0o777, mtime: 1 }),
    { tree: (place) => ({ s: `link ${secret(place)}` }) },
  ],
  // node-tar checked a hard link's target from the directory of the link, but made it from the root.
  [
    'CVE-2026-24842 (node-tar)',
    raw({ name: 'rootfs/a/b/c/d/x', flag: '1', link: '../../../../outside/secret' }),
    bad(/through "\.\."/, 'rootfs/a/b/c/d/x'),
  ],
  // node-tar checked names, not where they lead: a hard link through two symlinks reached above the root.
  [
    'CVE-2026-26960 (node-tar)',
    below(
      { name: 'a/b/c/up', flag: '2', link: '../..' },
      { name: 'a/b/escape', flag: '2', link: 'c/up/../..' },
      { name: 'exfil', flag: '1', link: 'a/b/escape/outside/secret' },
    ),
    badLink(/no earlier entry/, 'rootfs/exfil'),
  ],
];

hostile('the trick of', CASES);

// containerd's directories let other users of the machine reach the setuid programs of images.
test('CVE-2021-41103 (containerd): others cannot reach setuid programs', {
  skip: process.getuid?.() === 0 ? false : 'needs root to become someone else',
}, async (t) => {
  const place = makePlace(t);
  fs.chmodSync(place.dir, 0o755);
  const program: EntrySpec = { name: 'su', mode: 0o4755, content: '#!/bin/sh\n' };
  const open: EntrySpec = { name: './', flag: '5', mode: 0o777 };
  const sources = [
    join(place.dir, 'archives', 'a.aci'),
    OCI.write(join(place.dir, 'archives'), 'layout', tar([open, program])),
  ];
  fs.writeFileSync(sources[0] as string, aci({ name: 'example.com/su' }, [program]));
  assert.equal((await cairn(['import', ...sources], place)).code, 0);
  const rendered = await cairn(['render', '--json', 'example.com/su', 'hostilelayout'], place);
  const trees = rendered.json<never>() as { path: string }[];
  assert.equal(trees.length, 2);
  for (const { path } of trees) {
    assert.equal(fs.statSync(join(path, 'su')).mode & 0o7777, 0o4755);
    const read = 'process.exit(require("node:fs").existsSync(process.argv[1]) ? 1 : 0)';
    const other = spawnSync(process.execPath, ['-e', read, join(path, 'su')], { uid: 65_534, gid: 65_534, cwd: '/' });
    assert.equal(other.status, 0, `${other.stderr}`);
  }
});

// Docker unpacked xz with the program `xz`, run inside the root of the image, which had a program of that name.
test('CVE-2014-9357 (Docker): no program that an image brings is run to unpack another', {
  skip: spawnSync('xz', ['--version']).error === undefined ? false : 'no program xz here to make one',
}, async (t) => {
  const place = makePlace(t);
  const before = canaries(place);
  const content = `#!/bin/sh\necho evil > ${place.outside}/secret\n`;
  const programs = ['xz', 'unxz', 'lzma', 'gzip', 'tar', 'zstd', 'bzip2', 'unpigz'].map(
    (name): EntrySpec => ({ name: `usr/bin/${name}`, mode: 0o755, content }),
  );
  const planted = join(place.dir, 'archives', 'planted.aci');
  fs.writeFileSync(planted, aci({ name: 'example.com/planted' }, programs));
  const rendered = await cairn(['render', '--json', planted], place);
  const [{ path }] = rendered.json<never>() as [{ path: string }];
  const packed = join(place.dir, 'archives', 'packed.aci.xz');
  const input = aci({ name: 'example.com/packed', dependencies: [{ imageName: 'example.com/planted' }] }, programs);
  fs.writeFileSync(packed, spawnSync('xz', ['-c'], { input }).stdout);
  const env = { PATH: `${join(path, 'usr', 'bin')}:.:${process.env['PATH']}` };
  for (const cwd of [path, join(path, 'usr', 'bin')]) {
    const ran = await cairn(['render', packed], { store: place.store, env, cwd });
    assert.equal(ran.code, 0, ran.stderr);
  }
  assert.deepEqual(canaries(place), before);
});
