/** The scope of a check: named images and trees with all their parts, or everything. */
import { isCairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { isTreeArgument } from '../core/key.js';
import type { OperationOptions } from '../core/operation.js';
import { allImages } from '../index/images.js';
import type { ImageRecord, LayerRecord, TreeRecord } from '../index/records.js';
import { resolveImage, resolveTrees } from '../resolve/argument.js';
import { layerStackOf } from '../resolve/layer-stack.js';
import { readableImages } from '../resolve/readable-images.js';
import type { StoreContext } from '../session/context.js';

export interface CheckOptions extends OperationOptions {
  /** Check only these images and trees; everything if neither is given. */
  images?: readonly ImageRecord[];
  trees?: readonly TreeRecord[];
  /** Check trees only, not layers. */
  onlyTrees?: boolean;
  /** Compare sizes, times and metadata; do not hash. */
  quick?: boolean;
}

/**
 * Finds the images and trees that arguments mean. No arguments mean everything.
 * @throws as resolving an argument does
 */
export function namedTargets(store: StoreContext, targets: readonly string[]): Pick<CheckOptions, 'images' | 'trees'> {
  if (targets.length === 0) return {};
  const { index } = store;
  const readable = readableImages(store);
  return {
    trees: targets.filter(isTreeArgument).flatMap((target) => resolveTrees(index, target)),
    images: targets.filter((target) => !isTreeArgument(target)).map((target) => resolveImage(index, target, readable)),
  };
}

export interface Targets {
  /** Whether no image or tree was named. */
  everything: boolean;
  images: ImageRecord[];
  trees: TreeRecord[];
  layers: LayerRecord[];
  /** Layers that an image has and the index does not know. */
  unlisted: Key[];
}

export function targetsOf(store: StoreContext, options: CheckOptions): Targets {
  const { index } = store;
  const everything = options.images === undefined && options.trees === undefined;
  const images = everything
    ? [...allImages(index)]
    : // An image may have come back since it was asked for, with other documents.
      (options.images ?? []).flatMap(({ key }) => index.image(key) ?? []);
  const trees = [...index.trees.values()];
  const own = everything ? trees : trees.filter((tree) => images.some(({ key }) => tree.images.includes(key)));
  const chosen = [...new Map([...own, ...(options.trees ?? [])].map((tree) => [tree.id, tree])).values()];
  if (options.onlyTrees === true) return { everything, images, trees: chosen, layers: [], unlisted: [] };
  return { everything, images, trees: chosen, ...(everything ? allLayers(store) : layersOf(store, images)) };
}

type Layers = Pick<Targets, 'layers' | 'unlisted'>;

function allLayers({ index }: StoreContext): Layers {
  return { layers: [...index.layers.values()], unlisted: [] };
}

/** The layers of the images and of all their dependencies. A missing dependency is not damage here. */
function layersOf(store: StoreContext, images: readonly ImageRecord[]): Layers {
  const layers = new Map<Key, LayerRecord>();
  const unlisted = new Set<Key>();
  for (const image of images) {
    for (const key of layerKeys(store, image)) {
      const layer = store.index.layer(key);
      if (layer === undefined) unlisted.add(key);
      else layers.set(key, layer);
    }
  }
  return { layers: [...layers.values()], unlisted: [...unlisted] };
}

function layerKeys(store: StoreContext, image: ImageRecord): Key[] {
  try {
    return layerStackOf(store, image).layers;
  } catch (error) {
    if (isCairnError(error) && error.code !== 'ERR_DAMAGED') return image.layers;
    throw error;
  }
}

/** Whether images are among those that are checked, or have layers that are; `undefined` for all of the store. */
export function isAmong({ everything, images, layers }: Targets): ((image: ImageRecord) => boolean) | undefined {
  if (everything) return undefined;
  const named = new Set([...images, ...layers].map(({ key }) => key));
  return (image) => [image.key, ...image.layers].some((key) => named.has(key));
}
