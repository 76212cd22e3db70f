/** What arguments ask to take away: images whole, by their keys, or names of images. */
import { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { imagesNamed, namesMeant, platformLabels } from '../index/images.js';
import type { Index } from '../index/open.js';
import type { ImageName, ImageRecord } from '../index/records.js';
import { ambiguous, findHashed, notFound } from '../resolve/argument.js';
import { nameText, parseName } from '../resolve/name.js';
import { isSource } from '../resolve/source-path.js';
import { nearNames } from '../resolve/suggest.js';

export interface Taking {
  image: ImageRecord;
  /** Names to take away; `all` with the image itself. */
  names: ImageName[] | 'all';
}

/**
 * @param all a name without a version means all of its versions
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_AMBIGUOUS_KEY`, also for a name that has several versions, `ERR_NAME_SYNTAX`
 */
export function takingsOf(index: Index, targets: readonly string[], all: boolean): Taking[] {
  const takings = new Map<Key, Taking>();
  for (const { image, names } of targets.flatMap((target) => takingsOfOne(index, target, all))) {
    const before = takings.get(image.key)?.names ?? [];
    takings.set(image.key, { image, names: before === 'all' || names === 'all' ? 'all' : [...before, ...names] });
  }
  return [...takings.values()];
}

function takingsOfOne(index: Index, target: string, all: boolean): Taking[] {
  const whole = findWhole(index, target);
  return whole === undefined ? namesOf(index, target, all) : [{ image: whole, names: 'all' }];
}

function findWhole(index: Index, target: string): ImageRecord | undefined {
  // A digest after a name decides alone.
  const [, digest] = /@(sha256:[0-9a-f]{64})$/.exec(target) ?? [];
  return findHashed(index, target, digest);
}

/** The names that a name without labels may mean, image by image. */
export function namesOf(index: Index, target: string, all: boolean): Taking[] {
  const wanted = parseName(target);
  const found = imagesNamed(index, wanted.name)
    .map((image) => ({ image, names: namesMeant(image, wanted) }))
    .filter(({ names }) => names.length > 0);
  if (found.length === 0) throw missing(index, target);
  if (!all && found.reduce((count, { names }) => count + names.length, 0) > 1)
    throw ambiguous(target, spelledOut(found));
  return found;
}

function missing(index: Index, target: string): CairnError {
  if (!isSource(target)) return notFound(target, nearNames(index, target));
  return new CairnError('ERR_NOT_FOUND', `${target} is a file; import it first`, { path: target });
}

/** Names, each with the platform of its image, or at last that image's key, where it alone does not tell. */
function spelledOut(found: readonly Taking[]): string[] {
  const all = found.flatMap(({ image, names }) =>
    (names as ImageName[]).map((name) => {
      const text = nameText(image.format, name);
      const labels = platformLabels(image).map((label) => `,${label.name}=${label.value}`);
      return { ways: [text, `${text}${labels.join('')}`, image.key], key: image.key };
    }),
  );
  const isAlone = (text: string, of: { key: Key }): boolean =>
    all.every((each) => each === of || !each.ways.includes(text));
  return all.map((each) => each.ways.find((text) => isAlone(text, each)) ?? each.key);
}
