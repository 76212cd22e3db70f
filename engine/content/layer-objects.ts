/** The objects that a layer holds, from its table of contents. */
import { isCairnError } from '../core/errors.js';
import type { Xattr } from '../core/metadata.js';
import type { LayerRecord } from '../index/records.js';
import { decodeToc, keysInToc, type TocEntry } from '../layer/toc.js';
import { packedName } from '../objects/pack/name.js';
import type { StoreContext } from '../session/context.js';
import { readBlob } from './read-blob.js';

/** What tells the objects of a layer: its blobs, and how objects are called. */
type OfObjects = Pick<StoreContext, 'layout' | 'objects'>;

/** Names of the objects that a layer holds; `undefined` when its table of contents is damaged or was gone. */
export function objectsOfLayer(store: OfObjects, layer: LayerRecord): Iterable<string> | undefined {
  if (layer.uncounted === true) return undefined;
  if (store.objects.at.packs === undefined) return objectSizesOf(store, layer)?.keys();
  const names = packedObjectsOf(store, layer);
  return names && new Set(names);
}

/** Name → bytes of the distinct objects in a layer's table of contents; `undefined` when the table is damaged. */
export function objectSizesOf(store: OfObjects, layer: LayerRecord): Map<string, number> | undefined {
  const toc = tableOf(store, layer);
  if (toc === undefined) return undefined;
  const sizes = new Map<string, number>();
  for (const entry of toc) if (entry.type === 'file') sizes.set(store.objects.nameOf(entry), entry.size);
  return sizes;
}

/** The extended attributes of objects, by name, as far as a layer that can be read holds them. */
export function xattrsOfObjects(
  store: OfObjects,
  layers: Iterable<LayerRecord>,
  names: ReadonlySet<string>,
): Map<string, readonly Xattr[]> {
  const found = new Map<string, readonly Xattr[]>();
  for (const layer of layers) {
    for (const entry of tableOf(store, layer) ?? []) {
      if (entry.type !== 'file' || entry.xattrs.length === 0) continue;
      const name = store.objects.nameOf(entry);
      if (names.has(name)) found.set(name, entry.xattrs);
    }
  }
  return found;
}

/**
 * In a store with packs: the names of the objects of a layer's files, in the order of its table of contents. A name
 * says the content alone there, so that no more of the table is read.
 * @returns `undefined` when the table is damaged
 */
export function packedObjectsOf(store: OfObjects, { toc }: LayerRecord): string[] | undefined {
  return unlessDamaged(() => keysInToc(readBlob(store, toc.key)).map(packedName));
}

function tableOf(store: OfObjects, { toc }: LayerRecord): TocEntry[] | undefined {
  return unlessDamaged(() => decodeToc(readBlob(store, toc.key)));
}

function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isCairnError(error, 'ERR_DAMAGED')) return undefined;
    throw error;
  }
}
