/** Pushes an image to a registry: only what the registry lacks is sent, and what it has elsewhere is mounted. */
import * as fs from 'node:fs';
import { discard } from '../content/delete.js';
import { eachOf } from '../core/concurrency.js';
import { CairnError, isCairnError } from '../core/errors.js';
import type { OperationOptions } from '../core/operation.js';
import {
  formatRegistryReference,
  parseRegistryReference,
  type TaggedReference,
} from '../image/oci/registry-reference.js';
import { imagesWithLayer, referencesOf } from '../index/images.js';
import type { ImageRecord } from '../index/records.js';
import type { Repository } from '../remote/registry.js';
import type { Outgoing } from '../remote/upload.js';
import type { Fetching } from './fetching.js';
import type { Insecure } from './options.js';
import { type OutgoingBlob, outgoingImage } from './outgoing-image.js';

export interface PushOptions extends OperationOptions {
  /** Checks that are left out. */
  insecure?: readonly Insecure[];
  /** A file with credentials that is asked before all others, in place of podman's own. */
  authfile?: string;
}

export interface Pushed {
  /** In full, with the tag. */
  ref: string;
  digest: string;
  /** Bytes of blobs that were sent. */
  pushedBytes: number;
  /** Bytes of blobs that the registry took from another of its repositories. */
  mountedBytes: number;
  /** Bytes of blobs that were there. */
  presentBytes: number;
  /** The digest is that of the import: the archives were kept. Else the layers were compressed anew. */
  original: boolean;
}

/** Blobs that are sent at a time. */
const AT_A_TIME = 4;
/** Repositories that are asked for a blob before it is sent. */
const MOUNT_TRIES = 3;

/**
 * @throws CairnError `ERR_USAGE` for a digest as target, `ERR_UNAUTHORIZED`, `ERR_NETWORK`, `ERR_HTTP`, `ERR_POLICY`,
 * `ERR_DAMAGED`
 */
export async function pushImage(
  fetching: Fetching,
  image: ImageRecord,
  target: string,
  options: PushOptions,
): Promise<Pushed> {
  const reference = parseRegistryReference(target);
  const { tag } = reference;
  if (tag === undefined) throw new CairnError('ERR_USAGE', `${target}: a push needs a tag, not a digest`);
  const [pushed] = await pushTo(fetching, image, () => [{ ...reference, tag }], options);
  return pushed as Pushed;
}

/**
 * Pushes an image to several places of a registry. What the first has got the others take from there.
 * @param placesFor told whether the digest is that of the import
 * @param make gives the image the form in which it is sent
 * @throws as {@link pushImage} does
 */
export async function pushTo(
  fetching: Fetching,
  image: ImageRecord,
  placesFor: (original: boolean) => readonly TaggedReference[],
  options: PushOptions,
  make: typeof outgoingImage = outgoingImage,
): Promise<Pushed[]> {
  const { store, registries } = fetching;
  const staging = store.staging.make();
  try {
    const outgoing = await make(store, image, staging, options);
    const { digest } = outgoing.manifest;
    // An ACI's bytes are given back, whatever they are packed with.
    const original = image.format === 'aci' || image.digest === digest;
    const done: Pushed[] = [];
    const siblings = new Set<string>();
    for (const place of placesFor(original)) {
      const repository = await registries.target(place, options.signal);
      const sent = new Sending(repository, options, [...siblings, ...siblingsOf(fetching, image, place.host)]);
      await eachOf(outgoing.blobs, AT_A_TIME, (blob) => sent.send(blob));
      await repository.putManifest(place.tag, outgoing.manifest);
      siblings.add(repository.name);
      done.push({ ref: formatRegistryReference(place), digest, ...sent.bytes, original });
    }
    return done;
  } finally {
    await discard(store, [staging]);
  }
}

/** Repositories of the registry that may have layers of an image: those of images here that have layers in common. */
function siblingsOf({ store: { index } }: Fetching, image: ImageRecord, host: string): string[] {
  const siblings = new Set<string>();
  for (const layer of new Set(image.layers)) {
    for (const { name } of imagesWithLayer(index, layer).flatMap(referencesOf)) {
      const reference = referenceOrNone(name);
      if (reference?.host === host) siblings.add(reference.repository);
    }
  }
  return [...siblings];
}

function referenceOrNone(name: string) {
  try {
    return parseRegistryReference(name);
  } catch (error) {
    if (isCairnError(error)) return undefined;
    throw error;
  }
}

class Sending {
  readonly bytes = { pushedBytes: 0, mountedBytes: 0, presentBytes: 0 };
  readonly #repository: Repository;
  readonly #options: PushOptions;
  readonly #siblings: readonly string[];
  readonly #sent = new Map<string, number>();
  #total = 0;

  constructor(repository: Repository, options: PushOptions, siblings: readonly string[]) {
    this.#repository = repository;
    this.#options = options;
    this.#siblings = siblings.filter((each) => each !== repository.name).slice(0, MOUNT_TRIES);
  }

  async send(blob: OutgoingBlob): Promise<void> {
    const { digest, size } = blob;
    this.#total += size;
    if (await this.#repository.has(digest)) this.bytes.presentBytes += size;
    else if (await this.#mount(blob)) this.bytes.mountedBytes += size;
    else {
      await this.#repository.upload(this.#outgoing(blob));
      this.bytes.pushedBytes += size;
    }
    this.#tell(digest, size);
  }

  async #mount({ digest, isLayer }: OutgoingBlob): Promise<boolean> {
    if (!isLayer) return false;
    for (const from of this.#siblings) if (await this.#repository.mount(digest, from)) return true;
    return false;
  }

  #outgoing({ digest, size, path }: OutgoingBlob): Outgoing {
    return {
      digest,
      size,
      open: (from, to) => fs.createReadStream(path, { start: from, end: to - 1 }),
      onBytes: (sent) => this.#tell(digest, sent),
    };
  }

  #tell(digest: string, sent: number): void {
    this.#sent.set(digest, sent);
    const done = [...this.#sent.values()].reduce((sum, each) => sum + each, 0);
    this.#options.onProgress?.({
      what: `pushing to ${this.#repository.shown}`,
      unit: 'bytes',
      done,
      total: this.#total,
    });
  }
}
