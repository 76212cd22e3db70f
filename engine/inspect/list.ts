/**
 * Lists images and trees, whole or a page at a time. A page begins behind a key, so that pages fit together while
 * images come and go: what stays is listed once. Only the index is read, but for annotations.
 */
import { readBlob } from '../content/read-blob.js';
import { defined } from '../core/defined.js';
import { isCairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { parseImageManifest } from '../image/aci/manifest.js';
import { labelMap } from '../image/label.js';
import { parseDocument } from '../image/oci/documents.js';
import type { ImageRecord, TreeRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';
import { catalogueOf } from './current-catalogue.js';
import { filterTest } from './filter.js';
import { type ImageSummary, summarize } from './image.js';
import { type ImageSelection, selector } from './select.js';

/** @throws CairnError as {@link selector} does */
export function* listImages(store: StoreContext, selection: ImageSelection): Generator<ImageSummary> {
  const { anyOf = [], after = '', limit = Number.POSITIVE_INFINITY } = selection;
  const isWanted = selector(selection);
  const fits = filterTest(anyOf, (image) => annotationsOf(store, image));
  const all = catalogueOf(store.index);
  let left = limit;
  for (const image of all.images.values()) {
    if (left <= 0) return;
    if (image.key <= after) continue;
    const summary = summarize(all, image);
    if (!isWanted(image, summary) || !fits(image, summary)) continue;
    left--;
    yield summary;
  }
}

export interface TreeSelection {
  /** Trees of this image. */
  image?: Key;
  /** Ids behind this one. */
  after?: string;
  limit?: number;
}

export function* listTrees({ index }: StoreContext, { image, after, limit }: TreeSelection): Generator<TreeRecord> {
  let left = limit ?? Number.POSITIVE_INFINITY;
  // Read at once: a row at a time would keep this moment's index for as long as the caller takes.
  const range = {
    ...defined({ start: after }),
    ...(image === undefined && limit !== undefined ? { limit: limit + 1 } : {}),
  };
  for (const tree of [...index.trees.values(range)]) {
    if (left <= 0) return;
    if (tree.id === after || (image !== undefined && !tree.images.includes(image))) continue;
    left--;
    yield tree;
  }
}

/** The annotations of an image's manifest; none of one that cannot be read. */
function annotationsOf(store: StoreContext, { format, manifest }: ImageRecord): Readonly<Record<string, string>> {
  try {
    const bytes = readBlob(store, manifest);
    if (format === 'aci') return labelMap(parseImageManifest(bytes, store.limits).annotations);
    const document = parseDocument(bytes, store.limits);
    return document.kind === 'manifest' ? document.annotations : {};
  } catch (error) {
    if (isCairnError(error)) return {};
    throw error;
  }
}
