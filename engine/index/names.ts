/** Names of images that come, go and move. All functions run inside a transaction. */
import type { Key } from '../core/key.js';
import { imagesNamed, putImage, referencesOf, removeNames } from './images.js';
import type { Index } from './open.js';
import type { ImageName, ImageRecord } from './records.js';

/** Brings an image's document in step with a change of its record. */
export type Revise = (image: ImageRecord) => ImageRecord;

/** A name that now means another image. */
export interface MovedName extends ImageName {
  /** The image that had it before. */
  from: Key;
}

/** The image's record with one more name. An image without a name gets it as its first. */
export function withName(image: ImageRecord, { name, labels }: ImageName): ImageRecord {
  if (referencesOf(image).some((each) => isSameName(each, { name, labels }))) return image;
  const { unnamed: _unnamed, ...rest } = image;
  if (isSameName(image, { name, labels })) return rest;
  if (image.name === '') return { ...rest, name, labels };
  return { ...image, aliases: [...(image.aliases ?? []), { name, labels }] };
}

/** The image's record without a name. An OCI image's next name becomes its first. */
export function withoutName(image: ImageRecord, gone: ImageName): ImageRecord {
  const { aliases = [], ...rest } = image;
  const left = aliases.filter((each) => !isSameName(each, gone));
  const others = left.length === 0 ? {} : { aliases: left };
  if (image.unnamed === true || !isSameName(image, gone)) return { ...rest, ...others };
  if (image.format === 'aci') return { ...rest, ...others, unnamed: true };
  const [next = { name: '', labels: [] }, ...more] = left;
  return { ...rest, ...next, ...(more.length === 0 ? {} : { aliases: more }) };
}

/** Names that an image has after a change, and had not before. */
export function gainedNames(before: ImageRecord, after: ImageRecord): ImageName[] {
  const had = referencesOf(before);
  return referencesOf(after).filter((name) => !had.some((each) => isSameName(each, name)));
}

export function isSameName(a: ImageName, b: ImageName): boolean {
  return a.name === b.name && spelled(a) === spelled(b);
}

function spelled({ labels }: ImageName): string {
  const pairs = labels.map(({ name, value }) => [name, value]);
  return JSON.stringify(pairs.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)));
}

/**
 * Takes names away from the images that had them before: a name means one image of a platform. The name in an ACI's
 * manifest is its own, though, and stays.
 */
export function claimNames(index: Index, image: ImageRecord, names: readonly ImageName[], revise: Revise): MovedName[] {
  const moved: MovedName[] = [];
  for (const name of names) {
    for (const other of holdersOf(index, image, name)) {
      renameImage(index, other, withoutName(other, name), revise);
      moved.push({ ...name, from: other.key });
    }
  }
  return moved;
}

/** The image's record without the names that another image of its platform has. */
export function withoutTaken(index: Index, image: ImageRecord): ImageRecord {
  const isTaken = (name: ImageName): boolean => holdersOf(index, image, name).length > 0;
  return image.format === 'aci' ? image : referencesOf(image).filter(isTaken).reduce(withoutName, image);
}

/** Records an image under other names than before. */
export function renameImage(index: Index, before: ImageRecord, after: ImageRecord, revise: Revise): ImageRecord {
  removeNames(index, before);
  const revised = revise(after);
  putImage(index, revised);
  return revised;
}

/** The images that would lose a name to this one. */
function holdersOf(index: Index, image: ImageRecord, name: ImageName): ImageRecord[] {
  return imagesNamed(index, name.name).filter((other) => {
    if (other.key === image.key || !isSamePlatform(other, image)) return false;
    if (other.format === 'aci' && isSameName(other, name)) return false;
    return referencesOf(other).some((each) => isSameName(each, name));
  });
}

function isSamePlatform({ platform: a }: ImageRecord, { platform: b }: ImageRecord): boolean {
  if (a === undefined || b === undefined) return true;
  return a.os === b.os && a.architecture === b.architecture && a.variant === b.variant;
}
