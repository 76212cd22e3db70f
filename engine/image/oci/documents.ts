/**
 * Reads the documents that lead from an OCI layout to its layers. Unlike in those of appc, the case of keys matters;
 * unknown keys are ignored.
 */
import { isCairnError } from '../../core/errors.js';
import { type Limits, MAX_DESCRIPTORS, MAX_LABELS } from '../../core/limits.js';
import { quoted } from '../../core/printable.js';
import { parseJson } from '../json.js';
import { JsonField } from '../json-field.js';
import { type Descriptor, readDescriptor } from './descriptor.js';
import {
  DOCKER_MANIFEST_V1,
  documentKind,
  isConfigType,
  isLayerType,
  isSchema1Type,
  OCI_INDEX,
  OCI_MANIFEST,
} from './media-types.js';

export { type OciConfig, parseConfig } from './config.js';
export type { Descriptor, Platform } from './descriptor.js';
export { type DockerImage, parseDockerManifest } from './docker-manifest.js';
export * from './media-types.js';

/** An index (OCI image spec, image index) or Docker's manifest list: one image for several platforms, or several. */
export interface IndexDocument {
  kind: 'index';
  manifests: Descriptor[];
}

/** A manifest (OCI image spec, image manifest; Docker's v2, schema 2). The lowest layer comes first. */
export interface ManifestDocument {
  kind: 'manifest';
  config: Descriptor;
  layers: Descriptor[];
  annotations: Record<string, string>;
}

/**
 * Checks the `oci-layout` file of a layout (OCI image spec, image layout): its version must be a 1.
 *
 * @throws CairnError `ERR_BAD_ARCHIVE` for what only a hostile document has (see `parseJson`), `ERR_UNSUPPORTED` for
 *   another version, else `ERR_BAD_MANIFEST`
 */
export function parseLayoutHeader(bytes: Uint8Array, limits: Pick<Limits, 'maxManifest'>): void {
  const version = new JsonField('oci-layout', parseJson(bytes, 'oci-layout', limits)).exactField('imageLayoutVersion');
  const major = /^(\d+)\.\d+\.\d+(?:[-+][\w.+-]+)?$/.exec(version.text())?.[1];
  if (major === undefined) throw version.fault(`not a version: ${quoted(version.text())}`);
  if (major !== '1') {
    throw version.fault(`layouts of version ${quoted(version.text())} are not supported, only 1`, 'ERR_UNSUPPORTED');
  }
}

/**
 * Reads an index or a manifest, of OCI or of Docker.
 *
 * The document's kind must be beyond doubt (CVE-2021-41190: one text that is an index to one reader and a manifest to
 * the next). Its keys, its own `mediaType` and the descriptor's must agree, as far as they are there. An index may list
 * documents that are no images; a manifest must be an image's.
 *
 * @param expectedMediaType of the descriptor that led to the document; a layout's `index.json` has none
 * @throws CairnError `ERR_BAD_ARCHIVE` for what only a hostile document has (see `parseJson`) and for media types that
 *   do not fit, `ERR_UNSUPPORTED` for Docker's schema 1, artifacts, encrypted layers and digests that are not SHA-256,
 *   else `ERR_BAD_MANIFEST`; `entry` is `image index: ` or `image manifest: ` and the path to the fault such as
 *   `layers[0].mediaType`
 */
export function parseDocument(
  bytes: Uint8Array,
  limits: Pick<Limits, 'maxManifest'>,
  expectedMediaType?: string,
): IndexDocument | ManifestDocument {
  const expected = expectedMediaType === undefined ? undefined : documentKind(expectedMediaType);
  const name = expected === undefined ? 'image document' : `image ${expected}`;
  const value = parseJson(bytes, name, limits);
  const document = new JsonField(name, value);
  checkVersion(document);
  if (expectedMediaType !== undefined && expected === undefined) throw unknownKind(document, expectedMediaType);

  const kind = readShape(document);
  if (expected !== undefined && kind !== expected) {
    throw document.fault(
      `a descriptor says ${quoted(expectedMediaType as string)}, but this is an ${kindOf(kind)}`,
      'ERR_BAD_ARCHIVE',
    );
  }
  const root = new JsonField(`image ${kind}`, value);
  checkMediaType(root.exactField('mediaType'), kind, expectedMediaType);
  if (kind === 'index')
    return { kind, manifests: root.exactField('manifests').items(MAX_DESCRIPTORS).map(readDescriptor) };
  return {
    kind,
    config: readConfigDescriptor(root.exactField('config')),
    layers: root.exactField('layers').items(MAX_DESCRIPTORS).map(readLayerDescriptor),
    annotations: root.exactField('annotations').textMap(MAX_LABELS),
  };
}

/**
 * The media type of a document that came without a useful one: what it says itself, else what its keys make it. Whether
 * it is that is for {@link parseDocument} to say.
 * @returns undefined for what is no document of an image
 */
export function mediaTypeIn(bytes: Uint8Array, limits: Pick<Limits, 'maxManifest'>): string | undefined {
  try {
    const root = new JsonField('image document', parseJson(bytes, 'image document', limits));
    const has = (key: string): boolean => root.exactField(key).value !== undefined;
    return (
      root.exactField('mediaType').text() ||
      (has('manifests') ? OCI_INDEX : has('layers') ? OCI_MANIFEST : has('fsLayers') ? DOCKER_MANIFEST_V1 : undefined)
    );
  } catch (error) {
    if (isCairnError(error)) return undefined;
    throw error;
  }
}

function kindOf(kind: 'index' | 'manifest'): string {
  return kind === 'index' ? 'image index' : 'image manifest';
}

function unknownKind(document: JsonField, mediaType: string): Error {
  const what = isSchema1Type(mediaType) ? "Docker's manifests of schema 1 are" : `${quoted(mediaType)} is`;
  return document.fault(`${what} not supported, only image manifests and indexes`, 'ERR_UNSUPPORTED');
}

function checkVersion(document: JsonField): void {
  const version = document.exactField('schemaVersion');
  if (version.absent) throw version.fault('schemaVersion must be set');
  if (version.value === 1) throw version.fault("Docker's manifests of schema 1 are not supported", 'ERR_UNSUPPORTED');
  if (version.value !== 2) throw version.fault('schemaVersion must be 2');
}

/** Here alone the case of keys does not matter, since readers in Go could take a key in another case for their own. */
function readShape(document: JsonField): 'index' | 'manifest' {
  const has = (key: string): boolean => document.field(key).value !== undefined;
  const foreign = ['config', 'layers', 'fsLayers'].find(has);
  if (has('manifests')) {
    if (foreign === undefined) return 'index';
    throw document.fault(`both an index and a manifest: it has "manifests" and "${foreign}"`, 'ERR_BAD_ARCHIVE');
  }
  if (foreign === undefined) {
    throw document.fault('neither an index nor a manifest: it has no "manifests", "config" or "layers"');
  }
  for (const key of ['config', 'layers']) {
    const field = document.exactField(key);
    if (field.value === undefined) throw field.fault(`${key} is required`);
  }
  return 'manifest';
}

function checkMediaType(mediaType: JsonField, kind: 'index' | 'manifest', expected: string | undefined): void {
  const written = mediaType.text();
  if (written === '') return;
  if (expected !== undefined && written !== expected) {
    throw mediaType.fault(
      `a descriptor says ${quoted(expected)}, the document says ${quoted(written)}`,
      'ERR_BAD_ARCHIVE',
    );
  }
  if (documentKind(written) !== kind) {
    throw mediaType.fault(`the document says ${quoted(written)}, but it is an ${kindOf(kind)}`, 'ERR_BAD_ARCHIVE');
  }
}

function readConfigDescriptor(descriptor: JsonField): Descriptor {
  const config = readDescriptor(descriptor);
  const { mediaType } = config;
  if (isConfigType(mediaType)) return config;
  const field = descriptor.exactField('mediaType');
  if (isLayerType(mediaType) || documentKind(mediaType) !== undefined) {
    throw field.fault(`${quoted(mediaType)} is not the media type of an image's configuration`, 'ERR_BAD_ARCHIVE');
  }
  throw field.fault(`an artifact, not an image: its configuration is ${quoted(mediaType)}`, 'ERR_UNSUPPORTED');
}

function readLayerDescriptor(descriptor: JsonField): Descriptor {
  const layer = readDescriptor(descriptor);
  if (isLayerType(layer.mediaType)) return layer;
  const field = descriptor.exactField('mediaType');
  if (layer.mediaType.endsWith('+encrypted'))
    throw field.fault('encrypted layers are not supported', 'ERR_UNSUPPORTED');
  throw field.fault(`not the media type of a layer: ${quoted(layer.mediaType)}`, 'ERR_BAD_ARCHIVE');
}
