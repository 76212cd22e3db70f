/**
 * What a gc would take, worked out by reading alone: for readers, who cannot try it and take it back. References are
 * counted as if those that would go were gone.
 */
import { objectsOfLayer } from '../content/layer-objects.js';
import type { Key } from '../core/key.js';
import { Catalogue } from '../index/catalogue.js';
import { blobsOf } from '../index/images.js';
import { bytesOf } from '../index/objects.js';
import { orphanedObjects } from '../index/orphans.js';
import type { ImageRecord, TreeRecord } from '../index/records.js';
import { bytesOfBlob } from '../index/references.js';
import type { StoreContext } from '../session/context.js';
import { type Policy, whatStays } from './what-stays.js';

export interface WouldCollect {
  trees: TreeRecord[];
  images: ImageRecord[];
  layers: number;
  objects: number;
  /** The objects that only those need, by name. */
  dying: ReadonlySet<string>;
  /** Of what only those need, and of what nothing needs already. */
  bytes: number;
}

/** Knows no `keepStorage`: what goes for that depends on what is free by then. */
export function wouldCollect(store: StoreContext, policy: Omit<Policy, 'keepStorage'>, oldest: number): WouldCollect {
  const { index } = store;
  const all = new Catalogue(index);
  // Who only reads may not look whether anybody works in a mount.
  const { leased, held, kept } = whatStays(store, all, policy, { oldest, passing: new Set() });
  const isUnused = ({ id, lastUsed, images }: TreeRecord): boolean =>
    !leased.has(id) && lastUsed <= oldest && !images.some((key) => held.has(key));
  const images = [...all.images.values()].filter(({ key }) => !kept.has(key));
  const gone = new Set(images.map(({ key }) => key));
  // A tree goes with the last of its images.
  const trees = [...all.trees.values()].filter((tree) => isUnused(tree) || tree.images.every((key) => gone.has(key)));
  const layers = layersOf(store, [...trees, ...images]);
  const dying = new Set<string>();
  const freed = { bytes: index.totals.orphanBytes };
  for (const [name, count] of countOf(layers.flatMap((layer) => [...(objectsOfLayer(store, layer) ?? [])]))) {
    const object = index.objects.get(name);
    if (object === undefined || object.refs > count) continue;
    dying.add(name);
    freed.bytes += bytesOf(object);
  }
  const blobs = [...images.flatMap(blobsOf), ...layers.flatMap(({ toc, recipe }) => [toc.key, recipe.key])];
  for (const [key, count] of countOf(blobs)) {
    const blob = index.blobs.get(key);
    if (blob !== undefined && blob.refs <= count) freed.bytes += bytesOfBlob(blob);
  }
  for (const { uniqueBytes } of trees) freed.bytes += uniqueBytes;
  return {
    trees,
    images,
    layers: layers.length,
    objects: dying.size + orphanedObjects(index).count,
    dying,
    bytes: freed.bytes,
  };
}

/** The layers that nobody else needs. */
function layersOf({ index }: StoreContext, users: readonly { layers: readonly Key[] }[]) {
  return [...countOf(users.flatMap(({ layers }) => [...new Set(layers)]))].flatMap(([key, count]) => {
    const layer = index.layer(key);
    return layer === undefined || layer.refs > count ? [] : [layer];
  });
}

function countOf<T>(items: Iterable<T>): Map<T, number> {
  const counts = new Map<T, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}
