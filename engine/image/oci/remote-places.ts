/**
 * Where a store's remote has images. All lie in one repository, tagged with their keys and digests, so that a blob is
 * there once. Names are tags of repositories that are called like them, as far as a registry can call one so.
 */
import { hash } from 'node:crypto';
import { CairnError } from '../../core/errors.js';
import { hexOf, type Key } from '../../core/key.js';
import type { Label } from '../label.js';
import { isRegistryReference } from './reference.js';
import {
  REGISTRY_SCHEME,
  type RegistryReference,
  readRegistryReference,
  type TaggedReference,
} from './registry-reference.js';

/** The repository with all images, by their keys and digests. */
export const SHELF = 'cairn-images';
/** The repository with images by the hashes of their names. */
export const OTHER_NAMES = 'cairn-names';

/** @throws CairnError `ERR_USAGE` for what is no `docker://HOST/PREFIX` */
export function parseRemote(text: string): RegistryReference {
  const plain = text.startsWith(REGISTRY_SCHEME) ? text.slice(REGISTRY_SCHEME.length).replace(/\/$/, '') : '';
  const read = readRegistryReference(plain);
  if (read !== undefined && read.tag === undefined && read.digest === undefined) return read;
  throw new CairnError('ERR_USAGE', `not a place for images: ${text}: must be docker://HOST/PREFIX, without a tag`);
}

/** A tag has room for the 128 digits of a key, and for nothing more. */
export function placeOfKey(remote: RegistryReference, key: Key): TaggedReference {
  return { host: remote.host, repository: `${remote.repository}/${SHELF}`, tag: hexOf(key) };
}

/** @param digest `sha256:` and 64 digits */
export function placeOfDigest(remote: RegistryReference, digest: string): TaggedReference {
  return { host: remote.host, repository: `${remote.repository}/${SHELF}`, tag: digest.replace(':', '-') };
}

/**
 * A name with a port, an ACI's with labels beside its version, and whatever else no registry can call a repository or
 * tag, has a place under its hash.
 */
export function placeOfName(
  remote: RegistryReference,
  { name, labels }: { name: string; labels: readonly Label[] },
): TaggedReference {
  const { host, repository: prefix } = remote;
  const version = labels.find((label) => label.name === 'version')?.value ?? 'latest';
  const isPlain = labels.every((label) => label.name === 'version') && /^[a-z0-9._/-]+$/.test(name);
  const repository = `${prefix}/${name}`;
  if (isPlain && isRegistryReference(`${host}/${repository}:${version}`)) return { host, repository, tag: version };
  const pairs = labels.map((label) => [label.name, label.value]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  const text = JSON.stringify([name, pairs]);
  return { host, repository: `${prefix}/${OTHER_NAMES}`, tag: hash('sha256', text) };
}
