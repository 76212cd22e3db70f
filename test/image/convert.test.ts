/** Manifests made of OCI configurations, and the way back. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_LIMITS } from '../../engine/core/limits.js';
import { type ImageManifest, parseImageManifest } from '../../engine/image/aci/manifest.js';
import { ociConfigFrom } from '../../engine/image/convert/aci-to-oci.js';
import { aciManifestFrom } from '../../engine/image/convert/oci-to-aci.js';
import type { JsonObject, JsonValue } from '../../engine/image/json.js';
import { type OciConfig, parseConfig } from '../../engine/image/oci/documents.js';
import { processorMs } from '../fixtures/processor-time.js';

const DIGEST = `sha256:${'0f'.repeat(32)}`;
const bytes = (value: JsonValue): Uint8Array => Buffer.from(JSON.stringify(value));

function config(run: JsonObject = {}, more: JsonObject = {}): OciConfig {
  const rootfs = { type: 'layers', diff_ids: [DIGEST] };
  return parseConfig(bytes({ os: 'linux', architecture: 'amd64', rootfs, config: run, ...more }), DEFAULT_LIMITS);
}

const toAci = (
  run: JsonObject,
  more: JsonObject = {},
  name: { name: string; tag?: string } = { name: 'a' },
): ImageManifest => parseImageManifest(bytes(aciManifestFrom(config(run, more), name)), DEFAULT_LIMITS);

function manifest(app: JsonObject, more: JsonObject = {}): ImageManifest {
  const document = { acKind: 'ImageManifest', acVersion: '0.8.11', name: 'a', ...more };
  return parseImageManifest(bytes({ ...document, app: { user: '0', group: '0', ...app } }), DEFAULT_LIMITS);
}

function runConfig(image: ImageManifest): JsonObject {
  return ociConfigFrom(image, [DIGEST])['config'] as JsonObject;
}

describe('from OCI to appc', () => {
  test('maps everything that docker2aci does', () => {
    const run = {
      User: '1000:users',
      Env: ['PATH=/bin', 'A=b=c', '1BAD=x', 'NOTHING', 'A=last\nline', '=x'],
      Entrypoint: ['/sh'],
      Cmd: ['-c', 'true'],
      WorkingDir: '/w',
      ExposedPorts: {
        '443/tcp': {},
        '80': {},
        '80/TCP': {},
        '53/udp': {},
        '0': {},
        '65536': {},
        'http/tcp': {},
        '': {},
      },
      Volumes: { '/var/lib/data': {}, '/': {} },
      Labels: { key: 'value' },
    };
    const more = { created: '2024-01-01T00:00:00Z', author: 'someone', comment: 'said' };
    const name = { name: 'localhost:5000/Team/app_', tag: 'v1' };
    const image = parseImageManifest(bytes(aciManifestFrom(config(run, more), name, DIGEST)), DEFAULT_LIMITS);
    assert.equal(image.name, 'localhost-5000/team/app');
    assert.deepEqual(image.labels, [
      { name: 'version', value: 'v1' },
      { name: 'os', value: 'linux' },
      { name: 'arch', value: 'amd64' },
    ]);
    const port = { count: 1, socketActivated: false };
    assert.deepEqual(image.app, {
      exec: ['/sh', '-c', 'true'],
      user: '1000',
      group: 'users',
      supplementaryGIDs: [],
      workingDirectory: '/w',
      eventHandlers: [],
      environment: [
        { name: 'PATH', value: '/bin' },
        { name: 'A', value: 'last\nline' },
      ],
      mountPoints: [
        { name: 'volume', path: '/', readOnly: false },
        { name: 'volume-var-lib-data', path: '/var/lib/data', readOnly: false },
      ],
      ports: [
        { name: '53-udp', protocol: 'udp', port: 53, ...port },
        { name: '80-tcp', protocol: 'tcp', port: 80, ...port },
        { name: '443-tcp', protocol: 'tcp', port: 443, ...port },
      ],
      isolators: [],
      userAnnotations: {},
      userLabels: { key: 'value' },
    });
    assert.deepEqual(Object.fromEntries(image.annotations.map((each) => [each.name, each.value])), {
      created: '2024-01-01T00:00:00Z',
      author: 'someone',
      authors: 'someone',
      'docker-comment': 'said',
      'appc.io/docker/originalname': 'localhost:5000/Team/app_:v1',
      'appc.io/docker/registryurl': 'localhost:5000',
      'appc.io/docker/repository': 'Team/app_',
      'appc.io/docker/tag': 'v1',
      'appc.io/docker/manifesthash': DIGEST,
      'appc.io/docker/entrypoint': '["/sh"]',
      'appc.io/docker/cmd': '["-c","true"]',
    });
  });

  test('an empty configuration is a valid image, too', () => {
    const { app, annotations } = toAci({});
    assert.deepEqual(app?.exec, []);
    assert.deepEqual([app?.user, app?.group], ['0', '0']);
    assert.deepEqual(
      annotations.map((each) => each.name),
      ['appc.io/docker/originalname', 'appc.io/docker/repository'],
    );
  });

  const users: Record<string, [string, string]> = {
    u: ['u', 'u'],
    'u:': ['u', 'u'],
    ':g': ['0', 'g'],
    'u:g': ['u', 'g'],
  };
  for (const [User, owner] of Object.entries(users)) {
    test(`the user ${User}`, () => {
      const { app } = toAci({ User });
      assert.deepEqual([app?.user, app?.group], owner);
    });
  }

  test('volumes get names of their own, in an order of their own', () => {
    const { app } = toAci({ Volumes: { '/A': {}, '/a': {}, '/a-1': {}, '/ä': {}, a: {}, '': {} } });
    const names = app?.mountPoints.map(({ name, path }) => `${name} ${path}`);
    assert.deepEqual(names, ['volume /ä', 'volume-a /A', 'volume-a-1 /a', 'volume-a-1-1 /a-1', 'volume-a-2 a']);
  });

  const platforms: [JsonObject, ...string[]][] = [
    [{ architecture: '386' }, 'linux', 'i386'],
    [{ architecture: 'arm64', variant: 'v8' }, 'linux', 'aarch64'],
    [{ architecture: 'arm', variant: 'v6' }, 'linux', 'armv6l'],
    [{ architecture: 'arm' }, 'linux', 'armv7l'],
    [{ architecture: 'arm', variant: 'v5' }, 'linux'],
    [{ architecture: 'riscv64' }, 'linux'],
    [{ os: 'darwin' }, 'darwin', 'x86_64'],
    [{ os: 'windows' }],
  ];
  for (const [platform, ...labels] of platforms) {
    test(`the labels of ${JSON.stringify(platform)}`, () => {
      assert.deepEqual(
        toAci({}, platform).labels.map((each) => each.value),
        labels,
      );
    });
  }

  test('refuses a name of which nothing is left', () => {
    assert.equal(toAci({}, {}, { name: 'Latest_1' }).name, 'latest_1');
    assert.throws(() => aciManifestFrom(config(), { name: '___' }), { code: 'ERR_NAME_SYNTAX' });
  });
});

describe('from appc to OCI', () => {
  test('maps what OCI has a word for', () => {
    const app = {
      exec: ['/sh', '-c'],
      user: '1000',
      group: '1000',
      workingDirectory: '/w',
      environment: [{ name: 'A', value: 'b=c' }],
      mountPoints: [{ name: 'data', path: '/data' }],
      ports: [
        { name: 'web', protocol: 'tcp', port: 80, count: 2 },
        { name: 'more', port: 81 },
        { name: 'dns', protocol: 'UDP', port: 65_535 },
        { name: 'odd', protocol: 'smoke', port: 1 },
      ],
      userLabels: { key: 'value', team: 'mine' },
    };
    const labels = { version: '1.0', os: 'linux', arch: 'armv6l', team: 'yours' };
    const annotations = { created: '2024-01-01T00:00:00Z', authors: 'someone', homepage: 'https://example.com' };
    const list = (values: Record<string, string>): JsonObject[] =>
      Object.entries(values).map(([name, value]) => ({ name, value }));
    const image = manifest(app, { labels: list(labels), annotations: list(annotations) });
    const made = ociConfigFrom(image, [DIGEST]);
    assert.deepEqual(made, {
      created: '2024-01-01T00:00:00Z',
      author: 'someone',
      os: 'linux',
      architecture: 'arm',
      variant: 'v6',
      config: {
        User: '1000:1000',
        Env: ['A=b=c'],
        Entrypoint: ['/sh', '-c'],
        WorkingDir: '/w',
        ExposedPorts: { '80/tcp': {}, '81/tcp': {}, '65535/udp': {} },
        Volumes: { '/data': {} },
        Labels: {
          'org.opencontainers.image.version': '1.0',
          'org.opencontainers.image.url': 'https://example.com',
          key: 'value',
          team: 'mine',
        },
      },
      rootfs: { type: 'layers', diff_ids: [DIGEST] },
    });
    parseConfig(bytes(made), DEFAULT_LIMITS);
  });

  test('an image without an app, a date and a platform', () => {
    const image = parseImageManifest(
      bytes({ acKind: 'ImageManifest', acVersion: '0.8.11', name: 'a' }),
      DEFAULT_LIMITS,
    );
    const host = { os: 'linux', architecture: 'arm', variant: 'v7' };
    const rootfs = { type: 'layers', diff_ids: [] };
    assert.deepEqual(ociConfigFrom(image, []), { os: 'linux', architecture: 'amd64', config: { Labels: {} }, rootfs });
    const created = '2024-01-01T00:00:00Z';
    assert.deepEqual(ociConfigFrom(image, [], created, host), { created, ...host, config: { Labels: {} }, rootfs });
  });

  const users: [user: string, group: string, said: string | undefined][] = [
    ['0', '0', undefined],
    ['nobody', 'nobody', 'nobody'],
    ['nobody', 'nogroup', 'nobody:nogroup'],
    ['0', '1', '0:1'],
  ];
  for (const [user, group, said] of users) {
    test(`the user ${user} and the group ${group}`, () =>
      assert.equal(runConfig(manifest({ user, group }))['User'], said));
  }

  test('refuses the owner of a path', () => {
    const expected = { code: 'ERR_UNSUPPORTED', entry: 'manifest: app.group' };
    assert.throws(() => runConfig(manifest({ user: '0', group: '/etc/passwd' })), expected);
  });

  test('overlapping ranges of ports take no time', () => {
    const ports = Array.from({ length: 20_000 }, () => ({ name: 'all', port: 1, count: 65_535 }));
    const start = processorMs();
    assert.equal(Object.keys(runConfig(manifest({ ports }))['ExposedPorts'] as JsonObject).length, 65_535);
    assert.ok(processorMs() - start < 5_000);
  });

  test('what OCI said comes back', () => {
    const run = {
      User: 'nobody',
      Env: ['A=b'],
      Entrypoint: ['/sh'],
      WorkingDir: '/w',
      ExposedPorts: { '80/tcp': {} },
      Volumes: { '/data': {} },
      Labels: { key: 'value' },
    };
    const { Labels, ...others } = runConfig(toAci(run));
    const { Labels: _own, ...wanted } = run;
    assert.deepEqual(others, wanted);
    assert.equal((Labels as JsonObject)['key'], 'value');
  });
});
