/** What an image's tree is made of, and what the tree is therefore called; known from the index alone. */
import type { StoreContext } from './context.js';
import { type ImagePlace, placesOf } from './dependencies.js';
import type { ImageRecord } from './index/records.js';
import type { Key } from './key.js';
import { treeIdOf } from './plan/tree-hash.js';
import { readableImages } from './readable.js';

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
