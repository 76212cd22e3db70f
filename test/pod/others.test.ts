/**
 * How others make pod manifests: kubelet's rkt runtime (`makePodManifest`, `setApp`) and dgr's pods, each through the
 * library and through the program.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AppRequest,
  type Isolator,
  openStore,
  type PodManifest,
  parsePodManifest,
  podManifestFrom,
} from '../../engine/api.js';
import { DEFAULT_LIMITS } from '../../engine/core/limits.js';
import { sanitizeACName } from '../../engine/image/aci/names.js';
import { aci } from '../fixtures/archive.js';
import { type Json, TestStore } from '../fixtures/store.js';

const RETAIN = 'os/linux/capabilities-retain-set';
const REMOVE = 'os/linux/capabilities-remove-set';

function amounts(name: string, request: string, limit: string): Isolator {
  return { name, value: { request, limit } };
}

/** The image of the cases of kubelet. */
const FOO = {
  exec: ['/bin/foo', 'bar'],
  user: '0',
  group: '0',
  supplementaryGIDs: [4, 5, 6],
  workingDirectory: '/foo',
  environment: [{ name: 'env-foo', value: 'bar' }],
  mountPoints: [{ name: 'mnt-foo', path: '/mnt-foo', readOnly: false }],
  ports: [{ name: 'port-foo', protocol: 'TCP', port: 4242 }],
  isolators: [
    { name: RETAIN, value: { set: ['CAP_SYS_ADMIN'] } },
    { name: REMOVE, value: { set: ['CAP_NET_ADMIN'] } },
    amounts('resource/cpu', '100m', '200m'),
    amounts('resource/memory', '10M', '20M'),
  ],
};

const port = (name: string, number: number) => ({
  ...{ name, protocol: 'TCP', port: number, count: 1, socketActivated: false },
});
const EXPECTED = {
  ...FOO,
  ports: [port('port-foo', 4242)],
  ...{ eventHandlers: [], userAnnotations: {}, userLabels: {} },
};

/** Kubelet's cases of `setApp`: what is asked, the same in words, and the app that comes of it. */
const KUBELET: Record<string, [asked: Omit<AppRequest, 'image'>, words: string[], expected: Partial<typeof EXPECTED>]> =
  {
    'nothing changes': [{}, [], {}],
    "the app's arguments change": [
      { exec: ['/bin/foo'], args: ['foo'] },
      ['--exec', '/bin/foo', '--', 'foo'],
      { exec: ['/bin/foo', 'foo'] },
    ],
    'all changes': [
      {
        exec: ['/bin/bar'],
        args: ['foo'],
        user: '42',
        supplementaryGIDs: [1, 2, 3, 4],
        workingDirectory: '/tmp/work',
        environment: { 'env-bar': 'foo' },
        mountPoints: [{ name: 'mnt-bar', path: '/mnt-bar', readOnly: true }],
        ports: [port('port-bar', 1234)],
        isolators: [
          { name: RETAIN, value: { set: ['CAP_SYS_CHROOT', 'CAP_SYS_BOOT'] } },
          { name: REMOVE, value: { set: ['CAP_SETUID', 'CAP_SETGID'] } },
          amounts('resource/cpu', '5m', '50m'),
          amounts('resource/memory', '5M', '50M'),
        ],
      },
      [
        ...['--exec=/bin/bar', '--user', '42', '--supplementary-gids=1,2,3,4', '--working-dir=/tmp/work'],
        ...['--environment', 'env-bar=foo', '--mount-point', 'mnt-bar,path=/mnt-bar,readOnly=true'],
        ...['--port', 'port-bar,protocol=TCP,port=1234', '--isolator', 'resource/cpu,request=5m,limit=50m'],
        ...['--isolator', `${RETAIN}={"set":["CAP_SYS_CHROOT","CAP_SYS_BOOT"]}`],
        ...['--isolator', `${REMOVE}={"set":["CAP_SETUID","CAP_SETGID"]}`],
        ...['--isolator', 'resource/memory,request=5M,limit=50M', '--', 'foo'],
      ],
      {
        exec: ['/bin/bar', 'foo'],
        user: '42',
        supplementaryGIDs: [1, 2, 3, 4],
        workingDirectory: '/tmp/work',
        environment: [...FOO.environment, { name: 'env-bar', value: 'foo' }],
        mountPoints: [...FOO.mountPoints, { name: 'mnt-bar', path: '/mnt-bar', readOnly: true }],
        ports: [port('port-foo', 4242), port('port-bar', 1234)],
        isolators: [
          { name: RETAIN, value: { set: ['CAP_SYS_CHROOT', 'CAP_SYS_BOOT'] } },
          { name: REMOVE, value: { set: ['CAP_SETUID', 'CAP_SETGID'] } },
          amounts('resource/cpu', '5m', '50m'),
          amounts('resource/memory', '5M', '50M'),
        ],
      },
    ],
    'variables, mount points and ports are overridden': [
      {
        environment: { 'env-foo': 'foo', 'env-bar': 'bar' },
        mountPoints: [{ name: 'mnt-foo', path: '/mnt-foo', readOnly: true }],
        ports: [port('port-foo', 1234)],
        isolators: [amounts('resource/cpu', '50m', '50m'), amounts('resource/memory', '5M', '5M')],
      },
      [
        ...['--environment=env-foo=foo', '--environment=env-bar=bar', '--cpu=50m', '--memory=5M'],
        ...['--mount-point=mnt-foo,path=/mnt-foo,readOnly=true', '--port=port-foo,protocol=TCP,port=1234'],
      ],
      {
        environment: [
          { name: 'env-foo', value: 'foo' },
          { name: 'env-bar', value: 'bar' },
        ],
        mountPoints: [{ name: 'mnt-foo', path: '/mnt-foo', readOnly: true }],
        ports: [port('port-foo', 1234)],
        isolators: [
          ...FOO.isolators.slice(0, 2),
          amounts('resource/cpu', '50m', '50m'),
          amounts('resource/memory', '5M', '5M'),
        ],
      },
    ],
  };

/** As kubelet's cases do, this looks at isolators whatever their order. */
function sorted(app: object | undefined): object {
  const { isolators = [], ...rest } = app as { isolators?: Isolator[] };
  return { ...rest, isolators: isolators.toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
}

function read(document: unknown): PodManifest {
  return parsePodManifest(Buffer.from(JSON.stringify(document)), DEFAULT_LIMITS);
}

test('manifests as others make them', async (t) => {
  const s = new TestStore(t);
  const store = await openStore({ dir: s.store });
  t.after(() => store.close());
  const { key } = await store.import(
    s.write('foo.aci', aci({ name: 'example.com/foo', labels: { version: '1' }, more: { app: FOO } })),
  );

  for (const [name, [asked, , expected]] of Object.entries(KUBELET))
    await t.test(`kubelet: ${name}`, async () => {
      const { apps } = await store.podManifest({ apps: [{ image: 'example.com/foo', ...asked }] });
      assert.deepEqual(sorted(apps[0]?.app), sorted({ ...EXPECTED, ...expected }));
    });
  await t.test('kubelet: the same in words, as apps of one pod', async () => {
    const words = Object.values(KUBELET).flatMap(([, own], i) => [
      'example.com/foo',
      `--name=case-${i}`,
      ...own,
      '---',
    ]);
    const { apps } = read(await s.json(['pod', 'manifest', ...words]));
    assert.deepEqual(
      apps.map(({ app }) => sorted(app)),
      Object.values(KUBELET).map(([, , expected]) => sorted({ ...EXPECTED, ...expected })),
    );
  });

  await t.test('kubelet: a pod with annotations, one volume for each path of the host, and ports', async () => {
    const containers = [
      {
        name: 'Web_Server',
        hash: '1234567890123456789',
        mounts: [
          ['/srv/data', '/data'],
          ['/srv/data', '/again'],
        ],
      },
      { name: 'sidecar', hash: '42', mounts: [['/srv/logs', '/logs']] },
    ];
    const volumes = [...new Set(containers.flatMap(({ mounts }) => mounts.map(([source]) => source as string)))];
    const volumeOf = (source: string | undefined): string => `uuid-${volumes.indexOf(source as string)}`;
    const manifest = await store.podManifest({
      annotations: {
        'rkt.kubernetes.io/managed-by-kubelet': 'true',
        'io.kubernetes.pod.uid': '7f4a7c9e',
        'io.kubernetes.pod.name': 'Some Pod',
        'rkt.kubernetes.io/restart-count': '0',
      },
      volumes: volumes.map((source) => ({ kind: 'host', name: volumeOf(source), source, readOnly: false })),
      ports: [{ name: 'web', hostPort: 8080 }],
      apps: containers.map(({ name, hash, mounts }, i) => ({
        image: key,
        name: sanitizeACName(name),
        annotations: { 'rkt.kubernetes.io/container-hash': hash, 'io.kubernetes.container.name': name },
        mountPoints: mounts.map(([source, path]) => ({
          name: volumeOf(source),
          path: path as string,
          readOnly: i > 0,
        })),
        ports: i === 0 ? [port('web', 80)] : [],
      })),
    });
    assert.deepEqual(
      manifest.apps.map(({ name }) => name),
      ['web-server', 'sidecar'],
    );
    assert.deepEqual(manifest.apps[0]?.annotations[0], {
      name: 'rkt.kubernetes.io/container-hash',
      value: '1234567890123456789',
    });
    assert.deepEqual(
      manifest.apps.map(({ app }) =>
        app?.mountPoints.slice(1).map((each) => `${each.name} ${each.path} ${each.readOnly}`),
      ),
      [['uuid-0 /data false', 'uuid-0 /again false'], ['uuid-1 /logs true']],
    );
    assert.deepEqual(read(manifest.raw), manifest);
  });

  await t.test('kubelet: what it writes by itself is read, nulls of Go and all', () => {
    const document = {
      acVersion: '0.8.11+git',
      acKind: 'PodManifest',
      apps: [
        {
          name: 'web',
          image: { id: key },
          app: {
            ...FOO,
            isolators: [
              { name: RETAIN, value: { set: ['CAP_KILL'] } },
              { name: 'os/linux/no-new-privileges', value: true },
            ],
          },
          annotations: [{ name: 'rkt.kubernetes.io/container-hash', value: '1' }],
        },
      ],
      volumes: [{ name: '0a7d', kind: 'host', source: '/var/lib/kubelet/pods/x', readOnly: false }],
      isolators: null,
      annotations: [{ name: 'io.kubernetes.pod.uid', value: 'x' }],
      ports: [{ name: 'web', hostPort: 80, hostIP: '' }],
    };
    const manifest = read(document);
    assert.deepEqual(manifest.raw, document);
    assert.deepEqual(manifest.ports, [{ name: 'web', hostPort: 80 }]);
    assert.deepEqual(read(podManifestFrom(manifest)).apps, manifest.apps);
  });

  await t.test('dgr: an app inherits what it does not say itself from the manifest of what it depends on', async () => {
    const inherited = JSON.parse((await store.catManifest('example.com/foo')).toString('utf8')) as { app: typeof FOO };
    const own = { exec: ['/dgr/bin/busybox', 'sh'], environment: [{ name: 'OWN', value: '1' }] };
    const document = {
      acVersion: '0.6.1',
      acKind: 'PodManifest',
      apps: [
        {
          name: 'foo',
          image: { name: 'example.com/pod_foo', id: key, labels: [{ name: 'version', value: '1' }] },
          app: { ...inherited.app, ...own },
          mounts: [{ volume: 'data', path: '/data' }],
          annotations: null,
        },
      ],
      volumes: [{ name: 'data', kind: 'empty' }],
      isolators: null,
      annotations: null,
      ports: null,
    };
    const [app] = read(document).apps;
    assert.deepEqual(app?.app?.exec, own.exec);
    assert.deepEqual(app?.app?.environment, own.environment);
    assert.deepEqual(app?.app?.supplementaryGIDs, FOO.supplementaryGIDs);
    const made = await store.podManifest({
      volumes: [{ kind: 'empty', name: 'data', mode: 0o755, uid: 0, gid: 0 }],
      apps: [
        {
          image: 'example.com/foo',
          exec: own.exec,
          environment: { OWN: '1' },
          mounts: [{ volume: 'data', path: '/data' }],
        },
      ],
    });
    assert.deepEqual(made.apps[0]?.app, { ...app?.app, environment: [...FOO.environment, ...own.environment] });
    const checked = await s.run(['pod', 'manifest', '--validate', '-'], {
      input: Buffer.from(JSON.stringify(document)),
    });
    assert.deepEqual([checked.code, checked.stdout.toString()], [0, 'a pod manifest: apps: 1, volumes: 1\n']);
  });
});

test('the program makes manifests and checks them', async (t) => {
  const s = new TestStore(t);
  await s.ok(['import', s.aci('foo.aci', { name: 'example.com/foo', labels: { version: '1' }, more: { app: FOO } })]);

  await t.test(
    "an option belongs to the image before it; arguments are the app's, whatever they look like",
    async () => {
      const ran = await s.ok([
        ...[
          '--quiet',
          'pod',
          'manifest',
          '--volume',
          'data,kind=empty',
          'example.com/foo',
          '--name',
          'one',
          '--memory=16M',
        ],
        ...[
          '--mount',
          'volume=data,target=/data',
          '--',
          '--help',
          '--json',
          '',
          '---',
          'example.com/foo',
          '--name=two',
        ],
        ...['--readonly-rootfs', '--', '-x'],
      ]);
      assert.match(ran.stdout.toString(), /^\{\n {2}"acVersion"/);
      const { apps, volumes } = read(ran.json<Json>());
      assert.deepEqual(
        apps.map(({ name, app, readOnlyRootFS, mounts }) => [name, app?.exec.slice(2), readOnlyRootFS, mounts.length]),
        [
          ['one', ['--help', '--json', ''], false, 1],
          ['two', ['-x'], true, 0],
        ],
      );
      assert.equal(volumes.length, 1);
      assert.deepEqual(apps[0]?.app?.isolators.at(-1), amounts('resource/memory', '16M', '16M'));
    },
  );
  await t.test('what is mistyped is a usage error, before and after arguments', async () => {
    const near = await s.refused(['pod', 'manifest', 'example.com/foo', '--exce', 'x'], 'ERR_USAGE', 2);
    assert.deepEqual(near['candidates'], ['--exec']);
    const after = ['pod', 'manifest', '--json', 'example.com/foo', '--', 'a', '---', '--usr', 'x'];
    const ran = await s.run(after);
    assert.equal(ran.code, 2);
    assert.deepEqual(ran.error()['candidates'], ['--user']);
    await s.refused(['pod', 'manifest', 'example.com/foo', '--volume', 'x'], 'ERR_USAGE', 2);
    await s.refused(['pod', 'manifest', 'example.com/none'], 'ERR_NOT_FOUND', 3);
  });
  await t.test('--from-oci converts a bundle, and tells what it leaves out', async () => {
    const config = {
      ociVersion: '1.0.0',
      process: { args: ['sh'], cwd: '/' },
      hooks: { poststop: [{ path: '/bin/x' }] },
    };
    s.write('config.json', JSON.stringify(config));
    const ran = await s.ok(['pod', 'manifest', '--from-oci', s.dir, 'example.com/foo', '--user', '5']);
    const [app] = read(ran.json<Json>()).apps;
    assert.deepEqual([app?.app?.exec, app?.app?.user, app?.app?.environment], [['sh'], '5', []]);
    assert.match(ran.stderr, /^cairn: config\.json: hooks: hooks run on the host/m);
    const none = await s.refused(['pod', 'manifest', '--from-oci', s.dir], 'ERR_USAGE', 2);
    assert.match(none.message, /cairn import --layer --name NAME root\.tar/);
  });
  await t.test('--validate tells the place and the rule, and unknown isolators as notices', async () => {
    const manifest = (isolators: unknown): string =>
      JSON.stringify({
        acKind: 'PodManifest',
        apps: [{ name: 'a', image: { id: 'sha512-ab' }, app: { user: '0', group: '0', isolators } }],
      });
    const good = await s.ok([
      'pod',
      'manifest',
      '--validate',
      s.write('good.json', manifest([{ name: 'own', value: 1 }])),
    ]);
    assert.equal(good.stderr, 'cairn: pod manifest: apps[0].app.isolators[0]: unknown isolator own\n');
    const bad = s.write('bad.json', manifest([{ name: 'resource/memory', value: { limit: 'much' } }]));
    const error = await s.refused(['pod', 'manifest', '--validate', bad], 'ERR_BAD_MANIFEST', 1);
    assert.equal(error.entry, 'pod manifest: apps[0].app.isolators[0].value.limit');
    assert.match(error.message, /^app "a": not a quantity: "much"/);
    await s.refused(['pod', 'manifest', '--validate', s.path('none')], 'ERR_NOT_FOUND', 3);
    await s.refused(['pod', 'manifest', '--validate', bad, 'example.com/foo'], 'ERR_USAGE', 2);
  });
});
