/**
 * The index of a backup: that of the store, without trees, leases, orphans and further copies of objects. Layers that
 * only trees need are left out with the trees. Pods stay, and their trees are rendered again when they are run.
 *
 * The index is filled anew, not thinned out: so many pages given up in a young environment are more than LMDB's list of
 * free pages bears.
 */
import { objectsOfLayer } from '../content/layer-objects.js';
import type { Key } from '../core/key.js';
import { dropExtents, type Extent, movesOf } from '../index/extents.js';
import { allImages } from '../index/images.js';
import { bytesOf } from '../index/objects.js';
import type { Index } from '../index/open.js';
import { schemaOf } from '../index/pods.js';
import { BASE_SCHEMA, type LayerRecord, type Totals } from '../index/records.js';
import { bytesOfBlob } from '../index/references.js';
import type { Table } from '../index/table.js';
import type { StoreContext } from '../session/context.js';

/** Runs inside a transaction of `index`, which must be empty. @param old a snapshot of the store's index */
export function fillBackupIndex(store: StoreContext, old: Index, index: Index): void {
  const users = new Map<Key, number>();
  for (const { layers } of allImages(old)) {
    for (const key of new Set(layers)) users.set(key, (users.get(key) ?? 0) + 1);
  }
  const dropped = [...old.layers.values()].filter(({ key }) => !users.has(key));
  const less = countLess(store, dropped);
  copyRows(old.images, index.images);
  copyRows(old.names, index.names);
  copyRows(old.layers, index.layers, (layer) =>
    users.has(layer.key) ? { ...layer, refs: users.get(layer.key) as number } : undefined,
  );
  const totals: Totals = { objects: 0, objectBytes: 0, blobs: 0, blobBytes: 0, orphans: 0, orphanBytes: 0 };
  copyRows(old.blobs, index.blobs, (blob, key) => {
    const refs = blob.refs - (less.blobs.get(key) ?? 0);
    if (refs <= 0) return undefined;
    totals.blobs++;
    totals.blobBytes += bytesOfBlob(blob);
    return { ...blob, refs };
  });
  // What lies in packs is copied as a whole. What is not listed in the backup waits there for its gc.
  copyRows(old.packs, index.packs);
  copyRows(old.dead, index.dead);
  const [before, now] = [movesOf(old), movesOf(index)];
  copyRows(old.places, index.places, (places, [, layer]) => {
    const isKept = places.moves === before && layer !== undefined && users.has(layer);
    return isKept ? { ...places, moves: now } : undefined;
  });
  const left: Extent[] = [];
  copyRows(old.objects, index.objects, (object, key) => {
    const refs = object.refs - (less.objects.get(key) ?? 0);
    if (refs <= 0) {
      if (object.at !== undefined) left.push({ at: object.at, size: object.size });
      return undefined;
    }
    totals.objects++;
    totals.objectBytes += bytesOf({ ...object, copies: 0 });
    return { ...object, refs, copies: 0 };
  });
  dropExtents(index, left);
  copyRows(old.digests, index.digests, (key, digest) => (less.digests.has(digest) ? undefined : key));
  copyRows(old.fingerprints, index.fingerprints, (digests) => {
    const left = digests.filter((digest) => !less.digests.has(digest));
    return left.length === 0 ? undefined : left;
  });
  copyRows(old.pods, index.pods, (pod) => (pod.transient === true ? undefined : pod));
  index.meta.put('schema', old.schema < BASE_SCHEMA ? old.schema : schemaOf(index));
  index.meta.put('totals', totals);
}

function copyRows<K, V>(
  from: Table<K, V>,
  to: Table<K, V>,
  change: (value: V, key: K) => V | undefined = (value) => value,
): void {
  for (const { key, value } of from.entries()) {
    const changed = change(value, key);
    if (changed !== undefined) to.put(key, changed);
  }
}

interface Less {
  blobs: Map<Key, number>;
  objects: Map<string, number>;
  digests: Set<string>;
}

/** Counts the references of these layers to blobs and objects, and collects the digests of their archives. */
function countLess(store: StoreContext, layers: readonly LayerRecord[]): Less {
  const less: Less = { blobs: new Map(), objects: new Map(), digests: new Set() };
  for (const layer of layers) {
    for (const { key } of [layer.toc, layer.recipe]) less.blobs.set(key, (less.blobs.get(key) ?? 0) + 1);
    for (const name of objectsOfLayer(store, layer) ?? []) less.objects.set(name, (less.objects.get(name) ?? 0) + 1);
    for (const { digest } of layer.archiveDigests) less.digests.add(digest);
  }
  return less;
}
