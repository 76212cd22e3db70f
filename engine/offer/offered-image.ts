/**
 * The form in which an image is given. An OCI image whose archives were kept is given as it came. Others get a manifest
 * of their uncompressed layers, whose digests their configuration names: nothing is compressed, so what is made anew
 * has the same digest each time and everywhere. An ACI is the one layer of an artifact.
 */
import { readBlob } from '../content/read-blob.js';
import { CairnError } from '../core/errors.js';
import { digestOf, type Key } from '../core/key.js';
import { EMPTY, writeAciArtifact } from '../image/aci/artifact.js';
import { parseJson } from '../image/json.js';
import {
  type ManifestDocument,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
  parseConfig,
  parseDocument,
} from '../image/oci/documents.js';
import { writeManifest } from '../image/oci/write-manifest.js';
import type { ImageRecord } from '../index/records.js';
import { mustBeComplete } from '../resolve/completeness.js';
import { listedStackOf } from '../resolve/layer-stack.js';
import type { StoreContext } from '../session/context.js';

export interface OfferedManifest {
  mediaType: string;
  digest: string;
  bytes: Buffer;
}

/** Where the bytes of a blob are: kept as a blob of the store, in a layer that is made anew, or here. */
export type BlobSource =
  | { kind: 'kept'; key: Key; size: number }
  | { kind: 'layer'; key: Key; size: number }
  | { kind: 'bytes'; bytes: Buffer; size: number };

export interface OfferedImage {
  manifest: OfferedManifest;
  /** By digest. */
  blobs: ReadonlyMap<string, BlobSource>;
}

/** @throws CairnError `ERR_DAMAGED` when parts of the image are gone */
export function offerOci(store: StoreContext, image: ImageRecord): OfferedImage {
  mustBeComplete(store, { nodes: [{ image, dependent: -1 }] });
  const bytes = readBlob(store, image.manifest);
  const manifest = manifestIn(store, bytes);
  const configBytes = readBlob(store, image.config as Key);
  const { diffIds } = parseConfig(configBytes, store.limits);
  const kept = image.archives;
  const isPlain = manifest.layers.every(({ digest }, i) => digest === diffIds[i]);
  const config = { digest: digestOf(configBytes), size: configBytes.length };
  const blobs = new Map<string, BlobSource>([
    [config.digest, { kind: 'kept', key: image.config as Key, size: config.size }],
  ]);
  if (kept !== undefined) {
    for (const [i, { digest, size }] of manifest.layers.entries())
      blobs.set(digest, { kind: 'kept', key: kept[i] as Key, size });
    return { manifest: asItCame(store, bytes), blobs };
  }
  const layers = image.layers.map((key, i) => {
    const { size } = layerOf(store, key);
    const digest = diffIds[i] as string;
    blobs.set(digest, { kind: 'layer', key, size });
    return { mediaType: OCI_LAYER, digest, size };
  });
  if (isPlain && manifest.config.digest === config.digest) return { manifest: asItCame(store, bytes), blobs };
  return { manifest: documentOf(OCI_MANIFEST, writeManifest({ mediaType: OCI_CONFIG, ...config }, layers)), blobs };
}

/**
 * @param digest of the ACI's tar
 * @throws CairnError `ERR_NOT_FOUND` for a dependency that is not here
 */
export function offerAci(store: StoreContext, image: ImageRecord, digest: string): OfferedImage {
  const [key] = image.layers as [Key];
  const { size } = layerOf(store, key);
  const dependencies = [...new Set(listedStackOf(store, image).nodes.map((node) => node.image.key))].slice(1);
  const empty = digestOf(EMPTY);
  const bytes = writeAciArtifact({ key: image.key, dependencies, archive: { digest, size } }, empty, '');
  return {
    manifest: documentOf(OCI_MANIFEST, bytes),
    blobs: new Map<string, BlobSource>([
      [digest, { kind: 'layer', key, size }],
      [empty, { kind: 'bytes', bytes: EMPTY, size: EMPTY.length }],
    ]),
  };
}

/** One manifest for the same image on several platforms, which come in the order of their names. */
export function offerPlatforms(images: readonly { image: ImageRecord; manifest: OfferedManifest }[]): OfferedManifest {
  const manifests = images.map(({ image: { platform }, manifest: { mediaType, digest, bytes } }) => ({
    mediaType,
    digest,
    size: bytes.length,
    ...(platform === undefined ? {} : { platform: platformOf(platform) }),
  }));
  manifests.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  return documentOf(OCI_INDEX, Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests })));
}

function platformOf({ os, architecture, variant }: NonNullable<ImageRecord['platform']>) {
  return { architecture, os, ...(variant === undefined ? {} : { variant }) };
}

function sortKey({ digest, platform }: { digest: string; platform?: object }): string {
  return `${JSON.stringify(platform ?? {})} ${digest}`;
}

function layerOf({ index }: StoreContext, key: Key): { size: number } {
  const layer = index.layer(key);
  if (layer === undefined) throw new CairnError('ERR_DAMAGED', `the index has no layer ${key}`);
  return layer;
}

function documentOf(mediaType: string, bytes: Buffer): OfferedManifest {
  return { mediaType, digest: digestOf(bytes), bytes };
}

/** Docker's manifests say what they are; those of OCI may leave it out. */
function asItCame({ limits }: StoreContext, bytes: Buffer): OfferedManifest {
  const { mediaType } = parseJson(bytes, 'image manifest', limits) as { mediaType?: string };
  return documentOf(mediaType ?? OCI_MANIFEST, bytes);
}

function manifestIn(store: StoreContext, bytes: Buffer): ManifestDocument {
  const document = parseDocument(bytes, store.limits);
  if (document.kind === 'manifest') return document;
  throw new CairnError('ERR_DAMAGED', 'an index lies where a manifest should be');
}
