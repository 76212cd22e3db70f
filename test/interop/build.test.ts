/** What builds write, in other programs. A test whose peer is missing is skipped, and says so. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openBuilds } from '../fixtures/builds.js';
import { missing, run } from '../fixtures/peers.js';
import { describeTree } from '../fixtures/tree.js';

const b = await openBuilds();
const { store } = b;

async function change(dir: string, from: string): Promise<string> {
  const { path } = await store.beginBuild(dir, { from });
  fs.writeFileSync(join(path, 'etc/new'), 'new');
  fs.rmSync(join(path, 'etc/d'), { recursive: true });
  fs.mkdirSync(join(path, 'etc/a'), { recursive: false });
  fs.rmSync(join(path, 'etc/b'));
  fs.symlinkSync('new', join(path, 'etc/b'));
  fs.linkSync(join(path, 'etc/new'), join(path, 'etc/same'));
  fs.chmodSync(join(path, 'etc'), 0o700);
  return path;
}

/** umoci does not give directories their times. */
function withoutTimes(root: string): string[] {
  return describeTree(root).map((line) => line.replace(/^(\S+ 4\d{4} \d+ \d+) \d+/, '$1'));
}

const BASE = { 'etc/b': 'b', 'etc/d/x': 'x', 'usr/bin/y': 'y' };

test('actool accepts every ACI', { skip: missing('actool') }, async () => {
  await store.importDirectory(b.tree(BASE), { name: 'example.com/base:1' });
  const dir = b.fresh('build');
  await change(dir, 'example.com/base:1');
  await store.editBuild(dir, [
    { set: 'exec', value: ['/bin/app'] },
    { add: 'isolator', name: 'resource/cpu', value: { request: '100m', limit: '1' } },
    { add: 'port', name: 'http', protocol: 'tcp', port: 80 },
  ]);
  for (const as of [undefined, 'layer', 'squash'] as const) {
    const file = b.fresh('x.aci');
    await store.writeBuild(dir, { file, name: 'example.com/app:2', ...(as === undefined ? {} : { as }) });
    run('actool', ['validate', file]);
  }
  const empty = b.fresh('build');
  await store.beginBuild(empty);
  const file = b.fresh('empty.aci.gz');
  await store.writeBuild(empty, { file, name: 'example.com/empty' });
  run('actool', ['validate', file]);
});

test('umoci and skopeo see the tree that was worked on', { skip: missing('umoci', 'skopeo') }, async () => {
  await store.importDirectory(b.tree(BASE), { name: 'base:1', format: 'oci' });
  const dir = b.fresh('build');
  const path = await change(dir, 'base:1');
  await store.editBuild(dir, [
    { add: 'label', name: 'l', value: 'v' },
    { add: 'annotation', name: 'k', value: 'v' },
  ]);
  for (const as of ['layer', 'squash'] as const) {
    const layout = b.fresh('layout');
    await store.writeBuild(dir, { file: layout, name: 'app:2', as });
    const bundle = b.fresh('bundle');
    run('umoci', ['unpack', '--image', `${layout}:2`, bundle]);
    assert.deepEqual(withoutTimes(join(bundle, 'rootfs')), withoutTimes(path));
    const inspected = JSON.parse(run('skopeo', ['inspect', `oci:${layout}:2`]));
    assert.deepEqual([inspected.Labels, inspected.Layers.length], [{ l: 'v' }, as === 'layer' ? 2 : 1]);
    const copy = b.fresh('copy');
    run('skopeo', ['copy', '--quiet', `oci:${layout}:2`, `dir:${copy}`]);
    assert.deepEqual(JSON.parse(fs.readFileSync(join(copy, 'manifest.json'), 'utf8')).annotations, { k: 'v' });
  }
});

test('crun runs what was built', { skip: missing('crun', 'umoci', 'busybox', 'unshare') }, async () => {
  const busybox = run('sh', ['-c', 'command -v busybox']).trim();
  const dir = b.fresh('build');
  await store.beginBuild(dir, { format: 'oci' });
  await store.copyIntoBuild(dir, [busybox], '/bin/busybox');
  await store.editBuild(dir, [
    { set: 'exec', value: ['/bin/busybox', 'sh', '-c', 'echo "$GREETING from $(busybox pwd)"'] },
    { add: 'environment', name: 'GREETING', value: 'hello' },
    { add: 'environment', name: 'PATH', value: '/bin' },
    { set: 'working-directory', value: '/srv' },
  ]);
  const layout = b.fresh('layout');
  await store.writeBuild(dir, { file: layout, name: 'app:1' });
  const bundle = b.fresh('bundle');
  run('umoci', ['unpack', '--image', `${layout}:1`, bundle]);
  const config = JSON.parse(fs.readFileSync(join(bundle, 'config.json'), 'utf8'));
  config.process.terminal = false;
  fs.writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  fs.mkdirSync(join(bundle, 'rootfs/srv'));
  // crun 1.8 refuses machines with control groups of both versions, unless it does not see the second.
  const hiding = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"';
  const crun = ['crun', 'run', '--bundle', bundle, `cairn-build-${process.pid}`];
  const said = run('unshare', ['-m', '--propagation', 'private', 'sh', '-c', hiding, 'sh', ...crun]);
  assert.equal(said, 'hello from /srv\n');
});
