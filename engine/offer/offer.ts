/** What a store gives to others, as a registry would: found by name or digest, made where it is not kept, sent. */
import type { Readable } from 'node:stream';
import { noteUse } from '../content/last-used.js';
import { CairnError, isCairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { imagesWithLayer } from '../index/images.js';
import type { ImageRecord } from '../index/records.js';
import { mustBeComplete } from '../resolve/completeness.js';
import { layerStackOf } from '../resolve/layer-stack.js';
import type { StoreContext } from '../session/context.js';
import type { ByteRange, OfferedBlob } from './offered-blob.js';
import { type OfferedImage, type OfferedManifest, offerAci, offerOci, offerPlatforms } from './offered-image.js';
import { Recent } from './recent.js';
import { type Referrer, referrerTo } from './referrers.js';
import {
  type AskedRepository,
  findRepository,
  imagesTagged,
  type Repository,
  repositoriesAfter,
  tagsIn,
} from './repositories.js';
import { Sender } from './sender.js';

/** Images whose documents are held, of some ten thousand bytes each. */
const MOST_IMAGES = 1000;
/** Digests of which is known whose they are. */
const MOST_DIGESTS = 50_000;
/** Repositories of which all digests are held. */
const MOST_REPOSITORIES = 100;
/** A use is noted this often at most: each note is a commit. */
const NOTE_EVERY_MS = 60_000;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** The tar of a tree. */
export interface OfferedTree {
  treeId: string;
  size: number;
  open(range?: ByteRange): Promise<Readable>;
}

export class Offer implements AsyncDisposable {
  readonly #contextOf: () => StoreContext;
  readonly #sender: Sender;
  /** By key and revision: a new document may say other things. */
  readonly #images = new Recent<string, OfferedImage>(MOST_IMAGES);
  /** The image that a digest is of: what is asked by digest was mostly told before. */
  readonly #owners = new Recent<string, Key>(MOST_DIGESTS);
  /** The sha256 of an ACI's tar, which the index does not know. */
  readonly #tars = new Recent<Key, string>(MOST_DIGESTS);
  /** By repository. */
  readonly #digests = new Recent<string, { commit: string; keys: ReadonlyMap<string, Key> }>(MOST_REPOSITORIES);
  readonly #noted = new Recent<Key, number>(MOST_DIGESTS);

  /** @param contextOf gives the store as long as it is open */
  constructor(contextOf: () => StoreContext) {
    this.#contextOf = contextOf;
    this.#sender = new Sender(contextOf);
  }

  /** Bytes of what was made anew and lies ready. */
  get madeBytes(): number {
    return this.#sender.madeBytes;
  }

  /** Names of repositories in order. @param last begins behind this one */
  repositories(last?: string): Generator<string> {
    return repositoriesAfter(this.#index, last);
  }

  /** The repository's tags in order; `undefined` if there is none. */
  tags(asked: AskedRepository): string[] | undefined {
    const repository = findRepository(this.#index, asked);
    return repository === undefined ? undefined : tagsIn(repository);
  }

  /**
   * A manifest, or an index of several for different platforms.
   * @param reference a tag or a digest
   * @returns `undefined` where there is none
   * @throws CairnError `ERR_DAMAGED` for an image of which parts are gone
   */
  async manifest(asked: AskedRepository, reference: string): Promise<OfferedManifest | undefined> {
    const repository = findRepository(this.#index, asked);
    if (repository === undefined) return undefined;
    if (!DIGEST.test(reference)) return this.#documentOf(imagesTagged(this.#index, repository, reference));
    const found = await this.#find(repository, reference, ({ manifest }) => manifest.digest === reference);
    if (found === undefined) return this.#indexWith(repository, reference);
    this.#noteUse(found.image);
    return found.offered.manifest;
  }

  /** Pulling counts as use. Where nothing may be written nothing is noted. */
  #noteUse({ key }: ImageRecord): void {
    const store = this.#contextOf();
    const now = Date.now();
    const image = store.index.image(key);
    if (image === undefined || now - (this.#noted.get(key) ?? 0) < NOTE_EVERY_MS) return;
    this.#noted.set(key, now);
    void noteUse(store, image);
  }

  async #documentOf(images: readonly ImageRecord[]): Promise<OfferedManifest | undefined> {
    const [only, ...more] = images;
    if (only === undefined) return undefined;
    if (more.length === 0) {
      const { manifest } = await this.#offered(only);
      this.#noteUse(only);
      return manifest;
    }
    const offered: { image: ImageRecord; manifest: OfferedManifest }[] = [];
    for (const image of images) {
      const whole = await this.#offeredIfWhole(image);
      if (whole !== undefined) offered.push({ image, manifest: whole.manifest });
    }
    return offerPlatforms(offered);
  }

  /** The index of platforms that has this digest, if a tag means one. */
  async #indexWith(repository: Repository, digest: string): Promise<OfferedManifest | undefined> {
    for (const tag of tagsIn(repository)) {
      const images = imagesTagged(this.#index, repository, tag);
      if (images.length < 2) continue;
      const document = await this.#documentOf(images);
      if (document?.digest === digest) return document;
    }
    return undefined;
  }

  /** @returns `undefined` for a blob that no image of the repository has */
  async blob(asked: AskedRepository, digest: string): Promise<OfferedBlob | undefined> {
    const repository = DIGEST.test(digest) ? findRepository(this.#index, asked) : undefined;
    if (repository === undefined) return undefined;
    const found = await this.#find(repository, digest, ({ blobs }) => blobs.has(digest));
    const source = found?.offered.blobs.get(digest);
    if (source === undefined) return undefined;
    return { digest, size: source.size, open: (range) => this.#sender.send(digest, source, range) };
  }

  /** Manifests of the repository that are about the one with this digest; `undefined` if there is no repository. */
  async referrers(asked: AskedRepository, digest: string): Promise<Referrer[] | undefined> {
    const repository = findRepository(this.#index, asked);
    if (repository === undefined) return undefined;
    const images = repository.kind === 'named' ? repository.images.filter(({ format }) => format === 'oci') : [];
    const found: Referrer[] = [];
    for (const image of images) {
      const offered = await this.#offeredIfWhole(image);
      const referrer = offered && referrerTo(digest, offered.manifest, this.#contextOf().limits);
      if (referrer !== undefined) found.push(referrer);
    }
    return found;
  }

  /** The tree of an image as one tar. @throws CairnError as planning does */
  async tree(key: Key): Promise<OfferedTree> {
    const store = this.#contextOf();
    const image = store.index.image(key);
    if (image === undefined) throw new CairnError('ERR_NOT_FOUND', `${key}: not in the store`);
    const stack = layerStackOf(store, image);
    mustBeComplete(store, stack);
    const tar = await this.#sender.tree(stack);
    this.#noteUse(image);
    return { treeId: stack.treeId, ...tar };
  }

  /** The image of a repository that has a digest. Who was told of the digest before is tried first. */
  async #find(
    repository: Repository,
    digest: string,
    hasIt: (offered: OfferedImage) => boolean,
  ): Promise<{ image: ImageRecord; offered: OfferedImage } | undefined> {
    const index = this.#index;
    const owner = this.#owners.get(digest) ?? index.digests.get(digest);
    const known = owner === undefined ? undefined : index.image(owner);
    const likely = known !== undefined || owner === undefined ? [known] : imagesWithLayer(index, owner);
    for (const image of likely) {
      if (image === undefined || !isIn(repository, image)) continue;
      const offered = await this.#offeredIfWhole(image);
      if (offered !== undefined && hasIt(offered)) return { image, offered };
    }
    const key = repository.kind === 'named' ? (await this.#digestsIn(repository)).get(digest) : undefined;
    const image = key === undefined ? undefined : index.image(key);
    const offered = image === undefined ? undefined : await this.#offeredIfWhole(image);
    return image !== undefined && offered !== undefined && hasIt(offered) ? { image, offered } : undefined;
  }

  /**
   * All digests of a repository's images, gathered once for each commit, so that asking for what is not there costs
   * nothing. An ACI's digests are only known once its tar was made; those that nobody was told are not among them.
   */
  async #digestsIn({ name, images }: Extract<Repository, { kind: 'named' }>): Promise<ReadonlyMap<string, Key>> {
    const commit = this.#index.lastCommit;
    const known = this.#digests.get(name);
    if (known?.commit === commit) return known.keys;
    const keys = new Map<string, Key>();
    for (const image of images) {
      if (image.format === 'aci' && this.#tars.get(image.layers[0] as Key) === undefined) continue;
      const offered = await this.#offeredIfWhole(image);
      for (const digest of [offered?.manifest.digest, ...(offered?.blobs.keys() ?? [])])
        if (digest !== undefined) keys.set(digest, image.key);
    }
    this.#digests.set(name, { commit, keys });
    return keys;
  }

  async #offeredIfWhole(image: ImageRecord): Promise<OfferedImage | undefined> {
    try {
      return await this.#offered(image);
    } catch (error) {
      // A dependency may be missing, which keeps an ACI from being offered.
      if (isCairnError(error, 'ERR_DAMAGED', 'ERR_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  async #offered(image: ImageRecord): Promise<OfferedImage> {
    const store = this.#contextOf();
    if (image.format === 'aci') return this.#remember(image, offerAci(store, image, await this.#tarDigest(image)));
    const name = `${image.key} ${image.revision} ${image.archives?.length}`;
    const known = this.#images.get(name);
    if (known !== undefined && store.index.image(image.key) !== undefined) return known;
    const offered = this.#remember(image, offerOci(store, image));
    this.#images.set(name, offered);
    return offered;
  }

  #remember(image: ImageRecord, offered: OfferedImage): OfferedImage {
    this.#owners.set(offered.manifest.digest, image.key);
    for (const digest of offered.blobs.keys()) this.#owners.set(digest, image.key);
    return offered;
  }

  async #tarDigest({ layers }: ImageRecord): Promise<string> {
    const [key] = layers as [Key];
    const known = this.#tars.get(key);
    if (known !== undefined) return known;
    const digest = await this.#sender.digestOfLayer(key, this.#index.layer(key)?.size ?? 0);
    this.#tars.set(key, digest);
    return digest;
  }

  get #index() {
    const { index } = this.#contextOf();
    index.refresh();
    return index;
  }

  /** Gives up what is being made. What is being sent is sent. */
  close(): Promise<void> {
    return this.#sender.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function isIn(repository: Repository, { key }: ImageRecord): boolean {
  return repository.kind !== 'named' || repository.images.some((image) => image.key === key);
}
