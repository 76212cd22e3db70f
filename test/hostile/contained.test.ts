/**
 * How hostile archives are contained: plans over several layers, identities, escaped output, refusals without a trace.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { aci, type EntrySpec, tar } from '../fixtures/archive.js';
import { cairn } from '../fixtures/cli.js';
import {
  assertNothingStaged,
  below,
  canaries,
  deviceOf,
  FORMS,
  type HostileCase,
  hostile,
  makePlace,
  type Place,
  raw,
  treeOn,
} from '../fixtures/hostile.js';

const isRoot = process.getuid?.() === 0;

function put(place: Place, name: string, archive: Buffer): string {
  const source = join(place.dir, 'archives', name);
  fs.writeFileSync(source, archive);
  return source;
}

const LAYERS: readonly [
  behaviour: string,
  lower: (place: Place) => EntrySpec[],
  upper: EntrySpec[],
  tree: Record<string, string>,
][] = [
  [
    'a link in one layer, a file below it in the next',
    ({ outside }) => [{ name: 'l', flag: '2', link: outside }],
    [{ name: 'l/secret', content: 'evil' }],
    { l: 'dir', 'l/secret': 'file evil' },
  ],
  [
    'a link to the root in one layer, a whole tree below it in the next',
    () => [{ name: 'l', flag: '2', link: '/' }],
    [
      { name: 'l/etc', flag: '5' },
      { name: 'l/etc/passwd', content: 'evil' },
      { name: 'l/etc/link', flag: '1', link: 'l/etc/passwd' },
    ],
    { l: 'dir', 'l/etc': 'dir', 'l/etc/passwd': 'file evil', 'l/etc/link': 'file evil' },
  ],
  [
    'a directory with files in one layer, a link of its name in the next',
    () => [{ name: 'd/a', content: 'x' }],
    [{ name: 'd', flag: '2', link: '../../outside' }],
    { d: 'link ../../outside' },
  ],
  [
    'a hard link to a symlink in one layer, a file below either name in the next',
    ({ outside }) => [
      { name: 's', flag: '2', link: outside },
      { name: 'h', flag: '1', link: 's' },
    ],
    [{ name: 'h/secret', content: 'evil' }],
    { s: 'link OUTSIDE', h: 'dir', 'h/secret': 'file evil' },
  ],
  [
    'linked files in one layer, one of them replaced in the next, never written through',
    () => [
      { name: 'a', content: 'old' },
      { name: 'b', flag: '1', link: 'a' },
    ],
    [{ name: 'b', content: 'new' }],
    { a: 'file old', b: 'file new' },
  ],
];

test('two layers cannot do together what one cannot', async (t) => {
  const place = makePlace(t);
  const { store, outside } = place;
  const before = canaries(place);
  const sources = LAYERS.flatMap(([, lower, upper], i) => {
    const imageName = `example.com/lower${i}`;
    return [
      put(place, `lower${i}.aci`, aci({ name: imageName }, lower(place))),
      put(place, `upper${i}.aci`, aci({ name: `example.com/upper${i}`, dependencies: [{ imageName }] }, upper)),
    ];
  });
  const imported = await cairn(['import', ...sources], { store });
  assert.equal(imported.code, 0, imported.stderr);
  const rendered = await cairn(['render', '--json', ...LAYERS.map((_, i) => `example.com/upper${i}`)], { store });
  assert.equal(rendered.code, 0, rendered.stderr);
  const trees = rendered.json<never>() as { path: string }[];
  for (const [i, [behaviour, , , tree]] of LAYERS.entries()) {
    await t.test(behaviour, () => {
      const expected = Object.entries(tree).map(([path, what]) => [path, what.replace('OUTSIDE', outside)]);
      assert.deepEqual(treeOn(trees[i]?.path as string), Object.fromEntries(expected));
    });
  }
  assert.equal((await cairn(['check'], { store })).code, 0);
  assert.deepEqual(canaries(place), before);
});

const SPECIALS: readonly EntrySpec[] = [
  { name: 'c', flag: '3', devMajor: 1, devMinor: 3, mode: 0o666 },
  { name: 'b', flag: '4', devMajor: 259, devMinor: 70_000 },
  { name: 'f', flag: '6' },
];

if (isRoot) {
  for (const form of FORMS) {
    const numbers = { c: `char ${deviceOf(1, 3)}`, b: `block ${deviceOf(259, 70_000)}`, f: 'fifo' };
    const made: HostileCase = ['devices and a fifo', form.below(...SPECIALS), { tree: numbers }];
    hostile(`as root, special files are made as they are ${form.name}`, [made], { form });
  }
} else test('as root, special files are made as they are', { skip: 'needs root' }, () => {});

test('without root, devices and foreign owners are left out, said, and no damage', {
  skip: isRoot ? false : 'needs root to become someone else',
}, async (t) => {
  const place = makePlace(t);
  const before = canaries(place);
  const uid = 65_534;
  fs.mkdirSync(place.store);
  fs.chownSync(place.store, uid, uid);
  for (const each of [place.dir, join(place.dir, 'archives')]) fs.chmodSync(each, 0o755);
  const source = put(place, 'a.aci', below(...SPECIALS, { name: 'setuid', mode: 0o4755, content: 'x' }));
  const options = { store: place.store, uid };
  const imported = await cairn(['import', source], options);
  assert.equal(imported.code, 0, imported.stderr);
  const rendered = await cairn(['render', '--json', source], options);
  assert.equal(rendered.code, 0, rendered.stderr);
  const [tree] = rendered.json<never>() as {
    path: string;
    skipped: Record<string, { count: number; paths: string[] }>;
  }[];
  assert.deepEqual(treeOn(tree?.path as string), { f: 'fifo', setuid: 'file x' });
  assert.deepEqual(tree?.skipped['device']?.paths.sort(), ['b', 'c']);
  assert.equal(
    fs.lstatSync(join(tree?.path as string, 'setuid')).mode & 0o7000,
    0,
    'root’s setuid bit on a file of someone else',
  );
  assert.equal((await cairn(['check'], options)).code, 0);
  delete before[place.dir];
  const after = canaries(place);
  delete after[place.dir];
  assert.deepEqual(after, before);
});

test('attributes that overlayfs reads are never set', async (t) => {
  const pax = { 'SCHILY.xattr.user.overlay.opaque': 'y', 'SCHILY.xattr.trusted.overlay.redirect': '/../..' };
  for (const form of FORMS) {
    await t.test(form.name, async (t) => {
      const place = makePlace(t);
      const archive = form.below({ name: 'd', flag: '5', pax }, { name: 'd/f', pax });
      const source = form.write(join(place.dir, 'archives'), 'a', archive);
      const imported = await cairn(['import', '--json', source], place);
      const [{ key }] = imported.json<never>() as [{ key: string }];
      const rendered = await cairn(['render', '--json', key], place);
      const [tree] = rendered.json<never>() as { skipped: Record<string, { paths: string[] }> }[];
      for (const name of ['xattr user.overlay.opaque', 'xattr trusted.overlay.redirect']) {
        assert.deepEqual(tree?.skipped[name]?.paths.sort(), ['d', 'd/f']);
      }
      assert.equal((await cairn(['check'], place)).code, 0);
    });
  }
});

test("the store's own directories keep others away from setuid files", async (t) => {
  const place = makePlace(t);
  const source = put(place, 'a.aci', below({ name: 'su', mode: 0o4755, content: 'x' }));
  assert.equal((await cairn(['render', source], place)).code, 0);
  for (const name of ['.', 'objects', 'trees', 'staging', 'blobs', 'quarantine', 'index']) {
    assert.equal(fs.statSync(join(place.store, name)).mode & 0o077, 0, name);
  }
});

test('a refusal exits 1, tells the entry once as JSON, and leaves the store as it was', async (t) => {
  const place = makePlace(t);
  const source = put(
    place,
    'a.aci',
    raw({ name: 'rootfs/ok', content: 'x'.repeat(2 ** 21) }, { name: '../\x1b[31mx' }),
  );
  const ran = await cairn(['import', '--json', source], place);
  assert.equal(ran.code, 1);
  assert.equal(`${ran.stdout}`, '');
  const { code, entry, path } = ran.error();
  assert.deepEqual({ code, entry, path }, { code: 'ERR_BAD_ARCHIVE', entry: '../\x1b[31mx', path: source });
  assert.deepEqual((await cairn(['ls', '--json'], place)).json<never>(), []);
  assertNothingStaged(place);
  for (const dir of ['objects', 'trees', 'blobs/sha512']) {
    const left = fs.readdirSync(join(place.store, dir), { recursive: true, withFileTypes: true });
    assert.deepEqual(
      left.filter((each) => !each.isDirectory()).map(({ name }) => name),
      [],
      dir,
    );
  }
});

test('names in messages cannot drive a terminal', async (t) => {
  const place = makePlace(t);
  const names = ['../\x1b[2J\x07\u202e', '../\x9b\r\nx'];
  const sources = names.map((name, i) => put(place, `${i}.aci`, raw({ name })));
  const ran = await cairn(['import', '--keep-going', ...sources], place);
  assert.equal(ran.code, 1);
  assert.match(ran.stderr, /\\x1b\[2J/);
  assert.doesNotMatch(ran.stderr.replaceAll('\n', ''), /[\u0000-\u001f\u007f-\u009f\u202e]/);
  assert.equal(ran.stderr.trim().split('\n').length, names.length);
});

test('a missing end marker is forgiven where the digest was given and fits', async (t) => {
  const place = makePlace(t);
  const source = put(place, 'a.aci', below({ name: 'a' }).subarray(0, -1024));
  assert.equal((await cairn(['import', source], place)).code, 1);
  const wrong = await cairn(['import', '--json', '--expect', `sha512-${'0'.repeat(128)}`, source], place);
  assert.equal(wrong.error().code, 'ERR_DIGEST_MISMATCH');
  const key = wrong.error()['found'] as string;
  assert.equal((await cairn(['import', '--expect', key, source], place)).code, 0);
});

test('a layer by itself needs its end marker, too, unless the digest of its image was given', async (t) => {
  const place = makePlace(t);
  const source = put(place, 'layer.tar', tar([{ name: 'a' }], Buffer.alloc(0)));
  const refused = await cairn(['import', '--json', '--layer', source], place);
  assert.equal(refused.error().code, 'ERR_BAD_ARCHIVE');
  assert.match(refused.error().message, /no end marker/);
  const wrong = await cairn(['import', '--json', '--layer', '--expect', `sha512-${'0'.repeat(128)}`, source], place);
  const key = wrong.error()['found'] as string;
  assert.equal((await cairn(['import', '--layer', '--expect', key, source], place)).code, 0);
});

test('behind a gzip stream zeros are padding, and anything else is refused', async (t) => {
  const place = makePlace(t);
  const packed = gzipSync(below({ name: 'a' }));
  const tails = {
    nuls: Buffer.alloc(3_000_000),
    garbage: Buffer.concat([Buffer.alloc(1), Buffer.alloc(3_000_000, 'x')]),
  };
  const sources = Object.entries(tails).map(([name, tail]) => put(place, `${name}.aci`, Buffer.concat([packed, tail])));
  const ran = await cairn(['import', '--json', '--keep-going', ...sources], place);
  const results = ran.json<never>() as { error?: { code: string } }[];
  assert.deepEqual(
    results.map(({ error }) => error?.code),
    [undefined, 'ERR_BAD_COMPRESSION'],
  );
});

test('a path that fits an archive but not the store is refused, not rendered into a tree that none can remove', async (t) => {
  const place = makePlace(t);
  try {
    const path = `rootfs/${`${'d'.repeat(250)}/`.repeat(16)}e`;
    const source = put(place, 'a.aci', raw({ name: 'x', pax: { path } }));
    await cairn(['import', source], place);
    await cairn(['render', source], place);
    assert.equal((await cairn(['check'], place)).code, 0);
    assert.equal((await cairn(['gc'], place)).code, 0);
  } finally {
    spawnSync('rm', ['-rf', place.store]); // which gets at paths that node cannot name
  }
});

test('what the file system cannot hold is refused or left out, and no damage', async (t) => {
  const place = makePlace(t);
  const sources = [
    put(place, 'late.aci', below({ name: 'a', mtime: 2 ** 40 }, { name: 'd', flag: '5', mtime: 2 ** 50 })),
    put(place, 'large.aci', below({ name: 'a', pax: { 'SCHILY.xattr.user.x': Buffer.alloc(60_000) } })),
  ];
  const ran = await cairn(['import', '--json', '--keep-going', ...sources], place);
  const results = ran.json<never>() as { key?: string; error?: { code: string } }[];
  for (const { error } of results) assert.notEqual(error?.code, 'ERR_NO_SPACE');
  const keys = results.flatMap(({ key }) => (key === undefined ? [] : [key]));
  await cairn(['render', ...keys], place);
  assert.equal((await cairn(['check'], place)).code, 0);
});
