/**
 * Writes an image as an OCI image layout: a directory with its documents and layers by digest. An OCI image gives its
 * own layers, as their kept archives or compressed anew. An ACI gives one layer for each dependency node, with
 * whiteouts for paths that whitelists drop.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { ExportResult, OutputCompression } from '../../workers/tasks/export.js';
import { readBlob } from '../content/read-blob.js';
import { eachOf } from '../core/concurrency.js';
import { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { digestOf } from '../core/key.js';
import { limitFlag } from '../core/limits.js';
import { moveIntoPlace } from '../disk/durable.js';
import { parseImageManifest } from '../image/aci/manifest.js';
import { ociConfigFrom } from '../image/convert/aci-to-oci.js';
import {
  FULL_NAME,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
  parseConfig,
  parseDocument,
  REF_NAME,
} from '../image/oci/documents.js';
import { hostPlatform } from '../image/oci/platform.js';
import { isLayoutName, isLayoutTag, isRegistryReference } from '../image/oci/reference.js';
import { type WrittenDescriptor, writeManifest } from '../image/oci/write-manifest.js';
import { shortName } from '../index/images.js';
import type { ImageName, ImageRecord } from '../index/records.js';
import { type AciNode, planAci } from '../plan/aci.js';
import { baseLayer, layerBetween } from '../plan/diff.js';
import type { Plan } from '../plan/plan.js';
import { type LayerStack, layerStackOf } from '../resolve/layer-stack.js';
import { nodesWithTocs, planOf } from '../resolve/plan-image.js';
import type { StoreContext } from '../session/context.js';
import type { Work } from '../session/work.js';
import { exportBlob, exportLayer, type LayerOutput } from './layer-bytes.js';
import { exportEntries } from './plan-bytes.js';

export interface LayoutRequest {
  work: Work;
  /** The compression of the layers. By default kept archives stay as they are. */
  compress: OutputCompression | undefined;
  /** Also write the document that `docker load` wants. */
  docker: boolean;
  /** Names to give the image in the layout. */
  names: readonly ImageName[];
  /** Write one layer on top of this image's tree instead of all layers. */
  base: ImageRecord | undefined;
}

/** An image that is not in the store. */
export interface MadeImage {
  /** Each writes a layer, the lowest first. */
  layers: readonly ((to: LayerOutput) => Promise<ExportResult>)[];
  /** @param diffIds of the layers */
  configOf: (diffIds: readonly string[]) => Buffer;
  annotations: Readonly<Record<string, string>>;
}

/** Writes a layout to an existing empty directory. @returns the manifest's digest, and the size of all blobs */
export async function writeLayout(
  store: StoreContext,
  image: ImageRecord | MadeImage,
  dir: string,
  request: LayoutRequest,
): Promise<{ digest: string; size: number }> {
  const blobs = join(dir, 'blobs', 'sha256');
  fs.mkdirSync(join(dir, 'blobs'));
  fs.mkdirSync(blobs);
  const writer = new LayoutWriter(store, blobs, request);
  const manifest = 'layers' in image && 'configOf' in image ? await writer.make(image) : await writer.write(image);
  const names = request.names.filter((name) => isWritable(store, name));
  const descriptor = { mediaType: OCI_MANIFEST, digest: digestOf(manifest), size: manifest.length };
  const manifests = (names.length === 0 ? [undefined] : names).map((name) => ({
    ...descriptor,
    ...(name === undefined ? {} : { annotations: annotationsOf(name) }),
  }));
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
  fs.writeFileSync(join(dir, 'index.json'), JSON.stringify(index));
  fs.writeFileSync(join(dir, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  if (request.docker) fs.writeFileSync(join(dir, 'manifest.json'), dockerManifest(store, manifest, names));
  return { digest: descriptor.digest, size: writer.bytes };
}

/** Whether a layout may have such a name. An ACI's may have characters of its own. */
function isWritable({ notice }: StoreContext, name: ImageName): boolean {
  if ((name.name === '' || isLayoutName(name.name)) && isLayoutTag(tagOf(name))) return true;
  notice(`${shortName(name)} is no name that a layout may have, so the layout has none for it`);
  return false;
}

/** The tag for readers that know only the specification, and the full name, as Docker, BuildKit and containerd do. */
function annotationsOf(name: ImageName): Record<string, string> {
  const full = referenceOf(name);
  if (name.name === '') return { [REF_NAME]: tagOf(name) };
  if (full === undefined) return { [REF_NAME]: `${name.name}:${tagOf(name)}` };
  // A name without a registry is one of Docker Hub to containerd.
  const isShort = !/^(?:localhost|[^/]*[.:][^/]*)\//.test(full);
  const hub = name.name.includes('/') ? 'docker.io' : 'docker.io/library';
  return { [FULL_NAME]: isShort ? `${hub}/${full}` : full, [REF_NAME]: tagOf(name) };
}

function tagOf({ labels }: ImageName): string {
  return labels.find((label) => label.name === 'version')?.value ?? 'latest';
}

/** The reference for registries; `undefined` for a name that they refuse, as an ACI may have. */
function referenceOf(name: ImageName): string | undefined {
  const reference = `${name.name}:${tagOf(name)}`;
  return isRegistryReference(reference) ? reference : undefined;
}

function dockerManifest(store: StoreContext, bytes: Buffer, names: readonly ImageName[]): string {
  const manifest = parseDocument(bytes, store.limits);
  if (manifest.kind !== 'manifest') throw new Error('a manifest of ours is none');
  const member = ({ digest }: { digest: string }): string => `blobs/sha256/${digest.slice('sha256:'.length)}`;
  const RepoTags = names.flatMap((name) => referenceOf(name) ?? []);
  return JSON.stringify([{ Config: member(manifest.config), RepoTags, Layers: manifest.layers.map(member) }]);
}

class LayoutWriter {
  bytes = 0;
  readonly #store: StoreContext;
  readonly #blobs: string;
  readonly #request: LayoutRequest;

  constructor(store: StoreContext, blobs: string, request: LayoutRequest) {
    this.#store = store;
    this.#blobs = blobs;
    this.#request = request;
  }

  async write(image: ImageRecord): Promise<Buffer> {
    const { base, compress } = this.#request;
    if (base !== undefined) return this.#difference(base, image);
    if (image.config === undefined) return this.#chain(image);
    const config = readBlob(this.#store, image.config);
    if (image.archives !== undefined && compress === undefined) return this.#asItCame(image, config);
    const layers = await this.#each(image.layers, (key, output) => exportLayer(this.#store, key, output));
    const annotations = this.#annotationsOf(image);
    return this.#document(writeManifest(this.#config(config), layers.map(this.#describe), annotations));
  }

  async make({ layers, configOf, annotations }: MadeImage): Promise<Buffer> {
    const written = await this.#each(layers, (write, output) => write(output));
    const config = this.#config(configOf(written.map(diffIdOf)));
    return this.#document(writeManifest(config, written.map(this.#describe), annotations));
  }

  /** Writes the very bytes that were imported. */
  async #asItCame(image: ImageRecord, config: Buffer): Promise<Buffer> {
    const bytes = readBlob(this.#store, image.manifest);
    const manifest = parseDocument(bytes, this.#store.limits);
    if (manifest.kind !== 'manifest') throw new Error('an index is no manifest');
    const archives = new Map(
      manifest.layers.map((layer, i) => [layer.digest, { ...layer, key: image.archives?.[i] as Key }]),
    );
    await eachOf([...archives.values()], this.#store.pool.size, ({ digest, ...blob }) =>
      exportBlob(this.#store, blob, this.#path(digest), this.#request.work),
    );
    for (const { size } of manifest.layers) this.bytes += size;
    this.#config(config);
    return this.#document(bytes);
  }

  #annotationsOf({ manifest }: ImageRecord): Record<string, string> {
    const document = parseDocument(readBlob(this.#store, manifest), this.#store.limits);
    return document.kind === 'manifest' ? document.annotations : {};
  }

  /**
   * Writes one layer for each dependency node, lowest first, with what the node adds to the tree of all nodes below. So
   * images with a common base have its layers in common. Layers begin in this order. Each tree is planned when its
   * layer begins, and forgotten when the next one does: together the plans could be larger than memory.
   * @throws CairnError `ERR_LIMIT` for more layers than an OCI image may have
   */
  async #chain(image: ImageRecord): Promise<Buffer> {
    const stack = layerStackOf(this.#store, image);
    refuseManyLayers(this.#store, stack);
    const nodes = nodesWithTocs(this.#store, stack);
    let below: Plan | undefined;
    const layers = await this.#each(
      nodes.map((_place, i) => nodes.length - 1 - i),
      (from, output) => {
        const plan = planFrom(nodes, from);
        const entries = below === undefined ? baseLayer(plan) : layerBetween(below, plan);
        below = plan;
        return exportEntries(this.#store, entries, output);
      },
    );
    const manifest = parseImageManifest(readBlob(this.#store, image.manifest), this.#store.limits);
    const host = hostPlatform(process.arch, process.platform);
    const config = ociConfigFrom(manifest, layers.map(diffIdOf), undefined, host);
    return this.#document(writeManifest(this.#config(Buffer.from(JSON.stringify(config))), layers.map(this.#describe)));
  }

  /** Writes one layer, and a configuration that lists no other. */
  async #difference(base: ImageRecord, image: ImageRecord): Promise<Buffer> {
    const [before, after] = [base, image].map((each) => planOf(this.#store, layerStackOf(this.#store, each)));
    const entries = layerBetween(before as Plan, after as Plan);
    const layers = await this.#each([entries], (each, output) => exportEntries(this.#store, each, output));
    const raw =
      image.config === undefined ? {} : parseConfig(readBlob(this.#store, image.config), this.#store.limits).raw;
    const { os, architecture } = hostPlatform(process.arch, process.platform);
    const { history: _history, ...rest } = raw;
    const rootfs = { type: 'layers', diff_ids: layers.map(diffIdOf) };
    const config = Buffer.from(JSON.stringify({ os, architecture, ...rest, rootfs }));
    return this.#document(writeManifest(this.#config(config), layers.map(this.#describe)));
  }

  /** Writes layers side by side, each under the digest that it turns out to have. */
  #each<T>(items: readonly T[], write: (item: T, to: LayerOutput) => Promise<ExportResult>): Promise<ExportResult[]> {
    const { work, compress = 'none' } = this.#request;
    return eachOf(items, this.#store.pool.size, async (item, i) => {
      const path = join(this.#blobs, `.layer-${i}`);
      const result = await write(item, { work, output: { path }, compress, digests: true });
      moveIntoPlace(path, this.#path(`sha256:${result.digest}`));
      this.bytes += result.size;
      return result;
    });
  }

  readonly #describe = ({ digest, size }: ExportResult): WrittenDescriptor => {
    const { compress = 'none' } = this.#request;
    const mediaType = compress === 'none' ? OCI_LAYER : `${OCI_LAYER}+${compress}`;
    return { mediaType, digest: `sha256:${digest}`, size };
  };

  #config(bytes: Buffer): WrittenDescriptor {
    this.#document(bytes);
    return { mediaType: OCI_CONFIG, digest: digestOf(bytes), size: bytes.length };
  }

  #document(bytes: Buffer): Buffer {
    fs.writeFileSync(this.#path(digestOf(bytes)), bytes);
    this.bytes += bytes.length;
    return bytes;
  }

  #path(digest: string): string {
    return join(this.#blobs, digest.slice('sha256:'.length));
  }
}

function diffIdOf({ diffId }: ExportResult): string {
  return `sha256:${diffId}`;
}

/** Each dependency node becomes one layer. */
function refuseManyLayers({ limits }: StoreContext, { nodes }: LayerStack): void {
  if (nodes.length <= limits.maxLayers) return;
  const why = `an OCI image of ${nodes.length} layers; the limit is ${limits.maxLayers} (${limitFlag('maxLayers')})`;
  throw new CairnError('ERR_LIMIT', why);
}

/** Plans the tree of an ACI's dependency nodes from one node down. The last node is the lowest. */
function planFrom(nodes: readonly AciNode[], from: number): Plan {
  return planAci(nodes.slice(from).map((place) => ({ ...place, dependent: Math.max(-1, place.dependent - from) })));
}
