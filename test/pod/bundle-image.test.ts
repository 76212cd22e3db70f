/** Bundles of images, by the command line and the library: those of OCI by the rules of OCI. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { RuntimeConfig } from '../../engine/image/runtime/config.js';
import type { Overlay } from '../../engine/pod/bundle/rootfs.js';
import type { HeldBundle } from '../../engine/pod/index.js';
import { aci, tar } from '../fixtures/archive.js';
import { cairn } from '../fixtures/cli.js';
import { ociLayout } from '../fixtures/oci.js';
import { configOf, INSPECT, PodTests } from '../fixtures/pods.js';
import { BUSYBOX, NO_RUNTIME, runAs, runBundle } from '../fixtures/runtime.js';

const isRoot = process.geteuid?.() === 0;
const needsRoot = { skip: isRoot ? false : 'needs root' };

const pods = new PodTests();
before(async () => {
  await pods.open();
  const content = BUSYBOX === undefined ? '' : fs.readFileSync(BUSYBOX);
  const layer = tar([
    { name: 'bin', flag: '5' },
    { name: 'bin/busybox', mode: 0o755, content },
    { name: 'bin/sh', flag: '2', link: 'busybox' },
    { name: 'etc', flag: '5' },
    { name: 'etc/passwd', content: 'root:x:0:0::/root:/bin/sh\nweb:x:33:34::/:\n' },
    { name: 'etc/group', content: 'web:x:34:\nlog:x:40:root,web\nown:x:34:web\nadm:x:4:web\n' },
    { name: 'data', flag: '5', uid: 33, gid: 34, mode: 0o2770 },
    { name: 'data/seed', content: 'seed' },
  ]);
  const dir = pods.path('layout');
  const image = (ref: string, config: object) => ({ ref, layers: [layer], config: { config } });
  ociLayout(dir, [
    image('web', {
      ...{ User: 'web', WorkingDir: 'not/yet', Env: ['GREETING=hi', 'a.b-c=d'], Volumes: { '/data': {} } },
      ...{
        Entrypoint: ['sh', '-c'],
        Cmd: ['echo $GREETING $PWD $(id -u) $(id -G); cat /data/seed; stat -c " %a" /data'],
      },
      ...{ Labels: { mine: 'yes', 'org.systemd.property.X': 'y' }, ExposedPorts: { '80/tcp': {} } },
    }),
    image('number', { User: '33', Cmd: ['sh'] }),
    image('both', { User: 'web:adm', Cmd: ['sh'] }),
    image('unknown', { User: 'nobody', Cmd: ['sh'] }),
    image('group', { User: '5:none', Cmd: ['sh'] }),
    image('beyond', { User: '4294967295', Cmd: ['sh'] }),
    image('colons', { User: '1:2:3', Cmd: ['sh'] }),
    image('still', {}),
    image('stranger', { User: '1234', Cmd: ['sh'] }),
  ]);
  for (const ref of ['web', 'number', 'both', 'unknown', 'group', 'beyond', 'colons', 'still', 'stranger'])
    await pods.store.import(`${dir}:${ref}`, { name: `example.com/${ref}` });
});
after(() => pods.close());

async function bundled(name: string): Promise<{ bundle: HeldBundle; config: RuntimeConfig }> {
  const bundle = await pods.store.bundle(`example.com/${name}`, pods.path());
  return { bundle, config: configOf(bundle) };
}

test('an OCI image runs as its configuration says', needsRoot, async (t) => {
  const { bundle, config } = await bundled('web');
  assert.equal(bundle.app, 'web');
  assert.deepEqual(config.process.args.slice(0, 2), ['sh', '-c']);
  assert.equal(config.process.cwd, '/not/yet');
  assert.deepEqual(config.process.user, { uid: 33, gid: 34, additionalGids: [40, 4] });
  assert.deepEqual(config.process.env.slice(-2), ['GREETING=hi', 'a.b-c=d']);
  assert.equal(config.annotations['mine'], 'yes');
  assert.equal(config.annotations['org.systemd.property.X'], undefined);
  assert.equal(config.annotations['org.opencontainers.image.exposedPorts'], '80/tcp');
  assert.equal(config.hostname, 'web');
  if (NO_RUNTIME !== false) return t.diagnostic(`not run: ${NO_RUNTIME}`);
  const { stdout, stderr } = await runBundle(bundle.dir);
  assert.equal(stdout, 'hi /not/yet 33 34 4 40\nseed 2770\n', stderr);
});

test("a command of the caller's takes the place of the image's", needsRoot, async () => {
  const args = async (options: object) =>
    configOf(await pods.store.bundle('example.com/web', pods.path(), options)).process.args;
  assert.deepEqual(await args({ args: ['id'] }), ['sh', '-c', 'id']);
  assert.deepEqual(await args({ exec: '/bin/id', args: ['-u'] }), ['/bin/id', '-u']);
  const still = await pods.store.bundle('example.com/still', pods.path(), { args: ['sh'] });
  assert.deepEqual(configOf(still).process.args, ['sh']);
});

test('users of OCI images', needsRoot, async () => {
  assert.deepEqual((await bundled('number')).config.process.user, { uid: 33, gid: 34 });
  assert.deepEqual((await bundled('both')).config.process.user, { uid: 33, gid: 4 });
  assert.deepEqual((await bundled('stranger')).config.process.user, { uid: 1234, gid: 0 });
  for (const [name, code, message] of [
    ['unknown', 'ERR_NOT_FOUND', /"nobody" user not found/],
    ['group', 'ERR_NOT_FOUND', /"none" group not found/],
    ['beyond', 'ERR_BAD_MANIFEST', /no such id: "4294967295"/],
    ['colons', 'ERR_BAD_MANIFEST', /must be user or user:group/],
    ['still', 'ERR_BAD_MANIFEST', /app has no executable/],
  ] as const) {
    const at = pods.path();
    await assert.rejects(pods.store.bundle(`example.com/${name}`, at), { code, message });
    assert.ok(!fs.existsSync(at));
  }
  assert.deepEqual(
    (await pods.store.leases()).filter(({ holder }) => !fs.existsSync(holder.slice('bundle '.length))),
    [],
    'a failure holds nothing',
  );
});

test('an overlay holds its tree until the bundle is removed, a copy holds nothing', needsRoot, async () => {
  const dir = pods.path();
  const { lease, treeId } = await pods.store.bundle('example.com/both', dir, { rootfs: 'overlay' });
  assert.ok(
    (await pods.store.leases()).some(
      ({ id, tree, holder }) => id === lease && tree === treeId && holder === `bundle ${dir}`,
    ),
  );
  await assert.rejects(pods.store.removeTrees([await pods.store.findTree('example.com/both')]), { code: 'ERR_HELD' });
  const copy = await pods.store.bundle('example.com/both', pods.path(), { rootfs: 'copy' });
  assert.deepEqual([copy.mode, copy.lease], ['copy', undefined]);
  const busy = fs.openSync(join(dir, 'rootfs/etc/passwd'), 'r');
  await assert.rejects(pods.store.removeBundles(dir), { code: 'ERR_HELD' });
  fs.closeSync(busy);
  assert.deepEqual(
    (await pods.store.removeBundles(dir)).map(({ id }) => id),
    [lease],
  );
  assert.ok(!fs.existsSync(dir));
  await assert.rejects(pods.store.removeBundles(dir), { code: 'ERR_NOT_FOUND' });
});

test('who has deleted a bundle by hand can still let go of its tree', needsRoot, async () => {
  const dir = pods.path();
  const { lease } = await pods.store.bundle('example.com/both', dir);
  const { unmount } = await import('../../engine/disk/mount.js');
  unmount(join(dir, 'rootfs'));
  fs.rmSync(dir, { recursive: true });
  assert.deepEqual(
    (await pods.store.removeBundles(dir)).map(({ id }) => id),
    [lease],
  );
});

test('the commands: bundle, bundle --rm, pod bundle', needsRoot, async (t) => {
  const store = pods.store.dir;
  const [dir, podDir] = [pods.path(), pods.path()];
  const made = await cairn(['bundle', 'example.com/web', dir, '--json', '--net', 'host', '--', 'exit 7'], { store });
  assert.equal(made.code, 0, made.stderr);
  const [bundle] = made.json<HeldBundle[]>() as [HeldBundle];
  assert.deepEqual([bundle.app, bundle.dir, bundle.rootfs], ['web', dir, join(dir, 'rootfs')]);
  assert.equal(bundle.config, join(dir, 'config.json'));
  assert.match(made.stderr, new RegExp(`is held until "cairn bundle --rm ${dir}"`));
  assert.deepEqual(configOf(bundle).process.args, ['sh', '-c', 'exit 7']);
  if (NO_RUNTIME === false) assert.equal((await runBundle(dir)).code, 7);
  const { id } = await pods.store.preparePod(['example.com/web', 'example.com/both']);
  const podded = await cairn(['pod', 'bundle', id.slice(0, 8), podDir, '--hostname', 'x'], { store });
  assert.equal(podded.stdout.toString(), `${podDir}/web\n${podDir}/both\n`, podded.stderr);
  assert.equal(configOf({ config: join(podDir, 'web/config.json') }).hostname, 'x');
  assert.equal(
    configOf({ config: join(podDir, 'both/config.json') }).linux.namespaces[0]?.path,
    `${podDir}/.namespaces/pid`,
  );
  if (NO_RUNTIME === false) assert.match((await runBundle(join(podDir, 'web'))).stdout, /^hi /);
  else t.diagnostic(`not run: ${NO_RUNTIME}`);
  const removed = await cairn(['bundle', '--rm', podDir, '--json'], { store });
  assert.equal(removed.code, 0, removed.stderr);
  assert.equal(removed.json<object[]>().length, 1);
  assert.ok(!fs.existsSync(podDir));
  assert.equal((await cairn(['bundle', 'example.com/web'], { store })).code, 2);
});

test('a user who is not root makes bundles, and runs them', { skip: NO_RUNTIME }, async () => {
  const uid = 65_534;
  const dir = fs.mkdtempSync('/var/tmp/cairn-rootless-');
  try {
    const app = { exec: ['/bin/sh', '-c', 'id -u; echo x > /dir1/new && cat /vol/y /dir1/*'], user: '0', group: '0' };
    const isolators = [{ name: 'resource/memory', value: { limit: '1Gi' } }];
    const more = { app: { ...app, isolators, mountPoints: [{ name: 'vol', path: '/vol' }] } };
    const content = fs.readFileSync(BUSYBOX as string);
    const entries = INSPECT.filter(({ name }) => !`${name}`.includes('link'));
    const image = aci({ name: 'example.com/own', more }, [...entries, { name: 'bin/busybox', mode: 0o755, content }]);
    fs.writeFileSync(join(dir, 'own.aci'), image);
    fs.chownSync(dir, uid, uid);
    const options = { store: join(dir, 'store'), uid, env: { HOME: dir } };
    const copied = await cairn(['bundle', join(dir, 'own.aci'), join(dir, 'copy'), '--json'], options);
    assert.equal(copied.code, 0, copied.stderr);
    assert.match(copied.stderr, /app own: nothing here keeps the isolator resource\/memory/);
    const shown = await cairn(
      ['bundle', 'example.com/own', join(dir, 'overlay'), '--rootfs', 'overlay', '--json'],
      options,
    );
    assert.equal(shown.code, 0, shown.stderr);
    const [{ overlay, rootfs }] = shown.json<HeldBundle[]>() as [HeldBundle];
    assert.deepEqual(fs.readdirSync(rootfs), []);
    for (const name of ['copy', 'overlay']) {
      fs.writeFileSync(join(dir, name, 'volumes/vol/y'), 'volume ');
      const mounting = name === 'copy' ? undefined : { overlay: overlay as Overlay, rootfs };
      const { code, stdout, stderr } = await runAs(uid, join(dir, name), mounting);
      assert.deepEqual([code, stdout], [0, '0\nvolume dir1x\n'], stderr);
    }
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
});
