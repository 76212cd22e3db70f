/** Fetches an image of a registry: its documents first, then the layers that the store lacks, which are read as they come. */
import { defined } from '../core/defined.js';
import type { Lock } from '../disk/lock.js';
import { hostPlatform, parsePlatform } from '../image/oci/platform.js';
import { formatRegistryReference, REGISTRY_SCHEME, type RegistryReference } from '../image/oci/registry-reference.js';
import type { Imported, OpenableSource } from '../import/index.js';
import { findLayer } from '../import/oci.js';
import { chooseImages } from '../import/source/choose-image.js';
import type { RemoteManifest, Repository } from '../remote/registry.js';
import { BlobDownloads } from './blob-downloads.js';
import type { Fetching } from './fetching.js';
import { openImage, sourceOf } from './open-image.js';
import type { Fetched, FetchOptions } from './options.js';
import { lockBlobs } from './partial-files.js';
import { RegistryContainer } from './registry-container.js';

/** What the store calls the image: nothing if it is asked for by its digest alone. */
export function nameInStore({ digest: _digest, ...reference }: RegistryReference): string | undefined {
  return reference.tag === undefined ? undefined : formatRegistryReference(reference);
}

/** @throws CairnError `ERR_NOT_FOUND`, `ERR_UNAUTHORIZED`, `ERR_NETWORK`, `ERR_DIGEST_MISMATCH`, and as an import does */
export async function fetchRegistryImage(fetching: Fetching, ref: string, options: FetchOptions): Promise<Fetched> {
  const { http, store } = fetching;
  const opened = await openImage(fetching, ref, options.signal);
  const { reference, repository, top } = opened;
  const downloads = new BlobDownloads(store, { http, repository });
  const opening = new Opening({ fetching, ref, reference, repository, top, downloads }, options);
  let imported: Imported;
  try {
    imported = await fetching.importSource(opening.source, requestOf(options));
  } catch (error) {
    throw await downloads.end(error);
  } finally {
    opening.release();
  }
  await downloads.end();
  const { downloadedBytes, resumedBytes } = downloads;
  const url = `${REGISTRY_SCHEME}${sourceOf(opened)}`;
  return { ...imported, ref, url, downloadedBytes, resumedBytes, signature: null };
}

/** Archives are kept where that costs no second transfer; on request all are. */
function requestOf({ keepArchive, signal, onProgress, latest, expect, name, platform }: FetchOptions) {
  const options = defined({ signal, onProgress, latest, expect, name, platform });
  return { ...options, keepArchive: keepArchive !== false, spareLayers: keepArchive === undefined };
}

interface Parts {
  fetching: Fetching;
  ref: string;
  reference: RegistryReference;
  repository: Repository;
  top: RemoteManifest;
  downloads: BlobDownloads;
}

/** Opens the image for the import, and holds its layers against other fetches until it is in. */
class Opening {
  readonly #parts: Parts;
  readonly #options: FetchOptions;
  #lock: Lock | undefined;

  constructor(parts: Parts, options: FetchOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  get source(): OpenableSource {
    return { source: this.#parts.ref, open: () => this.#open() };
  }

  release(): void {
    this.#lock?.release();
  }

  async #open(): Promise<Awaited<ReturnType<OpenableSource['open']>>> {
    const { fetching, ref, reference, repository, top, downloads } = this.#parts;
    const { store } = fetching;
    const { signal, platform: asked } = this.#options;
    const name = nameInStore(reference);
    const container = new RegistryContainer({ shown: ref, repository, top, name }, downloads, store.limits);
    const platform = asked === undefined ? hostPlatform(process.arch, process.platform) : parsePlatform(asked);
    const choice = { reference: undefined, platform, isPlatformAsked: asked !== undefined, all: false };
    const images = await chooseImages(container, choice, store.limits);
    const missing = images.flatMap(({ layers }) => layers).filter((layer) => findLayer(store, layer) === undefined);
    const digests = missing.map(({ descriptor }) => descriptor?.digest ?? '');
    this.#lock = await lockBlobs(store, digests, signal);
    return { kind: 'oci', container, images };
  }
}
