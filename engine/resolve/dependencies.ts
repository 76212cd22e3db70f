/** Flattens the dependency tree of an ACI into images in priority order (appc spec 0.8.11, "Dependency Matching"). */
import { CairnError, isCairnError } from '../core/errors.js';
import { type Key, parseHashPrefix } from '../core/key.js';
import { type Limits, limitFlag } from '../core/limits.js';
import type { Dependency } from '../image/aci/manifest.js';
import { formatAppString } from '../image/aci/names.js';
import { findNamed, holdsAll, type ImageLookup } from '../index/images.js';
import type { Index } from '../index/open.js';
import type { ImageRecord } from '../index/records.js';

/** An image at one place of the tree. */
export interface DependencyNode {
  image: ImageRecord;
  /** Position of the image that depends on this one; -1 for the top image. */
  dependent: number;
}

/**
 * The nodes depth-first, the last dependency of a manifest first. An image that several need stands at several nodes.
 * @throws CairnError `ERR_NOT_FOUND` for a dependency that is not here, `ERR_DEPENDENCY_CYCLE`, `ERR_LIMIT`
 */
export function dependencyNodesOf(
  images: ImageLookup,
  top: ImageRecord,
  limits: Pick<Limits, 'maxDependencies'>,
): DependencyNode[] {
  const nodes: DependencyNode[] = [];
  const above: ImageRecord[] = [];
  const visit = (image: ImageRecord, dependent: number): void => {
    if (above.some(({ key }) => key === image.key)) {
      const chain = [...above, image].map(({ name }) => name).join(' → ');
      throw new CairnError('ERR_DEPENDENCY_CYCLE', `${top.name} depends on itself: ${chain}`, { entry: image.name });
    }
    if (nodes.length > limits.maxDependencies) {
      throw new CairnError(
        'ERR_LIMIT',
        `${top.name} has more than ${limits.maxDependencies} dependencies (${limitFlag('maxDependencies')})`,
      );
    }
    const here = nodes.push({ image, dependent }) - 1;
    above.push(image);
    for (const dependency of image.dependencies.toReversed()) visit(findDependency(images, image, dependency), here);
    above.pop();
  };
  visit(top, -1);
  return nodes;
}

/**
 * The nodes of a tree made before, from the keys of its layers in priority order. Today's meaning of names plays no
 * part.
 * @returns `undefined` when an image is gone
 */
export function dependencyNodesAlong(index: Index, layers: readonly Key[]): DependencyNode[] | undefined {
  const [top] = layers;
  if (top === undefined || index.layer(top)?.format !== 'aci') return [];
  const nodes: DependencyNode[] = [];
  const visit = (dependent: number): boolean => {
    // An ACI and its one layer have the same key.
    const key = layers[nodes.length];
    const image = key === undefined ? undefined : index.image(key);
    if (image === undefined) return false;
    const here = nodes.push({ image, dependent }) - 1;
    return image.dependencies.every(() => visit(here));
  };
  return visit(-1) && nodes.length === layers.length ? nodes : undefined;
}

/**
 * The image that a dependency means. If the dependency gives an ID, the ID decides, and name and labels must fit, too.
 * @throws CairnError `ERR_NOT_FOUND`
 */
export function findDependency(
  images: ImageLookup,
  image: Pick<ImageRecord, 'name'>,
  dependency: Dependency,
): ImageRecord {
  const { imageName, imageID, labels } = dependency;
  const wanted = formatAppString(imageName, labels);
  if (imageID === undefined) {
    const found = findNamed(images, imageName, labels);
    if (found !== undefined) return found;
    throw new CairnError('ERR_NOT_FOUND', `${image.name} depends on ${wanted}, which is not in the store`, {
      entry: wanted,
    });
  }
  const prefix = parseHashPrefix(imageID);
  const keys: Key[] = prefix === undefined ? [] : [...images.byHash(prefix, 2).keys()];
  const found = keys.length === 1 ? images.image(keys[0] as Key) : undefined;
  if (found !== undefined && found.name === imageName && holdsAll(found.labels, labels)) return found;
  throw new CairnError(
    'ERR_NOT_FOUND',
    `${image.name} depends on ${wanted} with ID ${imageID}, which is not in the store`,
    {
      entry: wanted,
    },
  );
}

/**
 * The images that images need. The dependencies of each image are looked up once. A missing or cyclic dependency adds
 * nothing. Where a damaged image is passed over for another of its name, both are needed: the other for now, the
 * damaged one for when it is whole again.
 */
export class DependencyClosure {
  readonly #images: ImageLookup;
  readonly #readable: ImageLookup | undefined;
  readonly #direct = new Map<Key, ImageRecord[]>();

  constructor(images: ImageLookup, readable?: ImageLookup) {
    this.#images = images;
    this.#readable = readable;
  }

  /** Keys of all images that the given ones need, themselves included. */
  of(images: Iterable<ImageRecord>): Set<Key> {
    const needed = new Set<Key>();
    const open = [...images];
    for (let image = open.pop(); image !== undefined; image = open.pop()) {
      if (needed.has(image.key)) continue;
      needed.add(image.key);
      for (const dependency of this.#directly(image)) open.push(dependency);
    }
    return needed;
  }

  #directly(image: ImageRecord): readonly ImageRecord[] {
    let found = this.#direct.get(image.key);
    if (found === undefined) {
      found = image.dependencies
        .flatMap((dependency) => [
          this.#find(this.#images, image, dependency),
          this.#readable && this.#find(this.#readable, image, dependency),
        ])
        .filter((dependency) => dependency !== undefined);
      this.#direct.set(image.key, found);
    }
    return found;
  }

  #find(images: ImageLookup, image: ImageRecord, dependency: Dependency): ImageRecord | undefined {
    try {
      return findDependency(images, image, dependency);
    } catch (error) {
      if (isCairnError(error, 'ERR_NOT_FOUND')) return undefined;
      throw error;
    }
  }
}
