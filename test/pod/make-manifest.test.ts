/** Pod manifests made of images, as rkt's `prepare` makes them: through the library, with one store. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CairnError, type ErrorCode, openStore, type PodManifest, type PodRequest } from '../../engine/api.js';
import { aci, tar } from '../fixtures/archive.js';
import { ociLayout } from '../fixtures/oci.js';
import { TestStore } from '../fixtures/store.js';

const LABELS = { version: '1.0.0', os: 'linux', arch: 'amd64' };
const APP = {
  exec: ['/bin/app', '-d'],
  user: '100',
  group: '200',
  supplementaryGIDs: [4, 5],
  workingDirectory: '/srv',
  eventHandlers: [{ name: 'pre-start', exec: ['/bin/prepare'] }],
  environment: [
    { name: 'A', value: '1' },
    { name: 'B', value: '2' },
  ],
  mountPoints: [{ name: 'data', path: '/data' }],
  ports: [{ name: 'http', protocol: 'tcp', port: 80 }],
  isolators: [
    { name: 'resource/memory', value: { limit: '1G' } },
    { name: 'os/linux/capabilities-remove-set', value: { set: ['CAP_KILL'] } },
  ],
  userLabels: { own: 'image' },
};

test('manifests of pods', async (t) => {
  const s = new TestStore(t);
  const store = await openStore({ dir: s.store });
  t.after(() => store.close());
  const [app, plain] = (await store.importAll([
    s.write('app.aci', aci({ name: 'example.com/web_app', labels: LABELS, more: { app: APP } })),
    s.write('plain.aci', aci({ name: 'example.com/plain', labels: { version: '2' } })),
  ])) as { key: string }[];
  const layout = join(s.dir, 'layout');
  fs.mkdirSync(layout);
  const run = {
    Entrypoint: ['/bin/entry'],
    Cmd: ['one', 'two'],
    Env: ['PATH=/bin'],
    User: 'www',
    Volumes: { '/v': {} },
  };
  ociLayout(layout, [{ ref: 'registry.example/team/tool:7', layers: [tar([])], config: { config: run } }]);
  const tool = await store.import(layout);
  assert.ok(app !== undefined && plain !== undefined);

  const make = (request: Omit<PodRequest, 'apps'> & { apps: PodRequest['apps'] }): Promise<PodManifest> =>
    store.podManifest(request);
  const one = async (fields: Omit<PodRequest['apps'][number], 'image'>): Promise<PodManifest['apps'][number]> => {
    const { apps } = await make({ apps: [{ image: 'example.com/web_app', ...fields }] });
    return apps[0] as PodManifest['apps'][number];
  };
  const refused = async (request: PodRequest, code: ErrorCode, message: RegExp): Promise<void> => {
    await assert.rejects(make(request), (error) => {
      assert.ok(error instanceof CairnError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, message);
      return true;
    });
  };

  await t.test('key, name and labels are filled in, and the app as the image has it', async () => {
    const { raw } = await make({ apps: [{ image: 'example.com/web_app:1.0.0' }] });
    assert.deepEqual(raw, {
      acVersion: '0.8.11',
      acKind: 'PodManifest',
      apps: [
        {
          name: 'web-app',
          image: {
            name: 'example.com/web_app',
            id: app.key,
            labels: Object.entries(LABELS).map(([name, value]) => ({ name, value })),
          },
          app: {
            ...APP,
            ports: [{ ...APP.ports[0], count: 1, socketActivated: false }],
          },
        },
      ],
    });
  });
  await t.test('the same request makes the same document', async () => {
    const request = { apps: [{ image: app.key, environment: { Z: '1', A: '2' } }], userLabels: { b: '', a: '' } };
    assert.equal(JSON.stringify((await make(request)).raw), JSON.stringify((await make(request)).raw));
  });
  await t.test('arguments are added to what an ACI runs, and another command replaces it', async () => {
    assert.deepEqual((await one({ args: ['x'] })).app?.exec, ['/bin/app', '-d', 'x']);
    assert.deepEqual((await one({ exec: ['/bin/sh'] })).app?.exec, ['/bin/sh']);
    assert.deepEqual((await one({ exec: ['/bin/sh'], args: ['-c', ''] })).app?.exec, ['/bin/sh', '-c', '']);
  });
  await t.test('what is asked replaces what the image says, one by one', async () => {
    const changed = await one({
      user: '0',
      supplementaryGIDs: [],
      workingDirectory: '/',
      environment: { B: '3', C: '4' },
      mountPoints: [
        { name: 'other', path: '/data', readOnly: true },
        { name: 'more', path: '/more', readOnly: false },
      ],
      ports: [{ name: 'http', protocol: 'tcp', port: 8080, count: 1, socketActivated: false }],
      isolators: [{ name: 'os/linux/capabilities-retain-set', value: { set: ['CAP_CHOWN'] } }],
      userLabels: { own: 'pod' },
    });
    assert.deepEqual(changed.app, {
      ...APP,
      user: '0',
      supplementaryGIDs: [],
      workingDirectory: '/',
      environment: [
        { name: 'A', value: '1' },
        { name: 'B', value: '3' },
        { name: 'C', value: '4' },
      ],
      mountPoints: [
        { name: 'other', path: '/data', readOnly: true },
        { name: 'more', path: '/more', readOnly: false },
      ],
      ports: [{ name: 'http', protocol: 'tcp', port: 8080, count: 1, socketActivated: false }],
      isolators: [
        { name: 'resource/memory', value: { limit: '1G' } },
        { name: 'os/linux/capabilities-retain-set', value: { set: ['CAP_CHOWN'] } },
      ],
      userAnnotations: {},
      userLabels: { own: 'pod' },
    });
  });
  await t.test("an app's own mounts and variables come before those of the pod", async () => {
    const { apps } = await make({
      volumes: [
        { kind: 'empty', name: 'own', mode: 0o755, uid: 0, gid: 0 },
        { kind: 'host', name: 'all', source: '/srv' },
      ],
      mounts: [
        { volume: 'all', path: '/data/' },
        { volume: 'all', path: '/all' },
      ],
      environment: { A: 'pod', C: 'pod' },
      apps: [
        { image: app.key, mounts: [{ volume: 'own', path: '//data' }], environment: { C: 'app' } },
        { image: app.key, name: 'two' },
      ],
    });
    assert.deepEqual(
      apps.map(({ mounts }) => mounts.map(({ volume, path }) => `${volume} ${path}`)),
      [
        ['own //data', 'all /all'],
        ['all /data/', 'all /all'],
      ],
    );
    assert.deepEqual(
      apps.map((each) => each.app?.environment.map(({ name, value }) => `${name}=${value}`)),
      [
        ['A=pod', 'B=2', 'C=app'],
        ['A=pod', 'B=2', 'C=pod'],
      ],
    );
  });
  await t.test('an image without an app runs what is said, as root', async () => {
    const { apps } = await make({ apps: [{ image: 'example.com/plain', exec: ['/bin/true'] }] });
    assert.deepEqual(apps[0]?.app?.exec, ['/bin/true']);
    assert.deepEqual([apps[0]?.app?.user, apps[0]?.app?.group], ['0', '0']);
    const request = { apps: [{ image: 'example.com/plain' }] };
    await refused(request, 'ERR_USAGE', /^image "example\.com\/plain" has no app section and --exec argument is not/);
  });
  await t.test('an OCI image runs by its own rules, unless something is asked of it', async () => {
    const ref = 'registry.example/team/tool:7';
    const { apps } = await make({ apps: [{ image: ref, readOnlyRootFS: true }] });
    assert.deepEqual(apps[0], {
      name: 'tool',
      image: { id: tool.key, name: 'registry.example/team/tool', labels: [{ name: 'version', value: '7' }] },
      readOnlyRootFS: true,
      mounts: [],
      annotations: [],
    });
    const asked = await make({ apps: [{ image: ref, args: ['three'] }] });
    const { exec, user, group, environment, mountPoints } = asked.apps[0]?.app ?? {};
    assert.deepEqual(
      { exec, user, group, environment, mountPoints },
      {
        exec: ['/bin/entry', 'three'],
        user: 'www',
        group: 'www',
        environment: [{ name: 'PATH', value: '/bin' }],
        mountPoints: [{ name: 'volume-v', path: '/v', readOnly: false }],
      },
    );
    const other = (await make({ apps: [{ image: ref, user: 'nobody' }] })).apps[0]?.app;
    assert.deepEqual([other?.user, other?.group], ['nobody', 'nobody']);
    const both = (await make({ apps: [{ image: ref, user: '5', group: '6' }] })).apps[0]?.app;
    assert.deepEqual([both?.user, both?.group], ['5', '6']);
    const renamed = await make({ apps: [{ image: ref, environment: { A: '1' } }] });
    assert.deepEqual(renamed.apps[0]?.app?.exec, ['/bin/entry', 'one', 'two']);
  });
  await t.test('ports lead to the one app that has them', async () => {
    const ports = [{ name: 'http', hostPort: 8080 }];
    const http = { name: 'http', protocol: 'tcp', port: 80, count: 1, socketActivated: false };
    assert.equal((await make({ ports, apps: [{ image: app.key }] })).ports.length, 1);
    const two = [{ image: app.key }, { image: app.key, name: 'two' }];
    await refused({ ports, apps: two }, 'ERR_BAD_MANIFEST', /^port name "http" defined in multiple apps$/);
    const direct = [{ ...ports[0], name: 'http', hostPort: 8080, podPort: http }];
    assert.equal((await make({ ports: direct, apps: two })).ports.length, 1);
    const missing = { ports: [{ name: 'ftp', hostPort: 21 }], apps: [{ image: app.key }] };
    await refused(missing, 'ERR_BAD_MANIFEST', /^port name "ftp" could not be found in any apps$/);
    const twice = {
      ports: [...ports, { name: 'http', hostPort: 8080, hostIP: '127.0.0.1' }],
      apps: [{ image: app.key }],
    };
    await refused(twice, 'ERR_BAD_MANIFEST', /^port tcp-127\.0\.0\.1:8080 already mapped to pod port 80$/);
    const apart = [
      { name: 'http', hostPort: 8080, hostIP: '127.0.0.2' },
      { name: 'http', hostPort: 8080, hostIP: '127.0.0.1' },
    ];
    assert.equal((await make({ ports: apart, apps: [{ image: app.key }] })).ports.length, 2);
  });
  await t.test('what does not fit together is refused', async () => {
    const image = app.key;
    await refused({ apps: [] }, 'ERR_USAGE', /a pod needs at least one image/);
    await refused(
      { apps: [{ image }, { image }] },
      'ERR_USAGE',
      /^multiple apps with name "web-app"; --name gives one/,
    );
    await refused({ apps: [{ image: 'example.com/none' }] }, 'ERR_NOT_FOUND', /example\.com\/none/);
    await refused({ apps: [{ image, name: '../x' }] }, 'ERR_BAD_MANIFEST', /ACName must contain only/);
    await refused({ apps: [{ image, workingDirectory: 'x' }] }, 'ERR_BAD_MANIFEST', /must be an absolute path/);
    const dangling = { apps: [{ image, mounts: [{ volume: 'v', path: '/v' }] }] };
    await refused(dangling, 'ERR_BAD_MANIFEST', /^app "web-app": could not find volume "v"$/);
    await refused({ apps: Array(1001).fill({ image }) }, 'ERR_USAGE', /^a pod has at most 1000 apps$/);
    const odd = { userLabels: JSON.parse('{"__proto__": "x"}') as Record<string, string> };
    await refused({ ...odd, apps: [{ image }] }, 'ERR_BAD_ARCHIVE', /has a __proto__ key/);
    await refused({ apps: {} } as unknown as PodRequest, 'ERR_USAGE', /apps must be a list/);
    await refused(
      { apps: [{ image, exec: 'sh' }] } as unknown as PodRequest,
      'ERR_USAGE',
      /exec must be a list of texts/,
    );
    await refused(
      { apps: [{ image, colour: 1 }] } as unknown as PodRequest,
      'ERR_USAGE',
      /there is no option "colour"/,
    );
  });
});
