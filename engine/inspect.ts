/** What the store knows of its images, put together for people and programs. */
import type { StoreContext } from './context.js';
import { findDependency } from './dependencies.js';
import { CairnError } from './errors.js';
import { Catalogue } from './index/catalogue.js';
import type { ImageRecord, LayerRecord } from './index/records.js';
import { ingredientsOf } from './ingredients.js';
import type { Key } from './key.js';
import { parseImageManifest } from './manifest/image.js';
import { formatAppString } from './name.js';
import { parseConfig, parseDocument } from './oci/documents.js';
import { readBlob } from './planning.js';
import { activeLeases, Holders } from './roots.js';

export interface ImageSummary {
  key: Key;
  digest?: string;
  name: string;
  labels: Record<string, string>;
  format: string;
  size: number;
  /** Logical bytes of its trees. */
  treeSize: number;
  /** ISO 8601. */
  importTime: string;
  lastUsed: string;
  latest: boolean;
  pinned: boolean;
}

export interface ImageDetails extends ImageSummary {
  dependencies: { name: string; id?: string; key: Key | null }[];
  /** Bottom to top; `sharedBy` counts the other images that have it. */
  layers: (Omit<LayerRecord, 'toc' | 'recipe' | 'refs'> & { toc: Key; recipe: Key; sharedBy: number })[];
  trees: { treeId: string; path: string; files: number; bytes: number; mode: string }[];
  /** What keeps it: pins and leases. */
  roots: string[];
  /** What its tree would be called; absent while a dependency is missing. */
  treeId?: string;
  pathWhitelist: number;
  annotations: Record<string, string>;
  /** ACI: how it is run. */
  app?: unknown;
  /** OCI: the configuration and the steps that made it. */
  config?: unknown;
  history?: unknown;
  /** OCI: further names. */
  aliases?: { name: string; labels: Record<string, string> }[];
}

export function summarize(all: Catalogue, image: ImageRecord): ImageSummary {
  return {
    key: image.key,
    ...(image.digest === undefined ? {} : { digest: image.digest }),
    name: image.name,
    labels: labelMap(image.labels),
    format: image.format,
    size: image.size,
    treeSize: all.treesOf(image.key).reduce((sum, { bytes }) => sum + bytes, 0),
    importTime: new Date(image.importTime).toISOString(),
    lastUsed: new Date(image.lastUsed).toISOString(),
    latest: image.latest,
    pinned: image.pinned,
  };
}

/** @throws CairnError `ERR_DAMAGED` when the manifest cannot be read */
export function describeImage(store: StoreContext, image: ImageRecord): ImageDetails {
  const described = image.config === undefined ? describeAci(store, image) : describeOci(store, image, image.config);
  const all = new Catalogue(store.index);
  const ingredients = attempt(() => ingredientsOf(store, image));
  return {
    ...summarize(all, image),
    dependencies: image.dependencies.map((dependency) => {
      const { imageName, imageID, labels } = dependency;
      const found = attempt(() => findDependency(all, image, dependency));
      const id = imageID === undefined ? {} : { id: imageID };
      return { name: formatAppString(imageName, labels), ...id, key: found?.key ?? null };
    }),
    layers: image.layers
      .map((key) => store.index.layer(key))
      .filter((layer) => layer !== undefined)
      .map((layer) => describeLayer(all, layer)),
    trees: all.treesOf(image.key).map(({ id, files, bytes, mode }) => ({
      treeId: id,
      path: store.layout.rootfs(id),
      files,
      bytes,
      mode,
    })),
    roots: new Holders(all, activeLeases(store.index)).of(image),
    ...(ingredients === undefined ? {} : { treeId: ingredients.treeId }),
    ...described,
  };
}

type Described = Pick<ImageDetails, 'pathWhitelist' | 'annotations' | 'app' | 'config' | 'history' | 'aliases'>;

function describeAci(store: StoreContext, image: ImageRecord): Described {
  const manifest = parseImageManifest(readBlob(store, image.manifest), store.limits);
  return {
    pathWhitelist: manifest.pathWhitelist.length,
    annotations: labelMap(manifest.annotations),
    app: manifest.raw['app'] ?? null,
  };
}

function describeOci(store: StoreContext, image: ImageRecord, config: Key): Described {
  const manifest = parseDocument(readBlob(store, image.manifest), store.limits);
  const parsed = parseConfig(readBlob(store, config), store.limits);
  return {
    pathWhitelist: 0,
    annotations: manifest.kind === 'manifest' ? manifest.annotations : {},
    config: parsed.raw,
    history: parsed.history,
    aliases: (image.aliases ?? []).map(({ name, labels }) => ({ name, labels: labelMap(labels) })),
  };
}

function labelMap(labels: readonly { name: string; value: string }[]): Record<string, string> {
  return Object.fromEntries(labels.map(({ name, value }) => [name, value]));
}

function describeLayer(all: Catalogue, record: LayerRecord): ImageDetails['layers'][number] {
  const { toc, recipe, refs: _refs, ...layer } = record;
  return {
    ...layer,
    sharedBy: [...all.images.values()].filter(({ layers }) => layers.includes(layer.key)).length - 1,
    transports: layer.transports.map((transport) => transport.split(' ')[0] as string),
    toc: toc.key,
    recipe: recipe.key,
  };
}

/** A missing dependency is no reason not to show the rest. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof CairnError) return undefined;
    throw error;
  }
}
