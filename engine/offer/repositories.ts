/**
 * How images are addressed as those of a registry: `NAME:TAG` is the tag TAG of the repository NAME. What no registry
 * could call so is reached below `cairn/`, where other stores look for all images, by keys, digests and hashed names.
 */
import { MAX_REFERENCE_NAME } from '../core/limits.js';
import { isLayoutName, parseLayoutName } from '../image/oci/reference.js';
import { OTHER_NAMES, parseRemote, placeOfName, SHELF } from '../image/oci/remote-places.js';
import { allImages, findNamed, imagesNamed, referencesOf } from '../index/images.js';
import type { Index } from '../index/open.js';
import type { ImageName, ImageRecord } from '../index/records.js';
import { askedNamesOf } from '../resolve/asked-names.js';

/** `docker://HOST/cairn` is what `--remote` is given. */
const PREFIX = 'cairn';
const PART = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
/** OCI distribution spec, pulling manifests. */
const REPOSITORY = new RegExp(`^${PART}(?:/${PART})*$`);
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
/** A registry's host, as the query parameter `ns` has it. */
const HOST = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,253}[a-zA-Z0-9])?|\[[0-9a-fA-F:]{2,45}\])(?::[0-9]{1,5})?$/;

/** A repository as a client asks for it. */
export interface AskedRepository {
  name: string;
  /** The registry that the client has in mind, when this one stands in for it. */
  ns?: string | undefined;
}

/** `named`: the images of one name. `keys`: all images, by key and digest. `names`: all images, by hashes of names. */
export type Repository =
  | { kind: 'named'; name: string; images: readonly ImageRecord[]; isRemote: boolean }
  | { kind: 'keys' }
  | { kind: 'names' };

export function isRepositoryName(text: string): boolean {
  return text.length <= MAX_REFERENCE_NAME && REPOSITORY.test(text);
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

export function isNamespace(text: string): boolean {
  return HOST.test(text);
}

/** @returns `undefined` for a repository that is not here */
export function findRepository(index: Index, { name, ns }: AskedRepository): Repository | undefined {
  if (!isRepositoryName(name) || (ns !== undefined && !isNamespace(ns))) return undefined;
  // Images of Docker Hub are called without it here, and its mirrors are asked without it.
  const texts = ns === undefined ? [name, `docker.io/${name}`] : [`${ns}/${name}`];
  for (const text of texts) {
    const found = namedRepository(index, text, false);
    if (found !== undefined) return found;
  }
  if (ns !== undefined || !name.startsWith(`${PREFIX}/`)) return undefined;
  const rest = name.slice(PREFIX.length + 1);
  if (rest === SHELF) return { kind: 'keys' };
  if (rest === OTHER_NAMES) return { kind: 'names' };
  return namedRepository(index, rest, true);
}

function namedRepository(index: Index, text: string, isRemote: boolean): Repository | undefined {
  const name = isLayoutName(text) ? parseLayoutName(text).name : text;
  const images = imagesNamed(index, name);
  return images.length === 0 ? undefined : { kind: 'named', name, images, isRemote };
}

/**
 * The images that a tag means: one, or several for different platforms.
 * @returns none for a tag that is not there
 */
export function imagesTagged(index: Index, repository: Repository, tag: string): readonly ImageRecord[] {
  if (!isTag(tag)) return [];
  if (repository.kind === 'keys') return present([imageOfKeyTag(index, tag)]);
  if (repository.kind === 'names') return present([imageOfNameTag(index, tag)]);
  const { name, images, isRemote } = repository;
  const tagged = images.filter((image) => namesIn(image, name).some((each) => tagOf(each) === tag));
  const oci = tagged.filter(({ format }) => format === 'oci');
  if (oci.length > 0) return oci;
  // Of several ACIs it is the one that their name means. Without a tag that is there, `latest` asks for just that.
  const among = tagged.length > 0 ? tagged : tag === 'latest' ? images : [];
  const meant = findNamed({ named: () => among }, name, []);
  return present([meant?.format === 'aci' || isRemote ? meant : undefined]);
}

function present(images: readonly (ImageRecord | undefined)[]): ImageRecord[] {
  return images.filter((image) => image !== undefined);
}

/** All tags, in order. Images are not listed under their keys, nor under hashes of names. */
export function tagsIn(repository: Repository): string[] {
  if (repository.kind !== 'named') return [];
  const { name, images } = repository;
  const tags = images.flatMap((image) => namesIn(image, name).map(tagOf)).filter(isTag);
  return [...new Set(tags)].sort();
}

/** The repositories that a registry could have, in order, behind the one that was told last. */
export function* repositoriesAfter(index: Index, last: string | undefined): Generator<string> {
  let before = last;
  // Read at once: a row at a time would keep this moment's index for as long as the caller takes.
  for (const [name] of [...index.names.keys(last === undefined ? {} : { start: [last, ''] })]) {
    if (name === before || !isRepositoryName(name)) continue;
    before = name;
    yield name;
  }
}

function namesIn(image: ImageRecord, name: string): ImageName[] {
  return referencesOf(image).filter((each) => each.name === name);
}

function tagOf({ labels }: ImageName): string {
  return labels.find((label) => label.name === 'version')?.value ?? 'latest';
}

/** As `placeOfKey` and `placeOfDigest` write it. */
function imageOfKeyTag(index: Index, tag: string): ImageRecord | undefined {
  if (/^[0-9a-f]{128}$/.test(tag)) return index.image(`sha512-${tag}`);
  if (!/^sha256-[0-9a-f]{64}$/.test(tag)) return undefined;
  const key = index.digests.get(tag.replace('-', ':'));
  return key === undefined ? undefined : index.image(key);
}

interface HashedNames {
  commit: string;
  keys: ReadonlyMap<string, ImageRecord['key']>;
}

const hashed = new WeakMap<Index, HashedNames>();
const REMOTE = parseRemote(`docker://localhost/${PREFIX}`);

/** As `placeOfName` writes it. A hash does not tell its name, so those of all names are made once for each commit. */
function imageOfNameTag(index: Index, tag: string): ImageRecord | undefined {
  const commit = index.lastCommit;
  let known = hashed.get(index);
  if (known?.commit !== commit) {
    const keys = new Map<string, ImageRecord['key']>();
    for (const image of [...allImages(index)]) {
      for (const name of askedNamesOf(index, image)) {
        const place = placeOfName(REMOTE, name);
        if (place.repository === `${PREFIX}/${OTHER_NAMES}`) keys.set(place.tag, image.key);
      }
    }
    known = { commit, keys };
    hashed.set(index, known);
  }
  const key = known.keys.get(tag);
  return key === undefined ? undefined : index.image(key);
}
