/** Bundles: roots, volumes, pods of several apps, what strangers write into images and manifests. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isCairnError } from '../../engine/core/errors.js';
import { mountFilesystem, unmount } from '../../engine/disk/mount.js';
import { mountsBelow } from '../../engine/disk/mounts.js';
import { mknod } from '../../engine/disk/native.js';
import { bundlePod } from '../../engine/pod/bundle/bundle-pod.js';
import { linkNamespaces } from '../../engine/pod/bundle/namespaces.js';
import type { Bundle, BundleOptions } from '../../engine/pod/bundle/options.js';
import { removeBundles } from '../../engine/pod/bundle/remove-bundles.js';
import type { PreparedPod } from '../../engine/pod/prepared.js';
import type { EntrySpec } from '../fixtures/archive.js';
import { configOf, INSPECT, type PodSpec, PodTests, sh } from '../fixtures/pods.js';
import { NO_RUNTIME, runBundle, runRuntime, startBundle } from '../fixtures/runtime.js';

const isRoot = process.geteuid?.() === 0;
const needsRoot = { skip: isRoot ? false : 'needs root' };
const runs = { skip: NO_RUNTIME };

const pods = new PodTests();
before(() => pods.open());
after(() => pods.close());

interface Refusal {
  code: string;
  entry?: string;
  message: RegExp;
}

async function refused(work: Promise<unknown>, { code, entry, message }: Refusal): Promise<void> {
  await assert.rejects(work, (error: Error) => {
    assert.ok(isCairnError(error), error.stack);
    assert.deepEqual([error.code, error.entry], [code, entry], error.message);
    assert.match(error.message, message);
    return true;
  });
}

const point = (path: string, name = 'vol') => ({ name, path, readOnly: false });
const host = (source: string, name = 'vol', more: object = {}) => ({ name, kind: 'host', source, ...more });
const empty = (name = 'vol') => ({ name, kind: 'empty' });

/** A pod whose app looks into a tree of the test's own making. */
async function podOn(rootfs: string, spec: PodSpec): Promise<PreparedPod> {
  const pod = await pods.pod(spec);
  return { ...pod, apps: pod.apps.map((app) => ({ ...app, rootfs, treeId: 'another' })) };
}

function rootWith(make: (root: string) => void): string {
  const root = pods.path('root');
  fs.mkdirSync(join(root, 'etc'), { recursive: true });
  make(root);
  return root;
}

const bundleOn = async (rootfs: string, spec: PodSpec, options: BundleOptions = {}): Promise<Bundle[]> =>
  bundlePod(pods.context, await podOn(rootfs, spec), pods.path('bundles'), options);

test('/etc/passwd that is a trap', async () => {
  const byName = { app: { user: 'user1', group: '0' } };
  const entry = 'app inspect: app.user';
  const no = { code: 'ERR_BAD_ARCHIVE', entry, message: /\/etc\/passwd is no regular file/ };
  const at = (make: (path: string) => void): string => rootWith((root) => make(join(root, 'etc/passwd')));
  await refused(
    bundleOn(
      at((path) => execFileSync('mkfifo', [path])),
      byName,
    ),
    no,
  );
  await refused(
    bundleOn(
      at((path) => fs.mkdirSync(path)),
      byName,
    ),
    no,
  );
  if (isRoot) {
    const device = at((path) => mknod(path, 0o020000, 0o666, { devMajor: 1, devMinor: 5 }));
    await refused(bundleOn(device, byName), no);
  }
  const huge = at((path) => fs.writeFileSync(path, '') ?? fs.truncateSync(path, 2 ** 30));
  await refused(bundleOn(huge, byName), {
    ...{ code: 'ERR_LIMIT', entry },
    message: /\/etc\/passwd has 1073741824 bytes, more than 8388608/,
  });
  const loop = at((path) => fs.symlinkSync('passwd', path));
  await refused(bundleOn(loop, byName), { ...no, message: /leads into a loop of symlinks/ });
  const secret = pods.hostDirectory({ passwd: 'user1:x:0:0::/:\n' });
  for (const target of [join(secret, 'passwd'), '../../../../../../../../etc/shadow', '/proc/self/environ']) {
    await refused(
      bundleOn(
        at((path) => fs.symlinkSync(target, path)),
        { app: { user: 'root1', group: '0' } },
      ),
      {
        ...{ code: 'ERR_NOT_FOUND', entry },
        message: /"root1" user not found$/,
      },
    );
    await refused(
      bundleOn(
        at((path) => fs.symlinkSync(target, path)),
        byName,
      ),
      {
        ...{ code: 'ERR_NOT_FOUND', entry },
        message: /"user1" user not found$/,
      },
    );
  }
  const around = rootWith((root) => {
    fs.rmdirSync(join(root, 'etc'));
    fs.symlinkSync(secret, join(root, 'etc'));
  });
  await refused(bundleOn(around, byName), { code: 'ERR_NOT_FOUND', entry, message: /user not found/ });
});

test('/etc/passwd behind links inside is read', needsRoot, async () => {
  const root = rootWith((dir) => {
    fs.mkdirSync(join(dir, 'usr/etc'), { recursive: true });
    fs.writeFileSync(join(dir, 'usr/etc/users'), 'user1:x:5:6::/:\n');
    fs.symlinkSync('/usr/etc/users', join(dir, 'etc/passwd'));
  });
  const [bundle] = await bundleOn(root, { app: { user: 'user1', group: '/etc/passwd' } });
  assert.equal(configOf(bundle as Bundle).process.user.uid, 5);
});

test('sources of host volumes', async () => {
  const dir = pods.hostDirectory({ file: 'x' });
  fs.symlinkSync(dir, `${dir}-link`);
  const spec = (source: string): PodSpec => ({ app: { mountPoints: [point('/dir1')] }, volumes: [host(source)] });
  const entry = 'app inspect: app.mountPoints[0]';
  for (const [source, code, message] of [
    [`${dir}-link`, 'ERR_BAD_MANIFEST', /may not be, or lie behind, a symlink: .*-link leads to /],
    [`${dir}-link/file`, 'ERR_BAD_MANIFEST', /symlink/],
    [`${dir}/none`, 'ERR_NOT_FOUND', /is not there: .*none/],
    [`${dir}/file/x`, 'ERR_NOT_FOUND', /is not there/],
    [pods.store.dir, 'ERR_BAD_MANIFEST', /may not lie in the store/],
    [join(pods.store.dir, 'trees'), 'ERR_BAD_MANIFEST', /may not lie in the store/],
  ] as const) {
    await refused(pods.bundle(spec(source)), { code, entry, message });
  }
});

const TRAPS: readonly EntrySpec[] = [
  ...INSPECT,
  { name: 'toproc', flag: '2', link: 'proc' },
  { name: 'toroot', flag: '2', link: '/' },
  { name: 'up', flag: '2', link: '../../../../../../tmp' },
  { name: 'loop', flag: '2', link: 'loop' },
  { name: 'host', flag: '2', link: '/var/lib/nowhere' },
  { name: 'fifo', flag: '6' },
];

test('places of volumes that lead elsewhere', async () => {
  const dir = pods.hostDirectory();
  const entry = 'app inspect: app.mountPoints[0]';
  for (const [path, message] of [
    ['/', /"\/" leads to \/, where no volume can be/],
    ['/toroot', /leads to \/, where/],
    ['/proc', /leads to \/proc/],
    ['/toproc/self/fd', /leads to \/proc\/self\/fd/],
    ['/loop/x', /leads into a loop of symlinks/],
    ['/etc/passwd/x', /leads through a file/],
    ['/fifo', /is neither a directory nor a file/],
    ['relative', /needs an absolute path/],
  ] as const) {
    for (const volumes of [[host(dir)], []]) {
      const spec = { app: { mountPoints: [point(path)] }, volumes };
      await refused(pods.bundle(spec, {}, TRAPS), { code: 'ERR_BAD_MANIFEST', entry, message });
    }
  }
});

test('places of volumes behind links lie inside, and nothing of the host is made', needsRoot, async () => {
  const dir = pods.hostDirectory();
  const spec = {
    app: { mountPoints: [point('/up/vol', 'a'), point('/host/x', 'b')] },
    volumes: [host(dir, 'a'), host(dir, 'b')],
  };
  const [bundle] = (await pods.bundle(spec, {}, TRAPS)) as [Bundle];
  const places = configOf(bundle).mounts.slice(-2);
  assert.deepEqual(places.map(({ destination }) => destination).sort(), ['/tmp/vol', '/var/lib/nowhere/x']);
  assert.ok(fs.statSync(join(bundle.rootfs, 'var/lib/nowhere/x')).isDirectory());
  assert.ok(!fs.existsSync('/tmp/vol') && !fs.existsSync('/var/lib/nowhere'));
});

test('volumes in volumes', needsRoot, async () => {
  const dir = pods.hostDirectory();
  fs.mkdirSync(join(dir, 'there'));
  fs.symlinkSync('/etc', join(dir, 'link'));
  const two = (path: string, outer: object): PodSpec => ({
    app: { mountPoints: [point(path, 'inner'), point('/mnt', 'outer')] },
    volumes: [outer as never, empty('inner')],
  });
  const entry = 'app inspect: app.mountPoints[0]';
  const no = { code: 'ERR_BAD_MANIFEST', entry };
  await refused(pods.bundle(two('/mnt/new', host(dir, 'outer'))), { ...no, message: /where nothing may be made/ });
  await refused(pods.bundle(two('/mnt/link', host(dir, 'outer'))), { ...no, message: /symlink of the host's/ });
  await refused(pods.bundle(two('/mnt/link/x', host(dir, 'outer'))), { ...no, message: /symlink|nothing may be made/ });
  const file = host(join(pods.hostDirectory({ x: '' }), 'x'), 'outer');
  await refused(pods.bundle(two('/mnt/in', file)), { ...no, message: /lies in \/mnt, which is a file/ });
  assert.deepEqual(fs.readdirSync(dir).sort(), ['link', 'there']);
  for (const [path, outer] of [
    ['/mnt/there', host(dir, 'outer')],
    ['/mnt/a/b', empty('outer')],
  ] as const) {
    const [bundle] = (await pods.bundle(two(path, outer))) as [Bundle];
    const destinations = configOf(bundle).mounts.map(({ destination }) => destination);
    assert.ok(destinations.indexOf('/mnt') < destinations.indexOf(path), 'the outer one comes first');
    assert.ok(destinations.includes(path));
  }
});

test('two volumes at one place', async () => {
  const two = (app: object, volumes: object[]): PodSpec => ({ app: app as never, volumes: volumes as never });
  const [a, b] = [pods.hostDirectory(), pods.hostDirectory()];
  const both = two({ mountPoints: [point('/dir2', 'a'), point('/dir1/link_rel_dir2', 'b')] }, [
    host(a, 'a'),
    host(b, 'b'),
  ]);
  await refused(pods.bundle(both), {
    ...{ code: 'ERR_BAD_MANIFEST', entry: 'app inspect: app.mountPoints[1]' },
    message: /"\/dir1\/link_rel_dir2" has two volumes: a and b/,
  });
  if (!isRoot) return;
  // What nobody named gives way.
  const one = two({ mountPoints: [point('/dir2', 'none'), point('/dir1/link_rel_dir2', 'b')] }, [host(b, 'b')]);
  const mounts = (await pods.config(one)).mounts.filter(({ destination }) => destination === '/dir2');
  assert.deepEqual(
    mounts.map(({ source }) => source),
    [b],
  );
});

test('names that would be paths, and names twice', async () => {
  const pod = await pods.pod({ app: {} });
  const named = (...names: string[]): PreparedPod => ({
    ...pod,
    apps: names.map((name) => ({ ...(pod.apps[0] as PreparedPod['apps'][number]), name })),
  });
  const at = pods.path();
  for (const name of ['..', '../x', '/etc', '.volumes', 'a/b', '', 'A']) {
    const refusal = { code: 'ERR_BAD_MANIFEST', entry: `app ${name}: name`, message: /ACName/ };
    await refused(bundlePod(pods.context, named(name), at), refusal);
  }
  await refused(bundlePod(pods.context, named('a', 'a'), at), {
    ...{ code: 'ERR_BAD_MANIFEST', entry: 'app a: name' },
    message: /duplicate apps of name "a"/,
  });
  const message = /pod must contain at least one application/;
  await assert.rejects(bundlePod(pods.context, named(), at), { code: 'ERR_BAD_MANIFEST', message });
  assert.ok(!fs.existsSync(at));
});

test('images whose /proc leads elsewhere are refused', needsRoot, async () => {
  for (const name of ['proc', 'sys', 'dev']) {
    const trap = [...INSPECT, { name, flag: '2', link: 'etc' }];
    await refused(pods.bundle({ app: {} }, {}, trap), {
      ...{ code: 'ERR_BAD_ARCHIVE', entry: 'app inspect: image' },
      message: new RegExp(`/${name} of the image is no directory`),
    });
  }
});

test('a destination that is taken stays as it is, and none lies in the store', async () => {
  const pod = await pods.pod({ app: {} });
  const dir = pods.hostDirectory({ mine: 'x' });
  await assert.rejects(bundlePod(pods.context, pod, dir), { code: 'ERR_EXISTS', path: dir });
  assert.deepEqual(fs.readdirSync(dir), ['mine']);
  await assert.rejects(bundlePod(pods.context, pod, join(pods.store.dir, 'x')), { code: 'ERR_USAGE' });
  await assert.rejects(bundlePod(pods.context, pod, join(dir, 'no/such')), { code: 'ERR_NOT_FOUND' });
  const signal = AbortSignal.abort();
  const at = pods.path();
  await assert.rejects(bundlePod(pods.context, pod, at, { signal }), { code: 'ERR_ABORTED' });
  assert.ok(!fs.existsSync(at));
  await assert.rejects(removeBundles(pods.context, dir), { code: 'ERR_USAGE' });
  await assert.rejects(removeBundles(pods.context, at), { code: 'ERR_NOT_FOUND' });
  assert.deepEqual(fs.readdirSync(dir), ['mine']);
});

test('a failure after roots were mounted leaves no mount', needsRoot, async () => {
  const at = pods.path();
  const spec: PodSpec = {
    apps: [
      { name: 'good', app: { exec: ['/bin/sh'], user: '0', group: '0' } },
      { name: 'bad', app: { exec: ['nothing'], user: '0', group: '0' } },
    ],
  };
  await refused(bundlePod(pods.context, await pods.pod(spec), at), {
    ...{ code: 'ERR_NOT_FOUND', entry: 'app bad: app.exec' },
    message: /unable to find/,
  });
  assert.ok(!fs.existsSync(at));
  assert.deepEqual(mountsBelow(at), []);
});

const CHANGE = sh('rm -r /dir1 /etc/passwd && mkdir /dir1 && echo new > /dir1/x && chown 5 /dir2 && ls /');

for (const rootfs of ['overlay', 'copy'] as const) {
  test(`what an app changes stays in its bundle: ${rootfs}`, runs, async () => {
    const spec = { app: { exec: CHANGE } };
    const pod = await pods.pod(spec);
    const [bundle] = (await pods.bundle(spec, { rootfs })) as [Bundle];
    assert.equal(bundle.mode, rootfs);
    const { code, stderr } = await runBundle(bundle.dir);
    assert.equal(code, 0, stderr);
    assert.deepEqual(fs.readdirSync(join(bundle.rootfs, 'dir1')), ['x']);
    const { treeId } = pod.apps[0] as PreparedPod['apps'][number];
    assert.deepEqual((await pods.store.check([treeId])).damaged, []);
    await removeBundles(pods.context, join(bundle.dir, '..'));
    assert.ok(!fs.existsSync(bundle.dir));
    assert.deepEqual((await pods.store.check([treeId])).damaged, []);
  });
}

test('the roots of all kinds have what the tree has', needsRoot, async () => {
  const spec = { app: { exec: ['/bin/sh'] } };
  const list = (root: string): string =>
    execFileSync(
      'sh',
      ['-c', `cd ${root} && find . -mindepth 1 ! -path './proc*' | sort | xargs stat -c '%n %a %u %g %s %Y'`],
      {
        encoding: 'utf8',
      },
    );
  const pod = await pods.pod(spec);
  const expected = list((pod.apps[0] as PreparedPod['apps'][number]).rootfs);
  const other = { ...pod, apps: pod.apps.map((app) => ({ ...app, treeId: 'deps-sha512-0' })) };
  for (const [each, rootfs] of [
    [pod, 'overlay'],
    [pod, 'copy'],
    [other, 'copy'],
  ] as const) {
    const [bundle] = (await bundlePod(pods.context, each, pods.path(), { rootfs })) as [Bundle];
    const made = /^\.\/etc\/(?:hosts|hostname|resolv\.conf) .*\n/gm;
    const inEtc = /^\.\/etc 755 0 0 .*\n/m;
    assert.equal(list(bundle.rootfs).replace(made, '').replace(inEtc, ''), expected.replace(inEtc, ''));
    const { mode, uid } = fs.statSync(bundle.rootfs);
    assert.deepEqual([mode & 0o7777, uid], [0o755, 0]);
    assert.equal(fs.statSync(bundle.dir).mode & 0o777, 0o700);
  }
});

test('the apps of a pod share volumes and namespaces', runs, async () => {
  const app = (name: string, script: string) => ({
    name,
    app: { exec: sh(script), user: '0', group: '0', mountPoints: [point('/shared')] },
  });
  const spec = {
    apps: [
      app('writer', 'echo hello > /shared/file && hostname && exec sleep 20'),
      app(
        'reader',
        'cat /shared/file; hostname; tr "\\0" " " < /proc/1/cmdline; echo; for each in net ipc uts pid; do readlink /proc/self/ns/$each; readlink /proc/1/ns/$each; done',
      ),
    ],
    volumes: [empty()],
  };
  const bundles = (await pods.bundle(spec, { hostname: 'pod' })) as [Bundle, Bundle];
  const [writer, reader] = bundles;
  assert.equal(configOf(writer).mounts.at(-1)?.source, configOf(reader).mounts.at(-1)?.source);
  const id = `cairn-pod-${process.pid}`;
  const pidFile = pods.path('pid');
  assert.equal(await startBundle(writer.dir, id, pidFile), 0);
  try {
    linkNamespaces(join(writer.dir, '..'), Number(fs.readFileSync(pidFile, 'utf8')));
    const file = configOf(writer).mounts.at(-1)?.source as string;
    while (!fs.existsSync(join(file, 'file'))) await new Promise((resolve) => setTimeout(resolve, 20));
    const { stdout, stderr } = await runBundle(reader.dir);
    const [text, hostname, command, ...namespaces] = stdout.trimEnd().split('\n');
    assert.deepEqual([text, hostname], ['hello', 'pod'], stderr);
    assert.match(command as string, /sleep 20/);
    for (let i = 0; i < 8; i += 2) assert.equal(namespaces[i], namespaces[i + 1]);
    assert.equal(namespaces.length, 8);
    const message = new RegExp(`is in use: process ${fs.readFileSync(pidFile, 'utf8')} runs in it`);
    await assert.rejects(removeBundles(pods.context, join(writer.dir, '..')), { code: 'ERR_HELD', message });
  } finally {
    await runRuntime(['delete', '--force', id]);
  }
});

test('event handlers are bundles of their own, on the same root and volumes', runs, async () => {
  const spec = {
    app: {
      exec: sh('cat /made /vol/made'),
      mountPoints: [point('/vol')],
      environment: [{ name: 'WORD', value: 'before' }],
      eventHandlers: [
        { name: 'pre-start', exec: sh('echo $WORD > /made; echo vol > /vol/made') },
        { name: 'post-stop', exec: ['cat', '/made'] },
      ],
    },
  };
  const [bundle] = (await pods.bundle(spec)) as [Bundle];
  const outputs = [];
  for (const dir of [bundle.preStart, bundle.dir, bundle.postStop]) outputs.push(await runBundle(dir as string));
  assert.deepEqual(
    outputs.map(({ code, stdout }) => `${code} ${stdout}`),
    ['0 ', '0 before\nvol\n', '0 before\n'],
    JSON.stringify(outputs),
  );
});

test('mounts below a host volume come along, read-only with it, unless they are not wanted', runs, async () => {
  const dir = pods.hostDirectory({ outer: '' });
  fs.mkdirSync(join(dir, 'sub'));
  fs.writeFileSync(join(dir, 'sub/file'), 'outer');
  mountFilesystem({ type: 'tmpfs', options: [], target: join(dir, 'sub') });
  fs.writeFileSync(join(dir, 'sub/file'), 'inner');
  const run = async (exec: string[], more: object) => {
    const [bundle] = (await pods.bundle({
      app: { exec, mountPoints: [point('/mnt')] },
      volumes: [host(dir, 'vol', more)],
    })) as [Bundle];
    return runBundle(bundle.dir);
  };
  try {
    assert.equal((await run(['cat', '/mnt/sub/file'], {})).stdout, 'inner');
    assert.equal((await run(['cat', '/mnt/sub/file'], { recursive: false })).stdout, 'outer');
    const written = await run(sh('echo x > /mnt/sub/file'), { recursive: true, readOnly: true });
    assert.match(written.stderr, /Read-only file system/);
    assert.equal(fs.readFileSync(join(dir, 'sub/file'), 'utf8'), 'inner');
  } finally {
    unmount(join(dir, 'sub'));
  }
});

test('volumes that are files and devices, and files where a directory shall be', runs, async () => {
  const dir = pods.hostDirectory({ file: 'of the host' });
  const spec = {
    app: {
      exec: sh('cat /dir1/file; echo; head -c2 /my-zero | od -An -tx1; ls -d /etc/passwd/; cat /etc/shadow/x'),
      mountPoints: [point('/dir1/file', 'a'), point('/my-zero', 'b'), point('/etc/passwd', 'c')],
    },
    volumes: [host(join(dir, 'file'), 'a'), host('/dev/zero', 'b', { readOnly: true }), host(dir, 'c')],
  };
  pods.notices.length = 0;
  const [bundle] = (await pods.bundle(spec)) as [Bundle];
  assert.deepEqual(configOf(bundle).linux.resources?.devices?.at(-1), {
    ...{ allow: true, type: 'c', major: 1, minor: 5, access: 'r' },
  });
  assert.match(pods.notices.join('\n'), /app inspect: app\.mountPoints\[0\]: hides what the image has at \/dir1\/file/);
  assert.match(pods.notices.join('\n'), /a directory takes the place of the file \/etc\/passwd/);
  const ran = await runBundle(bundle.dir);
  assert.match(ran.stdout + ran.stderr, /^of the host\n 00 00\n\/etc\/passwd\/\n/);
  const swapped = { app: { mountPoints: [point('/dir1', 'a')] }, volumes: [host(join(dir, 'file'), 'a')] };
  await refused(pods.bundle(swapped), {
    ...{ code: 'ERR_BAD_MANIFEST', entry: 'app inspect: app.mountPoints[0]' },
    message: /\/dir1 is a directory in the app, and the source is none/,
  });
});

test('the working directory and the program may lie in a volume', runs, async () => {
  const dir = pods.hostDirectory({ tool: '#!/bin/sh\npwd\n' });
  fs.chmodSync(join(dir, 'tool'), 0o755);
  const spec = (exec: string): PodSpec => ({
    app: {
      ...{ exec: [exec], workingDirectory: '/vol/.', mountPoints: [point('/vol')] },
      environment: [{ name: 'PATH', value: 'none:.:/bin' }],
    },
    volumes: [host(dir)],
  });
  for (const exec of ['./tool', 'tool']) {
    const [bundle] = (await pods.bundle(spec(exec))) as [Bundle];
    assert.deepEqual(configOf(bundle).process.args, ['/vol/tool']);
    const { stdout, stderr } = await runBundle(bundle.dir);
    assert.equal(stdout.trim().replace(/\/\.$/, ''), '/vol', stderr);
  }
});

test('places behind links that lead nowhere are made where they lead', runs, async () => {
  const trap = [
    ...INSPECT,
    { name: 'etc/hosts', flag: '2', link: '../run/systemd/hosts' },
    { name: 'etc/localtime', flag: '2', link: '/usr/share/zoneinfo/Here' },
  ];
  const dir = pods.hostDirectory({ zone: 'zone' });
  const spec = {
    app: { exec: sh('cat /etc/localtime && grep -c localhost /etc/hosts'), mountPoints: [point('/etc/localtime')] },
    volumes: [host(join(dir, 'zone'))],
  };
  const [bundle] = (await pods.bundle(spec, {}, trap)) as [Bundle];
  const places = configOf(bundle).mounts.map(({ destination }) => destination);
  assert.ok(places.includes('/run/systemd/hosts') && places.includes('/usr/share/zoneinfo/Here'), places.join());
  const { stdout, stderr } = await runBundle(bundle.dir);
  assert.equal(stdout, 'zone2\n', stderr);
});

test('directories with signs that overlays give a meaning', needsRoot, async () => {
  const root = rootWith((dir) => fs.writeFileSync(join(dir, 'file'), 'inside'));
  const odd = `${root}:a,b\\c=d`;
  fs.renameSync(root, odd);
  const at = `${pods.path()}:x,y\\z`;
  const [bundle] = (await bundlePod(pods.context, await podOn(odd, { app: {} }), at, { rootfs: 'overlay' })) as [
    Bundle,
  ];
  assert.equal(fs.readFileSync(join(bundle.rootfs, 'file'), 'utf8'), 'inside');
  fs.writeFileSync(join(bundle.rootfs, 'new'), '');
  assert.ok(fs.existsSync(join(bundle.dir, 'upper/new')) && !fs.existsSync(join(odd, 'new')));
  await removeBundles(pods.context, at);
  assert.deepEqual(fs.readdirSync(odd).sort(), ['etc', 'file']);
});

test('volumes of plain ACIs that nobody named begin empty', needsRoot, async () => {
  const spec = { app: { mountPoints: [point('/dir2')] }, annotations: [] };
  const source = (await pods.config(spec)).mounts.at(-1)?.source as string;
  assert.deepEqual(fs.readdirSync(source), []);
  assert.equal(fs.statSync(source).mode & 0o7777, 0o755);
});

test("the group of an image for Docker that has the user's name is the user's number", needsRoot, async () => {
  const spec = (app: object, annotations?: []): PodSpec => ({
    ...{ app: app as never, imageApp: { user: 'user1', group: 'user1' } },
    ...(annotations === undefined ? {} : { annotations }),
  });
  const { process } = await pods.config(spec({ user: 'user1', group: 'user1' }));
  assert.deepEqual(process.user, { uid: 1000, gid: 1000 });
  const entry = 'app inspect: app.group';
  const message = /group not found/;
  await refused(pods.bundle(spec({ user: 'user1', group: 'other' })), { code: 'ERR_NOT_FOUND', entry, message });
  await refused(pods.bundle(spec({ user: 'user1', group: 'user1' }, [])), { code: 'ERR_NOT_FOUND', entry, message });
});

test('orders to runtimes are left out, and isolators that nothing keeps are told', needsRoot, async () => {
  pods.notices.length = 0;
  const config = await pods.config({
    app: {
      isolators: [{ name: 'example.com/odd', value: 1 }],
      ports: [{ name: 'http', protocol: 'tcp', port: 80, count: 2, socketActivated: true }],
    },
    runtime: {
      annotations: [
        { name: 'run.oci.hooks.stdout', value: '/etc/x' },
        { name: 'mine', value: 'yes' },
      ],
    },
    pod: { ports: [{ name: 'http', hostPort: 8080 }] },
  });
  assert.equal(config.annotations['mine'], 'yes');
  assert.equal(config.annotations['run.oci.hooks.stdout'], undefined);
  assert.equal(config.annotations['org.opencontainers.image.exposedPorts'], '80-81/tcp');
  assert.equal(config.annotations['cairn.isolators.ignored'], 'example.com/odd');
  assert.equal(config.annotations['cairn.socket-activated'], 'http');
  assert.equal(JSON.parse(config.annotations['cairn.ports'] as string)[0].hostPort, 8080);
  assert.deepEqual(pods.notices, [
    'app inspect: nothing here keeps the isolator example.com/odd',
    'app inspect: left out the annotation run.oci.hooks.stdout: runtimes take orders by it',
  ]);
});

test("a pod on the host's network sets nothing of it", needsRoot, async () => {
  const pod = { isolators: [{ name: 'os/unix/sysctl', value: { 'net.core.somaxconn': '5' } }] };
  await refused(pods.bundle({ app: {}, pod }, { network: 'host' }), {
    ...{ code: 'ERR_BAD_MANIFEST', entry: "app inspect: pod's isolators" },
    message: /"net\.core\.somaxconn" would set the host's network/,
  });
  const { linux } = await pods.config({ app: {} }, { network: 'host' });
  assert.ok(!linux.namespaces.some(({ type }) => type === 'network'));
});

test('manifests that ask for very much', needsRoot, async () => {
  const path = Array.from({ length: 300_000 }, (_none, i) => `/p${i}`).join(':');
  const environment = [{ name: 'PATH', value: path }];
  await refused(pods.bundle({ app: { exec: ['nothing'], environment } }), {
    ...{ code: 'ERR_NOT_FOUND', entry: 'app inspect: app.exec' },
    message: /unable to find "nothing"/,
  });
  const mountPoints = Array.from({ length: 1001 }, (_none, i) => point(`/v${i}`, `v${i}`));
  await refused(pods.bundle({ app: { mountPoints } }), {
    ...{ code: 'ERR_BAD_MANIFEST', entry: 'app inspect: app.mountPoints' },
    message: /more than 1000 volumes/,
  });
  pods.notices.length = 0;
  await pods.bundle({ app: { isolators: Array.from({ length: 50 }, (_none, i) => ({ name: `odd${i}`, value: 1 })) } });
  assert.equal(pods.notices.length, 11);
  assert.equal(pods.notices.at(-1), 'app inspect: … and 40 more');
  const long = 'x'.repeat(300);
  const apps = [{ name: long, app: { exec: ['/bin/sh'], user: '0', group: '0', mountPoints: [point('/v', long)] } }];
  const [bundle] = (await pods.bundle({ apps })) as [Bundle];
  assert.equal(bundle.app, long);
  assert.ok(fs.statSync(configOf(bundle).mounts.at(-1)?.source as string).isDirectory());
});

test('a NUL in a command is refused', needsRoot, async () => {
  await refused(pods.bundle({ app: { exec: ['/bin/sh', 'a\0b'] } }), {
    ...{ code: 'ERR_BAD_MANIFEST', entry: 'app inspect: app' },
    message: /a NUL in a command/,
  });
});
