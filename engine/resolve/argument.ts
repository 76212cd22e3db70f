/** Finds the image or tree of the store that a person's argument means. */

import { CairnError, isCairnError } from '../core/errors.js';
import type { ArgumentType } from '../core/finding.js';
import {
  type HashPrefix,
  hashRange,
  isTreeArgument,
  type Key,
  keyOfHex,
  parseBareHash,
  parseHashPrefix,
  TREE_PREFIX,
} from '../core/key.js';
import { MAX_CANDIDATES } from '../core/limits.js';
import {
  allImages,
  findNamed,
  type ImageLookup,
  imagesByHash,
  imagesNamed,
  lookupIn,
  namesMeant,
  referencesOf,
  shortName,
} from '../index/images.js';
import type { Index } from '../index/open.js';
import type { BlobRecord, ImageName, ImageRecord, TreeRecord } from '../index/records.js';
import type { Range } from '../index/table.js';
import { guessArgument, hasScheme } from './guess-argument.js';
import { parseName, type WantedName } from './name.js';
import { isPath, isSource, locateSource } from './source-path.js';
import { nearNames } from './suggest.js';

/** The meaning of an argument: an image, the path of one yet to be imported, or what one may be fetched by. */
export type Resolved = { image: ImageRecord } | { path: string } | { remote: string };

export interface Resolving {
  images?: ImageLookup;
  /** What the argument is, whatever it looks like. A key is one all the same. */
  type?: ArgumentType | undefined;
}

/**
 * What begins with a scheme, such as `docker://` or `oci:`, is that. Else tries in order: key or digest (any
 * unambiguous prefix), bare digits of one, existing path, name with labels, an image of a path (`PATH:REFERENCE`), and
 * at last a tag that only one image has. What looks like a key may yet be the name that an image came with.
 * @param images looks up names
 * @throws CairnError `ERR_KEY_SYNTAX`, `ERR_KEY_TOO_SHORT`, `ERR_AMBIGUOUS_KEY`, `ERR_NOT_FOUND`, `ERR_NAME_SYNTAX`
 */
export function resolveArgument(
  index: Index,
  argument: string,
  { images = lookupIn(index), type }: Resolving = {},
): Resolved {
  const image = findHashed(index, argument);
  if (image !== undefined) return { image };
  if (type !== undefined || hasScheme(argument)) return resolveTold(index, argument, { images, type });
  if (isPath(argument)) return { path: argument };
  if (/^\.{0,2}\//.test(argument) && !isSource(argument))
    throw new CairnError('ERR_NOT_FOUND', `no such file or layout: ${argument}`, { path: argument });
  // A name that is here must lead to its image wherever it is typed, also beside a layout of the same name.
  const named = findByName(index, parseArgument(argument), images);
  if (named !== undefined) return { image: named };
  if (isSource(argument)) return { path: argument };
  const tagged = findByTag(index, argument);
  if (tagged === undefined) throw notFound(argument, nearNames(index, argument));
  return { image: tagged };
}

/** Resolves what says itself, or was said to be, of a kind. */
function resolveTold(index: Index, argument: string, { images, type }: { images: ImageLookup } & Resolving): Resolved {
  // An image may be called `oci:1`.
  const isMaybeName = type === undefined && !argument.includes('://') && isNamed(index, argument);
  const named = isMaybeName ? findByName(index, parseName(argument), images) : undefined;
  if (named !== undefined) return { image: named };
  const meant = guessArgument(argument, locateSource, type);
  switch (meant.kind) {
    case 'path':
      return { path: meant.reference === undefined ? meant.path : `${meant.path}:${meant.reference}` };
    case 'url':
      return { remote: meant.url.href };
    case 'key':
      throw notFound(argument);
    default: {
      const wanted = parseName(meant.kind === 'name' ? meant.name : meant.reference);
      // A registry's image is the one of a single tag.
      const isTagless = meant.kind === 'registry' && wanted.labels.length === 0;
      const labels = isTagless ? [{ name: 'version', value: 'latest' }] : wanted.labels;
      const image = findByName(index, { ...wanted, labels }, images);
      if (image !== undefined) return { image };
      if (meant.kind === 'registry') return { remote: `docker://${meant.reference}` };
      throw notFound(argument, nearNames(index, argument));
    }
  }
}

/** A text that can be no name may yet be a path with a reference. */
function parseArgument(argument: string): WantedName {
  try {
    return parseName(argument);
  } catch (error) {
    if (isSource(argument)) return { name: '', labels: [] };
    throw error;
  }
}

/** The names of an image that an argument led by: all of them for a key or a path. */
export function namesLedBy(argument: string, image: ImageRecord): ImageName[] {
  const all = referencesOf(image);
  if (/^sha(?:512-|256:)/i.test(argument) || parseBareHash(argument) !== undefined || isSource(argument)) return all;
  const meant = namesMeant(image, parseName(argument));
  return meant.length === 0 ? all : meant;
}

/**
 * The image that an argument means by a hash. What looks like a hash may yet be the name that an image came with.
 * @returns `undefined` for what can only be a name, or is one
 * @throws CairnError `ERR_AMBIGUOUS_KEY`; for no name either `ERR_KEY_SYNTAX`, `ERR_KEY_TOO_SHORT`, `ERR_NOT_FOUND`
 */
export function findHashed(index: Index, argument: string, hash = argument): ImageRecord | undefined {
  try {
    const prefix = parseHashPrefix(hash);
    const found = findByHash(index, argument, prefix === undefined ? (parseBareHash(hash) ?? []) : [prefix]);
    if (found === undefined && prefix !== undefined) throw notFound(argument);
    return found;
  } catch (error) {
    if (isCairnError(error, 'ERR_AMBIGUOUS_KEY') || !isNamed(index, argument)) throw error;
    return undefined;
  }
}

function isNamed(index: Index, text: string): boolean {
  try {
    return imagesNamed(index, parseName(text).name).length > 0;
  } catch {
    return false;
  }
}

/** The image that a hash means, whole or its beginning. @throws CairnError `ERR_AMBIGUOUS_KEY` */
export function findByHash(index: Index, argument: string, prefixes: readonly HashPrefix[]): ImageRecord | undefined {
  const found = new Map(prefixes.flatMap((prefix) => [...imagesByHash(index, prefix, MAX_CANDIDATES + 1)]));
  const images = [...found.keys()].map((key) => index.image(key)).filter((image) => image !== undefined);
  if (images.length > 1) throw ambiguous(argument, [...found.values()]);
  return images[0];
}

function findByName(index: Index, { name, labels, digest }: WantedName, images: ImageLookup): ImageRecord | undefined {
  if (digest === undefined) return findNamed(images, name, labels);
  const key = index.digests.get(digest);
  return key === undefined ? undefined : index.image(key);
}

/** Layouts name their images by tags alone, and so do people. @throws CairnError `ERR_AMBIGUOUS_KEY` */
function findByTag(index: Index, tag: string): ImageRecord | undefined {
  const names = (image: ImageRecord): string[] =>
    referencesOf(image)
      .filter(({ labels }) => labels.some((label) => label.name === 'version' && label.value === tag))
      .map(shortName);
  const found = [...allImages(index)].filter((image) => image.format === 'oci' && names(image).length > 0);
  if (found.length > 1) throw ambiguous(tag, found.flatMap(names));
  return found[0];
}

/** As {@link resolveArgument}, for commands that only take images of the store. */
export function resolveImage(index: Index, argument: string, images = lookupIn(index)): ImageRecord {
  const resolved = resolveArgument(index, argument, { images });
  if ('image' in resolved) return resolved.image;
  if ('remote' in resolved) throw notFetched(argument);
  throw new CairnError('ERR_NOT_FOUND', `${argument} is a file; import it first`, { path: argument });
}

/**
 * The image that a key, a digest or a name means, for arguments of strangers: looks at no path, whatever the argument
 * looks like, and tells of no other names.
 */
export function resolveListed(index: Index, argument: string, images = lookupIn(index)): ImageRecord {
  const image = findHashed(index, argument) ?? findByName(index, parseName(argument), images);
  if (image === undefined) throw notFound(argument);
  return image;
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
  return findBlob(index, argument, ({ refs }) => refs > 0);
}

/** A blob put by hand, by a prefix of its key. */
export function resolvePutBlob(index: Index, argument: string): Key {
  return findBlob(index, argument, ({ put }) => put);
}

function findBlob(index: Index, argument: string, isWanted: (blob: BlobRecord) => boolean): Key {
  const prefix = parseHashPrefix(argument) ?? parseBareHash(argument)?.[0];
  if (prefix?.kind !== 'key') throw new CairnError('ERR_KEY_SYNTAX', `${argument}: not a key`);
  const range = { ...hashRange(prefix), inclusiveEnd: true } as Range<Key>;
  const found: Key[] = [];
  for (const { key, value } of index.blobs.entries(range)) {
    if (isWanted(value)) found.push(key);
    if (found.length > MAX_CANDIDATES) break;
  }
  if (found.length > 1) throw ambiguous(argument, found);
  if (found[0] === undefined) throw notFound(argument);
  return found[0];
}

/** @param near names that may have been meant */
export function notFound(argument: string, near: readonly string[] = []): CairnError {
  return new CairnError(
    'ERR_NOT_FOUND',
    `${argument}: not in the store`,
    near.length === 0 ? {} : { candidates: near },
  );
}

/** For what could be fetched, where nothing is fetched. */
export function notFetched(argument: string): CairnError {
  return new CairnError('ERR_NOT_FOUND', `${argument}: not in the store; "cairn fetch" brings it`);
}

export function ambiguous(argument: string, all: readonly string[]): CairnError {
  const candidates = [...all].sort().slice(0, MAX_CANDIDATES);
  const more = all.length > MAX_CANDIDATES ? ', …' : '';
  return new CairnError('ERR_AMBIGUOUS_KEY', `${argument} could be any of ${candidates.join(', ')}${more}`, {
    candidates,
  });
}
