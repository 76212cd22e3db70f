/** Edits of an ACI's manifest, held against what acbuild made of the same edits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCairnError } from '../../engine/core/errors.js';
import { DEFAULT_LIMITS } from '../../engine/core/limits.js';
import { withCommand } from '../../engine/image/aci/acbuild-history.js';
import { editManifest, skeletonManifest } from '../../engine/image/aci/edit-manifest.js';
import { parseImageManifest } from '../../engine/image/aci/manifest.js';
import type { Edit } from '../../engine/image/edit.js';
import type { JsonObject } from '../../engine/image/json.js';

const EMPTY = skeletonManifest({ os: 'linux', arch: 'amd64' });
const APP = { exec: null, user: '0', group: '0' };

/** @returns the manifest, after each step of which it was one */
function edited(edits: readonly Edit[], from: JsonObject = EMPTY): JsonObject {
  return edits.reduce((manifest, edit) => {
    const next = editManifest(manifest, edit);
    parseImageManifest(Buffer.from(JSON.stringify(next)), DEFAULT_LIMITS);
    return next;
  }, from);
}

const TWENTY: readonly Edit[] = [
  { set: 'name', value: 'example.com/nginx' },
  { add: 'dependency', name: 'quay.io/coreos/alpine-sh' },
  {
    add: 'dependency',
    name: 'example.com/nodejs',
    labels: [
      { name: 'arch', value: 'noarch' },
      { name: 'version', value: '4' },
    ],
    imageID: 'sha512-739d7ae77d9e',
    size: 123,
  },
  { add: 'label', name: 'version', value: '1.0' },
  { add: 'environment', name: 'B', value: '2' },
  { add: 'port', name: 'http', protocol: 'tcp', port: 80 },
  { add: 'port', name: 'many', protocol: 'udp', port: 1000, count: 5, socketActivated: true },
  { add: 'mount', name: 'html', path: '/usr/share/nginx/html' },
  { add: 'mount', name: 'ro', path: '/ro', readOnly: true },
  { add: 'annotation', name: 'authors', value: 'Carly <carly@example.com> & "Nat"' },
  { add: 'annotation', name: 'documentation', value: 'https://example.com/docs' },
  { add: 'environment', name: 'A', value: '1' },
  { add: 'environment', name: 'B', value: '3' },
  { add: 'label', name: 'version', value: '2.0' },
  { add: 'isolator', name: 'os/linux/capabilities-retain-set', value: { set: ['CAP_NET_BIND_SERVICE'] } },
  { add: 'isolator', name: 'resource/cpu', value: { request: '100m', limit: '1' } },
  { set: 'user', value: 'nginx' },
  { set: 'group', value: 'nginx' },
  { set: 'supplementary-gids', value: [200, 300] },
  { set: 'working-directory', value: '/srv' },
  { set: 'exec', value: ['/usr/sbin/nginx', '-g', 'daemon off;'] },
  { set: 'event-handler', name: 'pre-start', value: ['/bin/sh', '-c', 'echo hi'] },
  { set: 'event-handler', name: 'post-stop', value: ['/bin/true'] },
];

/** What acbuild ce911a7 printed after these edits, in its order of keys, with its version of the specification. */
const BY_ACBUILD = String.raw`{"acKind":"ImageManifest","acVersion":"0.8.5","name":"example.com/nginx","labels":[{"name":"arch","value":"amd64"},{"name":"os","value":"linux"},{"name":"version","value":"2.0"}],"app":{"exec":["/usr/sbin/nginx","-g","daemon off;"],"eventHandlers":[{"name":"pre-start","exec":["/bin/sh","-c","echo hi"]},{"name":"post-stop","exec":["/bin/true"]}],"user":"nginx","group":"nginx","supplementaryGIDs":[200,300],"workingDirectory":"/srv","environment":[{"name":"B","value":"3"},{"name":"A","value":"1"}],"mountPoints":[{"name":"html","path":"/usr/share/nginx/html"},{"name":"ro","path":"/ro","readOnly":true}],"ports":[{"name":"http","protocol":"tcp","port":80,"count":1,"socketActivated":false},{"name":"many","protocol":"udp","port":1000,"count":5,"socketActivated":true}],"isolators":[{"name":"os/linux/capabilities-retain-set","value":{"set":["CAP_NET_BIND_SERVICE"]}},{"name":"resource/cpu","value":{"request":"100m","limit":"1"}}]},"annotations":[{"name":"authors","value":"Carly \u003ccarly@example.com\u003e \u0026 \"Nat\""},{"name":"documentation","value":"https://example.com/docs"}],"dependencies":[{"imageName":"quay.io/coreos/alpine-sh"},{"imageName":"example.com/nodejs","imageID":"sha512-739d7ae77d9e","labels":[{"name":"arch","value":"noarch"},{"name":"version","value":"4"}],"size":123}]}`;

test('a session of twenty edits gives the manifest that acbuild gives, key by key', () => {
  const wanted = { ...(JSON.parse(BY_ACBUILD) as JsonObject), acVersion: '0.8.11' };
  assert.equal(JSON.stringify(edited(TWENTY)), JSON.stringify(wanted));
});

test('edits that do not concern one another give the same manifest in any order', () => {
  const [one, other] = [
    edited([TWENTY[16] as Edit, TWENTY[9] as Edit, TWENTY[1] as Edit]),
    edited([TWENTY[1] as Edit, TWENTY[9] as Edit, TWENTY[16] as Edit]),
  ];
  assert.equal(JSON.stringify(one), JSON.stringify(other));
});

/** Steps of acbuild's own tests: what is added, removed and overwritten, and what is left. */
const STEPS: readonly [name: string, edits: readonly Edit[], left: JsonObject][] = [
  [
    'an annotation is overwritten in its place',
    [
      { add: 'annotation', name: 'a', value: '1' },
      { add: 'annotation', name: 'b', value: '2' },
      { add: 'annotation', name: 'a', value: '3' },
    ],
    {
      annotations: [
        { name: 'a', value: '3' },
        { name: 'b', value: '2' },
      ],
    },
  ],
  [
    'the last annotation leaves no list',
    [
      { add: 'annotation', name: 'a', value: '1' },
      { remove: 'annotation', name: 'a' },
    ],
    {},
  ],
  [
    'the last variable leaves an app',
    [
      { add: 'environment', name: 'FOO', value: 'BAR' },
      { remove: 'environment', name: 'FOO' },
    ],
    { app: APP },
  ],
  [
    'a dependency is overwritten as a whole, and goes to the end',
    [
      { add: 'dependency', name: 'example.com/app', imageID: 'sha512-739d7ae77d9e', size: 9 },
      { add: 'dependency', name: 'example.com/app2' },
      { add: 'dependency', name: 'example.com/app' },
    ],
    { dependencies: [{ imageName: 'example.com/app2' }, { imageName: 'example.com/app' }] },
  ],
  [
    'a mount is overwritten by its name, and by its path',
    [
      { add: 'mount', name: 'html', path: '/usr/html', readOnly: true },
      { add: 'mount', name: 'other', path: '/other' },
      { add: 'mount', name: 'html', path: '/other' },
    ],
    { app: { ...APP, mountPoints: [{ name: 'html', path: '/other' }] } },
  ],
  [
    'a mount is removed by its path',
    [
      { add: 'mount', name: 'html', path: '/usr/html' },
      { remove: 'mount', name: '/usr/html' },
    ],
    { app: APP },
  ],
  [
    'a port is removed by its number',
    [
      { add: 'port', name: 'http', protocol: 'tcp', port: 8080 },
      { add: 'port', name: 'snmp', protocol: 'udp', port: 161 },
      { remove: 'port', name: '8080' },
    ],
    { app: { ...APP, ports: [{ name: 'snmp', protocol: 'udp', port: 161, count: 1, socketActivated: false }] } },
  ],
  [
    'an isolator is overwritten',
    [
      { add: 'isolator', name: 'os/linux/no-new-privileges', value: false },
      { add: 'isolator', name: 'os/linux/no-new-privileges', value: true },
    ],
    { app: { ...APP, isolators: [{ name: 'os/linux/no-new-privileges', value: true }] } },
  ],
  [
    'an event handler makes an app',
    [{ set: 'event-handler', name: 'pre-start', value: ['/x'] }],
    { app: { exec: null, eventHandlers: [{ name: 'pre-start', exec: ['/x'] }], user: '0', group: '0' } },
  ],
];

for (const [name, edits, left] of STEPS) {
  test(name, () => {
    const order = ['acKind', 'acVersion', 'name', 'labels', 'app', 'annotations', 'dependencies'];
    const all: JsonObject = { ...EMPTY, ...left };
    const wanted = Object.fromEntries(order.filter((key) => key in all).map((key) => [key, all[key]]));
    assert.equal(JSON.stringify(edited(edits)), JSON.stringify(wanted));
  });
}

test('what is not there cannot be removed', () => {
  for (const remove of ['environment', 'label', 'annotation', 'mount', 'port', 'isolator', 'dependency'] as const) {
    assert.throws(
      () => edited([{ remove, name: 'nothing' }]),
      (error) => isCairnError(error, 'ERR_NOT_FOUND') && /element to be removed does not exist/.test(error.message),
      remove,
    );
  }
});

const WRONG: readonly [edit: Edit, rule: RegExp][] = [
  [{ set: 'name', value: 'BAD' }, /ACIdentifier must contain only lower case/],
  [{ set: 'name', value: '' }, /name cannot be empty/],
  [{ set: 'user', value: '' }, /user cannot be empty/],
  [{ set: 'group', value: '' }, /group cannot be empty/],
  [{ set: 'working-directory', value: 'rel' }, /workingDirectory must be an absolute path/],
  [{ set: 'supplementary-gids', value: [-1] }, /must be between/],
  [{ set: 'event-handler', name: 'on-fire', value: ['/x'] }, /bad eventHandler "name"/],
  [{ add: 'environment', name: '1x', value: 'y' }, /does not have valid identifier/],
  [{ add: 'label', name: 'os', value: 'plan9' }, /bad os "plan9"/],
  [{ add: 'label', name: 'name', value: 'x' }, /invalid label name/],
  [{ add: 'annotation', name: 'created', value: 'yesterday' }, /bad date/],
  [{ add: 'port', name: 'BAD', protocol: 'tcp', port: 80 }, /ACName must contain only lower case/],
  [{ add: 'port', name: 'p', protocol: 'tcp', port: 0 }, /port must be in 1-65535 range/],
  [{ add: 'port', name: 'p', protocol: 'tcp', port: 65_535, count: 2 }, /end of port range/],
  [{ add: 'isolator', name: 'foo/bar', value: {} }, /unknown isolator name: foo\/bar/],
  [{ add: 'isolator', name: 'resource/cpu', value: { limit: 'much' } }, /not a quantity/],
  [{ add: 'dependency', name: 'docker://alpine' }, /depends on ACIs alone/],
  [{ add: 'dependency', name: 'a', imageID: 'sha256-ab' }, /unrecognized hash type/],
  [{ remove: 'port', name: 'BAD' }, /ACName must contain only lower case/],
  [{ set: 'stop-signal', value: 'TERM' }, /an ACI has no stop-signal/],
];

for (const [edit, rule] of WRONG) {
  test(`refused: ${JSON.stringify(edit)}`, () => {
    assert.throws(
      () => edited([edit]),
      (error) => isCairnError(error) && rule.test(error.message),
    );
  });
}

test('what nobody here knows survives edits, and keys keep the case that they have', () => {
  const from = {
    acKind: 'ImageManifest',
    acVersion: '0.6.1',
    name: 'a',
    Labels: [{ Name: 'version', value: '1', note: 7 }],
    future: { x: [1] },
    app: { user: '0', group: '0', Environment: [{ name: 'A', value: '1', secret: true }], later: null },
  };
  const made = edited(
    [
      { add: 'label', name: 'os', value: 'linux' },
      { add: 'environment', name: 'A', value: '2' },
      { set: 'exec', value: ['/x'] },
    ],
    from,
  );
  assert.deepEqual(made, {
    ...from,
    Labels: [...from.Labels, { name: 'os', value: 'linux' }],
    app: { ...from.app, exec: ['/x'], Environment: [{ name: 'A', value: '2', secret: true }] },
  });
});

test('a history has the annotations that acbuild keeps', () => {
  const commands = [
    { words: 'set-name', args: ['example.com/nginx'] },
    { words: 'environment add', args: ['A', 'tab\tquote"é\x01'] },
    { words: 'set-exec', args: ['/bin/sh', '-c', 'x'] },
  ];
  assert.deepEqual(commands.reduce(withCommand, EMPTY)['annotations'], [
    { name: 'coreos.com/acbuild/command-1', value: 'acbuild set-name "example.com/nginx"' },
    { name: 'coreos.com/acbuild/command-2', value: String.raw`acbuild environment add "A" "tab\tquote\"é\x01"` },
    { name: 'coreos.com/acbuild/command-3', value: 'acbuild set-exec "/bin/sh" "-c" "x"' },
  ]);
});
