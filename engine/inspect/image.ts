/** Describes images, for people and programs. */
import { holdersIn } from '../collect/roots.js';
import { readBlob, readToc } from '../content/read-blob.js';
import { defined } from '../core/defined.js';
import { isCairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { parseImageManifest } from '../image/aci/manifest.js';
import { formatAppString } from '../image/aci/names.js';
import { labelMap } from '../image/label.js';
import { parseConfig, parseDocument } from '../image/oci/documents.js';
import type { Catalogue } from '../index/catalogue.js';
import { findNamed, platformLabels, referencesOf } from '../index/images.js';
import type { ImageRecord, LayerRecord } from '../index/records.js';
import { hasBlob } from '../index/references.js';
import { signatureOf, type ToldSignature } from '../index/signature.js';
import { isCompleteLayer } from '../resolve/completeness.js';
import { findDependency } from '../resolve/dependencies.js';
import { layerStackOf } from '../resolve/layer-stack.js';
import { nameText } from '../resolve/name.js';
import { readableImages } from '../resolve/readable-images.js';
import type { StoreContext } from '../session/context.js';
import { treeRoot } from '../session/tree-root.js';
import { catalogueOf } from './current-catalogue.js';

export interface ImageSummary {
  key: Key;
  digest?: string;
  name: string;
  labels: Record<string, string>;
  /** All names, each of which leads to this image. */
  names: string[];
  /** OCI: further names. */
  aliases?: { name: string; labels: Record<string, string> }[];
  /** OCI: its platform, unless its configuration says none; ACI: by its labels. */
  os?: string;
  arch?: string;
  format: string;
  size: number;
  /** Logical bytes of the image's trees. */
  treeSize: number;
  /** ISO 8601. */
  importTime: string;
  lastUsed: string;
  latest: boolean;
  pinned: boolean;
}

export interface ImageDetails extends ImageSummary {
  dependencies: { name: string; id?: string; key: Key | null }[];
  /** Bottom to top; `sharedBy` counts the other images that have the layer. */
  layers: (Omit<LayerRecord, 'toc' | 'recipe' | 'refs' | 'archiveDigests' | 'placedIn'> & {
    toc: Key;
    recipe: Key;
    /** Digests of the archives that the layer came in. */
    transports: string[];
    sharedBy: number;
  })[];
  trees: { treeId: string; path: string; files: number; bytes: number; mode: string }[];
  /** The pins and leases that keep the image. */
  roots: string[];
  /** Documents and tables of contents that cannot be read, and parts gone since a repair. Objects are not checked. */
  damaged: { kind: 'manifest' | 'config' | 'archive' | 'layer'; key: Key; what: string }[];
  /** The signature that was verified last; null if none was. */
  signature: ToldSignature | null;
  /** The id of the image's tree; absent while a dependency is missing. */
  treeId?: string;
  pathWhitelist: number;
  annotations: Record<string, string>;
  /** ACI: how the image is run. */
  app?: unknown;
  /** OCI: when it was built, as its configuration says. */
  created?: string;
  /** OCI: the configuration, and the steps that made the image. */
  config?: unknown;
  history?: unknown;
}

export function summarize(all: Catalogue, image: ImageRecord): ImageSummary {
  const labels = labelMap([...image.labels, ...platformLabels(image)]);
  return {
    key: image.key,
    ...defined({ digest: image.digest }),
    name: image.unnamed === true ? '' : image.name,
    labels,
    names: namesOf(all, image),
    ...(image.format === 'oci' ? { aliases: aliasesOf(image) } : {}),
    ...defined({ os: labels['os'], arch: labels['arch'] }),
    format: image.format,
    size: image.size,
    treeSize: all.treesOf(image.key).reduce((sum, { bytes }) => sum + bytes, 0),
    importTime: new Date(image.importTime).toISOString(),
    lastUsed: new Date(image.lastUsed).toISOString(),
    latest: image.latest,
    pinned: image.pinned,
  };
}

/** Names as they lead back to the image: with its platform where the same name means another image, too. */
function namesOf(all: Catalogue, image: ImageRecord): string[] {
  return referencesOf(image).map((name) => {
    const text = nameText(image.format, name);
    const found = findNamed(all, name.name, name.labels);
    if (image.format === 'aci' || found?.key === image.key) return text;
    const platform = platformLabels(image).map((label) => `,${label.name}=${label.value}`);
    return `${text}${platform.join('')}`;
  });
}

function aliasesOf({ aliases = [] }: ImageRecord): { name: string; labels: Record<string, string> }[] {
  return aliases.map(({ name, labels }) => ({ name, labels: labelMap(labels) }));
}

/** Leaves out fields that come from a damaged document. */
export function describeImage(store: StoreContext, image: ImageRecord): ImageDetails {
  const described =
    attempt(() => (image.config === undefined ? describeAci(store, image) : describeOci(store, image, image.config))) ??
    NOTHING_TOLD;
  const all = catalogueOf(store.index);
  const readable = readableImages(store, { images: all });
  const stack = attempt(() => layerStackOf(store, image));
  return {
    ...summarize(all, image),
    dependencies: image.dependencies.map((dependency) => {
      const { imageName, imageID, labels } = dependency;
      const found = attempt(() => findDependency(readable, image, dependency));
      const id = imageID === undefined ? {} : { id: imageID };
      return { name: formatAppString(imageName, labels), ...id, key: found?.key ?? null };
    }),
    layers: image.layers
      .map((key) => store.index.layer(key))
      .filter((layer) => layer !== undefined)
      .map((layer) => describeLayer(all, layer)),
    trees: all.treesOf(image.key).map((tree) => ({
      treeId: tree.id,
      path: treeRoot(store, tree),
      files: tree.files,
      bytes: tree.bytes,
      mode: tree.mode,
    })),
    roots: holdersIn(store, all).of(image),
    damaged: damageOf(store, image),
    signature: signatureOf(image),
    ...(stack === undefined ? {} : { treeId: stack.treeId }),
    ...described,
  };
}

type Described = Pick<ImageDetails, 'pathWhitelist' | 'annotations' | 'app' | 'created' | 'config' | 'history'>;

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
    ...defined({ created: parsed.created }),
    config: parsed.raw,
    history: parsed.history,
  };
}

const NOTHING_TOLD: Described = { pathWhitelist: 0, annotations: {} };

function damageOf(store: StoreContext, image: ImageRecord): ImageDetails['damaged'] {
  const damaged: ImageDetails['damaged'] = [];
  const look = (kind: ImageDetails['damaged'][number]['kind'], key: Key, read: () => unknown): void => {
    try {
      read();
    } catch (error) {
      if (!isCairnError(error, 'ERR_DAMAGED')) throw error;
      damaged.push({ kind, key, what: error.message });
    }
  };
  const { manifest, config, archives = [] } = image;
  look('manifest', manifest, () => readBlob(store, manifest));
  if (config !== undefined) look('config', config, () => readBlob(store, config));
  for (const key of archives)
    if (!hasBlob(store.index, key))
      damaged.push({ kind: 'archive', key, what: 'gone since a repair; import it again' });
  for (const key of new Set(image.layers)) {
    const before = damaged.length;
    look('layer', key, () => readToc(store, key));
    if (damaged.length === before && !isCompleteLayer(store.index, key))
      damaged.push({ kind: 'layer', key, what: 'parts of it are gone since a repair; import it again' });
  }
  return damaged;
}

function describeLayer(all: Catalogue, record: LayerRecord): ImageDetails['layers'][number] {
  const { toc, recipe, archiveDigests, refs: _refs, placedIn: _placedIn, ...layer } = record;
  return {
    ...layer,
    sharedBy: [...all.images.values()].filter(({ layers }) => layers.includes(layer.key)).length - 1,
    transports: archiveDigests.map(({ digest }) => digest),
    toc: toc.key,
    recipe: recipe.key,
  };
}

/** A missing dependency, or a damaged document, is no reason not to show the rest. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (isCairnError(error)) return undefined;
    throw error;
  }
}
