/**
 * Measures what takes space: from the index, and from the disk what no index says, of packs, of files that trees share,
 * and of large files, which may have holes.
 */
import { wouldFree } from '../collect/gc.js';
import {
  type FilesUsage,
  type LinksUsage,
  measureLinks,
  measurePacks,
  measureTreeImages,
  type PacksUsage,
} from '../collect/measure.js';
import { encodePodRecord } from '../content/pod-files.js';
import { defined } from '../core/defined.js';
import type { Key } from '../core/key.js';
import type { OperationOptions } from '../core/operation.js';
import { Catalogue } from '../index/catalogue.js';
import { referencesOf } from '../index/images.js';
import type { Index } from '../index/open.js';
import { orphanedObjects } from '../index/orphans.js';
import { bytesOfBlob } from '../index/references.js';
import { nameText } from '../resolve/name.js';
import type { StoreContext } from '../session/context.js';
import { blockSize } from '../session/ground.js';

export interface Usage {
  images: number;
  layers: number;
  objects: number;
  trees: number;
  blobs: number;
  pods: number;
  /** Bytes of the index itself. */
  index: number;
  /** Bytes of file content that the layers hold, each name counted. */
  logicalBytes: number;
  /** Bytes of the objects that layers need. */
  neededBytes: number;
  /** Bytes that objects, blobs and trees have. */
  storedBytes: number;
  /** What they are, in bytes that add up to `storedBytes`. */
  stored: StoredBytes;
  /** What that takes on the disk: whole blocks for each file, and the index with the space that it keeps back. */
  diskBytes: number;
  /** In a store with packs. */
  packs?: PacksUsage;
  /** Files that link trees share, in a store with packs: copies of what lies in those. */
  links?: FilesUsage;
  /** What trees are mounted from, without the contents of their files. */
  treeImages: FilesUsage;
  /** Bytes of content that are stored once and needed more than once. */
  sharedBytes: number;
  /** Bytes that `gc` with its default grace period would free now. */
  reclaimableBytes: number;
  perImage: ImageUsage[];
}

export interface StoredBytes {
  objects: number;
  /** Manifests, configurations, tables of contents, recipes, and what images are restored from. */
  documents: number;
  /** Archives that imports were to keep. */
  archives: number;
  /** What was put by hand. */
  put: number;
  trees: number;
  /** Manifests of pods, not what they leave while they run. */
  pods: number;
}

export interface ImageUsage {
  key: Key;
  name: string;
  names: string[];
  /** Bytes of the image's layers as tars. */
  size: number;
  /** Bytes of the distinct objects of its layers; other images may need them, too. */
  objectBytes: number;
  /** Bytes of the archives that were kept for it; other images may need them, too. */
  archiveBytes: number;
  trees: number;
  /** Bytes that only its trees take. */
  treeBytes: number;
}

export async function usageOf(store: StoreContext, options: OperationOptions = {}): Promise<Usage> {
  const { index } = store;
  const { totals } = index;
  let logicalBytes = 0;
  let imageBytes = 0;
  let layers = 0;
  for (const layer of index.layers.values()) {
    layers++;
    logicalBytes += layer.contentBytes;
  }
  const all = new Catalogue(index);
  const treeBytes = [...all.trees.values()].reduce((sum, { uniqueBytes }) => sum + uniqueBytes, 0);
  const perImage: ImageUsage[] = [];
  const archives = new Map<Key, number>();
  for (const image of all.images.values()) {
    for (const layer of image.layers) imageBytes += index.layer(layer)?.objectBytes ?? 0;
    const own = all.treesOf(image.key);
    const ownArchives = new Map((image.archives ?? []).map((key) => [key, blobBytes(index, key)]));
    for (const [key, bytes] of ownArchives) archives.set(key, bytes);
    perImage.push({
      key: image.key,
      name: image.unnamed === true ? '' : image.name,
      names: referencesOf(image).map((each) => nameText(image.format, each)),
      size: image.size,
      objectBytes: image.layers.reduce((sum, layer) => sum + (index.layer(layer)?.objectBytes ?? 0), 0),
      archiveBytes: sumOf(ownArchives.values()),
      trees: own.length,
      treeBytes: own.reduce((sum, { uniqueBytes }) => sum + uniqueBytes, 0),
    });
  }
  const neededBytes = totals.objectBytes - orphanedObjects(index).bytes;
  const stored = storedBytes(index, archives, treeBytes);
  const packs = measurePacks(store);
  const links = packs === undefined ? undefined : await measureLinks(store, options);
  const treeImages = measureTreeImages(store);
  return {
    images: perImage.length,
    layers,
    objects: totals.objects,
    trees: all.trees.size,
    blobs: totals.blobs,
    pods: index.pods.count(),
    index: index.bytesOnDisk,
    logicalBytes,
    storedBytes: sumOf(Object.values(stored)),
    stored,
    diskBytes:
      filesOnDisk(store) + (packs?.diskBytes ?? 0) + treesOnDisk(all, links, treeImages) + index.allocatedBytes,
    ...defined({ packs, links: links === undefined ? undefined : usageOfLinks(links) }),
    treeImages,
    neededBytes,
    sharedBytes: Math.max(0, imageBytes - neededBytes),
    reclaimableBytes: await wouldFree(store),
    perImage,
  };
}

function storedBytes(index: Index, archives: ReadonlyMap<Key, number>, trees: number): StoredBytes {
  const { objectBytes, blobBytes } = index.totals;
  const kept = sumOf(archives.values());
  let put = 0;
  for (const { key, value } of index.blobs.entries()) if (value.put && !archives.has(key)) put += bytesOfBlob(value);
  let pods = 0;
  for (const { manifest } of index.pods.values()) pods += manifest.size;
  return { objects: objectBytes, documents: blobBytes - kept - put, archives: kept, put, trees, pods };
}

function blobBytes(index: Index, key: Key): number {
  const blob = index.blobs.get(key);
  return blob === undefined ? 0 : bytesOfBlob(blob);
}

function sumOf(numbers: Iterable<number>): number {
  return [...numbers].reduce((sum, each) => sum + each, 0);
}

function usageOfLinks({ files, bytes, diskBytes }: LinksUsage): FilesUsage {
  return { files, bytes, diskBytes };
}

/** Files that trees share are counted once. Those that they have for themselves count with their bytes. */
function treesOnDisk({ trees }: Catalogue, links: LinksUsage | undefined, images: FilesUsage): number {
  let own = 0;
  let linked = 0;
  for (const { mode, bytes, uniqueBytes, image } of trees.values()) {
    own += uniqueBytes - (image?.size ?? 0);
    if (mode === 'link') linked += bytes;
  }
  if (links === undefined) return own + images.diskBytes;
  return own - Math.min(linked, links.treeBytes) + links.diskBytes + images.diskBytes;
}

/** Smaller files are too many to look at each, and holes in them too small to count. */
const MAY_HAVE_HOLES = 64 * 1024;

/** Bytes of objects that are files, blobs and pods in whole blocks, as the index lists them. */
function filesOnDisk(store: StoreContext): number {
  const { objects, blobs, pods } = store.index;
  const block = blockSize(store);
  const inBlocks = (size: number): number => Math.ceil(size / block) * block;
  let bytes = 0;
  for (const { key: name, value } of objects.entries()) {
    const { size, copies, gone, at } = value;
    if (at !== undefined) continue;
    for (let copy = gone === true ? 1 : 0; copy <= copies; copy++)
      bytes += size < MAY_HAVE_HOLES ? inBlocks(size) : (store.objects.diskBytesOf({ name, copy }) ?? 0);
  }
  for (const { size, gone } of blobs.values()) if (gone !== true) bytes += inBlocks(size);
  for (const pod of pods.values()) bytes += inBlocks(pod.manifest.size) + inBlocks(encodePodRecord(pod).length);
  return bytes;
}
