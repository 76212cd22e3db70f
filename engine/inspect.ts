/** What the store knows of its images, put together for people and programs. */
import type { StoreContext } from './context.js';
import { findDependency } from './dependencies.js';
import { CairnError } from './errors.js';
import type { ImageRecord, LayerRecord, TreeRecord } from './index/records.js';
import { ingredientsOf } from './ingredients.js';
import type { Key } from './key.js';
import { parseImageManifest } from './manifest/image.js';
import { formatAppString } from './name.js';
import { readBlob } from './planning.js';
import { holdersOf } from './roots.js';

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
  layers: (Omit<LayerRecord, 'toc' | 'recipe' | 'refs'> & { toc: Key; recipe: Key })[];
  trees: { treeId: string; path: string; files: number; bytes: number; mode: string }[];
  /** What keeps it: pins and leases. */
  roots: string[];
  /** What its tree would be called; absent while a dependency is missing. */
  treeId?: string;
  pathWhitelist: number;
  annotations: Record<string, string>;
  app: unknown;
}

export function summarize(store: StoreContext, image: ImageRecord): ImageSummary {
  return {
    key: image.key,
    ...(image.digest === undefined ? {} : { digest: image.digest }),
    name: image.name,
    labels: Object.fromEntries(image.labels.map(({ name, value }) => [name, value])),
    format: image.format,
    size: image.size,
    treeSize: treesOf(store, image).reduce((sum, { bytes }) => sum + bytes, 0),
    importTime: new Date(image.importTime).toISOString(),
    lastUsed: new Date(image.lastUsed).toISOString(),
    latest: image.latest,
    pinned: image.pinned,
  };
}

function treesOf(store: StoreContext, image: ImageRecord): TreeRecord[] {
  return [...store.index.trees.getRange()].map(({ value }) => value).filter(({ images }) => images.includes(image.key));
}

/** @throws CairnError `ERR_DAMAGED` when the manifest cannot be read */
export function describeImage(store: StoreContext, image: ImageRecord): ImageDetails {
  const manifest = parseImageManifest(readBlob(store, image.manifest), store.limits);
  const ingredients = attempt(() => ingredientsOf(store, image));
  return {
    ...summarize(store, image),
    dependencies: image.dependencies.map((dependency) => {
      const { imageName, imageID, labels } = dependency;
      const found = attempt(() => findDependency(store.index, image, dependency));
      const id = imageID === undefined ? {} : { id: imageID };
      return { name: formatAppString(imageName, labels), ...id, key: found?.key ?? null };
    }),
    layers: image.layers
      .map((key) => store.index.layer(key))
      .filter((layer) => layer !== undefined)
      .map(describeLayer),
    trees: treesOf(store, image).map(({ id, files, bytes, mode }) => ({
      treeId: id,
      path: store.layout.rootfs(id),
      files,
      bytes,
      mode,
    })),
    roots: holdersOf(store, image),
    ...(ingredients === undefined ? {} : { treeId: ingredients.treeId }),
    pathWhitelist: manifest.pathWhitelist.length,
    annotations: Object.fromEntries(manifest.annotations.map(({ name, value }) => [name, value])),
    app: manifest.raw['app'] ?? null,
  };
}

function describeLayer({ toc, recipe, refs: _refs, ...layer }: LayerRecord): ImageDetails['layers'][number] {
  return {
    ...layer,
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
