/**
 * One repository of a registry, as the OCI distribution spec 1.1 has it: manifests, blobs and referrers, in and out.
 */
import { defined } from '../core/defined.js';
import { isCairnError } from '../core/errors.js';
import { digestOf } from '../core/key.js';
import { MAX_DESCRIPTORS, MAX_REFERRER_PAGES } from '../core/limits.js';
import { mediaTypeIn } from '../image/oci/documents.js';
import { DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from '../image/oci/media-types.js';
import type { Authorizer } from './auth/registry-auth.js';
import { discard, type HttpClient, type HttpRequest, type HttpResponse } from './http.js';
import { manifestsIn, nextPage, otherBytes, parseAnswer, tooMany } from './registry-answers.js';
import { sendAuthorized } from './send-authorized.js';
import { type Outgoing, uploadBlob, uploadLocation } from './upload.js';

export interface RepositoryOptions {
  http: HttpClient;
  /** Of the registry's API: `https://registry.example.com`. */
  base: URL;
  /** The registry as its users call it: `docker.io`. By default the host of `base`. */
  host?: string;
  /** `team/app`. */
  name: string;
  /** Without one, only what needs no credentials can be had. */
  auth?: Authorizer | undefined;
  signal?: AbortSignal | undefined;
}

export interface RemoteManifest {
  bytes: Buffer;
  digest: string;
  mediaType: string;
}

const MANIFESTS = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST].join(', ');

/** Media types under which registries, and proxies that know none of them, give documents of all kinds. */
const SAYS_NOTHING = new Set(['', 'application/json', 'application/octet-stream', 'binary/octet-stream', 'text/plain']);
const METHOD_NOT_ALLOWED = 405;
/** What registries answer that know nothing of referrers. */
const UNKNOWN_API = [400, 404, METHOD_NOT_ALLOWED, 406, 501];

export class Repository {
  readonly #options: RepositoryOptions;

  constructor(options: RepositoryOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  get host(): string {
    return this.#options.host ?? this.#options.base.host;
  }

  /** For people: `registry.example.com/team/app`. */
  get shown(): string {
    return `${this.host}/${this.#options.name}`;
  }

  /**
   * @param reference a tag or a digest
   * @param retries further tries, if fewer than usual
   * @throws CairnError `ERR_NOT_FOUND`, `ERR_DIGEST_MISMATCH`, `ERR_LIMIT`, …
   */
  async manifest(reference: string, most: number, retries?: number): Promise<RemoteManifest> {
    const request = {
      url: this.#at(`manifests/${reference}`),
      headers: { accept: MANIFESTS },
      ...defined({ retries }),
    };
    const response = await this.#pull(request);
    const bytes = await response.bytes(most);
    const digest = digestOf(bytes);
    if (reference.startsWith('sha256:') && digest !== reference) throw otherBytes(response.url, reference, digest);
    const told = (response.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
    const mediaType = SAYS_NOTHING.has(told) ? (mediaTypeIn(bytes, { maxManifest: most }) ?? told) : told;
    return { bytes, digest, mediaType };
  }

  /** A small blob, such as a configuration. @throws CairnError `ERR_DIGEST_MISMATCH`, … */
  async blob(digest: string, most: number): Promise<Buffer> {
    const response = await this.#pull({ url: this.#at(`blobs/${digest}`) });
    const bytes = await response.bytes(most);
    const found = digestOf(bytes);
    if (found !== digest) throw otherBytes(response.url, digest, found);
    return bytes;
  }

  /** Where a blob is, and how to ask for it: a token that is needed goes along, and is renewed while it is needed. */
  blobRequest(digest: string): { url: URL; send: (request: HttpRequest) => Promise<HttpResponse> } {
    return { url: this.#at(`blobs/${digest}`), send: (request) => this.#pull(request) };
  }

  /** For who is going to send it otherwise. Where nobody may ask, it counts as not there. */
  async has(digest: string): Promise<boolean> {
    const accept = [200, 404, METHOD_NOT_ALLOWED];
    const response = await this.#push({ url: this.#at(`blobs/${digest}`), method: 'HEAD', accept });
    discard(response);
    return response.status === 200;
  }

  /** Descriptors of what is about a manifest (distribution spec, listing referrers), or by the tag that stands in. */
  async referrers(digest: string, most: number): Promise<unknown[]> {
    const found: unknown[] = [];
    let url: URL | undefined = this.#at(`referrers/${digest}`);
    for (let pages = 1; url !== undefined; pages++) {
      if (pages > MAX_REFERRER_PAGES) throw tooMany(this.shown, MAX_REFERRER_PAGES, 'pages of referrers');
      const request = { url, headers: { accept: OCI_INDEX }, accept: [200, ...UNKNOWN_API] };
      const response: HttpResponse = await this.#pull(request);
      // Some registries answer what they do not know with a page for people.
      if (response.status !== 200 || /^text\/html\b/i.test(response.headers['content-type'] ?? '')) {
        discard(response);
        return this.#referrersByTag(digest, most);
      }
      const page = manifestsIn(parseAnswer(await response.bytes(most), response.url));
      if (found.length + page.length > MAX_DESCRIPTORS)
        throw tooMany(this.shown, MAX_DESCRIPTORS, 'referrers of one manifest');
      found.push(...page);
      url = nextPage(response);
    }
    return found;
  }

  async #referrersByTag(digest: string, most: number): Promise<unknown[]> {
    try {
      const { bytes, digest: found } = await this.manifest(digest.replace(':', '-'), most);
      // Some registries take this tag for the digest that it is made of.
      if (found === digest) return [];
      return manifestsIn(parseAnswer(bytes, this.#at(`manifests/${digest.replace(':', '-')}`)));
    } catch (error) {
      if (isCairnError(error, 'ERR_NOT_FOUND')) return [];
      throw error;
    }
  }

  /**
   * Takes a blob from another repository of the registry. Who may not read that one cannot, and registries say so in
   * many ways; the blob is then to be sent.
   * @returns whether the registry did so
   */
  async mount(digest: string, from: string): Promise<boolean> {
    const url = this.#at(`blobs/uploads/?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`);
    const request = { url, method: 'POST', accept: [201, 202] } as const;
    const response = await this.#mounting(request, from);
    if (response === undefined) return false;
    discard(response);
    if (response.status === 201) return true;
    await this.#cancel(response);
    return false;
  }

  async #mounting(request: HttpRequest, from: string): Promise<HttpResponse | undefined> {
    try {
      return await this.#send(request, `${this.#scope('pull,push')} repository:${from}:pull`);
    } catch (error) {
      if (isCairnError(error, 'ERR_UNAUTHORIZED', 'ERR_NOT_FOUND', 'ERR_HTTP')) return undefined;
      throw error;
    }
  }

  /** @throws as {@link uploadBlob} does */
  async upload(blob: Outgoing): Promise<void> {
    const { http, signal } = this.#options;
    const send = (request: HttpRequest): Promise<HttpResponse> => this.#push(request);
    const has = (): Promise<boolean> => this.has(blob.digest);
    await uploadBlob({ ...this.#uploads, send, has, retry: http.retry, signal }, blob);
  }

  /** @param reference a tag or the digest */
  async putManifest(reference: string, { bytes, digest, mediaType }: RemoteManifest): Promise<void> {
    const response = await this.#push({
      url: this.#at(`manifests/${reference}`),
      method: 'PUT',
      headers: { 'content-type': mediaType },
      body: bytes,
      accept: [201, 200, 202, 204],
    });
    discard(response);
    const stored = response.headers['docker-content-digest'];
    if (stored !== undefined && stored !== digest) throw otherBytes(response.url, digest, stored);
  }

  #pull(request: HttpRequest): Promise<HttpResponse> {
    return this.#send(request, this.#scope('pull'));
  }

  #push(request: HttpRequest): Promise<HttpResponse> {
    return this.#send(request, this.#scope('pull,push'));
  }

  #send(request: HttpRequest, scope: string): Promise<HttpResponse> {
    const { http, base: registry, name: repository, auth, signal } = this.#options;
    return sendAuthorized(request, { http, registry, host: this.host, repository, scope, signal }, auth);
  }

  /** Gives an upload up that a registry began in place of a mount. */
  async #cancel(begun: HttpResponse): Promise<void> {
    try {
      const { body } = await this.#push({
        url: uploadLocation(begun, this.#uploads),
        method: 'DELETE',
        accept: [200, 202, 204, 404],
      });
      body.destroy();
    } catch (error) {
      // Registries forget uploads by themselves.
      if (!isCairnError(error) || error.code === 'ERR_ABORTED') throw error;
    }
  }

  get #uploads(): { uploads: URL; shown: string } {
    return { uploads: this.#at('blobs/uploads/'), shown: this.shown };
  }

  #scope(actions: string): string {
    return `repository:${this.#options.name}:${actions}`;
  }

  #at(path: string): URL {
    return new URL(`/v2/${this.#options.name}/${path}`, this.#options.base);
  }
}
