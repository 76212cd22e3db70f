/**
 * Images that skopeo and umoci make are imported, and render to the trees that umoci unpacks. A test whose peer is
 * missing is skipped and says so.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type EntrySpec, tar } from '../fixtures/archive.js';
import { cairn, temporaryDirectory } from '../fixtures/cli.js';
import { type OciImageSpec, ociLayout } from '../fixtures/oci.js';
import { missing, run } from '../fixtures/peers.js';
import { describeTree } from '../fixtures/tree.js';

const MTIME = 1_600_000_000;

/** A layer that declares the root and every directory: umoci gives undeclared ones the present time. */
const LOWER: EntrySpec[] = [
  { name: './', flag: '5', mtime: MTIME },
  { name: 'bin', flag: '2', link: 'usr/bin', mtime: MTIME + 1 },
  { name: 'usr/', flag: '5', mtime: MTIME + 2 },
  { name: 'usr/bin/', flag: '5', mode: 0o755, mtime: MTIME + 3 },
  { name: 'usr/bin/tool', mode: 0o4755, mtime: MTIME + 4, content: 'tool' },
  { name: 'usr/bin/alias', flag: '1', mode: 0o4755, link: 'usr/bin/tool', mtime: MTIME + 4 },
  { name: 'etc/', flag: '5', mode: 0o750, uid: 3, gid: 4, mtime: MTIME + 5 },
  {
    name: 'etc/conf',
    mode: 0o640,
    uid: 1000,
    gid: 1001,
    mtime: MTIME + 6,
    content: 'conf',
    pax: { mtime: '1600000006.25' },
  },
  { name: 'etc/gone', content: 'gone', mtime: MTIME },
  { name: 'etc/xattr', content: 'x', mtime: MTIME, pax: { 'SCHILY.xattr.user.note': Buffer.from([0, 255, 61, 10]) } },
  { name: 'data/', flag: '5', mode: 0o1777, mtime: MTIME + 7 },
  { name: 'data/old', content: 'old', mtime: MTIME },
  { name: 'data/sub/', flag: '5', mtime: MTIME },
  { name: 'data/sub/deep', content: 'deep', mtime: MTIME },
  { name: 'dev/', flag: '5', mtime: MTIME + 8 },
  { name: 'dev/null', flag: '3', mode: 0o666, devMajor: 1, devMinor: 3, mtime: MTIME },
  { name: 'dev/pipe', flag: '6', mode: 0o600, mtime: MTIME },
  { name: 'replaced/', flag: '5', mtime: MTIME },
  { name: 'replaced/inside', content: 'inside', mtime: MTIME },
  { name: 'link', flag: '2', link: '/etc', uid: 5, gid: 6, mtime: MTIME + 9 },
];

const UPPER: EntrySpec[] = [
  { name: './', flag: '5', mode: 0o711, mtime: MTIME + 100 },
  { name: 'etc/', flag: '5', mode: 0o700, uid: 3, gid: 4, mtime: MTIME + 101 },
  { name: 'etc/.wh.gone', mtime: MTIME },
  { name: 'etc/new', content: 'new', mode: 0o600, mtime: MTIME + 102 },
  { name: 'data/', flag: '5', mode: 0o755, mtime: MTIME + 103 },
  { name: 'data/own', content: 'own', mtime: MTIME + 104 },
  { name: 'data/.wh..wh..opq', mtime: MTIME },
  { name: 'bin/later', content: 'through the link', mode: 0o755, mtime: MTIME + 105 },
  { name: 'usr/', flag: '5', mtime: MTIME + 106 },
  { name: 'usr/bin/', flag: '5', mtime: MTIME + 107 },
  { name: 'usr/bin/third', flag: '1', mode: 0o4755, link: 'usr/bin/tool', mtime: MTIME + 4 },
  { name: 'replaced', content: 'a file now', mtime: MTIME + 108 },
  { name: 'link/', flag: '5', mtime: MTIME + 109 },
  { name: 'link/passwd', content: 'not in etc', mtime: MTIME + 110 },
];

const IMAGE: OciImageSpec = { ref: 'image', layers: [tar(LOWER), tar(UPPER)] };

/** Where `umoci unpack` puts the root file system of an image. */
function unpacked(dir: string, image: string): string {
  const bundle = join(dir, `bundle-${fs.readdirSync(dir).length}`);
  run('umoci', ['unpack', '--image', image, bundle]);
  return join(bundle, 'rootfs');
}

async function checkedOut(dir: string, source: string): Promise<string> {
  const store = join(dir, `store-${fs.readdirSync(dir).length}`);
  const imported = await cairn(['import', '--json', source], { store });
  assert.equal(imported.code, 0, imported.stderr);
  const [{ key }] = imported.json<[{ key: string }]>();
  const to = join(dir, `checkout-${fs.readdirSync(dir).length}`);
  const done = await cairn(['checkout', '--rootfs-only', key, to], { store });
  assert.equal(done.code, 0, done.stderr);
  const checked = await cairn(['check'], { store });
  assert.equal(checked.code, 0, checked.stderr);
  return to;
}

function describe(root: string): string[] {
  return [...describeTree(root), ...xattrs(root)];
}

function xattrs(root: string): string[] {
  const dumped = run('getfattr', ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '.'], root);
  return dumped
    .split('\n\n')
    .filter((block) => block.trim() !== '')
    .map((block) => block.replaceAll(/^security\.selinux=.*\n?/gm, ''))
    .sort();
}

test('a layout that skopeo copied is checked out as umoci unpacks it', {
  skip: missing('skopeo', 'umoci', 'getfattr'),
}, async (t: TestContext) => {
  const dir = temporaryDirectory(t);
  ociLayout(join(dir, 'layout'), [IMAGE]);
  run('skopeo', ['--insecure-policy', 'copy', `oci:${dir}/layout:image`, `oci:${dir}/copied:again`]);
  const expected = describe(unpacked(dir, `${dir}/copied:again`));
  assert.deepEqual(describe(await checkedOut(dir, `${dir}/copied:again`)), expected);
  assert.ok(
    expected.some((line) => line.includes('user.note')),
    'this file system keeps no extended attributes',
  );
});

test('a docker archive that skopeo made is checked out as umoci unpacks its layout', {
  skip: missing('skopeo', 'umoci', 'getfattr'),
}, async (t: TestContext) => {
  const dir = temporaryDirectory(t);
  ociLayout(join(dir, 'layout'), [{ ...IMAGE, compress: 'gzip' }]);
  run('skopeo', ['--insecure-policy', 'copy', `oci:${dir}/layout:image`, `docker-archive:${dir}/docker.tar:app:v1`]);
  const expected = describe(unpacked(dir, `${dir}/layout:image`));
  assert.deepEqual(describe(await checkedOut(dir, `${dir}/docker.tar`)), expected);
});

test('a layout in a tar that skopeo made is checked out as umoci unpacks it', {
  skip: missing('skopeo', 'umoci', 'getfattr'),
}, async (t: TestContext) => {
  const dir = temporaryDirectory(t);
  ociLayout(join(dir, 'layout'), [IMAGE]);
  run('skopeo', ['--insecure-policy', 'copy', `oci:${dir}/layout:image`, `oci-archive:${dir}/archive.tar:image`]);
  const expected = describe(unpacked(dir, `${dir}/layout:image`));
  assert.deepEqual(describe(await checkedOut(dir, `${dir}/archive.tar`)), expected);
});

test('an image that umoci made, layer by layer, is checked out as umoci unpacks it', {
  skip: missing('umoci', 'getfattr'),
}, async (t: TestContext) => {
  const dir = temporaryDirectory(t);
  const layout = join(dir, 'layout');
  run('umoci', ['init', '--layout', layout]);
  run('umoci', ['new', '--image', `${layout}:image`]);
  const step = (number: number, change: (root: string) => void): void => {
    const bundle = join(dir, `step-${number}`);
    run('umoci', ['unpack', '--image', `${layout}:image`, bundle]);
    change(join(bundle, 'rootfs'));
    run('umoci', ['repack', '--image', `${layout}:image`, bundle]);
  };
  step(1, (root) => {
    fs.mkdirSync(join(root, 'usr/lib'), { recursive: true });
    fs.symlinkSync('usr/lib', join(root, 'lib'));
    fs.writeFileSync(join(root, 'usr/lib/one'), 'one', { mode: 0o640 });
    fs.linkSync(join(root, 'usr/lib/one'), join(root, 'usr/lib/two'));
    fs.chownSync(join(root, 'usr/lib/one'), 12, 34);
    fs.writeFileSync(join(root, 'gone'), 'gone');
    fs.mkdirSync(join(root, 'dir/sub'), { recursive: true });
    fs.writeFileSync(join(root, 'dir/sub/file'), 'file');
  });
  step(2, (root) => {
    fs.rmSync(join(root, 'gone'));
    fs.rmSync(join(root, 'dir'), { recursive: true });
    fs.writeFileSync(join(root, 'dir'), 'no directory any more');
    fs.writeFileSync(join(root, 'lib/three'), 'three');
    fs.chmodSync(join(root, 'usr'), 0o711);
  });
  step(3, (root) => {
    fs.rmSync(join(root, 'dir'));
    fs.mkdirSync(join(root, 'dir'), { mode: 0o700 });
    fs.linkSync(join(root, 'usr/lib/three'), join(root, 'dir/four'));
  });
  const expected = describe(unpacked(dir, `${layout}:image`));
  assert.deepEqual(describe(await checkedOut(dir, `${layout}:image`)), expected);
});
