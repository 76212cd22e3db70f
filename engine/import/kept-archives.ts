/** Finds archives of layers that the store kept for other images, so that they need not be read again. */
import { readBlob } from '../content/read-blob.js';
import { isCairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { parseDocument } from '../image/oci/documents.js';
import { allImages } from '../index/images.js';
import type { ImageRecord } from '../index/records.js';
import { hasBlob } from '../index/references.js';
import type { StoreContext } from '../session/context.js';

/**
 * @param wanted layers that are here, by the digests of the archives
 * @returns the blobs of those archives that were kept, by digest
 */
export function keptArchives(store: StoreContext, wanted: ReadonlyMap<string, Key>): Map<string, Key> {
  const layers = new Set(wanted.values());
  const found = new Map<string, Key>();
  if (layers.size === 0) return found;
  for (const image of allImages(store.index)) {
    if (found.size === wanted.size) break;
    if (image.archives === undefined || !image.layers.some((key) => layers.has(key))) continue;
    const digests = archiveDigestsOf(store, image);
    for (const [i, digest] of digests.entries()) {
      const key = image.archives[i];
      if (wanted.has(digest) && key !== undefined && hasBlob(store.index, key)) found.set(digest, key);
    }
  }
  return found;
}

/** The digests of an image's archives, bottom to top, as its manifest lists them; none if that cannot be read. */
function archiveDigestsOf(store: StoreContext, { format, manifest }: ImageRecord): string[] {
  if (format !== 'oci') return [];
  try {
    const document = parseDocument(readBlob(store, manifest), store.limits);
    return document.kind === 'manifest' ? document.layers.map(({ digest }) => digest) : [];
  } catch (error) {
    if (isCairnError(error)) return [];
    throw error;
  }
}
