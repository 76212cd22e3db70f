/** OCI layouts that are damaged or mean harm: each is refused with its code, and leaves nothing behind. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { cairn } from '../fixtures/cli.js';
import { makePlace } from '../fixtures/hostile.js';
import {
  blobPath,
  configOf,
  type Descriptor,
  digestOf,
  HOST,
  indexOf,
  layoutTar,
  MEDIA,
  manifestOf,
  ociLayout,
  type WrittenImage,
  writeBlob,
  writeDocument,
  writeIndex,
} from '../fixtures/oci.js';
import { type Case, GOOD, LAYER, type Make, refusesAll } from '../fixtures/refusals.js';

const MISMATCH = 'ERR_DIGEST_MISMATCH';
const MANIFEST = 'ERR_BAD_MANIFEST';
const ARCHIVE = 'ERR_BAD_ARCHIVE';
const UNSUPPORTED = 'ERR_UNSUPPORTED';
const NOWHERE = `sha256:${'0'.repeat(64)}`;

/** A good layout with a change. */
function spoiled(change: (dir: string, image: WrittenImage) => void, compress: 'none' | 'gzip' = 'none'): Make {
  return (dir) => {
    const [image] = ociLayout(dir, [{ ...GOOD, compress }]);
    change(dir, image as WrittenImage);
    return dir;
  };
}

interface Parts {
  config: Descriptor;
  layers: Descriptor[];
}

/** A layout with changed fields in its descriptors, configuration or manifest. */
function composed(change: {
  config?: Readonly<Record<string, unknown>>;
  parts?: (parts: Parts) => Partial<Parts>;
  manifest?: (manifest: Record<string, unknown>) => object;
  descriptor?: Partial<Descriptor>;
}): Make {
  return (dir) => {
    const config = writeDocument(
      dir,
      configOf({ ...GOOD, ...(change.config && { config: change.config }) }),
      MEDIA.config,
    );
    const layers = GOOD.layers.map((layer) => writeBlob(dir, layer, MEDIA.layer));
    const parts = { config, layers, ...change.parts?.({ config, layers }) };
    const manifest = manifestOf(parts.config, parts.layers);
    const descriptor = writeDocument(dir, change.manifest?.(manifest) ?? manifest, MEDIA.manifest);
    writeIndex(dir, indexOf([{ ...descriptor, ...change.descriptor }]));
    return dir;
  };
}

function indexed(index: object | string | Buffer): Make {
  return spoiled((dir) => writeIndex(dir, index));
}

/** Changes the bytes of a blob, but not their number. */
function flip(dir: string, digest: string): void {
  const bytes = fs.readFileSync(blobPath(dir, digest));
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
  fs.writeFileSync(blobPath(dir, digest), bytes);
}

function oneLonger(descriptor: Descriptor): Descriptor {
  return { ...descriptor, size: descriptor.size + 1 };
}

function lastOf<T>(items: readonly T[], change: (item: T) => T): T[] {
  return items.map((item, i) => (i === items.length - 1 ? change(item) : item));
}

const DOCUMENTS: readonly Case[] = [
  ['a layer of other bytes', spoiled((dir, { layers }) => flip(dir, layers[1] as string)), MISMATCH],
  ['a gzipped layer of other bytes', spoiled((dir, { layers }) => flip(dir, layers[1] as string), 'gzip'), MISMATCH],
  [
    'a layer cut short',
    spoiled((dir, { layers }) => fs.truncateSync(blobPath(dir, layers[1] as string), 1024)),
    MISMATCH,
  ],
  [
    'a layer with more behind its end',
    spoiled((dir, { layers }) => fs.appendFileSync(blobPath(dir, layers[1] as string), 'x')),
    MISMATCH,
  ],
  ['a manifest of other bytes', spoiled((dir, { manifest }) => flip(dir, manifest)), MISMATCH],
  ['a configuration of other bytes', spoiled((dir, { config }) => flip(dir, config)), MISMATCH],
  ['a layer of another size', composed({ parts: ({ layers }) => ({ layers: lastOf(layers, oneLonger) }) }), MISMATCH],
  ['a configuration of another size', composed({ parts: ({ config }) => ({ config: oneLonger(config) }) }), MISMATCH],
  ['a manifest of another size', composed({ descriptor: { size: 7 } }), MISMATCH],
  ['a layer that is missing', spoiled((dir, { layers }) => fs.rmSync(blobPath(dir, layers[1] as string))), ARCHIVE],
  ['a configuration that is missing', spoiled((dir, { config }) => fs.rmSync(blobPath(dir, config))), ARCHIVE],
  ['a manifest that is missing', spoiled((dir, { manifest }) => fs.rmSync(blobPath(dir, manifest))), ARCHIVE],
  [
    'a digest that leads elsewhere',
    composed({
      parts: ({ layers }) => ({
        layers: lastOf(layers, (each) => ({ ...each, digest: 'sha256:../../../outside/secret' })),
      }),
    }),
    MANIFEST,
  ],
  [
    'a digest of another kind',
    composed({ parts: ({ layers }) => ({ layers: lastOf(layers, (each) => ({ ...each, digest: 'md5:00' })) }) }),
    UNSUPPORTED,
  ],
  [
    'diffIDs that do not match',
    composed({ config: { rootfs: { type: 'layers', diff_ids: [digestOf(LAYER), NOWHERE] } } }),
    MISMATCH,
  ],
  [
    'diffIDs in another order',
    composed({ config: { rootfs: { type: 'layers', diff_ids: GOOD.layers.map(digestOf).reverse() } } }),
    MISMATCH,
  ],
  [
    'fewer diffIDs than layers',
    composed({ config: { rootfs: { type: 'layers', diff_ids: [digestOf(LAYER)] } } }),
    MANIFEST,
  ],
  [
    'more diffIDs than layers',
    composed({ config: { rootfs: { type: 'layers', diff_ids: [...GOOD.layers, LAYER].map(digestOf) } } }),
    MANIFEST,
  ],
  ['a configuration without diffIDs', composed({ config: { rootfs: undefined } }), MANIFEST],
  // CVE-2021-41190: a document that different programs read in different ways.
  [
    'CVE-2021-41190: a manifest that is an index as well',
    composed({ manifest: (manifest) => ({ ...manifest, manifests: [] }) }),
    ARCHIVE,
  ],
  ['CVE-2021-41190: an index that is a manifest as well', indexed({ ...indexOf([]), config: {}, layers: [] }), ARCHIVE],
  [
    'a manifest of another media type than its descriptor',
    composed({ manifest: (manifest) => ({ ...manifest, mediaType: MEDIA.index }) }),
    ARCHIVE,
  ],
  [
    'a descriptor of another media type than its manifest',
    composed({ descriptor: { mediaType: MEDIA.index } }),
    ARCHIVE,
  ],
  ['a media type of nothing we know', composed({ descriptor: { mediaType: 'text/plain' } }), UNSUPPORTED],
  [
    'a layer of a media type of nothing we know',
    composed({ parts: ({ layers }) => ({ layers: lastOf(layers, (each) => ({ ...each, mediaType: 'text/plain' })) }) }),
    ARCHIVE,
  ],
  ['another schema version', composed({ manifest: (manifest) => ({ ...manifest, schemaVersion: 1 }) }), UNSUPPORTED],
  ['an index.json of 5 MiB', indexed(Buffer.from(JSON.stringify(indexOf([])).padEnd(5 * 2 ** 20))), ARCHIVE],
  ['an index.json that is not JSON', indexed('{"manifests": ['), MANIFEST],
  ['an index.json that is a list', indexed('[]'), MANIFEST],
  ['an index.json that is empty', indexed(''), MANIFEST],
  [
    'an index.json nested too deep',
    indexed(`{"schemaVersion":2,"x":${'['.repeat(100)}${']'.repeat(100)},"manifests":[]}`),
    ARCHIVE,
  ],
  ['an index.json with __proto__', indexed('{"schemaVersion":2,"__proto__":{},"manifests":[]}'), ARCHIVE],
  ['an index.json nested too deep for any parser', indexed('['.repeat(2 ** 21)), ARCHIVE, /nested deeper/],
  ['an index.json that is not UTF-8', indexed(Buffer.from([0x7b, 0xff, 0x7d])), ARCHIVE],
  ['a configuration with __proto__', composed({ config: JSON.parse('{"__proto__":{}}') }), ARCHIVE, /__proto__/],
  [
    'a name that leads elsewhere',
    composed({ descriptor: { annotations: { 'org.opencontainers.image.ref.name': '../../outside/secret' } } }),
    'ERR_NAME_SYNTAX',
  ],
  [
    'a name with a NUL',
    composed({ descriptor: { annotations: { 'org.opencontainers.image.ref.name': 'a\0b' } } }),
    'ERR_NAME_SYNTAX',
  ],
  [
    'an absolute name',
    composed({ descriptor: { annotations: { 'io.containerd.image.name': '/etc/passwd' } } }),
    'ERR_NAME_SYNTAX',
  ],
  ['an index.json without images', indexed(indexOf([])), 'ERR_NOT_AN_IMAGE'],
  ['an index.json that is missing', spoiled((dir) => fs.rmSync(join(dir, 'index.json'))), ARCHIVE],
  [
    'a layout of another version',
    spoiled((dir) => fs.writeFileSync(join(dir, 'oci-layout'), '{"imageLayoutVersion":"9.0.0"}')),
    UNSUPPORTED,
  ],
  ['an index that names itself', namesItself, MISMATCH],
  ['indexes within indexes without end', nested, MANIFEST],
  [
    '501 layers',
    (dir) => {
      ociLayout(dir, [{ ref: 'deep', layers: Array.from({ length: 501 }, () => LAYER) }]);
      return dir;
    },
    'ERR_LIMIT',
    /501.*500.*--max-layers/,
  ],
  [
    'a layout tar cut short',
    (dir) => {
      ociLayout(join(dir, 'layout'), [GOOD]);
      const file = join(dir, 'cut.tar');
      fs.writeFileSync(file, layoutTar(join(dir, 'layout')).subarray(0, -3000));
      return file;
    },
    ARCHIVE,
  ],
  [
    'a gzipped layout tar cut short',
    (dir) => {
      ociLayout(join(dir, 'layout'), [GOOD]);
      const file = join(dir, 'cut.tgz');
      fs.writeFileSync(file, gzipSync(layoutTar(join(dir, 'layout'))).subarray(0, -30));
      return file;
    },
    'ERR_BAD_COMPRESSION',
  ],
];

/** The index names a digest that no document has. A document of that name is there: the index. */
function namesItself(dir: string): string {
  ociLayout(dir, [GOOD]);
  const descriptor = { mediaType: MEDIA.index, digest: NOWHERE, size: 0 };
  const { length } = JSON.stringify(indexOf([descriptor]));
  // The digits of the size are part of the document, and count in its size.
  const size = length + String(length).length - 1;
  writeIndex(dir, indexOf([{ ...descriptor, size }]));
  fs.copyFileSync(join(dir, 'index.json'), blobPath(dir, NOWHERE));
  return dir;
}

function nested(dir: string): string {
  ociLayout(dir, [GOOD]);
  let inner = indexOf([]);
  for (let i = 0; i < 200; i++) inner = indexOf([{ ...writeDocument(dir, inner, MEDIA.index), platform: HOST }]);
  writeIndex(dir, inner);
  return dir;
}

test('documents that are refused', (t) => refusesAll(t, DOCUMENTS));

test('one refusal alone exits 1, and names the file', async (t) => {
  const place = makePlace(t);
  const source = composed({ config: { rootfs: { type: 'layers', diff_ids: [digestOf(LAYER), NOWHERE] } } })(
    join(place.dir, 'archives', 'one'),
    place,
  );
  const ran = await cairn(['import', '--json', source], { store: place.store });
  assert.equal(ran.code, 1);
  const error = ran.error();
  assert.equal(error.code, MISMATCH);
  assert.equal(error['expected'], NOWHERE);
  assert.equal(error['found'], digestOf(GOOD.layers[1] as Buffer));
  assert.ok(error.path?.startsWith(source), error.path);
});
