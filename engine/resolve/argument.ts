/** Finds the image or tree of the store that a person's argument means. */
import { CairnError } from '../core/errors.js';
import { hashRange, isTreeArgument, type Key, keyOfHex, parseHashPrefix, TREE_PREFIX } from '../core/key.js';
import { MAX_CANDIDATES } from '../core/limits.js';
import { parseAppString } from '../image/aci/names.js';
import { isReference, parseReference } from '../image/oci/reference.js';
import { findNamed, type ImageLookup, imagesByHash, lookupIn } from '../index/images.js';
import type { Index } from '../index/open.js';
import type { ImageRecord, TreeRecord } from '../index/records.js';
import type { Range } from '../index/table.js';
import { isSource } from './source-path.js';

/** The meaning of an argument. A path is that of an image yet to be imported. */
export type Resolved = { image: ImageRecord } | { path: string };

/**
 * Tries in order: key or digest (any unambiguous prefix), existing file, name with labels.
 * @param images looks up names
 * @throws CairnError `ERR_KEY_SYNTAX`, `ERR_KEY_TOO_SHORT`, `ERR_AMBIGUOUS_KEY`, `ERR_NOT_FOUND`, `ERR_NAME_SYNTAX`
 */
export function resolveArgument(index: Index, argument: string, images = lookupIn(index)): Resolved {
  const prefix = parseHashPrefix(argument);
  if (prefix !== undefined) {
    const found = imagesByHash(index, prefix, MAX_CANDIDATES + 1);
    const images = [...found.keys()].map((key) => index.image(key)).filter((image) => image !== undefined);
    if (images.length > 1) throw ambiguous(argument, [...found.values()]);
    if (images[0] !== undefined) return { image: images[0] };
    throw notFound(argument);
  }
  if (isSource(argument)) return { path: argument };
  const image = findReference(index, argument, images) ?? findApp(argument, images);
  if (image === undefined) throw notFound(argument);
  return { image };
}

/** An OCI image by its reference. A digest in the reference decides alone. */
function findReference(index: Index, argument: string, images: ImageLookup): ImageRecord | undefined {
  if (!isReference(argument)) return undefined;
  const { name, tag, digest } = parseReference(argument);
  const found = findNamed(images, name, tag === undefined ? [] : [{ name: 'version', value: tag }]);
  if (digest === undefined) return found?.format === 'oci' ? found : undefined;
  const key = index.digests.get(digest);
  return key === undefined ? undefined : index.image(key);
}

/** An image by its name and labels. @throws CairnError `ERR_NAME_SYNTAX` for a text that can be no image's name */
function findApp(argument: string, images: ImageLookup): ImageRecord | undefined {
  try {
    const { name, labels } = parseAppString(argument);
    return findNamed(images, name, labels);
  } catch (error) {
    if (isReference(argument)) return undefined;
    throw error;
  }
}

/** As {@link resolveArgument}, for commands that only take images of the store. */
export function resolveImage(index: Index, argument: string, images = lookupIn(index)): ImageRecord {
  const resolved = resolveArgument(index, argument, images);
  if ('image' in resolved) return resolved.image;
  throw new CairnError('ERR_NOT_FOUND', `${argument} is a file; import it first`, { path: argument });
}

/** A tree by its id (any unambiguous prefix, `deps-sha512-` and at least two digits), or the trees of an image. */
export function resolveTrees(index: Index, argument: string, images = lookupIn(index)): TreeRecord[] {
  if (!isTreeArgument(argument)) {
    const { key } = resolveImage(index, argument, images);
    return [...index.trees.values()].filter(({ images }) => images.includes(key));
  }
  const prefix = parseHashPrefix(argument.slice(TREE_PREFIX.length));
  if (prefix?.kind !== 'key') throw new CairnError('ERR_KEY_SYNTAX', `${argument}: not a tree id`);
  const start = `${TREE_PREFIX}${keyOfHex(prefix.hex)}`;
  const found = [...index.trees.entries({ start, end: `${start}\uffff`, limit: MAX_CANDIDATES + 1 })].map(
    ({ value }) => value,
  );
  if (found.length > 1)
    throw ambiguous(
      argument,
      found.map(({ id }) => id),
    );
  if (found.length === 0) throw notFound(argument);
  return found;
}

/** A blob put by hand, or any other, by a prefix of its key. */
export function resolveBlob(index: Index, argument: string): Key {
  const prefix = parseHashPrefix(argument);
  if (prefix?.kind !== 'key') throw new CairnError('ERR_KEY_SYNTAX', `${argument}: not a key`);
  const range = { ...hashRange(prefix), inclusiveEnd: true, limit: MAX_CANDIDATES + 1 } as Range<Key>;
  const found = [...index.blobs.entries(range)].filter(({ value }) => value.refs > 0);
  if (found.length > 1)
    throw ambiguous(
      argument,
      found.map(({ key }) => key),
    );
  if (found[0] === undefined) throw notFound(argument);
  return found[0].key;
}

function notFound(argument: string): CairnError {
  return new CairnError('ERR_NOT_FOUND', `${argument}: not in the store`);
}

function ambiguous(argument: string, all: readonly string[]): CairnError {
  const candidates = all.slice(0, MAX_CANDIDATES);
  const more = all.length > MAX_CANDIDATES ? ', …' : '';
  return new CairnError('ERR_AMBIGUOUS_KEY', `${argument} could be any of ${candidates.join(', ')}${more}`, {
    candidates,
  });
}
