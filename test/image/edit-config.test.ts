/** Edits of an OCI image's configuration and annotations in acbuild's words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCairnError } from '../../engine/core/errors.js';
import { DEFAULT_LIMITS } from '../../engine/core/limits.js';
import type { Edit } from '../../engine/image/edit.js';
import type { JsonObject } from '../../engine/image/json.js';
import { parseConfig } from '../../engine/image/oci/documents.js';
import { type EditedImage, editImage, skeletonConfig } from '../../engine/image/oci/edit-config.js';

const EMPTY: EditedImage = { config: skeletonConfig({ os: 'linux', architecture: 'amd64' }), annotations: {} };

function edited(edits: readonly Edit[], from = EMPTY): { run: unknown; annotations: Record<string, string> } {
  const { config, annotations } = edits.reduce(editImage, from);
  parseConfig(Buffer.from(JSON.stringify(config)), DEFAULT_LIMITS);
  return { run: config['config'], annotations };
}

const PORT = 'coreos.com/acbuild/port/http';
const MOUNT = 'coreos.com/acbuild/mount/data';

const STEPS: readonly [name: string, edits: readonly Edit[], run: JsonObject, annotations?: Record<string, string>][] =
  [
    [
      'exec is entry point and arguments',
      [{ set: 'exec', value: ['/a', 'b', 'c'] }],
      { Entrypoint: ['/a'], Cmd: ['b', 'c'] },
    ],
    [
      'another exec takes the old arguments away',
      [
        { set: 'exec', value: ['/a', 'b'] },
        { set: 'exec', value: ['/c'] },
      ],
      { Entrypoint: ['/c'] },
    ],
    [
      'entry point and arguments can be set by themselves',
      [
        { set: 'entrypoint', value: ['/a', 'b'] },
        { set: 'cmd', value: ['c'] },
      ],
      { Entrypoint: ['/a', 'b'], Cmd: ['c'] },
    ],
    [
      'user and group share a field',
      [
        { set: 'user', value: 'u' },
        { set: 'group', value: 'g' },
        { set: 'user', value: 'v' },
      ],
      { User: 'v:g' },
    ],
    ['a group alone is that of root', [{ set: 'group', value: 'g' }], { User: '0:g' }],
    [
      'a variable is overwritten, and goes to the end',
      [
        { add: 'environment', name: 'A', value: '1' },
        { add: 'environment', name: 'AB', value: '=' },
        { add: 'environment', name: 'A', value: '2' },
      ],
      { Env: ['AB==', 'A=2'] },
    ],
    [
      'the last variable leaves no list',
      [
        { add: 'environment', name: 'A', value: '1' },
        { remove: 'environment', name: 'A' },
      ],
      {},
    ],
    [
      'a port is known by its name',
      [{ add: 'port', name: 'http', protocol: 'tcp', port: 80 }],
      { ExposedPorts: { '80/tcp': {} } },
      { [PORT]: 'number:80 protocol:tcp' },
    ],
    [
      'a port of the same name takes the place',
      [
        { add: 'port', name: 'http', protocol: 'tcp', port: 80 },
        { add: 'port', name: 'http', protocol: 'tcp', port: 81 },
      ],
      { ExposedPorts: { '81/tcp': {} } },
      { [PORT]: 'number:81 protocol:tcp' },
    ],
    ...(['http', '80', '80/tcp'] as const).map((name): (typeof STEPS)[number] => [
      `a port is removed as ${name}`,
      [
        { add: 'port', name: 'http', protocol: 'tcp', port: 80 },
        { remove: 'port', name },
      ],
      {},
    ]),
    [
      'a mount is a volume, known by its name',
      [{ add: 'mount', name: 'data', path: '/data' }],
      { Volumes: { '/data': {} } },
      { [MOUNT]: 'path:/data' },
    ],
    ...(['data', '/data'] as const).map((name): (typeof STEPS)[number] => [
      `a mount is removed as ${name}`,
      [
        { add: 'mount', name: 'data', path: '/data' },
        { remove: 'mount', name },
      ],
      {},
    ]),
    [
      'labels, a working directory and a stop signal',
      [
        { add: 'label', name: 'a', value: '1' },
        { add: 'label', name: 'b', value: '2' },
        { remove: 'label', name: 'a' },
        { set: 'working-directory', value: '/srv' },
        { set: 'stop-signal', value: 'SIGINT' },
      ],
      { WorkingDir: '/srv', Labels: { b: '2' }, StopSignal: 'SIGINT' },
    ],
    [
      'annotations are the manifest’s',
      [
        { add: 'annotation', name: 'k', value: 'v' },
        { add: 'annotation', name: 'gone', value: 'v' },
        { remove: 'annotation', name: 'gone' },
      ],
      {},
      { k: 'v' },
    ],
  ];

for (const [name, edits, run, annotations = {}] of STEPS) {
  test(name, () => {
    assert.equal(JSON.stringify(edited(edits)), JSON.stringify({ run, annotations }));
  });
}

test('what is not there cannot be removed', () => {
  for (const remove of ['environment', 'label', 'annotation', 'mount', 'port'] as const) {
    assert.throws(
      () => edited([{ remove, name: 'nothing' }]),
      (error) => isCairnError(error, 'ERR_NOT_FOUND'),
      remove,
    );
  }
});

const WRONG: readonly [edit: Edit, code: 'ERR_UNSUPPORTED' | 'ERR_BAD_MANIFEST'][] = [
  [{ set: 'name', value: 'x' }, 'ERR_UNSUPPORTED'],
  [{ set: 'supplementary-gids', value: [1] }, 'ERR_UNSUPPORTED'],
  [{ set: 'event-handler', name: 'pre-start', value: ['x'] }, 'ERR_UNSUPPORTED'],
  [{ add: 'isolator', name: 'resource/cpu', value: {} }, 'ERR_UNSUPPORTED'],
  [{ add: 'dependency', name: 'x' }, 'ERR_UNSUPPORTED'],
  [{ add: 'mount', name: 'm', path: '/m', readOnly: true }, 'ERR_UNSUPPORTED'],
  [{ add: 'port', name: 'p', protocol: 'tcp', port: 1, count: 2 }, 'ERR_UNSUPPORTED'],
  [{ add: 'port', name: 'p', protocol: 'tcp', port: 1, socketActivated: true }, 'ERR_UNSUPPORTED'],
  [{ add: 'port', name: 'p', protocol: 'tcp', port: 0 }, 'ERR_BAD_MANIFEST'],
  [{ add: 'port', name: 'p', protocol: 'icmp', port: 1 }, 'ERR_BAD_MANIFEST'],
  [{ add: 'environment', name: 'A=B', value: '' }, 'ERR_BAD_MANIFEST'],
  [{ set: 'user', value: 'a:b' }, 'ERR_BAD_MANIFEST'],
  [{ set: 'working-directory', value: 'rel' }, 'ERR_BAD_MANIFEST'],
];

for (const [edit, code] of WRONG) {
  test(`refused: ${JSON.stringify(edit)}`, () => {
    assert.throws(
      () => edited([edit]),
      (error) => isCairnError(error, code),
    );
  });
}

test('what nobody here knows survives edits', () => {
  const config = { ...EMPTY.config, 'x-later': [1], config: { OnBuild: ['x'], Env: ['A=1'] } };
  const made = [{ add: 'environment', name: 'B', value: '2' } as const].reduce(editImage, { ...EMPTY, config });
  assert.deepEqual(made.config, { ...config, config: { OnBuild: ['x'], Env: ['A=1', 'B=2'] } });
});
