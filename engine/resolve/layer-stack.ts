/** What an image's tree is made of, and what the tree is therefore called; known from the index alone. */
import { isCairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import type { ImageRecord, TreeRecord } from '../index/records.js';
import { treeIdOf } from '../plan/tree-hash.js';
import type { StoreContext } from '../session/context.js';
import { type ImagePlace, placesOf } from './dependencies.js';
import { readableImages } from './readable-images.js';

/** The layers that an image's tree is made of. */
export interface Ingredients {
  places: ImagePlace[];
  /** Layer keys in priority order: of an ACI one a place, of an OCI image from the top. */
  layers: Key[];
  treeId: string;
}

/** @throws CairnError `ERR_NOT_FOUND`, `ERR_DEPENDENCY_CYCLE`, `ERR_LIMIT` */
export function ingredientsOf(store: StoreContext, image: ImageRecord): Ingredients {
  const places = placesOf(readableImages(store), image, store.limits);
  const layers = places.flatMap((place) => place.image.layers.toReversed());
  return { places, layers, treeId: treeIdOf(layers) };
}

/** Of trees that an image has, the one that a render would find now; else, if that is not here or cannot be told, the one used last. */
export function currentOf(store: StoreContext, image: ImageRecord, trees: readonly TreeRecord[]): TreeRecord {
  const byUse = [...trees].sort((a, b) => b.lastUsed - a.lastUsed);
  return byUse.find(({ id }) => id === treeIdNow(store, image)) ?? (byUse[0] as TreeRecord);
}

function treeIdNow(store: StoreContext, image: ImageRecord): string | undefined {
  try {
    return ingredientsOf(store, image).treeId;
  } catch (error) {
    if (isCairnError(error)) return undefined;
    throw error;
  }
}
