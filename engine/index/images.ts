/** Images in the index: by key, by digest, by name. */
import { hash } from 'node:crypto';
import { type HashPrefix, hexRange, type Key, keyBytes, keyOf } from '../key.js';
import type { Label } from '../name.js';
import type { Index } from './open.js';
import type { ImageRecord } from './records.js';

/** Names may be long; LMDB keys may not. */
const MAX_NAME_KEY = 1000;

function nameKey(name: string): string {
  return name.length > MAX_NAME_KEY ? `#${hash('sha512', name)}` : name;
}

export function putImage(index: Index, image: ImageRecord): void {
  index.images.put(keyBytes(image.key), image);
  index.names.put([nameKey(image.name), image.key], true);
}

export function removeImageRecord(index: Index, image: ImageRecord): void {
  index.images.remove(keyBytes(image.key));
  index.names.remove([nameKey(image.name), image.key]);
}

export function* allImages(index: Index): Generator<ImageRecord> {
  for (const { value } of index.images.getRange()) yield value;
}

/** Images whose key, or one of whose digests, begins like this; at most `limit`. An ordered range scan. */
export function imagesByHash(index: Index, prefix: HashPrefix, limit: number): Map<Key, string> {
  const found = new Map<Key, string>();
  if (prefix.kind === 'key') {
    const { start, end } = hexRange(prefix.hex);
    for (const key of index.images.getKeys({ start, end, inclusiveEnd: true, limit })) {
      found.set(keyOf(key), keyOf(key));
    }
    return found;
  }
  const { start, end } = hexRange(prefix.hex, 32);
  for (const { key, value } of index.digests.getRange({ start, end, inclusiveEnd: true, limit })) {
    found.set(value, `sha256:${key.toString('hex')}`);
  }
  return found;
}

/** All images of exactly this name. */
export function imagesNamed(index: Index, name: string): ImageRecord[] {
  const first = nameKey(name);
  const found: ImageRecord[] = [];
  for (const [, key] of index.names.getKeys({ start: [first, ''], end: [first, '\uffff'] })) {
    const image = index.image(key);
    if (image !== undefined && image.name === name) found.push(image);
  }
  return found;
}

/**
 * The image of this name that holds every label: with no version asked, `latest` ones win, then the newest import.
 */
export function findNamed(index: Index, name: string, labels: readonly Label[]): ImageRecord | undefined {
  const versioned = labels.some((label) => label.name === 'version');
  const candidates = imagesNamed(index, name).filter((image) => labels.every((label) => holds(image, label)));
  return candidates.reduce<ImageRecord | undefined>((best, image) => {
    if (best === undefined) return image;
    if (!versioned && image.latest !== best.latest) return image.latest ? image : best;
    return image.importTime > best.importTime ? image : best;
  }, undefined);
}

function holds(image: ImageRecord, wanted: Label): boolean {
  return image.labels.some(({ name, value }) => name === wanted.name && value === wanted.value);
}
