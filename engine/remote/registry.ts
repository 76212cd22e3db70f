/**
 * One repository of a registry, as the OCI distribution spec 1.1 has it: manifests and blobs, tags and referrers, in
 * and out.
 */
import type { Readable } from 'node:stream';
import { defined } from '../core/defined.js';
import { CairnError, isCairnError } from '../core/errors.js';
import { digestOf } from '../core/key.js';
import { MAX_TAG_PAGES, MAX_TAGS } from '../core/limits.js';
import { DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from '../image/oci/media-types.js';
import type { Authorizer } from './auth/registry-auth.js';
import { discard, type HttpClient, type HttpRequest, type HttpResponse } from './http.js';
import { isPassing } from './http-error.js';
import { counted, manifestsIn, nextPage, otherBytes, parseAnswer, tooMany } from './registry-answers.js';
import { isPassingStatus } from './retry.js';
import { sendAuthorized } from './send-authorized.js';

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

/** Bytes on their way to a registry. */
export interface Outgoing {
  digest: string;
  size: number;
  /** Opens the bytes from one offset to before another. */
  open: (from: number, to: number) => Readable;
  onBytes?: (sent: number) => void;
}

const MANIFESTS = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST].join(', ');
const PAGE = 1000;
const BYTES = 'application/octet-stream';
/** Registries and proxies that refuse long requests take this. */
const PIECE = 8 * 2 ** 20;
/** RFC 9110 §15.5.14. */
const TOO_LARGE = 413;

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
    const mediaType = (response.headers['content-type'] ?? '').split(';', 1)[0]?.trim() ?? '';
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

  /** @returns bytes of the blob or manifest; `undefined` if it is not there */
  async sizeOf(kind: 'blobs' | 'manifests', reference: string): Promise<number | undefined> {
    const headers = kind === 'manifests' ? { accept: MANIFESTS } : {};
    const request = { url: this.#at(`${kind}/${reference}`), method: 'HEAD', headers, accept: [200, 404] } as const;
    const response = await this.#pull(request);
    discard(response);
    return response.status === 404 ? undefined : Number(response.headers['content-length'] ?? 0);
  }

  /** All tags, in the registry's order. @throws CairnError `ERR_LIMIT` for a list without an end */
  async *tags(most: number): AsyncGenerator<string> {
    let url: URL | undefined = this.#at(`tags/list?n=${PAGE}`);
    for (let count = 0, pages = 1; url !== undefined; pages++) {
      if (pages > MAX_TAG_PAGES) throw tooMany(this.shown, MAX_TAG_PAGES, 'pages of tags');
      const response: HttpResponse = await this.#pull({ url });
      const { tags } = parseAnswer(await response.bytes(most), url) as { tags?: unknown };
      for (const tag of Array.isArray(tags) ? tags : []) {
        if (++count > MAX_TAGS) throw tooMany(this.shown, MAX_TAGS, 'tags');
        if (typeof tag === 'string') yield tag;
      }
      url = nextPage(response);
    }
  }

  /** Descriptors of what is about a manifest (distribution spec, listing referrers), or by the tag that stands in. */
  async referrers(digest: string, most: number): Promise<unknown[]> {
    const request = { url: this.#at(`referrers/${digest}`), headers: { accept: OCI_INDEX }, accept: [200, 404] };
    const response = await this.#pull(request);
    if (response.status === 200) return manifestsIn(parseAnswer(await response.bytes(most), response.url));
    discard(response);
    try {
      const tag = await this.manifest(digest.replace(':', '-'), most);
      return manifestsIn(parseAnswer(tag.bytes, response.url));
    } catch (error) {
      if (isCairnError(error, 'ERR_NOT_FOUND')) return [];
      throw error;
    }
  }

  /**
   * Takes a blob from another repository of the registry. Who may not read that one cannot.
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
      if (isCairnError(error, 'ERR_UNAUTHORIZED')) return undefined;
      throw error;
    }
  }

  /** Sends a blob in one piece; after a failure that passes, in smaller ones from where the registry stands. */
  async upload(blob: Outgoing): Promise<void> {
    const begun = await this.#push({ url: this.#at('blobs/uploads/'), method: 'POST', accept: [202] });
    discard(begun);
    const url = this.#locationOf(begun);
    try {
      await this.#finish(url, blob, 0);
    } catch (error) {
      const status = isCairnError(error, 'ERR_HTTP') ? Number(error.found) : undefined;
      const helpsInPieces = status === TOO_LARGE || (status !== undefined && isPassingStatus(status));
      if (!helpsInPieces && !isPassing(error)) throw error;
      await this.#inPieces(url, blob);
    }
  }

  /** Sends the rest of a blob, and says that it is the whole. */
  async #finish(location: URL, { digest, size, open, onBytes }: Outgoing, from: number): Promise<void> {
    const url = new URL(location);
    url.searchParams.set('digest', digest);
    const headers = { 'content-type': BYTES, 'content-length': `${size - from}` };
    const body = from === size ? Buffer.alloc(0) : counted(open(from, size), from, onBytes);
    discard(await this.#push({ url, method: 'PUT', headers, body, accept: [201, 204] }));
  }

  /** Distribution spec, pushing a blob in chunks. */
  async #inPieces(begun: URL, blob: Outgoing): Promise<void> {
    let { location, at } = await this.#standOf(begun);
    while (at < blob.size) {
      const end = Math.min(at + PIECE, blob.size);
      const headers = { 'content-type': BYTES, 'content-length': `${end - at}`, 'content-range': `${at}-${end - 1}` };
      const body = counted(blob.open(at, end), at, blob.onBytes);
      const response = await this.#push({ url: location, method: 'PATCH', headers, body, accept: [202] });
      discard(response);
      location = this.#locationOf(response);
      at = end;
    }
    await this.#finish(location, blob, blob.size);
  }

  /** How far an upload is, by the registry's word. */
  async #standOf(upload: URL): Promise<{ location: URL; at: number }> {
    const response = await this.#push({ url: upload, accept: [204] });
    discard(response);
    const last = /^(?:bytes=)?0-(\d+)$/.exec(response.headers['range'] ?? '')?.[1];
    // Registries write an empty upload as 0-0, which is also that of one byte. A byte sent twice is refused.
    const at = last === undefined || last === '0' ? 0 : Number(last) + 1;
    return { location: this.#locationOf(response), at };
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
        url: this.#locationOf(begun),
        method: 'DELETE',
        accept: [200, 202, 204, 404],
      });
      body.destroy();
    } catch (error) {
      // Registries forget uploads by themselves.
      if (!isCairnError(error) || error.code === 'ERR_ABORTED') throw error;
    }
  }

  /** Where an upload goes on. It must be the same registry: credentials go there. */
  #locationOf({ headers, url }: HttpResponse): URL {
    const location = new URL(headers['location'] ?? '', url);
    if (location.origin === this.#options.base.origin) return location;
    throw new CairnError('ERR_HTTP', `${this.shown} wants the upload sent to another host, ${location.host}`);
  }

  #scope(actions: string): string {
    return `repository:${this.#options.name}:${actions}`;
  }

  #at(path: string): URL {
    return new URL(`/v2/${this.#options.name}/${path}`, this.#options.base);
  }
}
