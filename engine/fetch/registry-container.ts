/**
 * An image of a registry as the container that an import reads: its documents and blobs come when they are asked for.
 */
import { CairnError, isCairnError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { FULL_NAME, parseDocument } from '../image/oci/documents.js';
import type { Container } from '../import/source/container.js';
import type { RemoteManifest, Repository } from '../remote/registry.js';
import type { BlobDownloads } from './blob-downloads.js';

export interface RemoteImage {
  /** The name for users, in errors. */
  shown: string;
  repository: Repository;
  /** The manifest or index that the reference led to. */
  top: RemoteManifest;
  /** What the image is called here; nothing if it was asked for by its digest alone. */
  name: string | undefined;
}

const BLOBS = 'blobs/sha256/';

export class RegistryContainer implements Container {
  readonly path: string;
  readonly #image: RemoteImage;
  readonly #downloads: BlobDownloads;
  readonly #limits: Limits;
  /** What manifests are fetched from: anything else is a blob. */
  readonly #manifests = new Set<string>();
  readonly #sizes = new Map<string, number>();

  constructor(image: RemoteImage, downloads: BlobDownloads, limits: Limits) {
    this.path = image.shown;
    this.#image = image;
    this.#downloads = downloads;
    this.#limits = limits;
    this.#learn(image.top.bytes, image.top.mediaType);
  }

  has(name: string): boolean {
    return name === 'oci-layout' || name === 'index.json' || name.startsWith(BLOBS);
  }

  async read(name: string): Promise<Buffer> {
    if (name === 'oci-layout') return Buffer.from('{"imageLayoutVersion":"1.0.0"}');
    if (name === 'index.json') return this.#index();
    const digest = digestOfBlob(name);
    const { repository, top } = this.#image;
    const { maxManifest } = this.#limits;
    if (digest === top.digest) return top.bytes;
    if (!this.#manifests.has(digest)) return repository.blob(digest, maxManifest);
    const { bytes, mediaType } = await repository.manifest(digest, maxManifest);
    this.#learn(bytes, mediaType);
    return bytes;
  }

  blob(name: string): ReturnType<Container['blob']> {
    const digest = digestOfBlob(name);
    const size = this.#sizes.get(digest);
    if (size === undefined) throw new CairnError('ERR_BAD_ARCHIVE', `${this.path} has no ${name}`, { entry: name });
    return this.#downloads.open(digest, size);
  }

  /** A layout's index with this one image. */
  #index(): Buffer {
    const { top, name } = this.#image;
    const { digest, mediaType, bytes } = top;
    const annotations = name === undefined ? {} : { [FULL_NAME]: name };
    const manifests = [{ mediaType, digest, size: bytes.length, annotations }];
    return Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }));
  }

  /** Notes what a document leads to. A document that is wrong is refused by who reads it. */
  #learn(bytes: Buffer, mediaType: string): void {
    try {
      const document = parseDocument(bytes, this.#limits, mediaType);
      if (document.kind === 'index') for (const { digest } of document.manifests) this.#manifests.add(digest);
      else for (const { digest, size } of document.layers) this.#sizes.set(digest, size);
    } catch (error) {
      if (!isCairnError(error)) throw error;
    }
  }
}

function digestOfBlob(name: string): string {
  return `sha256:${name.slice(BLOBS.length)}`;
}
