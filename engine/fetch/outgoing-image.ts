/** An image as a registry takes it: a manifest, and blobs in files. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import { readBlob } from '../content/read-blob.js';
import { CairnError } from '../core/errors.js';
import { digestOf, type Key } from '../core/key.js';
import type { OperationOptions } from '../core/operation.js';
import { exportLayer } from '../export/layer-bytes.js';
import { writeLayout } from '../export/layout.js';
import { EMPTY, writeAciArtifact } from '../image/aci/artifact.js';
import { parseJson } from '../image/json.js';
import { type ManifestDocument, OCI_MANIFEST, parseDocument } from '../image/oci/documents.js';
import type { ImageRecord } from '../index/records.js';
import type { RemoteManifest } from '../remote/registry.js';
import { listedStackOf } from '../resolve/layer-stack.js';
import type { StoreContext } from '../session/context.js';

export interface OutgoingBlob {
  digest: string;
  /** Bytes. */
  size: number;
  path: string;
  isLayer: boolean;
}

export interface OutgoingImage {
  manifest: RemoteManifest;
  /** Each once. */
  blobs: OutgoingBlob[];
}

/**
 * Kept archives are sent from where they lie. Without them the layers are compressed, which gives other digests.
 * @param staging an existing directory
 */
export async function outgoingImage(
  store: StoreContext,
  image: ImageRecord,
  staging: string,
  options: OperationOptions,
): Promise<OutgoingImage> {
  if (image.archives !== undefined && image.config !== undefined) return fromStore(store, image, image.config);
  const request = { compress: 'gzip', docker: false, names: [], base: undefined } as const;
  const { digest } = await store.pool.during({ signal: options.signal }, (work) =>
    writeLayout(store, image, staging, { ...request, work }),
  );
  const pathOf = (each: string): string => join(staging, 'blobs', 'sha256', each.slice('sha256:'.length));
  const bytes = fs.readFileSync(pathOf(digest));
  return { manifest: { bytes, digest, mediaType: OCI_MANIFEST }, blobs: blobsOf(manifestIn(store, bytes), pathOf) };
}

/** An ACI as an artifact, with the keys of the images that it depends on here. */
export async function outgoingAci(
  store: StoreContext,
  image: ImageRecord,
  staging: string,
  options: OperationOptions,
): Promise<OutgoingImage> {
  const path = join(staging, 'aci');
  const empty = join(staging, 'config');
  fs.writeFileSync(empty, EMPTY);
  const { digest, size } = await store.pool.during({ signal: options.signal }, (work) =>
    exportLayer(store, image.layers[0] as Key, { work, output: { path }, compress: 'gzip', digests: true }),
  );
  const archive = { digest: `sha256:${digest}`, size };
  const dependencies = [...new Set(listedStackOf(store, image).nodes.map((node) => node.image.key))].slice(1);
  const bytes = writeAciArtifact({ key: image.key, dependencies, archive }, digestOf(EMPTY));
  return {
    manifest: { bytes, digest: digestOf(bytes), mediaType: OCI_MANIFEST },
    blobs: [
      { ...archive, path, isLayer: true },
      { digest: digestOf(EMPTY), size: EMPTY.length, path: empty, isLayer: false },
    ],
  };
}

function fromStore(store: StoreContext, image: ImageRecord, config: Key): OutgoingImage {
  const { layout, limits } = store;
  const bytes = readBlob(store, image.manifest);
  const manifest = manifestIn(store, bytes);
  const paths = new Map([[manifest.config.digest, layout.blob(config)]]);
  for (const [i, { digest }] of manifest.layers.entries()) paths.set(digest, layout.blob(image.archives?.[i] as Key));
  // Docker's manifests say what they are; those of OCI may leave it out.
  const { mediaType } = parseJson(bytes, 'image manifest', limits) as { mediaType?: string };
  return {
    manifest: { bytes, digest: digestOf(bytes), mediaType: mediaType ?? OCI_MANIFEST },
    blobs: blobsOf(manifest, (digest) => paths.get(digest) as string),
  };
}

function blobsOf({ config, layers }: ManifestDocument, pathOf: (digest: string) => string): OutgoingBlob[] {
  const all = [...layers.map((each) => ({ ...each, isLayer: true })), { ...config, isLayer: false }];
  const blobs = all.map(({ digest, size, isLayer }) => ({ digest, size, isLayer, path: pathOf(digest) }));
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
}

function manifestIn(store: StoreContext, bytes: Buffer): ManifestDocument {
  const document = parseDocument(bytes, store.limits);
  if (document.kind === 'manifest') return document;
  throw new CairnError('ERR_DAMAGED', 'an index lies where a manifest should be');
}
