/** Images in the index: by key, by digest, by name. */
import { hash } from 'node:crypto';
import { defined } from '../core/defined.js';
import { type HashPrefix, hashRange, type Key } from '../core/key.js';
import { formatAppString } from '../image/aci/names.js';
import type { Label } from '../image/label.js';
import { hostPlatform, isPlatform } from '../image/oci/platform.js';
import type { Index } from './open.js';
import type { ImageName, ImageRecord } from './records.js';
import type { Range } from './table.js';

/** Names may be long; LMDB keys may not. */
const LONGEST_NAME_KEY = 1000;

function nameKey(name: string): string {
  return name.length > LONGEST_NAME_KEY ? `#${hash('sha512', name)}` : name;
}

export function putImage(index: Index, image: ImageRecord): void {
  index.images.put(image.key, image);
  for (const { name } of referencesOf(image)) index.names.put([nameKey(name), image.key], true);
}

/** Records an image, and the digests of its documents as meaning it. */
export function rememberImage(index: Index, image: ImageRecord): void {
  putImage(index, image);
  for (const digest of image.digests ?? []) index.digests.put(digest, image.key);
}

export function removeImageRecord(index: Index, image: ImageRecord): void {
  index.images.remove(image.key);
  removeNames(index, image);
  for (const digest of image.digests ?? []) index.digests.remove(digest);
}

export function removeNames(index: Index, image: ImageRecord): void {
  for (const { name } of referencesOf(image)) index.names.remove([nameKey(name), image.key]);
}

type Named = Pick<ImageRecord, 'name' | 'labels' | 'aliases' | 'unnamed'>;

/** All names of an image, each with its labels; none for an image that came without a name, or has lost it. */
export function referencesOf(image: Named): ImageName[] {
  const own = image.unnamed === true ? [] : [{ name: image.name, labels: image.labels }];
  return [...own, ...(image.aliases ?? [])].filter(({ name }) => name !== '');
}

/** Labels that an image has by its platform, whatever its name. */
export function platformLabels({ platform }: Pick<ImageRecord, 'platform'>): Label[] {
  if (platform === undefined) return [];
  const { os, architecture, variant } = platform;
  return Object.entries(defined({ os, arch: architecture, variant })).map(([name, value]) => ({ name, value }));
}

/** The blobs that an image needs besides its layers. */
export function blobsOf(image: ImageRecord): Key[] {
  const { manifest, config, archives = [], document } = image;
  return [
    manifest,
    ...(config === undefined ? [] : [config]),
    ...archives,
    ...(document === undefined ? [] : [document]),
  ];
}

/** Images that have the layer with this key. */
export function imagesWithLayer(index: Index, layer: Key): ImageRecord[] {
  return [...allImages(index)].filter((image) => image.layers.includes(layer));
}

export function* allImages(index: Index): Generator<ImageRecord> {
  yield* index.images.values();
}

/**
 * Images that this hash means: by their own key or digest, or by that of a layer, which several images may have. An
 * ordered range scan, which reads at most `limit` hashes of each kind.
 * @returns the key of each image with the hash that was found
 */
export function imagesByHash(index: Index, prefix: HashPrefix, limit: number): Map<Key, string> {
  const found = new Map<Key, string>();
  const add = (key: Key, hash: string): void => {
    if (index.image(key) !== undefined) found.set(key, hash);
    else
      for (const image of imagesWithLayer(index, key)) found.set(image.key, prefix.kind === 'key' ? image.key : hash);
  };
  const range = { ...hashRange(prefix), inclusiveEnd: true, limit };
  if (prefix.kind === 'digest') {
    for (const { key: digest, value: key } of index.digests.entries(range)) add(key, digest);
    return found;
  }
  for (const key of index.images.keys(range as Range<Key>)) add(key, key);
  if (found.size === 0) for (const key of index.layers.keys(range as Range<Key>)) add(key, key);
  return found;
}

/** All images of exactly this name. */
export function imagesNamed(index: Index, name: string): ImageRecord[] {
  const first = nameKey(name);
  const found: ImageRecord[] = [];
  for (const [, key] of index.names.keys({ start: [first, ''], end: [first, '\uffff'] })) {
    const image = index.image(key as Key);
    if (image !== undefined && referencesOf(image).some((each) => each.name === name)) found.push(image);
  }
  return found;
}

/** Ways to find images: in the index itself, or in a {@link Catalogue} of it. */
export interface ImageLookup {
  image(key: Key): ImageRecord | undefined;
  /** All images of exactly this name. */
  named(name: string): readonly ImageRecord[];
  /** See {@link imagesByHash}. */
  byHash(prefix: HashPrefix, limit: number): Map<Key, string>;
  /** Whether a name may lead to this image. Without this method a name may lead to any image. */
  isReadable?(image: ImageRecord): boolean;
}

export function lookupIn(index: Index): ImageLookup {
  return {
    image: (key) => index.image(key),
    named: (name) => imagesNamed(index, name),
    byHash: (prefix, limit) => imagesByHash(index, prefix, limit),
  };
}

/**
 * The image of this name that holds every label. Images for the platform of this machine come first. If no version is
 * asked for, `latest` images win then. Then the image wins that was imported, or was given the name, last. An
 * unreadable image is passed over, unless there is no other.
 */
export function findNamed(
  images: Pick<ImageLookup, 'named' | 'isReadable'>,
  name: string,
  labels: readonly Label[],
): ImageRecord | undefined {
  const versioned = labels.some((label) => label.name === 'version');
  const wanted = { name, labels };
  const candidates = images.named(name).filter((image) => namesMeant(image, wanted).length > 0);
  const since = ({ importTime, given = [] }: ImageRecord): number =>
    Math.max(
      importTime,
      ...given.filter((each) => each.name === name && holdsAll(each.labels, labels)).map(({ at }) => at),
    );
  const hostFirst = (a: ImageRecord, b: ImageRecord): number => Number(isForHost(b)) - Number(isForHost(a));
  const latestFirst = (a: ImageRecord, b: ImageRecord): number => (versioned ? 0 : Number(b.latest) - Number(a.latest));
  candidates.sort((a, b) => hostFirst(a, b) || latestFirst(a, b) || since(b) - since(a));
  return candidates.find((image) => images.isReadable?.(image) ?? true) ?? candidates[0];
}

const HOST = hostPlatform(process.arch, process.platform);

/** Whether an image is for the platform of this machine, as far as it says. */
export function isForHost({ platform }: Pick<ImageRecord, 'platform'>): boolean {
  return platform === undefined || isPlatform(platform, HOST);
}

/** The names of an image that are this name and, with the labels of its platform, hold every label. */
export function namesMeant(
  image: ImageRecord,
  { name, labels }: { name: string; labels: readonly Label[] },
): ImageName[] {
  const byPlatform = platformLabels(image);
  const own = labels.filter((label) => !byPlatform.some((each) => each.name === label.name));
  if (
    own.length < labels.length &&
    !holdsAll(
      byPlatform,
      labels.filter((label) => !own.includes(label)),
    )
  )
    return [];
  return referencesOf(image).filter((each) => each.name === name && holdsAll(each.labels, own));
}

/** Values of labels by name, made once for each image: manifests may have many labels, and many dependencies. */
const valuesOf = new WeakMap<readonly Label[], ReadonlyMap<string, string>>();

/** Whether an image has all wanted labels. The names of its own labels are unique. */
export function holdsAll(labels: readonly Label[], wanted: readonly Label[]): boolean {
  if (wanted.length === 0) return true;
  let values = valuesOf.get(labels);
  if (values === undefined) {
    values = new Map(labels.map(({ name, value }) => [name, value]));
    valuesOf.set(labels, values);
  }
  return wanted.every(({ name, value }) => values.get(name) === value);
}

/** How people call an image. An image without a name is called by its key. */
export function titleOf(image: Named & Pick<ImageRecord, 'key'>): string {
  const [first] = referencesOf(image);
  return first === undefined ? image.key : shortName(first);
}

/** A name with its version, `name[:version]`, as arguments have it. */
export function shortName({ name, labels }: { name: string; labels: readonly Label[] }): string {
  return formatAppString(
    name,
    labels.filter((label) => label.name === 'version'),
  );
}
