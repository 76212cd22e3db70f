/** Finds readable images: a name should not lead to an image with a damaged manifest while another has that name. */
import { documentReader, type ReadDocument } from '../content/read-blob.js';
import { isCairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { type ImageLookup, lookupIn, titleOf } from '../index/images.js';
import type { ImageRecord } from '../index/records.js';
import { hasBlob } from '../index/references.js';
import type { StoreContext } from '../session/context.js';

export interface Lookup {
  /** Looks up images; the index by default. */
  images?: ImageLookup;
  /** Reads manifests. Shared with an operation that reads some of them again. */
  documents?: ReadDocument;
}

/**
 * Finds images whose manifests can be read. Tries each manifest once, and gives notice of the damaged ones. Serves one
 * operation only, since the state of manifests may change.
 */
export function readableImages(store: StoreContext, { images, documents }: Lookup = {}): ImageLookup {
  return withReadable(store, images ?? lookupIn(store.index), documents ?? documentReader(store));
}

function withReadable(store: StoreContext, images: ImageLookup, documents: ReadDocument): ImageLookup {
  const known = new Map<Key, boolean>();
  const isReadable = (image: ImageRecord): boolean => {
    const before = known.get(image.key);
    if (before !== undefined) return before;
    const readable = canRead(documents, image.manifest);
    known.set(image.key, readable);
    if (!readable) store.notice(`the manifest of ${titleOf(image)} (${image.key}) is ${whatHelps(store, image)}`);
    return readable;
  };
  return {
    image: (key) => images.image(key),
    named: (name) => images.named(name),
    byHash: (prefix, limit) => images.byHash(prefix, limit),
    isReadable,
  };
}

/** After a repair another one changes nothing. */
function whatHelps({ index }: StoreContext, image: ImageRecord): string {
  return hasBlob(index, image.manifest)
    ? 'damaged; run "cairn fsck --repair"'
    : `gone since a repair; import again: ${titleOf(image)}`;
}

function canRead(documents: ReadDocument, manifest: Key): boolean {
  try {
    documents(manifest);
    return true;
  } catch (error) {
    if (isCairnError(error, 'ERR_DAMAGED')) return false;
    throw error;
  }
}
