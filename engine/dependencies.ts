/** The dependency tree of an ACI, flattened into the order in which its images have priority (appc spec 0.8.11, "Dependency Matching"). */
import { CairnError } from './errors.js';
import { findNamed, imagesByHash } from './index/images.js';
import type { Index } from './index/open.js';
import type { ImageRecord } from './index/records.js';
import { type Key, parseHashPrefix } from './key.js';
import { type Limits, limitFlag } from './limits.js';
import type { Dependency } from './manifest/image.js';
import { formatAppString } from './name.js';

/** An image at one place of the tree. */
export interface ImagePlace {
  image: ImageRecord;
  /** Position of the image that depends on it; -1 for the top one. */
  dependent: number;
}

/**
 * Depth-first, the last dependency of a manifest first; an image that several need stands at each of its places.
 * @throws CairnError `ERR_NOT_FOUND` for a dependency that is not here, `ERR_DEPENDENCY_CYCLE`, `ERR_LIMIT`
 */
export function placesOf(index: Index, top: ImageRecord, limits: Pick<Limits, 'maxDependencies'>): ImagePlace[] {
  const places: ImagePlace[] = [];
  const above: ImageRecord[] = [];
  const visit = (image: ImageRecord, dependent: number): void => {
    if (above.some(({ key }) => key === image.key)) {
      const chain = [...above, image].map(({ name }) => name).join(' → ');
      throw new CairnError('ERR_DEPENDENCY_CYCLE', `${top.name} depends on itself: ${chain}`, { entry: image.name });
    }
    if (places.length > limits.maxDependencies) {
      throw new CairnError(
        'ERR_LIMIT',
        `${top.name} has more than ${limits.maxDependencies} dependencies (${limitFlag('maxDependencies')})`,
      );
    }
    const here = places.push({ image, dependent }) - 1;
    above.push(image);
    for (const dependency of image.dependencies.toReversed()) visit(findDependency(index, image, dependency), here);
    above.pop();
  };
  visit(top, -1);
  return places;
}

/**
 * The image that a dependency means: by its ID where it gives one, and then name and labels must fit, too.
 * @throws CairnError `ERR_NOT_FOUND`
 */
export function findDependency(index: Index, image: ImageRecord, dependency: Dependency): ImageRecord {
  const { imageName, imageID, labels } = dependency;
  const wanted = formatAppString(imageName, labels);
  if (imageID === undefined) {
    const found = findNamed(index, imageName, labels);
    if (found !== undefined) return found;
    throw new CairnError('ERR_NOT_FOUND', `${image.name} depends on ${wanted}, which is not in the store`, {
      entry: wanted,
    });
  }
  const prefix = parseHashPrefix(imageID);
  const keys: Key[] = prefix === undefined ? [] : [...imagesByHash(index, prefix, 2).keys()];
  const found = keys.length === 1 ? index.image(keys[0] as Key) : undefined;
  const fits =
    found?.name === imageName &&
    labels.every(({ name, value }) => found.labels.some((label) => label.name === name && label.value === value));
  if (found !== undefined && fits) return found;
  throw new CairnError(
    'ERR_NOT_FOUND',
    `${image.name} depends on ${wanted} with ID ${imageID}, which is not in the store`,
    {
      entry: wanted,
    },
  );
}

/** Keys of all images that the given ones need, themselves included. What is missing or cyclic needs nothing more. */
export function withDependencies(index: Index, images: Iterable<ImageRecord>): Set<Key> {
  const needed = new Set<Key>();
  const open = [...images];
  for (let image = open.pop(); image !== undefined; image = open.pop()) {
    if (needed.has(image.key)) continue;
    needed.add(image.key);
    for (const dependency of image.dependencies) {
      try {
        open.push(findDependency(index, image, dependency));
      } catch (error) {
        if (!(error instanceof CairnError) || error.code !== 'ERR_NOT_FOUND') throw error;
      }
    }
  }
  return needed;
}
