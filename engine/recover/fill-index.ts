/** Fills a new index with the images, layers, objects and blobs that a store was found to hold. */
import { noteEvent } from '../index/events.js';
import { blobsOf, rememberImage } from '../index/images.js';
import { bytesOf, newObjects, retainObjects } from '../index/objects.js';
import type { Index } from '../index/open.js';
import type { ImageRecord } from '../index/records.js';
import { releaseBlob, rememberArchive, retainBlob, retainLayer } from '../index/references.js';
import { addTotals } from '../index/totals.js';
import type { Found } from './read-documents.js';
import type { Salvage, SalvagedLayer } from './salvage.js';

export interface Filled {
  images: number;
  layers: number;
  objects: number;
  blobs: number;
  /** Of the blobs: those that nothing names, kept as if they had been put. */
  putBlobs: number;
  /** Objects and documents that nothing needs; the next gc sweeps them. */
  orphans: number;
}

/** Runs inside a transaction. @param objects all objects in the store: name → size and number of further copies */
export function fillIndex(
  index: Index,
  found: Found,
  salvaged: Salvage,
  objects: ReadonlyMap<string, { size: number; copies: number }>,
): Filled {
  for (const layer of salvaged.layers.values()) fillLayer(index, layer, salvaged.skipped);
  const lastUsed = Date.now();
  for (const { image, document, revision } of salvaged.images) {
    const record: ImageRecord = { ...image, lastUsed, document, revision };
    for (const key of new Set(record.layers)) retainLayer(index, key);
    for (const key of blobsOf(record)) retainBlob(index, key, found.blobs.get(key) as number);
    rememberImage(index, record);
  }
  const damaged = new Set<string>([...salvaged.damaged.blobs, ...salvaged.damaged.objects]);
  for (const [name, { size, copies }] of objects) if (!damaged.has(name)) fillObject(index, name, size, copies);
  for (const key of salvaged.superseded) {
    retainBlob(index, key, found.blobs.get(key) as number);
    releaseBlob(index, key);
  }
  let putBlobs = 0;
  for (const [key, size] of found.blobs) {
    if (index.blobs.get(key) !== undefined || damaged.has(key)) continue;
    retainBlob(index, key, size, true);
    putBlobs++;
  }
  noteEvent(index, { event: 'repaired' });
  const totals = index.totals;
  return {
    images: salvaged.images.length,
    layers: salvaged.layers.size,
    objects: totals.objects,
    blobs: totals.blobs,
    putBlobs,
    orphans: totals.orphans,
  };
}

function fillLayer(index: Index, { record, names, sizes }: SalvagedLayer, skipped: Salvage['skipped']): void {
  index.layers.put(record.key, { ...record, refs: 0 });
  for (const blob of [record.toc, record.recipe]) retainBlob(index, blob.key, blob.size);
  retainObjects(index, newObjects(names, { sizes, skipped }));
  for (const archive of record.archiveDigests) rememberArchive(index, archive, record.key);
}

/** Notes further copies of an object. An object that no layer needs becomes an orphan, or no gc would sweep it. */
function fillObject(index: Index, name: string, size: number, copies: number): void {
  const known = index.objects.get(name);
  if (known !== undefined) {
    if (copies === 0) return;
    index.objects.put(name, { ...known, copies });
    addTotals(index, { objectBytes: copies * size });
    return;
  }
  const record = { size, refs: 0, copies };
  index.objects.put(name, record);
  index.orphans.put({ kind: 'object', name }, true);
  addTotals(index, { objects: 1, objectBytes: bytesOf(record), orphans: 1, orphanBytes: bytesOf(record) });
}
