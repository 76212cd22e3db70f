/**
 * Reference counts of layers and blobs, and the layers that digests mean. All functions run inside a transaction.
 * A blob that drops to no references is noted as an orphan.
 */
import type { Key } from '../core/key.js';
import type { ArchiveDigest } from './archive-digest.js';
import { releaseObjects } from './objects.js';
import type { Index } from './open.js';
import { forgetPlaces } from './places.js';
import type { BlobRecord, LayerRecord } from './records.js';
import { addTotals } from './totals.js';

/** Whether a blob is listed, and not as gone. */
export function hasBlob(index: Index, key: Key): boolean {
  const blob = index.blobs.get(key);
  return blob !== undefined && blob.gone !== true;
}

/** Bytes on disk of a blob. */
export function bytesOfBlob(blob: BlobRecord): number {
  return blob.gone === true ? 0 : blob.size;
}

/** Counts one more need for this blob, which is there. A blob that was put by hand needs itself, once. */
export function retainBlob(index: Index, key: Key, size: number, put = false): void {
  const known = index.blobs.get(key);
  if (known === undefined) addTotals(index, { blobs: 1, blobBytes: size });
  else {
    if (known.refs === 0) {
      index.orphans.remove({ kind: 'blob', key });
      addTotals(index, { orphans: -1, orphanBytes: -bytesOfBlob(known) });
    }
    if (known.gone === true) addTotals(index, { blobBytes: size });
  }
  const again = put && known?.put === true ? 0 : 1;
  const record: BlobRecord = { size, refs: (known?.refs ?? 0) + again, put: put || known?.put === true };
  index.blobs.put(key, record);
}

/** Lists a blob that was placed and turned out not to be needed, so that a sweep finds it. */
export function listBlob(index: Index, key: Key, size: number): void {
  if (index.blobs.get(key) !== undefined) return;
  retainBlob(index, key, size);
  releaseBlob(index, key);
}

/** Counts one need less for a blob. @returns bytes that nothing needs now */
export function releaseBlob(index: Index, key: Key): number {
  const known = index.blobs.get(key);
  if (known === undefined || known.refs === 0) return 0;
  if (known.refs === 1 && known.gone === true) {
    // There is no file to wait for a sweep.
    index.blobs.remove(key);
    addTotals(index, { blobs: -1 });
    return 0;
  }
  index.blobs.put(key, { ...known, refs: known.refs - 1 });
  if (known.refs > 1) return 0;
  index.orphans.put({ kind: 'blob', key }, true);
  addTotals(index, { orphans: 1, orphanBytes: known.size });
  return known.size;
}

export function retainLayer(index: Index, key: Key): void {
  const known = index.layer(key) as LayerRecord;
  index.layers.put(key, { ...known, refs: known.refs + 1 });
}

/**
 * Counts one image or tree less that needs this layer. A layer that nothing needs goes, and lets go of its objects and
 * blobs.
 * @param objectsOf names of the layer's objects, read from its table of contents; `undefined` when that is damaged. The
 *   objects' counts then stay too high, which `fsck` reports and repairs. Nothing that another layer needs is deleted.
 * @returns bytes that nothing needs now, and whether the layer is gone
 */
export function releaseLayer(
  index: Index,
  key: Key,
  objectsOf: (layer: LayerRecord) => Iterable<string> | undefined,
): { freed: number; gone: boolean } {
  const layer = index.layer(key);
  if (layer === undefined) return { freed: 0, gone: false };
  if (layer.refs > 1) {
    index.layers.put(key, { ...layer, refs: layer.refs - 1 });
    return { freed: 0, gone: false };
  }
  index.layers.remove(key);
  forgetPlaces(index, layer);
  for (const archive of layer.archiveDigests) forgetDigest(index, archive);
  const names = objectsOf(layer);
  let freed = 0;
  if (names !== undefined) freed += releaseObjects(index, names);
  freed += releaseBlob(index, layer.toc.key) + releaseBlob(index, layer.recipe.key);
  return { freed, gone: true };
}

/** Notes that an archive means a layer. */
export function rememberArchive(index: Index, { digest, fingerprint }: ArchiveDigest, key: Key): void {
  index.digests.put(digest, key);
  if (fingerprint === undefined) return;
  const known = index.fingerprints.get(fingerprint) ?? [];
  if (!known.includes(digest)) index.fingerprints.put(fingerprint, [...known, digest]);
}

function forgetDigest(index: Index, { digest, fingerprint }: ArchiveDigest): void {
  index.digests.remove(digest);
  if (fingerprint === undefined) return;
  const rest = (index.fingerprints.get(fingerprint) ?? []).filter((each) => each !== digest);
  if (rest.length === 0) index.fingerprints.remove(fingerprint);
  else index.fingerprints.put(fingerprint, rest);
}
