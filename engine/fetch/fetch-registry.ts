/**
 * Fetches an image of a registry: its documents first, then the layers that the store lacks, which are read as they
 * come.
 */
import { defined } from '../core/defined.js';
import type { Lock } from '../disk/lock.js';
import { hostPlatform, parsePlatform } from '../image/oci/platform.js';
import { formatRegistryReference, REGISTRY_SCHEME, type RegistryReference } from '../image/oci/registry-reference.js';
import type { OpenableSource } from '../import/index.js';
import { findLayer } from '../import/oci.js';
import { type ChosenImage, chooseImages } from '../import/source/choose-image.js';
import type { Container } from '../import/source/container.js';
import type { VerifiedSignature } from '../index/records.js';
import { signatureOf } from '../index/signature.js';
import { BlobDownloads } from './blob-downloads.js';
import type { Fetching } from './fetching.js';
import { type OpenedImage, openImage, sourceOf } from './open-image.js';
import type { Fetched, FetchOptions } from './options.js';
import { lockBlobs } from './partial-files.js';
import { RegistryContainer } from './registry-container.js';

export interface RegistryRequest extends FetchOptions {
  /** The image gets no name from where it comes from. */
  nameless?: boolean;
}

/** What the store calls the image: nothing if it is asked for by its digest alone. */
export function nameInStore({ digest: _digest, ...reference }: RegistryReference): string | undefined {
  return reference.tag === undefined ? undefined : formatRegistryReference(reference);
}

/**
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_UNAUTHORIZED`, `ERR_NETWORK`, `ERR_DIGEST_MISMATCH`, as a policy's verdict
 * does, and as an import does
 */
export async function fetchRegistryImage(fetching: Fetching, ref: string, options: RegistryRequest): Promise<Fetched> {
  const opened = await openImage(fetching, ref, options.signal);
  const { imported, downloads, signature } = await importOpened({ fetching, ref, opened }, options);
  const { downloadedBytes, resumedBytes } = downloads;
  const url = `${REGISTRY_SCHEME}${sourceOf(opened)}`;
  return { ...imported, ref, url, downloadedBytes, resumedBytes, signature: signatureOf(defined({ signature })) };
}

/** Imports the image, and once more if what earlier fetches left here was not the beginning of its blobs. */
async function importOpened(parts: Omit<Parts, 'downloads'>, options: RegistryRequest) {
  const { fetching, ref, opened } = parts;
  const { store, meter } = fetching;
  for (let isFirst = true; ; isFirst = false) {
    const downloads = new BlobDownloads(fetching, opened.repository);
    const chosen = await choose({ ...parts, downloads }, options);
    const { signature } = chosen;
    const opening = new Opening(fetching, ref, chosen, options);
    try {
      const request = { ...requestOf(options), onProgress: meter.importing, ...defined({ signature }) };
      const imported = await fetching.importSource(opening.source, request);
      await downloads.end();
      return { imported, downloads, signature };
    } catch (error) {
      const reason = await downloads.end(error);
      if (!isFirst || !downloads.isMisled(reason)) throw reason;
      store.notice(`${ref}: what an earlier fetch left of it is damaged; all of it is fetched again`);
    } finally {
      opening.release();
    }
  }
}

/** Archives are kept where that costs no second transfer; on request all are. */
function requestOf({ keepArchive, signal, latest, expect, name, platform }: RegistryRequest) {
  const options = defined({ signal, latest, expect, name, platform });
  return { ...options, keepArchive: keepArchive !== false, spareLayers: keepArchive === undefined };
}

interface Chosen {
  container: Container;
  images: ChosenImage[];
  /** What was verified, if anything had to be. */
  signature: VerifiedSignature | undefined;
}

interface Parts {
  fetching: Fetching;
  ref: string;
  opened: OpenedImage;
  downloads: BlobDownloads;
}

/** Reads the documents of the image for this platform, once the policy accepts it. */
async function choose({ fetching, ref, opened, downloads }: Parts, options: RegistryRequest): Promise<Chosen> {
  const { store, policy } = fetching;
  const { reference, repository, top } = opened;
  const name = options.nameless === true ? undefined : nameInStore(reference);
  const container = new RegistryContainer({ shown: ref, repository, top, name }, downloads, store.limits);
  const { platform: asked } = options;
  const platform = asked === undefined ? hostPlatform(process.arch, process.platform) : parsePlatform(asked);
  let signature: VerifiedSignature | undefined;
  const onManifest = async (digests: readonly string[]): Promise<void> => {
    signature = await policy.verify(reference, repository, digests);
  };
  const choice = {
    reference: undefined,
    platform,
    isPlatformAsked: asked !== undefined,
    all: false,
    isLook: false,
    onManifest,
  };
  const images = await chooseImages(container, choice, store.limits);
  return { container, images, signature };
}

/** Opens the image for the import, and holds its layers against other fetches until it is in. */
class Opening {
  readonly #fetching: Fetching;
  readonly #ref: string;
  readonly #chosen: Chosen;
  readonly #options: RegistryRequest;
  #lock: Lock | undefined;

  constructor(fetching: Fetching, ref: string, chosen: Chosen, options: RegistryRequest) {
    this.#fetching = fetching;
    this.#ref = ref;
    this.#chosen = chosen;
    this.#options = options;
  }

  get source(): OpenableSource {
    return { source: this.#ref, open: () => this.#open() };
  }

  release(): void {
    this.#lock?.release();
  }

  async #open(): Promise<Awaited<ReturnType<OpenableSource['open']>>> {
    const { container, images } = this.#chosen;
    const { keepArchive, signal } = this.#options;
    const { store, meter } = this.#fetching;
    const layers = images.flatMap((image) => image.layers);
    // Those that are here may come again for their archives.
    const missing = layers.filter((layer) => keepArchive === true || findLayer(store, layer) === undefined);
    const digests = missing.map(({ descriptor }) => descriptor?.digest ?? '');
    this.#lock = await lockBlobs(store, digests, signal);
    // Whoever held the locks may have brought the layers.
    store.index.refresh();
    meter.known(this.#ref);
    return { kind: 'oci', container, images };
  }
}
