/** The objects that a layer holds, from its table of contents. */
import { isCairnError } from '../core/errors.js';
import type { LayerRecord } from '../index/records.js';
import { decodeToc, type TocEntry } from '../layer/toc.js';
import type { StoreContext } from '../session/context.js';
import { readBlob } from './read-blob.js';

/** What tells the objects of a layer: its blobs, and how objects are called. */
type OfObjects = Pick<StoreContext, 'layout' | 'objects'>;

/** Names of the objects that a layer holds; `undefined` when its table of contents is damaged or was gone. */
export function objectsOfLayer(store: OfObjects, layer: LayerRecord): Iterable<string> | undefined {
  return layer.uncounted === true ? undefined : objectSizesOf(store, layer)?.keys();
}

/** Name → bytes of the distinct objects in a layer's table of contents; `undefined` when the table is damaged. */
export function objectSizesOf(store: OfObjects, layer: LayerRecord): Map<string, number> | undefined {
  let toc: TocEntry[];
  try {
    toc = decodeToc(readBlob(store, layer.toc.key));
  } catch (error) {
    if (isCairnError(error, 'ERR_DAMAGED')) return undefined;
    throw error;
  }
  const sizes = new Map<string, number>();
  for (const entry of toc) if (entry.type === 'file') sizes.set(store.objects.nameOf(entry), entry.size);
  return sizes;
}
