/** Manifests of ACIs: the values that are read from them, and the faults that are refused. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CairnError, type ErrorCode } from '../../engine/core/errors.js';
import { DEFAULT_LIMITS, MAX_JSON_DEPTH } from '../../engine/core/limits.js';
import { isKnownIsolator, isQuantity } from '../../engine/image/aci/isolators.js';
import { type ImageManifest, parseImageManifest } from '../../engine/image/aci/manifest.js';
import { processorMs } from '../fixtures/processor-time.js';

type Fields = Record<string, unknown>;

function manifest(fields: Fields = {}): Fields {
  return { acKind: 'ImageManifest', acVersion: '0.8.11', name: 'example.com/app', ...fields };
}

function withApp(fields: Fields): Fields {
  return manifest({ app: { exec: ['/bin/app'], user: '0', group: '0', ...fields } });
}

function parseText(text: string): ImageManifest {
  return parseImageManifest(Buffer.from(text), DEFAULT_LIMITS);
}

function parse(document: unknown): ImageManifest {
  return parseText(JSON.stringify(document));
}

function refuses(run: () => unknown, code: ErrorCode, entry: string, message: RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof CairnError, String(error));
    assert.deepEqual({ code: error.code, entry: error.entry }, { code, entry });
    assert.match(error.message, message);
    return true;
  });
}

function refusesFields(document: unknown, path: string, message: RegExp): void {
  const entry = path === '' ? 'manifest' : `manifest: ${path}`;
  refuses(() => parse(document), 'ERR_BAD_MANIFEST', entry, message);
}

test('a whole manifest reads as typed records', () => {
  const document = {
    acKind: 'ImageManifest',
    acVersion: '0.8.11+git',
    name: 'example.com/reduce-worker',
    labels: [
      { name: 'version', value: '1.0.0' },
      { name: 'arch', value: 'amd64' },
      { name: 'os', value: 'linux' },
    ],
    app: {
      exec: ['/usr/bin/reduce-worker', '--quiet'],
      user: '100',
      group: 'staff',
      supplementaryGIDs: [400, 500],
      eventHandlers: [{ name: 'pre-start', exec: ['/usr/bin/data-downloader'] }, { name: 'post-stop' }],
      workingDirectory: '/opt/work',
      environment: [{ name: 'REDUCE_WORKER_DEBUG', value: 'true' }, { name: '_a.b-c' }],
      isolators: [{ name: 'resource/cpu', value: { request: '250m', limit: '500m' } }],
      mountPoints: [
        { name: 'work', path: '/var/lib/work', readOnly: true },
        { name: 'db', path: 'db' },
      ],
      ports: [
        { name: 'health', port: 4000, protocol: 'tcp', socketActivated: true },
        { name: 'rest', port: 65000, count: 536 },
      ],
      userAnnotations: { note: 'x' },
      userLabels: { team: 'y' },
    },
    dependencies: [
      {
        imageName: 'example.com/base',
        imageID: 'sha512-AB12',
        labels: [{ name: 'os', value: 'linux' }],
        size: 22017258,
      },
      { imageName: 'example.com/other' },
    ],
    pathWhitelist: ['/etc/ca/example.com/crt', 'usr/bin/map-reduce-worker', '/etc/systemd/system/'],
    annotations: [
      { name: 'authors', value: 'Carly Container <carly@example.com>' },
      { name: 'appc.io/executor/supports-systemd-notify', value: 'true' },
      { name: 'created', value: '2014-10-27T19:32:27.67021798Z' },
      { name: 'documentation', value: 'https://example.com/docs' },
      { name: 'homepage', value: 'http://example.com' },
    ],
    unknown: { kept: ['in', 'raw'] },
  };
  assert.deepEqual(parse(document), {
    acVersion: '0.8.11+git',
    name: 'example.com/reduce-worker',
    labels: document.labels,
    app: {
      ...document.app,
      eventHandlers: [
        { name: 'pre-start', exec: ['/usr/bin/data-downloader'] },
        { name: 'post-stop', exec: [] },
      ],
      environment: [
        { name: 'REDUCE_WORKER_DEBUG', value: 'true' },
        { name: '_a.b-c', value: '' },
      ],
      mountPoints: [
        { name: 'work', path: '/var/lib/work', readOnly: true },
        { name: 'db', path: 'db', readOnly: false },
      ],
      ports: [
        { name: 'health', port: 4000, count: 1, protocol: 'tcp', socketActivated: true },
        { name: 'rest', port: 65000, count: 536, protocol: '', socketActivated: false },
      ],
    },
    dependencies: [
      {
        imageName: 'example.com/base',
        imageID: 'sha512-ab12',
        labels: document.dependencies[0]?.labels,
        size: 22017258,
      },
      { imageName: 'example.com/other', labels: [] },
    ],
    pathWhitelist: document.pathWhitelist,
    annotations: document.annotations,
    raw: document,
  });
});

test('a minimal manifest has empty lists and no app', () => {
  const document = manifest();
  assert.deepEqual(parse(document), {
    acVersion: '0.8.11',
    name: 'example.com/app',
    labels: [],
    dependencies: [],
    pathWhitelist: [],
    annotations: [],
    raw: document,
  });
});

test('null is the same as absent', () => {
  const nothing = { labels: null, app: null, annotations: null, dependencies: null, pathWhitelist: null };
  assert.deepEqual({ ...parse(manifest(nothing)), raw: {} }, { ...parse(manifest()), raw: {} });
  const empty = {
    supplementaryGIDs: null,
    workingDirectory: null,
    eventHandlers: null,
    environment: null,
    ports: null,
  };
  const { app } = parse(withApp({ ...empty, exec: null, isolators: null, mountPoints: null, userLabels: null }));
  assert.deepEqual(app, {
    exec: [],
    user: '0',
    group: '0',
    supplementaryGIDs: [],
    eventHandlers: [],
    environment: [],
    mountPoints: [],
    ports: [],
    isolators: [],
    userAnnotations: {},
    userLabels: {},
  });
});

describe('keys', () => {
  test('match in any case', () => {
    const found = parse({ ACKIND: 'ImageManifest', acversion: '0.8.0', Name: 'a', PATHWhitelist: ['/x'] });
    assert.deepEqual([found.name, found.acVersion, found.pathWhitelist], ['a', '0.8.0', ['/x']]);
    assert.deepEqual(parse(withApp({ supplementaryGids: [7] })).app?.supplementaryGIDs, [7]);
  });
  test('fold as in Go, beyond ASCII', () => {
    const folded = parse({ ...manifest(), labelſ: [{ name: 'a', value: 'b' }] });
    assert.deepEqual(folded.labels, [{ name: 'a', value: 'b' }]);
    assert.equal(parse({ 'ac\u212aind': 'ImageManifest', acVersion: '1.0.0', name: 'a' }).name, 'a');
  });
  test('in the right case come first, wherever they stand', () => {
    assert.equal(parse({ NAME: 'a', ...manifest({ name: 'b' }), Name: 'c' }).name, 'b');
  });
  test('in two wrong cases are a duplicate', () => {
    const { name: _, ...rest } = manifest();
    refusesFields({ ...rest, Name: 'a', NAME: 'b' }, 'name', /duplicate key: Name, NAME/);
  });
  test('that nobody knows are ignored', () => {
    assert.equal(parse(manifest({ constructor: 1, toString: 2, hasOwnProperty: 3 })).name, 'example.com/app');
  });
});

type Case = readonly [what: string, document: unknown, path: string, message: RegExp];

function label(name: string, value = ''): Fields {
  return { name, value };
}

function annotated(...annotations: Fields[]): Fields {
  return manifest({ annotations });
}

function many(count: number): Fields[] {
  return Array.from({ length: count }, (_none, i) => label(`l${i}`));
}

function depends(fields: Fields): Fields {
  return manifest({ dependencies: [{ imageName: 'base', ...fields }] });
}

const TOP_LEVEL: readonly Case[] = [
  ['a list at the top', [], '', /must be an object/],
  ['a string at the top', 'x', '', /must be an object/],
  ['null at the top', null, '', /must be an object/],
  ['no acKind', manifest({ acKind: undefined }), 'acKind', /ACKind must be set/],
  ['another acKind', manifest({ acKind: 'PodManifest' }), 'acKind', /bad ACKind: "PodManifest"/],
  ['an acKind in the wrong case', manifest({ acKind: 'imagemanifest' }), 'acKind', /bad ACKind/],
  ['an acKind that is no string', manifest({ acKind: 1 }), 'acKind', /must be a string/],
  ['no acVersion', manifest({ acVersion: undefined }), 'acVersion', /acVersion must be set/],
  ['a zero acVersion', manifest({ acVersion: '0.0.0' }), 'acVersion', /SemVer cannot be zero/],
  ['no name', manifest({ name: undefined }), 'name', /ACIdentifier cannot be empty/],
  ['a bad name', manifest({ name: '../x' }), 'name', /must start and end/],
  ['labels that are no list', manifest({ labels: {} }), 'labels', /must be a list/],
  ['a label that is no object', manifest({ labels: [null] }), 'labels[0]', /must be an object/],
  ['a label without a name', manifest({ labels: [{ value: 'x' }] }), 'labels[0].name', /cannot be empty/],
  ['a label outside the grammar', manifest({ labels: [label('a'), label('B')] }), 'labels[1].name', /only lower case/],
  ['a label value that is no string', manifest({ labels: [{ name: 'a', value: 1 }] }), 'labels[0].value', /string/],
  ['a label called name', manifest({ labels: [label('name')] }), 'labels', /invalid label name: "name"/],
  ['twice the same label', manifest({ labels: [label('a'), label('a')] }), 'labels', /duplicate labels of name "a"/],
  ['a bad os', manifest({ labels: [label('os', 'plan9')] }), 'labels', /bad os "plan9"/],
  [
    'a bad arch',
    manifest({ labels: [label('arch', 'arm'), label('os', 'linux')] }),
    'labels',
    /bad arch "arm" for linux/,
  ],
  ['a long name', manifest({ name: 'a'.repeat(4097) }), 'name', /longer than 4096 bytes/],
  [
    'a long label value',
    manifest({ labels: [label('a', 'é'.repeat(2049))] }),
    'labels',
    /value is longer than 4096 bytes/,
  ],
  ['too many labels', manifest({ labels: many(1001) }), 'labels', /has 1001 items, more than 1000/],
  ['too many annotations', annotated(...many(1001)), 'annotations', /has 1001 items, more than 1000/],
  ['a whitelist that is a string', manifest({ pathWhitelist: '/x' }), 'pathWhitelist', /must be a list/],
  [
    'a whitelist entry that is no string',
    manifest({ pathWhitelist: ['/x', 1] }),
    'pathWhitelist[1]',
    /must be a string/,
  ],
  ['a null whitelist entry', manifest({ pathWhitelist: [null] }), 'pathWhitelist[0]', /must be a string/],
  ['an app that is a list', manifest({ app: [] }), 'app', /must be an object/],
];

const DEPENDENCIES: readonly Case[] = [
  ['a dependency without a name', depends({ imageName: undefined }), 'dependencies[0].imageName', /cannot be empty/],
  ['a dependency under its old key', depends({ imageName: null, app: 'x' }), 'dependencies[0].imageName', /empty/],
  ['a bad dependency name', depends({ imageName: 'A' }), 'dependencies[0].imageName', /only lower case/],
  ['bad dependency labels', depends({ labels: [label('name')] }), 'dependencies[0].labels', /invalid label name/],
  ['too many dependency labels', depends({ labels: many(1001) }), 'dependencies[0].labels', /more than 1000/],
  [
    'too many dependencies',
    manifest({ dependencies: new Array(10_001).fill({ imageName: 'base' }) }),
    'dependencies',
    /has 10001 items, more than 10000/,
  ],
  ['a negative size', depends({ size: -1 }), 'dependencies[0].size', /between 0 and/],
  ['a fractional size', depends({ size: 1.5 }), 'dependencies[0].size', /whole number/],
  ['a size beyond 2^53', depends({ size: 2 ** 53 }), 'dependencies[0].size', /between 0 and/],
  ['a size in quotes', depends({ size: '1' }), 'dependencies[0].size', /whole number/],
  ...(
    [
      ['', /badly formatted hash string/],
      ['sha512', /badly formatted hash string/],
      ['sha512-ab-cd', /badly formatted hash string/],
      ['-abcd', /unexpected empty hash type/],
      ['sha256-abcd', /unrecognized hash type: "sha256"/],
      ['SHA512-abcd', /unrecognized hash type/],
      ['sha512-', /unexpected empty hash value/],
      ['sha512-a', /2 to 128 hexadecimal digits/],
      ['sha512-...', /2 to 128 hexadecimal digits/],
      ['sha512-abcdefghi', /2 to 128 hexadecimal digits/],
      [`sha512-${'a'.repeat(129)}`, /2 to 128 hexadecimal digits/],
      [1, /must be a string/],
    ] as const
  ).map(
    ([imageID, message]): Case => [
      `image ID ${String(imageID).slice(0, 20)}`,
      depends({ imageID }),
      'dependencies[0].imageID',
      message,
    ],
  ),
];

const APP: readonly Case[] = [
  ['no user', withApp({ user: undefined }), 'app.user', /user is required/],
  ['an empty user', withApp({ user: '' }), 'app.user', /user is required/],
  ['a numeric user', withApp({ user: 0 }), 'app.user', /must be a string/],
  ['no group', withApp({ group: null }), 'app.group', /group is required/],
  ['an exec that is a string', withApp({ exec: '/bin/app' }), 'app.exec', /must be a list/],
  ['an exec of numbers', withApp({ exec: ['/bin/app', 1] }), 'app.exec[1]', /must be a string/],
  ['a relative working directory', withApp({ workingDirectory: 'work' }), 'app.workingDirectory', /absolute path/],
  ['a negative group', withApp({ supplementaryGIDs: [1, -1] }), 'app.supplementaryGIDs[1]', /between 0 and/],
  ['a group beyond 32 bits', withApp({ supplementaryGIDs: [2 ** 32] }), 'app.supplementaryGIDs[0]', /between 0 and/],
  ['a group in quotes', withApp({ supplementaryGIDs: ['1'] }), 'app.supplementaryGIDs[0]', /whole number/],
  ['a null group', withApp({ supplementaryGIDs: [null] }), 'app.supplementaryGIDs[0]', /whole number/],
  ['an event without a name', withApp({ eventHandlers: [{}] }), 'app.eventHandlers[0].name', /cannot be empty/],
  ['an unknown event', withApp({ eventHandlers: [{ name: 'stop' }] }), 'app.eventHandlers[0].name', /bad eventHandler/],
  [
    'twice the same event',
    withApp({ eventHandlers: [{ name: 'pre-start' }, { name: 'pre-start' }] }),
    'app.eventHandlers[1].name',
    /only one eventHandler of name "pre-start" allowed/,
  ],
  ['an unnamed variable', withApp({ environment: [{ value: '1' }] }), 'app.environment[0].name', /must not be empty/],
  ['a bad variable', withApp({ environment: [label('1A')] }), 'app.environment[0].name', /valid identifier "1A"/],
  ['a variable with a line break', withApp({ environment: [label('A\n')] }), 'app.environment[0].name', /identifier/],
  ['a variable twice', withApp({ environment: [label('A'), label('A')] }), 'app.environment[1].name', /duplicate env/],
  ['an unnamed mount point', withApp({ mountPoints: [{ path: '/a' }] }), 'app.mountPoints[0].name', /ACName cannot/],
  [
    'a bad mount point',
    withApp({ mountPoints: [{ name: 'a_b', path: '/' }] }),
    'app.mountPoints[0].name',
    /ACName must/,
  ],
  ['a mount point without a path', withApp({ mountPoints: [{ name: 'a' }] }), 'app.mountPoints[0].path', /must be set/],
  [
    'a mount point that is read-only by a string',
    withApp({ mountPoints: [{ name: 'a', path: '/a', readOnly: 'true' }] }),
    'app.mountPoints[0].readOnly',
    /true or false/,
  ],
  [
    'a port without a number',
    withApp({ ports: [{ name: 'a' }] }),
    'app.ports[0].port',
    /port must be in 1-65535 range/,
  ],
  ['port 65536', withApp({ ports: [{ name: 'a', port: 65536 }] }), 'app.ports[0].port', /1-65535/],
  ['a port in quotes', withApp({ ports: [{ name: 'a', port: '80' }] }), 'app.ports[0].port', /whole number/],
  [
    'a range past the end',
    withApp({ ports: [{ name: 'a', port: 65535, count: 2 }] }),
    'app.ports[0].count',
    /end of port/,
  ],
  ['a negative count', withApp({ ports: [{ name: 'a', port: 1, count: -1 }] }), 'app.ports[0].count', /end of port/],
  ['a bad port name', withApp({ ports: [{ name: 'a.b', port: 1 }] }), 'app.ports[0].name', /ACName/],
  ['user labels of numbers', withApp({ userLabels: { 'a"b': 1 } }), 'app.userLabels["a\\"b"]', /must be a string/],
  ['user annotations in a list', withApp({ userAnnotations: [] }), 'app.userAnnotations', /must be an object/],
];

const ANNOTATIONS: readonly Case[] = [
  ['a bad annotation name', annotated(label('A')), 'annotations[0].name', /only lower case/],
  ['twice the same', annotated(label('a'), label('a')), 'annotations[1].name', /duplicate annotations of name "a"/],
  ['an annotation value that is no string', annotated({ name: 'a', value: {} }), 'annotations[0].value', /string/],
  ...[
    'garbage',
    '2014-10-27',
    '2014-10-27 19:32:27Z',
    '2014-10-27T19:32:27',
    '2014-13-27T19:32:27Z',
    '2015-02-29T19:32:27Z',
    '2014-10-27T24:00:00Z',
    '2014-10-27T19:32:27+0200',
    '',
  ].map((date): Case => [`created ${date}`, annotated(label('created', date)), 'annotations[0].value', /RFC 3339/]),
  ...['homepage', 'documentation'].flatMap((name) =>
    ['not-A$@#URL', 'ftp://isnotallowed.com', 'javascript:alert(1)', 'http://', ' http://a', ''].map(
      (url): Case => [`${name} ${url}`, annotated(label(name, url)), 'annotations[0].value', /http or https/],
    ),
  ),
];

for (const [group, cases] of Object.entries({ TOP_LEVEL, DEPENDENCIES, APP, ANNOTATIONS })) {
  describe(`a manifest is refused for (${group.toLowerCase().replace('_', ' ')})`, () => {
    for (const [what, document, path, message] of cases) {
      test(what, () => refusesFields(document, path, message));
    }
  });
}

test('versions are three numbers, with a pre-release and metadata', () => {
  for (const acVersion of [
    '0.1.1',
    '0.8.11+git',
    '1.0.0-rc.1',
    '1.2.3-a-b+c-d.e',
    '0.0.0-dev',
    '0.0.0+x',
    '10.20.30',
  ]) {
    assert.equal(parse(manifest({ acVersion })).acVersion, acVersion);
  }
  for (const acVersion of ['1', '1.2', '1.2.3.4', 'v1.2.3', '1.2.x', '1.2.3 ', '-1.2.3', '1.2.3-ä', '1..3']) {
    refusesFields(manifest({ acVersion }), 'acVersion', /SemVer is bad/);
  }
});

test('image IDs are prefixes of keys, in lower case', () => {
  for (const digits of ['ab', 'ABCDEF', 'a'.repeat(64), 'F'.repeat(128)]) {
    const [dependency] = parse(depends({ imageID: `sha512-${digits}` })).dependencies;
    assert.equal(dependency?.imageID, `sha512-${digits.toLowerCase()}`);
  }
});

test('dates and addresses of annotations are kept as written', () => {
  for (const [name, value] of [
    ['created', '2004-05-14T23:11:14+00:00'],
    ['created', '2016-02-29T23:59:59.123456789-11:30'],
    ['homepage', 'https://homepage.com'],
    ['documentation', 'HTTP://example.com/docs?a=b#c'],
    ['foo', 'ftp://anything'],
  ] as const) {
    assert.deepEqual(parse(annotated({ name, value })).annotations, [{ name, value }]);
  }
});

function isolated(...isolators: Fields[]): Fields {
  return withApp({ isolators });
}

describe('isolators', () => {
  const SETS = ['os/linux/capabilities-retain-set', 'os/linux/capabilities-remove-set'];
  const SECCOMP = ['os/linux/seccomp-retain-set', 'os/linux/seccomp-remove-set'];
  const LIMITS = ['resource/block-bandwidth', 'resource/block-iops', 'resource/network-bandwidth'];
  const AMOUNTS = ['resource/cpu', 'resource/memory'];
  const context = { user: 'user_u', role: 'role_r', type: 'type_r', level: 's0-s0:c0' };

  const good: readonly [names: readonly string[], values: readonly unknown[]][] = [
    [LIMITS, [{ default: true, limit: '1G' }, { default: true, request: null, Limit: '2Mi' }, { default: true }]],
    [AMOUNTS, [{ request: '30m', limit: '1m' }, { default: false, limit: '2Gi' }, { limit: 1000 }, {}]],
    [SETS, [{ set: ['CAP_KILL'] }, { set: ['CAP_PONIES'] }]],
    [SECCOMP, [{ set: ['chmod'], errno: 'EACCES' }, { set: ['@appc.io/empty'], errno: '' }, { set: ['x'] }]],
    [['os/linux/no-new-privileges'], [true, false]],
    [['os/linux/oom-score-adj'], [-1000, 0, 250, 1000]],
    [['os/linux/cpu-shares'], [2, 2048, 262144]],
    [['os/linux/selinux-context'], [context]],
    [['os/linux/apparmor-profile'], [{ profile: 'rkt-default' }, 'default']],
    [['os/unix/sysctl'], [{ 'net.ipv4.tcp_rfc1337': '1' }, {}]],
    [
      ['resource/network-ponies', 'cpu/shares'],
      [0, '20', { any: ['thing'] }, null],
    ],
  ];
  for (const [names, values] of good) {
    for (const name of names) {
      test(`${name} keeps its value`, () => {
        for (const value of values) {
          assert.deepEqual(parse(isolated({ name, value })).app?.isolators, [{ name, value }]);
        }
      });
    }
  }

  const bad: readonly [names: readonly string[], value: unknown, path: string, message: RegExp][] = [
    [LIMITS, { default: false, limit: '1G' }, '.default', /default must be true/],
    [LIMITS, { limit: '1G' }, '.default', /default must be true/],
    [LIMITS, { default: true, request: '30G', limit: '1G' }, '.request', /request not supported/],
    [LIMITS, { default: true, limit: '1X' }, '.limit', /not a quantity: "1X"/],
    [LIMITS, '1G', '', /must be an object/],
    [AMOUNTS, { default: true, limit: '2G' }, '.default', /default must be false/],
    [AMOUNTS, { request: 'much' }, '.request', /not a quantity: "much"/],
    [AMOUNTS, { limit: '' }, '.limit', /not a quantity: ""/],
    [AMOUNTS, { limit: true }, '.limit', /must be a string/],
    [[...SETS, ...SECCOMP], { set: [] }, '.set', /set must be non-empty/],
    [[...SETS, ...SECCOMP], {}, '.set', /set must be non-empty/],
    [[...SETS, ...SECCOMP], { set: 'CAP_PONIES' }, '.set', /must be a list/],
    [[...SETS, ...SECCOMP], { set: [1] }, '.set[0]', /must be a string/],
    [SECCOMP, { set: ['chmod'], errno: 'eaccess' }, '.errno', /upper case/],
    [SECCOMP, { set: ['chmod'], errno: '-EPERM' }, '.errno', /upper case/],
    [['os/linux/no-new-privileges'], 123, '', /true or false/],
    [['os/linux/no-new-privileges'], 'foo', '', /true or false/],
    [['os/linux/oom-score-adj'], -1001, '', /between -1000 and 1000/],
    [['os/linux/oom-score-adj'], 'pants', '', /whole number/],
    [['os/linux/cpu-shares'], 1, '', /between 2 and 262144/],
    [['os/linux/cpu-shares'], 262145, '', /between 2 and 262144/],
    [['os/linux/cpu-shares'], '1024', '', /whole number/],
    [['os/linux/selinux-context'], { ...context, role: 'role_r:type_t' }, '.role', /invalid role value/],
    [['os/linux/selinux-context'], { ...context, user: '' }, '.user', /invalid user value/],
    [['os/linux/selinux-context'], { ...context, level: '' }, '.level', /invalid level value/],
    [['os/linux/apparmor-profile'], {}, '.profile', /invalid profile value/],
    [['os/unix/sysctl'], { 'net.x': 1 }, '["net.x"]', /must be a string/],
    [['os/unix/sysctl'], ['net.x'], '', /must be an object/],
    [['os/linux/cpu-shares', 'resource/cpu', 'os/unix/sysctl'], undefined, '', /needs a value/],
  ];
  for (const [names, value, path, message] of bad) {
    for (const name of names) {
      test(`${name} refuses ${JSON.stringify(value)}`, () => {
        refusesFields(isolated({ name, value }), `app.isolators[0].value${path}`, message);
      });
    }
  }

  test('need a well-formed name', () => {
    refusesFields(isolated({ value: 1 }), 'app.isolators[0].name', /cannot be empty/);
    refusesFields(isolated({ name: 'CPU', value: 1 }), 'app.isolators[0].name', /only lower case/);
  });
  test('that must be single cannot be repeated', () => {
    const twice = { name: 'os/linux/cpu-shares', value: 2 };
    refusesFields(isolated(twice, twice), 'app.isolators[1]', /too many instances of type os\/linux\/cpu-shares/);
    const seccomp = { name: 'os/linux/seccomp-retain-set', value: { set: ['read'] } };
    refusesFields(isolated(seccomp, seccomp), 'app.isolators[1]', /too many instances/);
    const cpu = { name: 'resource/cpu', value: {} };
    assert.equal(parse(isolated(cpu, cpu)).app?.isolators.length, 2);
  });
  test('that exclude each other are refused in either order', () => {
    const [retain, remove] = ['retain', 'remove'].map((verb) => ({
      name: `os/linux/seccomp-${verb}-set`,
      value: { set: ['read'] },
    }));
    assert.ok(retain !== undefined && remove !== undefined);
    refusesFields(isolated(retain, remove), 'app.isolators[1]', /incompatible types/);
    refusesFields(isolated(remove, { name: 'x' }, retain), 'app.isolators[2]', /incompatible types/);
    const both = SETS.map((name) => ({ name, value: { set: ['CAP_KILL'] } }));
    assert.equal(parse(isolated(...both)).app?.isolators.length, 2);
  });
  test('say whether they are known', () => {
    assert.equal(isKnownIsolator('resource/cpu'), true);
    assert.equal(isKnownIsolator('resource/ponies'), false);
  });
});

test('quantities are a number and a suffix or an exponent', () => {
  const suffixes = ['', ...'numkKMGTPE', ...[...'KMGTPE'].map((letter) => `${letter}i`), 'e3', 'E-3', 'e+12'];
  for (const number of ['0', '1', '0.3', '.5', '5.', '-1', '+128974848']) {
    for (const suffix of suffixes) assert.equal(isQuantity(number + suffix), true, number + suffix);
  }
  for (const text of [
    '',
    '.',
    'G',
    '1.2.3',
    '1 G',
    '1mi',
    '1ki',
    '1e',
    '1e+',
    '1KiB',
    '1,5',
    '0x10',
    '1EE',
    '--1',
    'NaN',
  ]) {
    assert.equal(isQuantity(text), false, text);
  }
  const start = processorMs();
  assert.equal(isQuantity(`${'1'.repeat(2 ** 20)}!`), false);
  assert.ok(processorMs() - start < 2000);
});

describe('a hostile document', () => {
  const inside = (json: string) => JSON.stringify(manifest()).replace('{', `{"x":${json},`);

  function isHostile(run: () => unknown, message: RegExp): void {
    refuses(run, 'ERR_BAD_ARCHIVE', 'manifest', message);
  }

  test('over the size limit names the flag that raises it', () => {
    const bytes = Buffer.from(JSON.stringify(manifest()));
    assert.equal(parseImageManifest(bytes, { maxManifest: bytes.length }).name, 'example.com/app');
    isHostile(() => parseImageManifest(bytes, { maxManifest: bytes.length - 1 }), /--max-manifest/);
  });

  test('is not parsed when its nesting is too deep', () => {
    const nested = (depth: number) => inside('['.repeat(depth - 1) + ']'.repeat(depth - 1));
    assert.equal(parseText(nested(MAX_JSON_DEPTH)).name, 'example.com/app');
    isHostile(() => parseText(nested(MAX_JSON_DEPTH + 1)), /nested deeper than 64 levels at line 1, column/);
    isHostile(() => parseText('['.repeat(2 ** 20)), /nested deeper/);
    isHostile(() => parseText('{"a":'.repeat(2 ** 19)), /nested deeper/);
  });

  test('cannot have a __proto__ key, however it is spelled', () => {
    for (const key of ['__proto__', '\\u005f_proto__', '__pr\\u006fto\\u005F_']) {
      isHostile(() => parseText(inside(`[{"a":1, "${key}":{"b":1}}]`)), /__proto__ key at line 1/);
    }
    assert.equal(
      parseText(inside('["__proto__", {"_proto_": "__proto__", "constructor": {"prototype": 1}}]')).acVersion,
      '0.8.11',
    );
    assert.equal(Object.hasOwn(Object.prototype, 'b'), false);
  });

  test('must be UTF-8', () => {
    for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc3]]) {
      const [head, tail] = inside('"HERE"').split('HERE') as [string, string];
      const document = Buffer.concat([Buffer.from(head), Buffer.from(bytes), Buffer.from(tail)]);
      isHostile(() => parseImageManifest(document, DEFAULT_LIMITS), /not valid UTF-8/);
    }
    assert.equal(parseText(inside('"é😀\\ud83d\\uDE00"')).name, 'example.com/app');
  });

  test('with many keys or items is read in reasonable time', () => {
    const keys = inside(`{${Array.from({ length: 200_000 }, (_, index) => `"${index}":1`).join(',')}}`);
    assert.equal(parseText(keys).name, 'example.com/app');
    const items = JSON.stringify(manifest({ pathWhitelist: Array.from({ length: 500_000 }, () => '/') }));
    assert.equal(parseText(items).pathWhitelist.length, 500_000);
    for (const value of [`"${'x'.repeat(4_000_000)}"`, '1'.repeat(4_000_000), `0.${'0'.repeat(4_000_000)}1`]) {
      assert.equal(parseText(inside(value)).name, 'example.com/app');
    }
    const long = '1'.repeat(4_000_000);
    refusesFields(manifest({ name: `${long}-` }), 'name', /longer than/);
    refusesFields(manifest({ acVersion: `1.2.3-${long}!` }), 'acVersion', /SemVer is bad/);
    refusesFields(annotated(label('created', `2014-10-27T19:32:27.${long}`)), 'annotations[0].value', /RFC 3339/);
    refusesFields(withApp({ environment: [label(`A${long}!`)] }), 'app.environment[0].name', /valid identifier/);
  });
});

describe('JSON', () => {
  const cases: readonly [what: string, text: string, message: RegExp][] = [
    ['nothing', '', /the end of the document where a value should be at line 1, column 1$/],
    ['a byte order mark', '\ufeff{}', /where a value should be at line 1, column 1$/],
    ['an open object', '{"a": 1', /the end of the document where "}" should be at line 1, column 8$/],
    ['an open string', '{"a', /where the end of the string should be at line 1, column 4$/],
    ['a trailing comma', '{\n  "a": 1,\n}', /"}" where a key in double quotes should be at line 3, column 1$/],
    ['a trailing comma in a list', '[1,]', /"]" where a value should be at line 1, column 4$/],
    ['a missing colon', '{"a" 1}', /"1" where ":" should be at line 1, column 6$/],
    ['single quotes', "{'a': 1}", /where a key in double quotes should be at line 1, column 2$/],
    ['a second value', '{}\n{}', /"{" where the end of the document should be at line 2, column 1$/],
    ['a trailing NUL', '{}\0', /"\\u0000" where the end of the document should be at line 1, column 3$/],
    ['a comment', '{} // x', /where the end of the document should be/],
    ['a leading zero', '[01]', /"1" where "]" should be at line 1, column 3$/],
    ['a bare fraction', '[.5]', /where a value should be/],
    ['a bare exponent', '[1e]', /"e" where "]" should be/],
    ['a plus sign', '[+1]', /where a value should be/],
    ['NaN', '[NaN]', /where a value should be/],
    ['a word in the wrong case', '[True]', /where a value should be/],
    ['a line break in a string', '["a\nb"]', /where the end of the string should be at line 1, column 4$/],
    ['a bad escape', '["\\x41"]', /bad escape in a string at line 1, column 3$/],
    ['a short escape', '["\\u12"]', /bad escape in a string/],
    ['an escape at the end', '["\\', /bad escape in a string/],
    ['a lone high surrogate', '["\\ud800"]', /surrogate pair in a string at line 1, column 3$/],
    ['a lone low surrogate', '["\\udc00"]', /surrogate pair/],
    ['two high surrogates', '["\\ud800\\ud800"]', /surrogate pair/],
    ['a duplicate key', '{"a": 1,\n "a": 1}', /duplicate key "a" at line 2, column 2$/],
    [
      'a duplicate key in disguise',
      '{"x": [{"name": 1, "n\\u0061me": 2}]}',
      /duplicate key "name" at line 1, column 20$/,
    ],
    ['a terminal escape', '[\u001b]', /"\\u001b" where a value should be/],
  ];
  for (const [what, text, message] of cases) {
    test(`with ${what} is refused with its place`, () => {
      refuses(() => parseText(text), 'ERR_BAD_MANIFEST', 'manifest', message);
    });
  }

  test('the strict pass accepts what JSON.parse accepts', () => {
    const values =
      '[ 0, -0, -1.5e+10, 1E-2, true, false, null, "", "\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9", {}, [], {"": [ ]} ]';
    const text = `\t\r\n ${JSON.stringify(manifest()).replace('{', `{ "x" : ${values} , `)} \n`;
    assert.deepEqual(parseText(text).raw, JSON.parse(text));
  });

  test('and JSON.parse agree on what the grammar is', () => {
    const unit = fc.constantFrom(
      ...'{}[]:,"\\u00e9-+.1E truefalsn\n',
      '{}',
      '[]',
      '"a":',
      '"b"',
      'true',
      'null',
      '\\u0041',
    );
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string({ unit, maxLength: 12 })), (text) => {
        let rule = '';
        try {
          parseText(text);
        } catch (error) {
          assert.ok(error instanceof CairnError, `${text}: ${error}`);
          if (/not valid JSON|__proto__|deeper/.test(error.message)) rule = error.message;
        }
        const strict = /duplicate key|surrogate|__proto__|deeper/.test(rule);
        if (rule === '') JSON.parse(text);
        else if (!strict) assert.throws(() => JSON.parse(text), SyntaxError, `${text}: ${rule}`);
      }),
      { numRuns: 2000 },
    );
  });
});

test('as many names as there may be, as long as they may be', () => {
  const document = {
    ...manifest({ name: 'a'.repeat(4096), labels: [...many(999), label('long', 'é'.repeat(2048))] }),
    annotations: many(1000),
    dependencies: new Array(10_000).fill({ imageName: 'base' }),
  };
  const { labels, annotations, dependencies } = parse(document);
  assert.deepEqual([labels.length, annotations.length, dependencies.length], [1000, 1000, 10_000]);
});
