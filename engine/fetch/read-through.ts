/** Fills a store from its remote: an image that is missing here, or lacks parts, comes from there, and is checked. */

import { defined } from '../core/defined.js';
import { CairnError, isCairnError } from '../core/errors.js';
import { type Key, parseHashPrefix } from '../core/key.js';
import { type AciArtifact, parseAciArtifact } from '../image/aci/artifact.js';
import {
  formatRegistryReference,
  REGISTRY_SCHEME,
  type RegistryReference,
  type TaggedReference,
} from '../image/oci/registry-reference.js';
import { parseRemote, placeOfDigest, placeOfKey, placeOfName } from '../image/oci/remote-places.js';
import type { ImageRecord } from '../index/records.js';
import { isComplete } from '../resolve/completeness.js';
import { listedStackOf } from '../resolve/layer-stack.js';
import { parseName, type WantedName } from '../resolve/name.js';
import type { StoreContext } from '../session/context.js';
import { BlobDownloads } from './blob-downloads.js';
import { fetchRegistryImage, type RegistryRequest } from './fetch-registry.js';
import type { Fetching } from './fetching.js';
import { type OpenedImage, openImage } from './open-image.js';
import { lockBlobs } from './partial-files.js';

/** Whether all that a tree of the image is made of is here, its dependencies included. */
export function isWholeHere(store: StoreContext, image: ImageRecord): boolean {
  try {
    return listedStackOf(store, image).nodes.every((node) => isComplete(store.index, node.image));
  } catch (error) {
    if (isCairnError(error)) return false;
    throw error;
  }
}

/**
 * Brings the image that an argument means. The argument is resolved anew after that: what came may be another's.
 * @returns whether the remote had any
 * @throws CairnError `ERR_NETWORK`, …; `ERR_DIGEST_MISMATCH` for what is not what it was asked for as
 */
export async function bringMeant(fetching: Fetching, remote: string, argument: string, options: RegistryRequest) {
  const prefix = parseRemote(remote);
  for (const { place, request } of placesMeant(prefix, argument)) {
    if (await bring(fetching, prefix, place, { ...options, ...request })) return true;
  }
  return false;
}

/** Brings an image of the index, and what it depends on, as far as it is not here. @returns as {@link bringMeant} */
export async function bringKey(fetching: Fetching, remote: string, key: Key, options: RegistryRequest) {
  const prefix = parseRemote(remote);
  return bring(fetching, prefix, placeOfKey(prefix, key), { ...options, nameless: true, expect: key });
}

interface Meant {
  place: TaggedReference;
  request: RegistryRequest;
}

/** Only whole keys and digests can be asked for. */
function placesMeant(prefix: RegistryReference, argument: string): Meant[] {
  const hash = parseHashOrNone(argument);
  if (hash?.full === true) {
    const text = hash.kind === 'key' ? (`sha512-${hash.hex}` as const) : `sha256:${hash.hex}`;
    const place = hash.kind === 'key' ? placeOfKey(prefix, text as Key) : placeOfDigest(prefix, text);
    return [{ place, request: { nameless: true, expect: text } }];
  }
  const plain = argument.startsWith(REGISTRY_SCHEME) ? argument.slice(REGISTRY_SCHEME.length) : argument;
  const wanted = parseNameOrNone(plain);
  if (hash !== undefined || wanted === undefined) return [];
  if (wanted.digest !== undefined)
    return [{ place: placeOfDigest(prefix, wanted.digest), request: { nameless: true, expect: wanted.digest } }];
  const version = wanted.labels.find((label) => label.name === 'version');
  const short = { name: wanted.name, labels: version === undefined ? [] : [version] };
  const name = `${wanted.name}:${version?.value ?? 'latest'}`;
  const places = wanted.labels.length === short.labels.length ? [short] : [wanted, short];
  return places.map((each) => ({ place: placeOfName(prefix, each), request: { name } }));
}

function parseHashOrNone(argument: string) {
  try {
    return parseHashPrefix(argument);
  } catch {
    return undefined;
  }
}

function parseNameOrNone(text: string): WantedName | undefined {
  try {
    return parseName(text);
  } catch {
    return undefined;
  }
}

async function bring(
  fetching: Fetching,
  prefix: RegistryReference,
  place: TaggedReference,
  options: RegistryRequest,
): Promise<boolean> {
  const ref = `${REGISTRY_SCHEME}${formatRegistryReference(place)}`;
  let opened: OpenedImage;
  try {
    opened = await openImage(fetching, ref, options.signal);
  } catch (error) {
    if (isCairnError(error, 'ERR_NOT_FOUND')) return false;
    throw error;
  }
  const aci = parseAciArtifact(opened.top.bytes, fetching.store.limits);
  if (aci === undefined) await fetchRegistryImage(fetching, ref, options);
  else await bringAci(fetching, prefix, { opened, aci, ref }, options);
  return true;
}

interface Artifact {
  opened: OpenedImage;
  aci: AciArtifact;
  ref: string;
}

/** Dependencies come first, so that an ACI that is here can be rendered. */
async function bringAci(
  fetching: Fetching,
  prefix: RegistryReference,
  { opened, aci, ref }: Artifact,
  options: RegistryRequest,
): Promise<void> {
  const isHere = (key: Key): boolean => isArchiveHere(fetching.store, key);
  // All dependencies are listed, so none of them needs to list its own.
  for (const key of aci.dependencies) {
    if (isHere(key) || key === aci.key) continue;
    const place = placeOfKey(prefix, key);
    const dependency = await openImage(fetching, `${REGISTRY_SCHEME}${formatRegistryReference(place)}`, options.signal);
    const artifact = parseAciArtifact(dependency.top.bytes, fetching.store.limits);
    if (artifact?.key !== key)
      throw new CairnError('ERR_DIGEST_MISMATCH', `${ref}: its dependency ${key} is another's`);
    await fetchArchive(fetching, { opened: dependency, aci: artifact, ref }, options);
  }
  if (options.expect !== undefined && options.expect !== aci.key)
    throw new CairnError('ERR_DIGEST_MISMATCH', `${ref} is ${aci.key}`, { expected: options.expect, found: aci.key });
  if (!isHere(aci.key)) await fetchArchive(fetching, { opened, aci, ref }, options);
}

function isArchiveHere({ index }: StoreContext, key: Key): boolean {
  const image = index.image(key);
  return image !== undefined && isComplete(index, image);
}

async function fetchArchive(fetching: Fetching, { opened, aci, ref }: Artifact, { signal }: RegistryRequest) {
  const { store, policy, meter } = fetching;
  const { reference, repository, top } = opened;
  const signature = await policy.verify(reference, repository, [top.digest]);
  const held = await lockBlobs(store, [aci.archive.digest], signal);
  const downloads = new BlobDownloads(fetching, repository);
  try {
    // Whoever held the lock may have brought the image.
    store.index.refresh();
    if (isArchiveHere(store, aci.key)) return;
    const archive = downloads.open(aci.archive.digest, aci.archive.size);
    const open = async () => ({ kind: 'aci', ...archive, fingerprint: undefined }) as const;
    const request = { expect: aci.key, onProgress: meter.importing, ...defined({ signal, signature }) };
    await fetching.importSource({ source: ref, open }, request);
    // The next holder of the lock begins its own file.
    await downloads.end();
  } catch (error) {
    throw await downloads.end(error);
  } finally {
    held.release();
  }
}
