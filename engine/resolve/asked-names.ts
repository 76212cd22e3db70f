/** By which names a store asks its remote for an image. */
import { findNamed, lookupIn, referencesOf } from '../index/images.js';
import type { Index } from '../index/open.js';
import type { ImageName, ImageRecord } from '../index/records.js';

/** The image's names, without an ACI's labels too, and without a tag if that means this image here. */
export function askedNamesOf(index: Index, image: ImageRecord): ImageName[] {
  return referencesOf(image).flatMap(({ name, labels }) => {
    const version = labels.filter((label) => label.name === 'version');
    const isDefault = findNamed(lookupIn(index), name, [])?.key === image.key;
    const isLatest = findNamed(lookupIn(index), name, [{ name: 'version', value: 'latest' }]) === undefined;
    const short = version.length === labels.length ? [] : [{ name, labels: version }];
    return [{ name, labels }, ...short, ...(isDefault && isLatest ? [{ name, labels: [] }] : [])];
  });
}
