/** ACIs of one run, with all that they depend on: each is fetched once, whoever needs it. */

import { hashOfUrl, readUrlNote } from '../../content/url-notes.js';
import { defined } from '../../core/defined.js';
import { CairnError, isCairnError } from '../../core/errors.js';
import type { Dependency } from '../../image/aci/manifest.js';
import type { ImportRequest } from '../../import/index.js';
import { findNamed, lookupIn } from '../../index/images.js';
import type { ImageRecord } from '../../index/records.js';
import { shownUrl } from '../../remote/shown-url.js';
import { isComplete } from '../../resolve/completeness.js';
import { findDependency } from '../../resolve/dependencies.js';
import type { Fetching } from '../fetching.js';
import { alreadyHere } from '../here.js';
import type { Fetched, FetchOptions } from '../options.js';
import { fetchByName } from './by-name.js';
import { fetchByPath } from './by-path.js';
import { getFrom, inTurn, takeFrom, type UrlRequest } from './by-url.js';
import { type Bring, Needs } from './needs.js';
import { signatureBeside } from './signature-source.js';
import { isWanted, textOf, type Wanted, wantedBy, wantedByName } from './wanted.js';

export class AppcImages {
  readonly #fetching: Fetching;
  readonly #options: FetchOptions;
  readonly #needs: Needs<Fetched>;

  constructor(fetching: Fetching, options: FetchOptions) {
    this.#fetching = fetching;
    this.#options = options;
    this.#needs = new Needs(fetching.store.limits.maxDependencies);
  }

  /** @param text `NAME[:VERSION][,LABEL=VALUE]…` */
  async byName(text: string): Promise<Fetched> {
    const wanted = wantedByName(text, this.#options.platform);
    const here = this.#policyFinds(text, () => this.#findNamed(wanted));
    if (here !== undefined) return this.#withNeeds(text, textOf(wanted), here);
    return this.#top(textOf(wanted), (request) =>
      fetchByName(this.#fetching, { ...request, ref: text, wanted, importing: latestOf(wanted, request.importing) }),
    );
  }

  async byUrl(text: string, url: URL): Promise<Fetched> {
    const shown = shownUrl(url);
    const here = this.#policyFinds(shown, () => this.#findCame(url));
    if (here !== undefined) return this.#withNeeds(text, shown, here);
    return this.#top(shown, async (request) => {
      const named = { ...request, ref: text };
      const place = { url, signatures: signatureBeside(url) };
      const got = await inTurn(this.#fetching, request.signal, () => getFrom(this.#fetching, place, named));
      return takeFrom(this.#fetching, got, named);
    });
  }

  /** What lies on this machine comes in anew, whatever the policy. */
  async byPath(text: string, { path, reference }: { path: string; reference?: string }): Promise<Fetched> {
    return this.#top(path, ({ signal, ...request }) =>
      fetchByPath(this.#fetching, { ...request, signal, ref: text, path, reference }),
    );
  }

  /** Fetches an image that was asked for, and tells of what came along. */
  async #top(node: string, fetch: (request: UrlRequest) => Promise<Fetched>): Promise<Fetched> {
    const { signature, expect, latest, name } = this.#options;
    const collected: Fetched[] = [];
    const own = defined({ expect, latest, name });
    const fetched = await fetch({ ...this.#request(node, collected, this.#options.signal, own), signature });
    return withDependencies(fetched, collected);
  }

  /** @param collected gets what is fetched since the image needs it */
  #request(node: string, collected: Fetched[], signal: AbortSignal | undefined, own: ImportRequest): UrlRequest {
    const { keepArchive } = this.#options;
    const shared = { onProgress: this.#fetching.meter.importing, ...defined({ signal }) };
    return {
      ...shared,
      ref: node,
      wanted: undefined,
      signature: undefined,
      needs: async (image) => void collected.push(...(await this.#bring(node, image, signal))),
      importing: { ...shared, ...own, keepArchive: keepArchive === true },
    };
  }

  async #withNeeds(ref: string, node: string, image: ImageRecord): Promise<Fetched> {
    const brought = await this.#bring(node, image, this.#options.signal);
    return withDependencies(await alreadyHere(this.#fetching, ref, image), brought);
  }

  async #bring(node: string, image: ImageRecord, signal: AbortSignal | undefined): Promise<Fetched[]> {
    if (this.#options.dependencies === false) return [];
    const { dependencies } = image;
    const all = dependencies.map((each) => wantedBy(each, this.#options.platform));
    const bring: Bring<Fetched> = async (name, i, stop) => {
      const here = this.#findNeeded(image, dependencies[i] as Dependency);
      try {
        if (here !== undefined) return await this.#bring(name, here, stop);
        return await this.#fetchNeeded(all[i] as Wanted, stop);
      } catch (error) {
        throw neededBy(image, name, error);
      }
    };
    return this.#needs.bring(node, all.map(textOf), bring, signal);
  }

  async #fetchNeeded(wanted: Wanted, signal: AbortSignal): Promise<Fetched[]> {
    const node = textOf(wanted);
    const collected: Fetched[] = [];
    const request = this.#request(node, collected, signal, {});
    const importing = latestOf(wanted, request.importing);
    const fetched = await fetchByName(this.#fetching, { ...request, wanted, importing });
    return [...collected, fetched];
  }

  /** What a render would take. An image that lacks something comes again. */
  #findNeeded(image: ImageRecord, dependency: Dependency): ImageRecord | undefined {
    const { index } = this.#fetching.store;
    try {
      return this.#whole(findDependency(lookupIn(index), image, dependency));
    } catch (error) {
      if (isCairnError(error, 'ERR_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  #findNamed(wanted: Wanted): ImageRecord | undefined {
    const { index } = this.#fetching.store;
    const named = (name: string): ImageRecord[] =>
      lookupIn(index)
        .named(name)
        .filter((image) => isWanted(wanted, image));
    return this.#whole(findNamed({ named }, wanted.name, wanted.labels));
  }

  #findCame(url: URL): ImageRecord | undefined {
    const { store } = this.#fetching;
    const { came } = readUrlNote(store, hashOfUrl(url));
    return came === undefined ? undefined : this.#whole(store.index.image(came.image));
  }

  #whole(image: ImageRecord | undefined): ImageRecord | undefined {
    return image !== undefined && isComplete(this.#fetching.store.index, image) ? image : undefined;
  }

  /** @throws CairnError `ERR_NOT_FOUND` if nobody is to be asked */
  #policyFinds(shown: string, find: () => ImageRecord | undefined): ImageRecord | undefined {
    const { pull = 'always' } = this.#options;
    const found = pull === 'always' ? undefined : find();
    if (found === undefined && pull === 'never')
      throw new CairnError('ERR_NOT_FOUND', `${shown}: not in the store, and --pull never asks nobody`);
    return found;
  }
}

/** Whoever asks for no version wants the latest one, and says so of what comes. */
function latestOf({ labels }: Wanted, request: ImportRequest): ImportRequest {
  const isVersioned = labels.some(({ name }) => name === 'version');
  return isVersioned ? request : { latest: true, ...request };
}

function withDependencies(fetched: Fetched, brought: readonly Fetched[]): Fetched {
  const dependencies = [...new Map(brought.map((each) => [each.key, each])).values()];
  return dependencies.length === 0 ? fetched : { ...fetched, dependencies };
}

/** An error that says for what the image was needed. A cycle names all of its images. */
function neededBy(image: ImageRecord, name: string, error: unknown): unknown {
  if (!isCairnError(error) || ['ERR_ABORTED', 'ERR_DEPENDENCY_CYCLE'].includes(error.code)) return error;
  const { code, message, ...details } = error.toJSON();
  return new CairnError(code, `${image.name} depends on ${name}: ${message}`, { ...details, cause: error });
}
