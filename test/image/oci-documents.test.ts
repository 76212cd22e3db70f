/** Documents of OCI layouts and of `docker save`: the values that are read, and the faults that are refused. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_LIMITS } from '../../engine/core/limits.js';
import type { JsonObject, JsonValue } from '../../engine/image/json.js';
import * as documents from '../../engine/image/oci/documents.js';
import {
  parseConfig,
  parseDockerManifest,
  parseDocument,
  parseLayoutHeader,
} from '../../engine/image/oci/documents.js';

const DIGEST = `sha256:${'a1'.repeat(32)}`;
const SHA512 = `sha512:${'a1'.repeat(64)}`;
const bytes = (value: JsonValue): Uint8Array => Buffer.from(JSON.stringify(value));

function descriptor(mediaType: string, more: JsonObject = {}): JsonObject {
  return { mediaType, digest: DIGEST, size: 12, ...more };
}

function index(more: JsonObject = {}): JsonObject {
  return { schemaVersion: 2, manifests: [descriptor(documents.OCI_MANIFEST)], ...more };
}

function manifest(more: JsonObject = {}): JsonObject {
  const layers = [descriptor(documents.OCI_LAYER_GZIP)];
  return { schemaVersion: 2, config: descriptor(documents.OCI_CONFIG), layers, ...more };
}

function config(more: JsonObject = {}): JsonObject {
  return { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [DIGEST] }, ...more };
}

const parse = (value: JsonValue, expected?: string): ReturnType<typeof parseDocument> =>
  parseDocument(bytes(value), DEFAULT_LIMITS, expected);

describe('layout header', () => {
  for (const version of ['1.0.0', '1.1.0', '1.0.0-rc1']) {
    test(`accepts ${version}`, () => parseLayoutHeader(bytes({ imageLayoutVersion: version }), DEFAULT_LIMITS));
  }
  const refused: [JsonValue, string][] = [
    [{ imageLayoutVersion: '2.0.0' }, 'ERR_UNSUPPORTED'],
    [{ imageLayoutVersion: '1' }, 'ERR_BAD_MANIFEST'],
    [{ imagelayoutversion: '1.0.0' }, 'ERR_BAD_MANIFEST'],
    [{}, 'ERR_BAD_MANIFEST'],
    [[], 'ERR_BAD_MANIFEST'],
  ];
  for (const [value, code] of refused) {
    test(`refuses ${JSON.stringify(value)}`, () => {
      assert.throws(() => parseLayoutHeader(bytes(value), DEFAULT_LIMITS), { code, entry: /^oci-layout/ });
    });
  }
});

describe('indexes and manifests', () => {
  test('an index lists descriptors', () => {
    const platform = { os: 'linux', architecture: 'arm', variant: 'v7' };
    const more = { annotations: { [documents.REF_NAME]: 'v1' }, platform };
    const read = parse(index({ manifests: [descriptor(documents.OCI_MANIFEST, more), descriptor('text/plain')] }));
    assert.deepEqual(read, {
      kind: 'index',
      manifests: [
        { mediaType: documents.OCI_MANIFEST, digest: DIGEST, size: 12, ...more },
        { mediaType: 'text/plain', digest: DIGEST, size: 12, annotations: {} },
      ],
    });
  });

  test('a manifest has a configuration and layers', () => {
    assert.deepEqual(parse(manifest({ annotations: { a: 'b' } })), {
      kind: 'manifest',
      config: { mediaType: documents.OCI_CONFIG, digest: DIGEST, size: 12, annotations: {} },
      layers: [{ mediaType: documents.OCI_LAYER_GZIP, digest: DIGEST, size: 12, annotations: {} }],
      annotations: { a: 'b' },
    });
  });

  const accepted: [string, JsonObject, string?][] = [
    ['an index as a list of Docker', index({ mediaType: documents.DOCKER_LIST }), documents.DOCKER_LIST],
    ['an index as expected', index(), documents.OCI_INDEX],
    ['a manifest as expected', manifest({ mediaType: documents.OCI_MANIFEST }), documents.OCI_MANIFEST],
    [
      'a manifest of Docker',
      manifest({ mediaType: documents.DOCKER_MANIFEST, config: descriptor(documents.DOCKER_CONFIG) }),
      documents.DOCKER_MANIFEST,
    ],
    ['an empty media type', manifest({ mediaType: '' }), documents.OCI_MANIFEST],
    ['no layers', manifest({ layers: null })],
    [
      'a platform of empty words',
      index({ manifests: [descriptor('a/b', { platform: { os: '', architecture: '' } })] }),
    ],
    ...[
      documents.OCI_LAYER,
      documents.OCI_LAYER_ZSTD,
      documents.OCI_FOREIGN_LAYER,
      `${documents.OCI_FOREIGN_LAYER}+gzip`,
      `${documents.OCI_FOREIGN_LAYER}+zstd`,
      documents.DOCKER_LAYER,
      documents.DOCKER_LAYER_GZIP,
      `${documents.DOCKER_FOREIGN_LAYER}.gzip`,
    ].map((type): [string, JsonObject] => [type, manifest({ layers: [descriptor(type)] })]),
  ];
  for (const [what, value, expected] of accepted) test(`accepts ${what}`, () => void parse(value, expected));

  const BAD = 'ERR_BAD_MANIFEST';
  const HOSTILE = 'ERR_BAD_ARCHIVE';
  const UNSUPPORTED = 'ERR_UNSUPPORTED';
  const layer = (more: JsonObject): JsonObject => manifest({ layers: [descriptor(documents.OCI_LAYER_GZIP, more)] });
  const entry = (more: JsonObject): JsonObject => index({ manifests: [descriptor('a/b', more)] });
  const refused: [what: string, value: JsonValue, code: string, entry: string, expected?: string][] = [
    ['an index that is a manifest', { ...manifest(), ...index() }, HOSTILE, 'image document'],
    ['an index that has layers', index({ layers: [] }), HOSTILE, 'image document'],
    ['an index that has layers in a wrong case', index({ Layers: [] }), HOSTILE, 'image document'],
    ['a manifest that is an index in a wrong case', manifest({ MANIFESTS: [] }), HOSTILE, 'image document'],
    ['neither of the two', { schemaVersion: 2 }, BAD, 'image document'],
    ['a manifest without layers', { schemaVersion: 2, config: {} }, BAD, 'image document: layers'],
    ['a manifest without a configuration', { schemaVersion: 2, layers: [] }, BAD, 'image document: config'],
    ['a configuration in a wrong case', { schemaVersion: 2, Config: {}, layers: [] }, BAD, 'image document: config'],
    ['a null for a configuration', manifest({ config: null }), BAD, 'image manifest: config'],
    ['no object', [], BAD, 'image document'],
    ['a manifest where an index should be', manifest(), HOSTILE, 'image index', documents.OCI_INDEX],
    ['an index where a manifest should be', index(), HOSTILE, 'image manifest', documents.DOCKER_MANIFEST],
    ['an index that says manifest', index({ mediaType: documents.OCI_MANIFEST }), HOSTILE, 'image index: mediaType'],
    ['a manifest that says index', manifest({ mediaType: documents.OCI_INDEX }), HOSTILE, 'image manifest: mediaType'],
    ['a manifest that says text', manifest({ mediaType: 'text/plain' }), HOSTILE, 'image manifest: mediaType'],
    [
      'a manifest of the other family',
      manifest({ mediaType: documents.DOCKER_MANIFEST }),
      HOSTILE,
      'image manifest: mediaType',
      documents.OCI_MANIFEST,
    ],
    ['an unknown kind of document', manifest(), UNSUPPORTED, 'image document', 'application/json'],
    ['schema 1', { schemaVersion: 1, fsLayers: [] }, UNSUPPORTED, 'image document: schemaVersion'],
    ['schema 1 by its type', manifest(), UNSUPPORTED, 'image document', documents.DOCKER_MANIFEST_V1_SIGNED],
    ['schema 3', manifest({ schemaVersion: 3 }), BAD, 'image document: schemaVersion'],
    ['no schema version', { manifests: [] }, BAD, 'image document: schemaVersion'],
    [
      'an artifact',
      manifest({ config: descriptor('application/vnd.oci.empty.v1+json') }),
      UNSUPPORTED,
      'image manifest: config.mediaType',
    ],
    [
      'a layer as configuration',
      manifest({ config: descriptor(documents.OCI_LAYER) }),
      HOSTILE,
      'image manifest: config.mediaType',
    ],
    [
      'an unknown layer',
      layer({ mediaType: 'application/vnd.in-toto+json' }),
      HOSTILE,
      'image manifest: layers[0].mediaType',
    ],
    [
      'an encrypted layer',
      layer({ mediaType: `${documents.OCI_LAYER_GZIP}+encrypted` }),
      UNSUPPORTED,
      'image manifest: layers[0].mediaType',
    ],
    ['a broken media type', layer({ mediaType: 'tar' }), BAD, 'image manifest: layers[0].mediaType'],
    ['no digest', layer({ digest: null }), BAD, 'image manifest: layers[0].digest'],
    ['a short digest', layer({ digest: 'sha256:a1' }), BAD, 'image manifest: layers[0].digest'],
    ['a digest in upper case', layer({ digest: DIGEST.toUpperCase() }), BAD, 'image manifest: layers[0].digest'],
    ['a path as digest', layer({ digest: `sha256:../${'a'.repeat(61)}` }), BAD, 'image manifest: layers[0].digest'],
    ['another algorithm', layer({ digest: SHA512 }), UNSUPPORTED, 'image manifest: layers[0].digest'],
    ['a negative size', layer({ size: -1 }), BAD, 'image manifest: layers[0].size'],
    ['half a byte', layer({ size: 0.5 }), BAD, 'image manifest: layers[0].size'],
    ['no size', layer({ size: null }), BAD, 'image manifest: layers[0].size'],
    [
      'annotations that are no text',
      entry({ annotations: { a: 1 } }),
      BAD,
      'image index: manifests[0].annotations["a"]',
    ],
    ['half a platform', entry({ platform: { os: 'linux' } }), BAD, 'image index: manifests[0].platform.architecture'],
  ];
  for (const [what, value, code, place, expected] of refused) {
    test(`refuses ${what}`, () => assert.throws(() => parse(value, expected), { code, entry: place }));
  }

  test('refuses what only a hostile document has', () => {
    const hostile = { code: 'ERR_BAD_ARCHIVE' };
    assert.throws(() => parseDocument(bytes(manifest()), { maxManifest: 10 }), hostile);
    assert.throws(() => parseDocument(Buffer.from('{"__proto__":{}}'), DEFAULT_LIMITS), hostile);
    assert.throws(() => parseDocument(Buffer.from('['.repeat(1000)), DEFAULT_LIMITS), hostile);
  });
});

describe('configuration', () => {
  const read = (more: JsonObject): documents.OciConfig => parseConfig(bytes(config(more)), DEFAULT_LIMITS);

  test('has everything in our words', () => {
    const document = config({
      variant: 'v2',
      created: '2024-02-29T12:00:00.5Z',
      author: 'someone',
      history: [{ created_by: 'ADD', comment: 'first', created: '2024-01-01T00:00:00Z' }, { empty_layer: true }],
      config: {
        User: '1:2',
        Env: ['A=b'],
        Entrypoint: ['/sh'],
        Cmd: ['-c'],
        WorkingDir: '/w',
        ExposedPorts: { '80/tcp': {}, '443': {} },
        Volumes: { '/b': {}, '/a': {} },
        Labels: { key: 'value' },
      },
      unknown: 1,
    });
    assert.deepEqual(parseConfig(bytes(document), DEFAULT_LIMITS), {
      os: 'linux',
      architecture: 'amd64',
      variant: 'v2',
      created: '2024-02-29T12:00:00.5Z',
      author: 'someone',
      diffIds: [DIGEST],
      history: [
        { created: '2024-01-01T00:00:00Z', createdBy: 'ADD', comment: 'first', emptyLayer: false },
        { emptyLayer: true },
      ],
      config: {
        user: '1:2',
        env: ['A=b'],
        entrypoint: ['/sh'],
        cmd: ['-c'],
        workingDir: '/w',
        exposedPorts: ['443', '80/tcp'],
        volumes: ['/a', '/b'],
        labels: { key: 'value' },
      },
      raw: document,
    });
  });

  test('reads nulls as what is missing', () => {
    const nulls = {
      User: null,
      Env: null,
      Entrypoint: null,
      Cmd: null,
      ExposedPorts: null,
      Volumes: null,
      Labels: null,
    };
    const { raw: _nulls, ...one } = read({ config: { ...nulls, WorkingDir: null }, history: null, created: null });
    const { raw: _none, ...other } = read({ config: null });
    assert.deepEqual(one, other);
    assert.deepEqual(one.config.env, []);
  });

  const refused: [string, JsonObject, string, string][] = [
    ['a date that is none', { created: 'yesterday' }, 'ERR_BAD_MANIFEST', 'created'],
    ['a root file system of another type', { rootfs: { type: 'tree' } }, 'ERR_BAD_MANIFEST', 'rootfs.type'],
    ['no root file system', { rootfs: null }, 'ERR_BAD_MANIFEST', 'rootfs'],
    ['a null as diff ID', { rootfs: { type: 'layers', diff_ids: [null] } }, 'ERR_BAD_MANIFEST', 'rootfs.diff_ids[0]'],
    [
      'a diff ID of SHA-512',
      { rootfs: { type: 'layers', diff_ids: [SHA512] } },
      'ERR_UNSUPPORTED',
      'rootfs.diff_ids[0]',
    ],
    ['a history that is no list', { history: {} }, 'ERR_BAD_MANIFEST', 'history'],
    ['variables that are no text', { config: { Env: [1] } }, 'ERR_BAD_MANIFEST', 'config.Env[0]'],
    ['ports as a list', { config: { ExposedPorts: ['80'] } }, 'ERR_BAD_MANIFEST', 'config.ExposedPorts'],
  ];
  for (const [what, more, code, place] of refused) {
    test(`refuses ${what}`, () => assert.throws(() => read(more), { code, entry: `image config: ${place}` }));
  }
});

describe('manifest.json of docker save', () => {
  const read = (value: JsonValue): documents.DockerImage[] => parseDockerManifest(bytes(value), DEFAULT_LIMITS);
  const image = (more: JsonObject = {}): JsonObject => ({ Config: 'a.json', RepoTags: null, Layers: null, ...more });

  test('names members and references', () => {
    const layers = ['1/layer.tar', 'blobs/sha256/2'];
    assert.deepEqual(read([image({ RepoTags: ['localhost:5000/a/b:v1'], Layers: layers }), image()]), [
      { config: 'a.json', repoTags: ['localhost:5000/a/b:v1'], layers },
      { config: 'a.json', repoTags: [], layers: [] },
    ]);
  });

  const refused: [string, JsonValue, string][] = [
    ['no list', {}, 'manifest.json'],
    ['null', null, 'manifest.json'],
    ['no configuration', [image({ Config: null })], 'manifest.json: [0].Config'],
    ['a reference that is no text', [image({ RepoTags: [1] })], 'manifest.json: [0].RepoTags[0]'],
    ...['', '/etc/passwd', '../a', 'a/../b', './a', 'a//b', 'a/', '..', 'a\0b'].map(
      (name): [string, JsonValue, string] => [
        `the member ${JSON.stringify(name)}`,
        [image({ Layers: ['a', name] })],
        'manifest.json: [0].Layers[1]',
      ],
    ),
  ];
  for (const [what, value, entry] of refused) {
    test(`refuses ${what}`, () => assert.throws(() => read(value), { code: 'ERR_BAD_MANIFEST', entry }));
  }
});
