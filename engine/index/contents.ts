/**
 * Reference counts of what holds content: layers, objects and blobs. All functions run inside a transaction.
 * What drops to no references is noted as an orphan; its files stay until gc, since an import may be about to rely on them.
 */
import { type Key, keyBytes } from '../key.js';
import { type Index, objectKey } from './open.js';
import type { BlobRecord, LayerRecord, ObjectRecord, Totals } from './records.js';

const OBJECT_TAG = Buffer.from('o');
const BLOB_TAG = Buffer.from('b');

export const objectOrphan = (key: Buffer): Buffer => Buffer.concat([OBJECT_TAG, key]);
export const blobOrphan = (key: Buffer): Buffer => Buffer.concat([BLOB_TAG, key]);

/** The orphan's kind and the key it has in its own table. */
export function readOrphan(orphan: Buffer): { kind: 'object' | 'blob'; key: Buffer } {
  return { kind: orphan[0] === OBJECT_TAG[0] ? 'object' : 'blob', key: orphan.subarray(1) };
}

/** Whether a blob is listed, and not as gone. */
export function hasBlob(index: Index, key: Key): boolean {
  const blob = index.blobs.get(keyBytes(key));
  return blob !== undefined && blob.gone !== true;
}

/** How many objects, and bytes of them, wait for gc. */
export function orphanedObjects(index: Index): { count: number; bytes: number } {
  let count = 0;
  let bytes = 0;
  for (const orphan of index.orphans.getKeys({ start: OBJECT_TAG })) {
    const { kind, key } = readOrphan(orphan);
    const object = kind === 'object' ? index.objects.get(key) : undefined;
    if (object === undefined) continue;
    count++;
    bytes += bytesOf(object);
  }
  return { count, bytes };
}

export interface Retained {
  new: number;
  newBytes: number;
  shared: number;
  sharedBytes: number;
}

/**
 * One more layer needs these objects, all of which are in their places.
 * @param names best in order: then each page of the table is touched once
 * @returns with `back`, how many of them had been gone
 */
export function retainObjects(
  index: Index,
  names: readonly string[],
  sizes: Float64Array,
  skipped: Readonly<Record<string, string[]>>,
): Retained & { back: number } {
  const retained: Retained = { new: 0, newBytes: 0, shared: 0, sharedBytes: 0 };
  const revived = { count: 0, bytes: 0 };
  const back = { count: 0, bytes: 0 };
  // Names are long: V8 would keep each for good if it were looked up as a property.
  const lacking = new Map(Object.entries(skipped));
  for (const [i, name] of names.entries()) {
    const key = objectKey(name);
    const size = sizes[i] as number;
    const known = index.objects.get(key);
    if (known === undefined) {
      const record: ObjectRecord = { size, refs: 1, copies: 0 };
      const missing = lacking.get(name);
      if (missing !== undefined) record.skipped = missing;
      index.objects.put(key, record);
      retained.new++;
      retained.newBytes += size;
      continue;
    }
    if (known.refs === 0) {
      index.orphans.remove(objectOrphan(key));
      revived.count++;
      revived.bytes += bytesOf(known);
    }
    if (known.gone === true) {
      index.objects.put(key, { ...thereAgain(known, lacking.get(name)), refs: known.refs + 1 });
      back.count++;
      back.bytes += size;
      continue;
    }
    index.objects.put(key, { ...known, refs: known.refs + 1 });
    retained.shared++;
    retained.sharedBytes += size;
  }
  addTotals(index, {
    objects: retained.new,
    objectBytes: retained.newBytes + back.bytes,
    orphans: -revived.count,
    orphanBytes: -revived.bytes,
  });
  retained.new += back.count;
  retained.newBytes += back.bytes;
  return { ...retained, back: back.count };
}

/** As {@link listBlob}. @returns how many of them had been gone from layers that need them */
export function listObjects(
  index: Index,
  names: readonly string[],
  sizes: Float64Array,
  skipped: Readonly<Record<string, string[]>>,
): number {
  const { back } = retainObjects(index, names, sizes, skipped);
  releaseObjects(index, names);
  return back;
}

/** Those of a layer's objects that were gone are back; the layer holds its references already. */
export function restoreObjects(
  index: Index,
  names: readonly string[],
  skipped: Readonly<Record<string, string[]>>,
): Retained {
  const restored: Retained = { new: 0, newBytes: 0, shared: 0, sharedBytes: 0 };
  for (const name of names) {
    const key = objectKey(name);
    const known = index.objects.get(key);
    if (known === undefined) continue;
    if (known.gone === true) {
      index.objects.put(key, thereAgain(known, skipped[name]));
      restored.new++;
      restored.newBytes += known.size;
    } else {
      restored.shared++;
      restored.sharedBytes += known.size;
    }
  }
  addTotals(index, { objectBytes: restored.newBytes });
  return restored;
}

/** One more layer needs these listed objects, be they there or gone. */
export function needObjects(index: Index, names: Iterable<string>): void {
  const revived = { count: 0, bytes: 0 };
  for (const name of names) {
    const key = objectKey(name);
    const known = index.objects.get(key) as ObjectRecord;
    if (index.orphans.get(objectOrphan(key)) === true) {
      index.orphans.remove(objectOrphan(key));
      revived.count++;
      revived.bytes += bytesOf(known);
    }
    index.objects.put(key, { ...known, refs: known.refs + 1 });
  }
  addTotals(index, { orphans: -revived.count, orphanBytes: -revived.bytes });
}

/** An object whose file has been written anew. */
function thereAgain({ size, refs, copies }: ObjectRecord, skipped: string[] | undefined): ObjectRecord {
  return { size, refs, copies, ...(skipped === undefined ? {} : { skipped }) };
}

/** One layer less needs these objects. @returns bytes of those that nothing needs now */
export function releaseObjects(index: Index, names: Iterable<string>): number {
  let orphans = 0;
  let orphanBytes = 0;
  let forgotten = 0;
  for (const name of names) {
    const key = objectKey(name);
    const known = index.objects.get(key);
    if (known === undefined || known.refs === 0) continue;
    if (known.refs === 1 && known.gone === true) {
      index.objects.remove(key);
      forgotten++;
      continue;
    }
    index.objects.put(key, { ...known, refs: known.refs - 1 });
    if (known.refs > 1) continue;
    index.orphans.put(objectOrphan(key), true);
    orphans++;
    orphanBytes += bytesOf(known);
  }
  addTotals(index, { objects: -forgotten, orphans, orphanBytes });
  return orphanBytes;
}

/** Bytes on disk of an object and its further copies. */
export function bytesOf(object: ObjectRecord): number {
  return object.size * ((object.gone === true ? 0 : 1) + object.copies);
}

/** Bytes on disk of a blob. */
export function bytesOfBlob(blob: BlobRecord): number {
  return blob.gone === true ? 0 : blob.size;
}

export function addTotals(index: Index, by: Partial<Totals>): void {
  const totals = index.totals;
  for (const [name, amount] of Object.entries(by)) totals[name as keyof Totals] += amount;
  index.meta.put('totals', totals);
}

/** One more needs this blob, which is there; one that was put by hand needs itself, once. */
export function retainBlob(index: Index, key: Key, size: number, put = false): void {
  const at = keyBytes(key);
  const known = index.blobs.get(at);
  if (known === undefined) addTotals(index, { blobs: 1, blobBytes: size });
  else {
    if (known.refs === 0) {
      index.orphans.remove(blobOrphan(at));
      addTotals(index, { orphans: -1, orphanBytes: -bytesOfBlob(known) });
    }
    if (known.gone === true) addTotals(index, { blobBytes: size });
  }
  const again = put && known?.put === true ? 0 : 1;
  const record: BlobRecord = { size, refs: (known?.refs ?? 0) + again, put: put || known?.put === true };
  index.blobs.put(at, record);
}

/** What was placed and turned out not to be needed is listed all the same, so that a sweep finds it. */
export function listBlob(index: Index, key: Key, size: number): void {
  if (index.blobs.get(keyBytes(key)) !== undefined) return;
  retainBlob(index, key, size);
  releaseBlob(index, key);
}

/** @returns bytes that nothing needs now */
export function releaseBlob(index: Index, key: Key): number {
  const at = keyBytes(key);
  const known = index.blobs.get(at);
  if (known === undefined || known.refs === 0) return 0;
  if (known.refs === 1 && known.gone === true) {
    // There is no file to wait for a sweep.
    index.blobs.remove(at);
    addTotals(index, { blobs: -1 });
    return 0;
  }
  index.blobs.put(at, { ...known, refs: known.refs - 1 });
  if (known.refs > 1) return 0;
  index.orphans.put(blobOrphan(at), true);
  addTotals(index, { orphans: 1, orphanBytes: known.size });
  return known.size;
}

export function retainLayer(index: Index, key: Key): void {
  const known = index.layer(key) as LayerRecord;
  index.layers.put(keyBytes(key), { ...known, refs: known.refs + 1 });
}

/**
 * An image or tree less needs this layer; with the last one it goes, and lets go of its objects and blobs.
 * @param objectsOf names of the layer's objects, read from its table of contents; `undefined` when that is damaged: their counts
 *   stay too high then, which `fsck` tells and repairs; nothing is deleted that another layer needs
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
    index.layers.put(keyBytes(key), { ...layer, refs: layer.refs - 1 });
    return { freed: 0, gone: false };
  }
  index.layers.remove(keyBytes(key));
  for (const digest of layer.transports) forgetDigest(index, digest);
  const names = objectsOf(layer);
  let freed = 0;
  if (names !== undefined) freed += releaseObjects(index, names);
  freed += releaseBlob(index, layer.toc.key) + releaseBlob(index, layer.recipe.key);
  return { freed, gone: true };
}

/** Notes what a digest means: an image, or a layer. */
export function rememberDigest(index: Index, digest: string, fingerprint: string | undefined, key: Key): void {
  index.digests.put(digestBytes(digest), key);
  if (fingerprint === undefined) return;
  const known = index.fingerprints.get(fingerprint) ?? [];
  if (!known.includes(digest)) index.fingerprints.put(fingerprint, [...known, digest]);
}

function forgetDigest(index: Index, transport: string): void {
  const [digest, fingerprint] = transport.split(' ') as [string, string | undefined];
  index.digests.remove(digestBytes(digest));
  if (fingerprint === undefined) return;
  const rest = (index.fingerprints.get(fingerprint) ?? []).filter((each) => each !== digest);
  if (rest.length === 0) index.fingerprints.remove(fingerprint);
  else index.fingerprints.put(fingerprint, rest);
}

export function digestBytes(digest: string): Buffer {
  return Buffer.from(digest.slice('sha256:'.length), 'hex');
}
