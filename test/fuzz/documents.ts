/**
 * Fuzzes readers of everything but archives: documents, names, keys, tables of contents, recipes. Valid inputs are
 * changed as values or as bytes. Each reader must give a value or one of its own errors.
 */
import { CairnError, type ErrorCode } from '../../engine/core/errors.js';
import { parseHashPrefix } from '../../engine/core/key.js';
import { DEFAULT_LIMITS } from '../../engine/core/limits.js';
import { parseImageManifest, readPathWhitelist } from '../../engine/image/aci/manifest.js';
import { formatAppString, parseAppString } from '../../engine/image/aci/names.js';
import {
  parseConfig,
  parseDockerManifest,
  parseDocument,
  parseLayoutHeader,
} from '../../engine/image/oci/documents.js';
import { parsePlatform, pickPlatform } from '../../engine/image/oci/platform.js';
import { parseReference } from '../../engine/image/oci/reference.js';
import { RecipeWriter, readRecipe } from '../../engine/layer/recipe.js';
import { decodeToc, encodeToc, type TocEntry } from '../../engine/layer/toc.js';
import { compileWhitelist } from '../../engine/plan/whitelist.js';
import { manifest } from '../fixtures/archive.js';
import { configOf, HOST, indexOf, MEDIA, manifestOf } from '../fixtures/oci.js';
import { damage } from './mutate.js';
import { Random } from './random.js';

interface Target {
  name: string;
  /** Codes of errors that it may throw. */
  codes: readonly ErrorCode[];
  /** Valid inputs to change. */
  valid: Buffer;
  /** Whether inputs are changed as JSON, too, not only as bytes. */
  json?: boolean;
  read: (bytes: Buffer) => unknown;
}

const DOCUMENT: readonly ErrorCode[] = ['ERR_BAD_MANIFEST', 'ERR_BAD_ARCHIVE', 'ERR_UNSUPPORTED'];
const DIGEST = `sha256:${'ab'.repeat(32)}`;
const DESCRIPTOR = { mediaType: MEDIA.layer, digest: DIGEST, size: 1024, annotations: { a: 'b' } };
const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));

const IMAGE = manifest({
  name: 'example.com/app',
  labels: { version: '1.0.0', os: 'linux', arch: 'amd64' },
  dependencies: [
    { imageName: 'example.com/base', imageID: `sha512-${'0'.repeat(128)}`, labels: [{ name: 'version', value: '1' }] },
  ],
  pathWhitelist: ['/a', '/b/../c'],
  more: {
    annotations: [{ name: 'created', value: '2026-01-01T00:00:00Z' }],
    app: {
      exec: ['/bin/sh'],
      user: '0',
      group: '0',
      environment: [{ name: 'A', value: 'b' }],
      ports: [{ name: 'http', port: 80, protocol: 'tcp', count: 1, socketActivated: false }],
      mountPoints: [{ name: 'data', path: '/data', readOnly: true }],
      isolators: [{ name: 'resource/memory', value: { limit: '1G' } }],
      eventHandlers: [{ name: 'pre-start', exec: ['/bin/true'] }],
    },
  },
});

const TOC: readonly TocEntry[] = Array.from({ length: 40 }, (_none, i) => {
  const type = (['file', 'dir', 'symlink', 'char', 'whiteout'] as const)[i % 5] as TocEntry['type'];
  return {
    path: i === 1 ? '' : `d/${i}`,
    type,
    mode: 0o644,
    uid: i,
    gid: 0,
    sec: 1_700_000_000,
    nsec: i,
    size: type === 'file' ? i : 0,
    key: type === 'file' ? i.toString(16).padStart(128, '0') : '',
    link: type === 'symlink' ? '../x' : '',
    devMajor: type === 'char' ? 1 : 0,
    devMinor: 0,
    xattrs: i % 7 === 0 ? [{ name: 'user.a', value: Buffer.from([0, 255]) }] : [],
  };
});

function recipe(): Buffer {
  const parts: Buffer[] = [];
  const writer = new RecipeWriter((packed) => parts.push(Buffer.from(packed)));
  for (let i = 0; i < 30; i++) {
    writer.frame(Buffer.alloc(512 * (1 + (i % 3)), i));
    writer.content(1000 * i + 1);
  }
  writer.finish();
  return Buffer.concat(parts);
}

export async function readAll(bytes: Buffer, chunk = 700): Promise<void> {
  async function* source(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
  }
  for await (const _part of readRecipe(source()));
}

const TARGETS: readonly Target[] = [
  {
    name: 'an image manifest',
    codes: DOCUMENT,
    valid: Buffer.from(IMAGE),
    json: true,
    read: (bytes) => {
      parseImageManifest(bytes, DEFAULT_LIMITS);
      compileWhitelist(readPathWhitelist(bytes));
    },
  },
  {
    name: 'an OCI index',
    codes: DOCUMENT,
    valid: json(indexOf([{ ...DESCRIPTOR, mediaType: MEDIA.manifest, platform: HOST }])),
    json: true,
    read: (bytes) => {
      const document = parseDocument(bytes, DEFAULT_LIMITS);
      if (document.kind === 'index') pickPlatform(document.manifests, HOST);
    },
  },
  {
    name: 'an OCI manifest',
    codes: DOCUMENT,
    valid: json(manifestOf({ ...DESCRIPTOR, mediaType: MEDIA.config }, [DESCRIPTOR, DESCRIPTOR])),
    json: true,
    read: (bytes) => parseDocument(bytes, DEFAULT_LIMITS, MEDIA.manifest),
  },
  {
    name: 'an OCI configuration',
    codes: DOCUMENT,
    valid: json(
      configOf({
        layers: [Buffer.alloc(1)],
        config: { config: { Env: ['A=b'], Cmd: ['x'] }, history: [{ created: '2026-01-01T00:00:00Z' }] },
      }),
    ),
    json: true,
    read: (bytes) => parseConfig(bytes, DEFAULT_LIMITS),
  },
  {
    name: "docker's manifest.json",
    codes: DOCUMENT,
    valid: json([{ Config: 'a.json', RepoTags: ['a:1'], Layers: ['a/layer.tar', 'b/layer.tar'] }]),
    json: true,
    read: (bytes) => parseDockerManifest(bytes, DEFAULT_LIMITS),
  },
  {
    name: 'an oci-layout file',
    codes: DOCUMENT,
    valid: json({ imageLayoutVersion: '1.0.0' }),
    json: true,
    read: (bytes) => parseLayoutHeader(bytes, DEFAULT_LIMITS),
  },
  {
    name: 'an image name',
    codes: ['ERR_NAME_SYNTAX'],
    valid: Buffer.from('example.com/app:1.0.0,os=linux,arch=amd64'),
    read: (bytes) => {
      const { name, labels } = parseAppString(bytes.toString());
      formatAppString(name, labels);
    },
  },
  {
    name: 'a reference',
    codes: ['ERR_NAME_SYNTAX'],
    valid: Buffer.from(`localhost:5000/team/app:v1@${DIGEST}`),
    read: (bytes) => parseReference(bytes.toString()),
  },
  {
    name: 'a key',
    codes: ['ERR_KEY_SYNTAX', 'ERR_KEY_TOO_SHORT'],
    valid: Buffer.from(`sha512-${'0f'.repeat(64)}`),
    read: (bytes) => parseHashPrefix(bytes.toString()),
  },
  {
    name: 'a platform',
    codes: ['ERR_USAGE', 'ERR_NAME_SYNTAX', 'ERR_UNSUPPORTED'],
    valid: Buffer.from('linux/arm/v7'),
    read: (bytes) => parsePlatform(bytes.toString()),
  },
  {
    name: 'a table of contents',
    codes: ['ERR_DAMAGED'],
    valid: encodeToc(TOC),
    read: (bytes) => decodeToc(bytes),
  },
  {
    name: 'a table of contents of version 1',
    codes: ['ERR_DAMAGED'],
    valid: encodeToc(TOC, 1),
    read: (bytes) => decodeToc(bytes),
  },
  { name: 'a recipe', codes: ['ERR_DAMAGED'], valid: recipe(), read: (bytes) => readAll(bytes) },
];

export interface DocumentReport {
  documents: number;
  accepted: number;
}

/**
 * @param count of inputs for each reader
 * @throws an error that names the reader and the bytes, for any error that is not the reader's own
 */
export async function fuzzDocuments(count: number, seed: number): Promise<DocumentReport> {
  const random = new Random(seed);
  const report: DocumentReport = { documents: 0, accepted: 0 };
  for (const target of TARGETS) {
    await target.read(target.valid);
    for (let i = 0; i < count; i++) {
      const bytes = changed(target, random);
      report.documents++;
      try {
        await target.read(bytes);
        report.accepted++;
      } catch (error) {
        if (error instanceof CairnError && target.codes.includes(error.code)) continue;
        const why = error instanceof Error ? error.stack : String(error);
        throw new Error(`${target.name} ${bytes.toString('base64')}: ${why}`, { cause: error });
      }
    }
  }
  return report;
}

function changed({ valid, json }: Target, random: Random): Buffer {
  if (random.chance(0.03)) return random.bytes(random.below(300));
  if (json !== true || random.chance(0.3)) {
    let bytes = damage(valid, random);
    if (random.chance(0.3)) bytes = spliced(bytes, random);
    return bytes;
  }
  const document = JSON.parse(valid.toString()) as unknown;
  for (let left = 1 + random.below(3); left > 0; left--) changeSomewhere(document, random);
  return Buffer.from(JSON.stringify(document));
}

/** Replaces some bytes by others of the same input, or by numbers that are wrong as lengths. */
function spliced(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  const number = Buffer.alloc(8);
  if (random.chance(0.5))
    number.writeDoubleLE(random.pick([Number.NaN, -1, 1e300, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 53, 0.5]));
  else number.fill(random.pick([0, 0xff, 0x7f]));
  const from = random.below(bytes.length + 1);
  const piece = random.pick([number, bytes.subarray(from, from + random.below(40))]);
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + piece.length)]);
}

const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  '',
  '\0',
  '../../etc/passwd',
  '/etc/passwd',
  'x'.repeat(5000),
  '\ud800',
  '\u202e',
  '__proto__',
  [],
  {},
  [null],
  [[[[]]]],
  { __proto__: null, constructor: { prototype: {} } },
  JSON.parse('{"__proto__":{"name":"b"}}'),
  JSON.parse(`${'['.repeat(80)}${']'.repeat(80)}`),
];
const KEYS = ['__proto__', 'constructor', 'toString', 'Name', 'manifests', 'config', 'layers', 'mediaType', ''];

function changeSomewhere(document: unknown, random: Random): void {
  let at = document as Record<string, unknown>;
  for (;;) {
    const keys = Object.keys(at);
    if (keys.length === 0) return;
    const key = random.pick(keys);
    const next = at[key];
    if (typeof next === 'object' && next !== null && random.chance(0.7)) {
      at = next as Record<string, unknown>;
      continue;
    }
    switch (random.below(4)) {
      case 0:
        delete at[key];
        break;
      case 1: {
        const odd = Array.isArray(at) ? String(at.length) : random.pick([...KEYS, key.toUpperCase()]);
        Object.defineProperty(at, odd, { value: next, enumerable: true, configurable: true, writable: true });
        break;
      }
      default:
        at[key] = structuredClone(random.pick(VALUES));
    }
    return;
  }
}
