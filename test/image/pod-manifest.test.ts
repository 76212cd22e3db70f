/** Pod manifests: the values that are read from them, and the faults that are refused. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CairnError, type ErrorCode } from '../../engine/core/errors.js';
import { DEFAULT_LIMITS, MAX_NOTICES, MAX_POD_APPS, MAX_POD_LIST } from '../../engine/core/limits.js';
import type { PodManifest } from '../../engine/image/aci/pod.js';
import { parsePodManifest, unknownIsolators } from '../../engine/image/aci/pod-manifest.js';
import { unknownFields } from '../../engine/image/aci/unknown-fields.js';

type Fields = Record<string, unknown>;

const ID = `sha512-${'ab'.repeat(64)}`;

function pod(fields: Fields = {}): Fields {
  return { acKind: 'PodManifest', acVersion: '0.8.11', ...fields };
}

function app(fields: Fields = {}): Fields {
  return { name: 'web', image: { id: ID }, ...fields };
}

function withApp(fields: Fields): Fields {
  return pod({ apps: [app(fields)] });
}

function withVolume(fields: Fields): Fields {
  return pod({ volumes: [{ name: 'data', kind: 'empty', ...fields }] });
}

function parse(document: unknown): PodManifest {
  return parsePodManifest(Buffer.from(JSON.stringify(document)), DEFAULT_LIMITS);
}

function refuses(document: unknown, path: string, message: RegExp, code: ErrorCode = 'ERR_BAD_MANIFEST'): void {
  assert.throws(
    () => parse(document),
    (error) => {
      assert.ok(error instanceof CairnError, String(error));
      const entry = path === '' ? 'pod manifest' : `pod manifest: ${path}`;
      assert.deepEqual({ code: error.code, entry: error.entry }, { code, entry }, error.message);
      assert.match(error.message, message);
      return true;
    },
  );
}

test('a whole manifest reads as typed records', () => {
  const document = {
    acVersion: '0.8.11',
    acKind: 'PodManifest',
    apps: [
      {
        name: 'reduce-worker',
        image: { name: 'example.com/reduce-worker', id: 'sha512-AB12', labels: [{ name: 'version', value: '1.0.0' }] },
        app: { exec: ['/bin/reduce-worker', '--debug=true'], user: '0', group: '0' },
        readOnlyRootFS: true,
        mounts: [
          { volume: 'work', path: '/mnt/foo' },
          { volume: 'own', path: '/own', appVolume: { name: 'own', kind: 'host', source: '/srv', recursive: false } },
        ],
        annotations: [{ name: 'foo', value: 'baz' }],
      },
      { name: 'backup', image: { id: ID } },
    ],
    volumes: [
      { name: 'work', kind: 'host', source: '/opt/tenant1/work', readOnly: true },
      { name: 'buildoutput', kind: 'empty', mode: '01777', uid: 9991, gid: 9992, readOnly: false },
      { name: 'plain', kind: 'empty' },
    ],
    isolators: [{ name: 'resource/memory', value: { limit: '4G' } }],
    annotations: [{ name: 'ip-address', value: '10.1.2.3' }],
    ports: [
      { name: 'ftp', hostPort: 2121, hostIP: '127.0.0.1' },
      { name: 'web', hostPort: 80, hostIP: '::1', podPort: { name: 'web', protocol: 'tcp', port: 8080 } },
    ],
    userAnnotations: { 'Some Note': 'x' },
    userLabels: { 'Some Label': 'y' },
  };
  const { raw, ...read } = parse(document);
  assert.deepEqual(raw, document);
  const [worker, backup] = read.apps;
  assert.equal(worker?.app?.user, '0');
  assert.deepEqual(
    { ...worker, app: worker?.app?.exec },
    {
      name: 'reduce-worker',
      image: { id: 'sha512-ab12', name: 'example.com/reduce-worker', labels: [{ name: 'version', value: '1.0.0' }] },
      app: ['/bin/reduce-worker', '--debug=true'],
      readOnlyRootFS: true,
      mounts: [
        { volume: 'work', path: '/mnt/foo' },
        { volume: 'own', path: '/own', appVolume: { kind: 'host', name: 'own', source: '/srv', recursive: false } },
      ],
      annotations: [{ name: 'foo', value: 'baz' }],
    },
  );
  assert.deepEqual(backup, {
    ...{ name: 'backup', image: { id: ID, labels: [] } },
    ...{ readOnlyRootFS: false, mounts: [], annotations: [] },
  });
  assert.deepEqual(
    { ...read, apps: [] },
    {
      acVersion: '0.8.11',
      apps: [],
      volumes: [
        { kind: 'host', name: 'work', source: '/opt/tenant1/work', readOnly: true },
        { kind: 'empty', name: 'buildoutput', readOnly: false, mode: 0o1777, uid: 9991, gid: 9992 },
        { kind: 'empty', name: 'plain', mode: 0o755, uid: 0, gid: 0 },
      ],
      isolators: [{ name: 'resource/memory', value: { limit: '4G' } }],
      annotations: [{ name: 'ip-address', value: '10.1.2.3' }],
      ports: [
        { name: 'ftp', hostPort: 2121, hostIP: '127.0.0.1' },
        {
          name: 'web',
          hostPort: 80,
          hostIP: '::1',
          podPort: { name: 'web', protocol: 'tcp', port: 8080, count: 1, socketActivated: false },
        },
      ],
      userAnnotations: { 'Some Note': 'x' },
      userLabels: { 'Some Label': 'y' },
    },
  );
});

test('keys match whatever their case, null is absent, and no version is no fault', () => {
  const read = parse({
    ackind: 'PodManifest',
    APPS: [{ NAME: 'a', image: { ID }, readonlyrootfs: true }],
    volumes: null,
  });
  assert.equal(read.acVersion, '');
  assert.equal(read.apps[0]?.readOnlyRootFS, true);
  assert.deepEqual(read.volumes, []);
});

describe('faults are refused, and say where they are', () => {
  const cases: Record<string, [document: unknown, path: string, message: RegExp]> = {
    'no object': [[], '', /must be an object/],
    'no kind': [{}, 'acKind', /^ACKind must be set$/],
    'the kind of an image': [
      pod({ acKind: 'ImageManifest' }),
      'acKind',
      /^bad ACKind: "ImageManifest" \(must be "PodM/,
    ],
    'a bad version': [pod({ acVersion: 'new' }), 'acVersion', /^SemVer is bad: "new"$/],
    'version zero': [pod({ acVersion: '0.0.0' }), 'acVersion', /^SemVer cannot be zero$/],
    'apps that are no list': [pod({ apps: {} }), 'apps', /must be a list/],
    'an app that is none': [pod({ apps: [1] }), 'apps[0]', /must be an object/],
    'two apps of one name': [pod({ apps: [app(), app()] }), 'apps[1].name', /^duplicate apps of name "web"$/],
    'an app without a name': [withApp({ name: undefined }), 'apps[0].name', /^ACName cannot be empty$/],
    'a name that is a path': [withApp({ name: '../etc' }), 'apps[0].name', /^ACName must contain only lower case/],
    'no image': [withApp({ image: null }), 'apps[0].image', /^app "web": no image$/],
    'no id': [withApp({ image: {} }), 'apps[0].image.id', /^app "web": no image ID$/],
    'an id of another kind': [
      withApp({ image: { id: 'sha256-aa' } }),
      'apps[0].image.id',
      /^app "web": unrecognized hash type/,
    ],
    'a bad image name': [
      withApp({ image: { id: ID, name: 'A' } }),
      'apps[0].image.name',
      /^app "web": ACIdentifier must contain/,
    ],
    'labels twice': [
      withApp({
        image: {
          id: ID,
          labels: [
            { name: 'os', value: 'linux' },
            { name: 'os', value: 'linux' },
          ],
        },
      }),
      'apps[0].image.labels',
      /^app "web": duplicate labels of name "os"$/,
    ],
    'a bad app': [withApp({ app: { exec: [], group: '0' } }), 'apps[0].app.user', /^app "web": user is required$/],
    'a mount of nothing': [
      withApp({ mounts: [{ path: '/a' }] }),
      'apps[0].mounts[0].volume',
      /^app "web": volume must be set$/,
    ],
    'a mount of no name': [
      withApp({ mounts: [{ volume: '/etc', path: '/a' }] }),
      'apps[0].mounts[0].volume',
      /^app "web": ACName must contain/,
    ],
    'a mount nowhere': [
      withApp({ mounts: [{ volume: 'a' }] }),
      'apps[0].mounts[0].path',
      /^app "web": path must be set$/,
    ],
    'a relative mount': [
      withApp({ mounts: [{ volume: 'a', path: 'a' }] }),
      'apps[0].mounts[0].path',
      /^app "web": path must be abs/,
    ],
    'a mount that leaves the root': [
      withApp({
        mounts: [
          { volume: 'a', path: '/ok', appVolume: { name: 'a', kind: 'empty' } },
          { volume: 'a', path: '/a/../../etc' },
        ],
      }),
      'apps[0].mounts[1].path',
      /^app "web": a path of a pod must not contain ".."/,
    ],
    'a mount of a volume that there is not': [
      withApp({ mounts: [{ volume: 'a', path: '/a' }] }),
      'apps[0].mounts[0].volume',
      /^app "web": could not find volume "a"$/,
    ],
    'a mount point that leaves the root': [
      withApp({ app: { user: '0', group: '0', mountPoints: [{ name: 'a', path: '/../etc' }] } }),
      'apps[0].app.mountPoints[0].path',
      /must not contain ".."/,
    ],
    'a mount with a NUL': [withApp({ mounts: [{ volume: 'a', path: '/a\0b' }] }), 'apps[0].mounts[0].path', /NUL/],
    'a bad volume of an app': [
      withApp({ mounts: [{ volume: 'a', path: '/a', appVolume: { name: 'a', kind: 'host' } }] }),
      'apps[0].mounts[0].appVolume.source',
      /^app "web": source for host volume cannot be empty$/,
    ],
    'annotations twice': [
      withApp({
        annotations: [
          { name: 'a', value: '' },
          { name: 'a', value: '' },
        ],
      }),
      'apps[0].annotations[1].name',
      /^app "web": duplicate annotations of name "a"$/,
    ],
    'a flag that is a text': [withApp({ readOnlyRootFS: 'yes' }), 'apps[0].readOnlyRootFS', /must be true or false/],
    'two volumes of one name': [
      pod({
        volumes: [
          { name: 'a', kind: 'empty' },
          { name: 'a', kind: 'host', source: '/' },
        ],
      }),
      'volumes[1].name',
      /^duplicate volume name "a"$/,
    ],
    'a volume without a name': [withVolume({ name: '' }), 'volumes[0].name', /^name must be set$/],
    'a volume of no kind': [
      withVolume({ kind: 'tmpfs' }),
      'volumes[0].kind',
      /^unrecognized volume kind: should be one/,
    ],
    'an empty volume with a source': [
      withVolume({ source: '/a' }),
      'volumes[0].source',
      /^source for empty volume must/,
    ],
    'a mode that is none': [withVolume({ mode: '0999' }), 'volumes[0].mode', /^mode must be octal/],
    'a mode of too many bits': [withVolume({ mode: '17777' }), 'volumes[0].mode', /^mode must be octal/],
    'a negative uid': [withVolume({ uid: -1 }), 'volumes[0].uid', /must be between 0 and/],
    'a gid that means none': [withVolume({ gid: 2 ** 32 - 1 }), 'volumes[0].gid', /must be between 0 and/],
    'a host volume of nothing': [
      withVolume({ kind: 'host' }),
      'volumes[0].source',
      /^source for host volume cannot be em/,
    ],
    'a relative source': [
      withVolume({ kind: 'host', source: 'a' }),
      'volumes[0].source',
      /^source for host volume must be/,
    ],
    'a source with ..': [withVolume({ kind: 'host', source: '/a/..' }), 'volumes[0].source', /must not contain ".."/],
    'a host volume with a mode': [
      withVolume({ kind: 'host', source: '/a', mode: '0755' }),
      'volumes[0].mode',
      /^mode for host volume cannot be set$/,
    ],
    'a host volume with a uid': [
      withVolume({ kind: 'host', source: '/a', uid: 0 }),
      'volumes[0].uid',
      /^uid for host volume cannot be set$/,
    ],
    'an isolator of a pod with a bad value': [
      pod({ isolators: [{ name: 'resource/memory', value: { limit: 'much' } }] }),
      'isolators[0].value.limit',
      /^not a quantity: "much"/,
    ],
    'a port without a name': [pod({ ports: [{ hostPort: 1 }] }), 'ports[0].name', /^ACName cannot be empty$/],
    'a port beyond the last': [pod({ ports: [{ name: 'a', hostPort: 65536 }] }), 'ports[0].hostPort', /0-65535 range/],
    'an address that is none': [
      pod({ ports: [{ name: 'a', hostPort: 1, hostIP: '1.2.3.256' }] }),
      'ports[0].hostIP',
      /^invalid IP address: "1\.2\.3\.256"$/,
    ],
    'a range of ports that never ends': [
      pod({ ports: [{ name: 'a', hostPort: 1, podPort: { name: 'a', port: 2, count: 65535 } }] }),
      'ports[0].podPort.count',
      /^end of port range must be in 1-65535 range$/,
    ],
    'labels that are no texts': [pod({ userLabels: { a: 1 } }), 'userLabels["a"]', /must be a string/],
  };
  for (const [name, [document, path, message]] of Object.entries(cases))
    test(name, () => refuses(document, path, message));
});

test('lists have a most', () => {
  const many = (length: number): unknown[] => Array.from({ length }, (_, i) => app({ name: `a${i}` }));
  assert.equal(parse(pod({ apps: many(MAX_POD_APPS) })).apps.length, MAX_POD_APPS);
  refuses(pod({ apps: many(MAX_POD_APPS + 1) }), 'apps', /has 1001 items, more than 1000/);
  for (const key of ['volumes', 'ports']) refuses(pod({ [key]: Array(MAX_POD_LIST + 1).fill({}) }), key, /more than/);
  refuses(withApp({ mounts: Array(MAX_POD_LIST + 1).fill({}) }), 'apps[0].mounts', /more than/);
});

test('addresses are those that the reference implementation takes', () => {
  const read = (hostIP: string): unknown =>
    parse(pod({ ports: [{ name: 'a', hostPort: 1, hostIP }] })).ports[0]?.hostIP;
  for (const good of ['0.0.0.0', '255.255.255.255', '::', 'fe80::1', '::ffff:1.2.3.4']) assert.equal(read(good), good);
  for (const bad of [
    '1.2.3',
    '1.2.3.4.',
    '1.2.3.4.5',
    '01.2.3.4',
    'localhost',
    '[::1]',
    'fe80::1%eth0',
    ':::',
    '1::2::3',
  ])
    assert.throws(() => read(bad), bad);
});

test('isolators that the spec does not define are kept, and found again', () => {
  const isolators = [{ name: 'example.com/own', value: [1] }];
  const read = parse(pod({ isolators, apps: [app(), app({ name: 'b', app: { user: '0', group: '0', isolators } })] }));
  assert.deepEqual(read.isolators, isolators);
  assert.deepEqual(unknownIsolators(read), [
    { entry: 'isolators[0]', name: 'example.com/own' },
    { entry: 'apps[1].app.isolators[0]', name: 'example.com/own' },
  ]);
});

test('fields that the spec does not have are found, whatever the case of those that it has', () => {
  const image = { ID, digest: 1, labels: [{ name: 'a', value: 'b' }] };
  const ports = [{ name: 'a', hostPort: 1, podPort: { name: 'a', port: 1, range: 5 } }];
  const own = { user: '0', group: '0', EXEC: [], mounts: [], isolators: [{ name: 'a', value: { any: 'thing' } }] };
  const document = pod({
    ports,
    Apps: [app({ image, app: own, mount: [] })],
    userLabels: { any: 'thing' },
    comment: 'x',
  });
  const unknown = ['Apps[0].app.mounts', 'Apps[0].image.digest', 'Apps[0].mount', 'comment', 'ports[0].podPort.range'];
  assert.deepEqual(unknownFields(parse(document).raw).toSorted(), unknown);
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`x${i}`, i]));
  assert.equal(unknownFields(parse(pod(many)).raw).length, MAX_NOTICES);
});
