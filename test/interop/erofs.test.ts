/** Other programs at mounted trees: what checks EROFS images, what runs containers. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Layout } from '../../engine/disk/layout.js';
import { mountFilesystem } from '../../engine/disk/mount.js';
import { accepts } from '../erofs/same-tree.js';
import { MountedStore } from '../fixtures/mounted-store.js';
import { cannotMountTrees } from '../fixtures/mounting.js';
import { missing, run } from '../fixtures/peers.js';
import { inPacks } from '../fixtures/stored-objects.js';

const skip = cannotMountTrees();
const APP = 'example.com/app';

/** More names than a block holds, and whatever else needs a block of its own. */
const ENTRIES = [
  { name: 'many', flag: '5' },
  ...Array.from({ length: 500 }, (_none, i) => ({ name: `many/file-number-${i}`, content: `${i}` })),
  { name: 'long', flag: '2', link: 'in-pax', pax: { linkpath: 'l'.repeat(4095) } },
  { name: 'pipe', flag: '6' },
  { name: 'null', flag: '3', devMajor: 1, devMinor: 3 },
  { name: 'noted', content: 'x', pax: { 'SCHILY.xattr.user.note': 'n'.repeat(5000) } },
];

/** That of erofs-utils 1.5 takes blocks of 4096 bytes only. */
const cannotRead = inPacks ? 'fsck.erofs takes no blocks of 512 bytes' : missing('fsck.erofs');

test('fsck.erofs finds nothing wrong with an image', { skip: skip || cannotRead }, async (t) => {
  const s = new MountedStore(t);
  await s.import({ name: APP }, ENTRIES);
  const { treeId } = await s.use((store) => store.mount(APP));
  accepts(new Layout(s.storeDir).treeImage(treeId));
});

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find((path) => fs.existsSync(path));

/** crun 1.8 refuses machines with control groups of both versions, unless it does not see the second. */
const HIDING = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"';
const IN_NAMESPACE = ['-m', '--propagation', 'private', 'sh', '-c', HIDING, 'sh'];

for (const runtime of ['crun', 'runc']) {
  const needs = skip || missing(runtime, 'unshare') || (BUSYBOX === undefined ? 'no busybox here' : false);
  test(`${runtime} runs from a mounted tree with an overlay on it`, { skip: needs }, async (t) => {
    const s = new MountedStore(t);
    const shell = fs.readFileSync(BUSYBOX as string);
    await s.import({ name: APP }, [
      { name: 'bin', flag: '5' },
      { name: 'bin/sh', content: shell, mode: 0o755 },
      { name: 'proc', flag: '5' },
      { name: 'dev', flag: '5' },
      { name: 'etc', flag: '5' },
      { name: 'etc/name', content: 'below\n' },
    ]);
    const { path } = await s.use((store) => store.mount(APP));
    const bundle = s.path('bundle');
    const [rootfs, upper, work] = ['rootfs', 'upper', 'work'].map((name) => join(bundle, name)) as [
      string,
      string,
      string,
    ];
    for (const dir of [rootfs, upper, work]) fs.mkdirSync(dir, { recursive: true });
    const options = [
      ['source', 'overlay'],
      ['lowerdir+', path],
      ['upperdir', upper],
      ['workdir', work],
    ] as const;
    mountFilesystem({ type: 'overlay', options, target: rootfs });
    const script = 'read a < /etc/name; echo "read $a"; echo above > /etc/name; echo new > /new';
    fs.writeFileSync(join(bundle, 'config.json'), JSON.stringify(configOf(script)));
    const id = `cairn-test-${process.pid}-${runtime}`;
    const ran = spawnSync('unshare', [...IN_NAMESPACE, runtime, 'run', '--bundle', bundle, id], { encoding: 'utf8' });
    assert.deepEqual([ran.status, ran.stdout], [0, 'read below\n'], ran.stderr);
    assert.equal(fs.readFileSync(join(upper, 'etc/name'), 'utf8'), 'above\n');
    assert.equal(fs.readFileSync(join(path, 'etc/name'), 'utf8'), 'below\n');
    assert.deepEqual(fs.readdirSync(path).sort(), ['bin', 'dev', 'etc', 'proc']);
    assert.equal(run('find', [upper, '-name', 'new']).trim(), join(upper, 'new'));
  });
}

function configOf(script: string): object {
  const namespaces = ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type }));
  return {
    ociVersion: '1.0.2',
    process: { cwd: '/', user: { uid: 0, gid: 0 }, args: ['/bin/sh', '-c', script], env: ['PATH=/bin'] },
    root: { path: 'rootfs' },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: { namespaces },
  };
}
