/** A tree's metadata comes from its plan alone, wherever the store lies and whatever its user may do. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type EntrySpec, tar } from '../fixtures/archive.js';
import { PROGRAM } from '../fixtures/cli.js';
import { ociLayout } from '../fixtures/oci.js';
import { TestStore } from '../fixtures/store.js';
import { inPacks } from '../fixtures/stored-objects.js';

const isRoot = process.geteuid?.() === 0;
const without = (reason: string, needed: boolean): { skip: string | false } => ({ skip: needed ? false : reason });

function works(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

const ENTRIES: readonly EntrySpec[] = [
  { name: 'd/', flag: '5' },
  { name: 'd/f', content: 'f' },
  { name: 'su', content: 'su', mode: 0o4755 },
  { name: 'link', flag: '2', link: 'd/f' },
  { name: 'sg/', flag: '5', mode: 0o2775, gid: 50 },
  { name: 'sg/in/', flag: '5' },
  { name: 'sg/f', content: 'g' },
  { name: 'pipe', flag: '6' },
];

function layoutIn(store: TestStore, entries = ENTRIES): string {
  ociLayout(store.path('lay'), [{ ref: 'v1', layers: [tar(entries)] }]);
  return store.path('lay');
}

function look(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const path of ['.', 'd', 'd/f', 'su', 'link', 'sg', 'sg/in', 'sg/f', 'pipe']) {
    const { mode, uid, gid } = fs.lstatSync(join(root, path));
    found[path] = `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
  }
  return found;
}

const AS_PLANNED = {
  ...{ '.': '755 0:0', d: '755 0:0', 'd/f': '644 0:0', su: '4755 0:0', link: '777 0:0' },
  ...{ sg: '2775 0:50', 'sg/in': '755 0:0', 'sg/f': '644 0:0', pipe: '644 0:0' },
};

const hasAcl = works('setfacl', '--version');

/** Directories whose children would get something of theirs. */
const GROUNDS: readonly [what: string, needs: boolean, prepare: (dir: string) => void][] = [
  [
    'a setgid directory',
    true,
    (dir) => {
      fs.chownSync(dir, 0, 1234);
      fs.chmodSync(dir, 0o2775);
    },
  ],
  ['a directory with a default ACL', hasAcl, (dir) => execFileSync('setfacl', ['-d', '-m', 'u:1000:rwx,o::-', dir])],
];

for (const [what, needs, prepare] of GROUNDS) {
  test(`in ${what} a tree is as planned`, without('needs root and setfacl', isRoot && needs), async (t) => {
    const store = new TestStore(t);
    const ground = store.path('ground');
    fs.mkdirSync(ground);
    prepare(ground);
    const own = join(ground, 'store');
    const layout = layoutIn(store);
    const run = (...args: string[]) => store.ok(args, { store: own });
    const root = (await run('render', layout)).stdout.toString().trim();
    assert.deepEqual(look(root), AS_PLANNED);
    await run('check');
    for (const mode of ['copy', 'link']) {
      const dir = join(ground, `checkout-${mode}`);
      await run('checkout', '--mode', mode, 'lay:v1', dir);
      assert.deepEqual(look(join(dir, 'rootfs')), AS_PLANNED, mode);
      assert.deepEqual(aclsBelow(dir), []);
    }
    await run('cp', 'lay:v1:/sg', join(ground, 'copied'));
    assert.equal(fs.statSync(join(ground, 'copied')).mode & 0o7777, 0o2775);
    await run('render', '--rebuild', '--mode', 'copy', 'lay:v1');
    assert.deepEqual(look(root), AS_PLANNED);
    assert.deepEqual(aclsBelow(root), []);
    await run('check');
  });
}

/** Paths with an access control list. */
function aclsBelow(dir: string): string[] {
  if (!hasAcl) return [];
  return execFileSync('getfacl', ['-R', '-s', '-p', dir], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.startsWith('# file'));
}

test('on a file system that hands groups down a tree is as planned', without('needs root', isRoot), async (t) => {
  const store = new TestStore(t);
  const disk = store.path('disk');
  fs.writeFileSync(disk, '');
  fs.truncateSync(disk, 64 << 20);
  if (!works('mkfs.ext4', '-q', disk)) return t.skip('no mkfs.ext4 here');
  const isMounted = await mounted(store, ['-o', 'loop,grpid', disk], async (ground) => {
    fs.chownSync(ground, 0, 1234);
    const layout = layoutIn(store);
    const run = (...args: string[]) => store.ok(args, { store: join(ground, 'store') });
    const root = (await run('render', layout)).stdout.toString().trim();
    assert.deepEqual(look(root), AS_PLANNED);
    await run('checkout', 'lay:v1', join(ground, 'out'));
    assert.deepEqual(look(join(ground, 'out', 'rootfs')), AS_PLANNED);
    await run('check');
  });
  if (!isMounted) t.skip('no loop device here');
});

/** @returns whether there was anything to be mounted */
async function mounted(store: TestStore, args: string[], body: (point: string) => Promise<void>): Promise<boolean> {
  const point = store.path('mounted');
  fs.mkdirSync(point);
  if (!works('mount', ...args, point)) return false;
  try {
    await body(point);
  } finally {
    spawnSync('umount', ['-l', point]);
  }
  return true;
}

const POWERLESS = ['--bounding-set', '-all', '--inh-caps', '-all'];

test(
  'root without capabilities is an ordinary user',
  without('needs root and setpriv', isRoot && works('setpriv', ...POWERLESS, 'true')),
  async (t) => {
    const store = new TestStore(t);
    const layout = layoutIn(store, [
      { name: 'ro/', flag: '5', mode: 0o555 },
      { name: 'ro/f', content: 'f' },
      { name: 'none', content: 'n', mode: 0 },
      { name: 'other', content: 'o', uid: 7 },
      { name: 'dev', flag: '3', devMajor: 1, devMinor: 3 },
    ]);
    const run = (...args: string[]) =>
      spawnSync('setpriv', [...POWERLESS, process.execPath, PROGRAM, '--store', store.store, ...args], {
        encoding: 'utf8',
      });
    const rendered = run('render', layout);
    assert.equal(rendered.status, 0, rendered.stderr);
    assert.match(rendered.stderr, /mode of 1 path, for example none/);
    assert.match(rendered.stderr, /owner of [12] path/);
    assert.match(rendered.stderr, /device of 1 path/);
    const checked = run('check');
    assert.equal(checked.status, 0, checked.stdout + checked.stderr);
    assert.equal(fs.statSync(join(rendered.stdout.trim(), 'ro')).mode & 0o7777, 0o555);
    const removed = run('rm', 'lay:v1');
    assert.equal(removed.status, 0, removed.stderr);
    assert.equal(run('gc', '--images', '--grace-period', '0').status, 0);
    assert.deepEqual(fs.readdirSync(join(store.store, 'trees')), []);
  },
);

test(
  'root of a user namespace is told what a tree lacks',
  without('no user namespaces', works('unshare', '-Ur', 'true')),
  async (t) => {
    const store = new TestStore(t);
    const layout = layoutIn(store, [
      { name: 'su', content: 's', mode: 0o4755, uid: 7 },
      { name: 'o', content: 'o', uid: 5 },
      { name: 's', flag: '2', link: 'o', uid: 5 },
    ]);
    const run = (...args: string[]) =>
      spawnSync('unshare', ['-Ur', process.execPath, PROGRAM, '--store', store.store, ...args], { encoding: 'utf8' });
    const rendered = run('render', '--json', layout);
    assert.equal(rendered.status, 0, rendered.stderr);
    const [tree] = JSON.parse(rendered.stdout) as { skipped: Record<string, { count: number }> }[];
    assert.equal(tree?.skipped['owner']?.count, 3);
    assert.equal(tree?.skipped['mode']?.count, 1);
    assert.equal(run('check').status, 0);
    // Root itself, who could set all, is told of what loose objects lack, too. Those in packs have no metadata to lack.
    if (!isRoot) return;
    const again = await store.json<{ skipped: Record<string, { count: number }> }[]>(['render', '--rebuild', 'lay:v1']);
    assert.equal(again[0]?.skipped['owner']?.count, inPacks ? undefined : 2);
  },
);

test('a store on a file system that counts no space is not full', without('needs root', isRoot), async (t) => {
  const store = new TestStore(t);
  const isMounted = await mounted(store, ['-t', 'ramfs', 'ramfs'], async (point) => {
    await store.ok(['import', layoutIn(store)], { store: join(point, 'store') });
  });
  if (!isMounted) t.skip('no ramfs here');
});

test('device numbers of any size come through an export', async (t) => {
  const store = new TestStore(t);
  const numbers = [
    [1, 300_000],
    [4095, 1_048_575],
    [0xffff_ffff, 2 ** 21],
    [8, 262_143],
  ] as const;
  const entries = numbers.flatMap(([devMajor, devMinor], i): EntrySpec[] => [
    { name: `c${i}`, flag: '3', devMajor, devMinor, mode: 0o600, mtime: 1000 },
    { name: `b${i}`, flag: '4', devMajor, devMinor, pax: { mtime: '5.5', path: `${'long/'.repeat(25)}b${i}` } },
  ]);
  await store.ok(['import', '--layer', '--name', 'l', store.write('l.tar', tar(entries))]);
  const devices = async (own: TestStore, image: string): Promise<string[]> => {
    const lines = (await own.ok(['files', '--json', image])).stdout.toString().trim().split('\n');
    const records = lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ dev }) => dev !== undefined);
    return records.map(({ path, type, mode, mtime, dev }) => JSON.stringify({ path, type, mode, mtime, dev }));
  };
  const wanted = await devices(store, 'l');
  assert.equal(wanted.length, 8);
  for (const format of ['tar', 'aci']) {
    const file = store.path(`e.${format}`);
    await store.ok(['export', '--format', format, 'l', file]);
    const again = new TestStore(t);
    await again.ok(['import', ...(format === 'tar' ? ['--layer'] : []), file]);
    const [image] = await again.json<{ key: string }[]>(['ls']);
    assert.deepEqual(await devices(again, image?.key ?? ''), wanted, format);
  }
});
