/** Measures what takes space, from the index alone. */
import { wouldFree } from '../collect/gc.js';
import { encodePodRecord } from '../content/pod-files.js';
import type { Key } from '../core/key.js';
import { Catalogue } from '../index/catalogue.js';
import { referencesOf } from '../index/images.js';
import { orphanedObjects } from '../index/objects.js';
import type { Index } from '../index/open.js';
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

export async function usageOf(store: StoreContext): Promise<Usage> {
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
    diskBytes: filesOnDisk(store) + treeBytes + index.allocatedBytes,
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

/** Bytes of objects, blobs and pods in whole blocks, as the index lists them. */
function filesOnDisk(store: StoreContext): number {
  const { objects, blobs, pods } = store.index;
  const block = blockSize(store);
  const inBlocks = (size: number): number => Math.ceil(size / block) * block;
  let bytes = 0;
  for (const { size, copies, gone } of objects.values()) bytes += inBlocks(size) * ((gone === true ? 0 : 1) + copies);
  for (const { size, gone } of blobs.values()) if (gone !== true) bytes += inBlocks(size);
  for (const pod of pods.values()) bytes += inBlocks(pod.manifest.size) + inBlocks(encodePodRecord(pod).length);
  return bytes;
}
