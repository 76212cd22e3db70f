/** The part of the façade that is about images: how they come in, what they are, how they are called, how they go. */
import type { Readable } from 'node:stream';
import type { Removed, RemoveOptions } from '../collect/index.js';
import { checkOptions, mustBe } from '../core/check-options.js';
import type { ResolveOptions } from '../core/finding.js';
import type { Key } from '../core/key.js';
import type {
  DiscoveredName,
  DiscoverOptions,
  Fetched,
  FetchFailure,
  FetchOptions,
  Pushed,
  PushOptions,
} from '../fetch/index.js';
import type { Imported, ImportFailure, ImportOptions } from '../import/index.js';
import { Catalogue } from '../index/catalogue.js';
import { shortName } from '../index/images.js';
import type { MovedName } from '../index/names.js';
import type { ImageRecord } from '../index/records.js';
import type { HistoryStep, ImageDetails, ImageSelection, ImageSummary } from '../inspect/index.js';
import type { Offer } from '../offer/index.js';
import { resolveImage, resolveListed } from '../resolve/argument.js';
import { readableImages } from '../resolve/readable-images.js';
import { duringFetch } from './during-fetch.js';
import { findImage } from './find-image.js';
import { contextOf, importFor, OpenedStore } from './opened.js';
import { DISCOVER, FETCH, IMPORT, PUSH, REMOVE, RESOLVE, SELECTION } from './option-kinds.js';

export abstract class StoreOfImages extends OpenedStore {
  /**
   * Imports one source: a path, `-` for standard input, or a stream. The image is durable when the promise resolves.
   * Of a source that holds several images, with `recursive`, this gives the first. Whether it `existed` is told.
   * @param options sizes are bytes; `expect` is the key or digest that the image must have
   * @throws CairnError `ERR_NOT_AN_IMAGE`, `ERR_BAD_ARCHIVE`, `ERR_BAD_MANIFEST`, `ERR_BAD_COMPRESSION`, `ERR_LIMIT`,
   *   `ERR_DIGEST_MISMATCH`, `ERR_NOT_FOUND`, `ERR_NO_SPACE`, `ERR_IO`, `ERR_ABORTED`. Nothing of it is listed then
   */
  async import(source: string | Readable, options: ImportOptions = {}): Promise<Imported> {
    checkOptions(options, IMPORT);
    const one = { ...options, keepGoing: false };
    if (typeof source === 'string') return (await importFor(this, [source], one))[0] as Imported;
    mustBe('source', source, 'object');
    const { importStream } = await import('./import-stream.js');
    return importStream(contextOf(this), source, one, (path, request) => importFor(this, [path], request));
  }

  /**
   * Imports several sources side by side. The first failure ends all; with `keepGoing` it takes the place of its
   * result.
   * @throws CairnError as {@link import} does; what is in already stays
   */
  async importAll(sources: readonly string[], options: ImportOptions = {}): Promise<(Imported | ImportFailure)[]> {
    mustBe('sources', sources, 'texts');
    checkOptions(options, IMPORT);
    return importFor(this, sources, options);
  }

  /**
   * Fetches images side by side, from registries, by name or from URLs. Each is durable when it is told.
   * @throws CairnError `ERR_NOT_FOUND`, `ERR_NETWORK`, `ERR_TLS`, `ERR_HTTP`, `ERR_UNAUTHORIZED`,
   *   `ERR_DIGEST_MISMATCH`, `ERR_POLICY` and the errors of signatures, and as {@link import} does; with `keepGoing` as
   *   results
   */
  async fetch(refs: readonly string[], options: FetchOptions = {}): Promise<(Fetched | FetchFailure)[]> {
    mustBe('refs', refs, 'texts');
    checkOptions(options, FETCH);
    const { fetchAll } = await import('../fetch/fetch.js');
    return duringFetch(this, options, (fetching) => fetchAll(fetching, refs, options));
  }

  /**
   * Pushes an image to a registry, `docker://HOST/REPOSITORY[:TAG]`.
   * @returns its `digest` there, and the bytes that were pushed, mounted, and there already
   * @throws CairnError `ERR_UNAUTHORIZED`, `ERR_NETWORK`, `ERR_HTTP`, `ERR_POLICY`, `ERR_USAGE`
   */
  async push(argument: string, target: string, options: PushOptions = {}): Promise<Pushed> {
    mustBe('target', target, 'text');
    checkOptions(options, PUSH);
    const image = await this.resolve(argument, options.signal === undefined ? {} : { signal: options.signal });
    const { pushImage } = await import('../fetch/push.js');
    return duringFetch(this, options, (fetching) => pushImage(fetching, image, target, options));
  }

  /** Seeds `docker://HOST/PREFIX` with all images here: a store whose `remote` it is gets them from there. */
  async pushAll(target: string, options: PushOptions = {}): Promise<Pushed[]> {
    mustBe('target', target, 'text');
    checkOptions(options, PUSH);
    const { pushAll } = await import('../fetch/push-all.js');
    return duringFetch(this, options, (fetching) => pushAll(fetching, target, options));
  }

  /**
   * What is here as a registry would have it: repositories, manifests and blobs. What is made for it lies in the store
   * until it is closed.
   */
  async offer(): Promise<Offer> {
    const { Offer } = await import('../offer/offer.js');
    return new Offer(() => contextOf(this));
  }

  /** Where images of a name, `NAME[:VERSION][,LABEL=VALUE]…`, their signatures and keys are offered. Fetches none. */
  async discover(name: string, options: DiscoverOptions = {}): Promise<DiscoveredName> {
    mustBe('name', name, 'text');
    checkOptions(options, DISCOVER);
    const { discoverName } = await import('../fetch/discover.js');
    return discoverName(name, { onNotice: contextOf(this).notice, ...options });
  }

  /**
   * Finds the image that an argument means. A path to an archive is imported first, and with `pull` what is not here is
   * fetched.
   * @throws CairnError `ERR_NOT_FOUND`, `ERR_AMBIGUOUS_KEY`, `ERR_KEY_SYNTAX`, `ERR_KEY_TOO_SHORT`, `ERR_NAME_SYNTAX`
   */
  async resolve(argument: string, options: ResolveOptions = {}): Promise<ImageRecord> {
    mustBe('image', argument, 'text');
    checkOptions(options, RESOLVE);
    return findImage(this, argument, options);
  }

  /**
   * Images, in order of their keys; all of them, unless some are selected. Sizes are bytes, times ISO 8601. Only the
   * index is read, but for filters by annotations.
   * @throws CairnError `ERR_USAGE` for a filter that there is not, `ERR_NAME_SYNTAX`, `ERR_KEY_SYNTAX`
   */
  async *images(selection: ImageSelection = {}): AsyncGenerator<ImageSummary> {
    checkOptions(selection, SELECTION);
    const { listImages } = await import('../inspect/list.js');
    yield* listImages(contextOf(this), selection);
  }

  /**
   * The key of the image that a key, a digest or a name means. For arguments of strangers: looks at no path and asks
   * nobody, whatever the argument looks like.
   * @throws CairnError `ERR_NOT_FOUND`, `ERR_AMBIGUOUS_KEY`, `ERR_NAME_SYNTAX`, …
   */
  async lookUp(argument: string): Promise<Key> {
    mustBe('image', argument, 'text');
    const context = contextOf(this);
    return resolveListed(context.index, argument, readableImages(context)).key;
  }

  /**
   * One image, whole: configuration, names, layers, dependencies, trees, and what keeps it.
   * @throws CairnError as {@link resolve} does
   */
  async inspect(argument: string): Promise<ImageDetails> {
    const image = await this.resolve(argument);
    const { describeImage } = await import('../inspect/image.js');
    return describeImage(contextOf(this), image);
  }

  /** The steps that made an image, the first one first. */
  async history(argument: string): Promise<HistoryStep[]> {
    const image = await this.resolve(argument);
    const { historyOf } = await import('../inspect/history.js');
    return historyOf(contextOf(this), image);
  }

  /** The exact bytes of an image's manifest. @throws CairnError `ERR_DAMAGED`, and as {@link resolve} does */
  async catManifest(argument: string): Promise<Buffer> {
    const { manifest } = await this.resolve(argument);
    const { readBlob } = await import('../content/read-blob.js');
    return readBlob(contextOf(this), manifest);
  }

  /** @deprecated now {@link catManifest} */
  manifest(argument: string): Promise<Buffer> {
    return this.catManifest(argument);
  }

  /**
   * Gives an image one more name, `NAME[:TAG]`.
   * @returns the image, and who had the name before
   * @throws CairnError `ERR_NAME_SYNTAX`, and as {@link resolve} does
   */
  async tag(argument: string, name: string): Promise<ImageSummary & { moved?: { name: string; from: Key }[] }> {
    mustBe('name', name, 'text');
    const image = await this.resolve(argument);
    const { tagImage } = await import('../collect/names.js');
    const tagged = await tagImage(contextOf(this), image, name);
    const moved = tagged.moved.map((each: MovedName) => ({ name: shortName(each), from: each.from }));
    return { ...(await summaryOf(this, tagged.image)), ...(moved.length === 0 ? {} : { moved }) };
  }

  /**
   * Takes names away. An image without a name stays until gc.
   * @throws CairnError `ERR_NOT_FOUND`, `ERR_AMBIGUOUS_KEY`, `ERR_NAME_SYNTAX`; none is taken away then
   */
  async untag(names: readonly string[]): Promise<ImageSummary[]> {
    mustBe('names', names, 'texts');
    const { untag } = await import('../collect/names.js');
    const images = await untag(contextOf(this), names);
    return Promise.all(images.map((image) => summaryOf(this, image)));
  }

  /**
   * Takes names away, and an image with its last name; a key means the image with all names. A name means its image,
   * even a damaged one: a removal must not fall back to another image.
   * @returns what went of each: names, trees, and bytes
   * @throws CairnError `ERR_HELD` while a pin, a lease, a pod or a mount holds one, unless `force`; `ERR_NOT_FOUND`
   */
  async rm(targets: readonly string[], options: RemoveOptions = {}): Promise<Removed[]> {
    mustBe('targets', targets, 'texts');
    checkOptions(options, REMOVE);
    const { removeImages } = await import('../collect/remove.js');
    return removeImages(contextOf(this), targets, options);
  }

  /** @deprecated now {@link rm} */
  remove(targets: readonly string[], options: RemoveOptions = {}): Promise<Removed[]> {
    return this.rm(targets, options);
  }

  /** Keeps an image from being collected. @throws CairnError as {@link resolve} does */
  async pin(argument: string): Promise<ImageSummary> {
    const image = await this.resolve(argument);
    const { setPinned } = await import('../collect/roots.js');
    return summaryOf(this, await setPinned(contextOf(this), image, true));
  }

  /** Lets an image be collected again. @throws CairnError as {@link resolve} does */
  async unpin(argument: string): Promise<ImageSummary> {
    mustBe('image', argument, 'text');
    const { setPinned } = await import('../collect/roots.js');
    const image = resolveImage(contextOf(this).index, argument, readableImages(contextOf(this)));
    return summaryOf(this, await setPinned(contextOf(this), image, false));
  }
}

async function summaryOf(store: OpenedStore, image: ImageRecord): Promise<ImageSummary> {
  const { summarize } = await import('../inspect/image.js');
  return summarize(new Catalogue(contextOf(store).index), image);
}
