/**
 * An ACI at a URL: whether it is still what came from there last, and its bytes, which go on where an earlier attempt
 * stopped. Of several fetches of one URL, in whatever processes, one is at it at a time.
 */
import * as fs from 'node:fs';
import { type CameFromUrl, hashOfUrl, readUrlNote, type UrlNote, writeUrlNote } from '../../content/url-notes.js';
import { defined } from '../../core/defined.js';
import { CairnError, isCairnError } from '../../core/errors.js';
import { limitFlag } from '../../core/limits.js';
import { type Lock, tryLock } from '../../disk/lock.js';
import type { ImageRecord } from '../../index/records.js';
import { codingOf } from '../../remote/content-coding.js';
import { download, validatorOf } from '../../remote/download.js';
import { discard, type HttpResponse } from '../../remote/http.js';
import { shownUrl } from '../../remote/shown-url.js';
import { isComplete } from '../../resolve/completeness.js';
import type { BlobMeter } from '../fetch-meter.js';
import type { Fetching } from '../fetching.js';
import { lockBlobs, partialFile, removePartial } from '../partial-files.js';
import { freshFor } from './freshness.js';
import type { Trying } from './signature-source.js';

/** What stands where an image should, if a server has no image but something to tell people. */
const PAGE = /^(?:text\/html|application\/xhtml\+xml)\b/i;

export class UrlArchive {
  readonly url: URL;
  /** The file that the bytes are in. */
  readonly path: string;
  readonly #fetching: Fetching;
  readonly #hex: string;
  #lock: Lock | undefined;
  #note: UrlNote;
  #state: Pick<CameFromUrl, 'etag' | 'modified' | 'fresh'>;
  size = 0;
  downloadedBytes = 0;
  resumedBytes = 0;

  private constructor(fetching: Fetching, url: URL, lock: Lock) {
    this.#fetching = fetching;
    this.#lock = lock;
    this.url = url;
    this.#hex = hashOfUrl(url);
    this.path = partialFile(fetching.store, this.#digest);
    this.#note = readUrlNote(fetching.store, this.#hex);
    const { coming } = this.#note;
    // A server that has no more bytes to send says nothing else of them.
    this.#state = {
      fresh: 0,
      ...(coming?.startsWith('"') === true ? { etag: coming } : defined({ modified: coming })),
    };
  }

  /** Waits until nobody else is at this URL. @throws CairnError `ERR_ABORTED` */
  static async open(fetching: Fetching, at: URL, signal: AbortSignal | undefined): Promise<UrlArchive> {
    const url = new URL(at);
    url.hash = '';
    const lock = await lockBlobs(fetching.store, [`sha256:${hashOfUrl(url)}`], signal);
    return new UrlArchive(fetching, url, lock);
  }

  /** Lets others at this URL. Who needs only what is in the store now must not hold it. */
  release(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }

  /**
   * The image that came from here last, if it would come again.
   * @param isGood whether an image of the store may stand for it
   * @throws CairnError as {@link HttpClient.request} does
   */
  async unchanged(
    isGood: (came: CameFromUrl, image: ImageRecord) => Promise<boolean>,
    { signal, retries }: Trying,
  ): Promise<ImageRecord | undefined> {
    const { store, http } = this.#fetching;
    const { came } = this.#note;
    const image = came === undefined ? undefined : store.index.image(came.image);
    if (came === undefined || image === undefined || !isComplete(store.index, image)) return undefined;
    if (!(await isGood(came, image))) return undefined;
    const age = Date.now() - came.at;
    this.size = came.size;
    if (age >= 0 && age < came.fresh) return image;
    const { etag, modified } = came;
    if (etag === undefined && modified === undefined) return undefined;
    const headers = defined({ 'if-none-match': etag, 'if-modified-since': etag === undefined ? modified : undefined });
    const response = await http.request({
      url: this.url,
      headers,
      accept: [200, 304],
      signal,
      ...defined({ retries }),
    });
    discard(response);
    if (response.status === 200) return undefined;
    const fresh = freshFor(response.headers['cache-control']) ?? came.fresh;
    this.#write({ came: { ...came, fresh, at: Date.now() } });
    return image;
  }

  /**
   * Gets all bytes.
   * @param ref what the image was asked for as
   * @throws CairnError as {@link download} does, and `ERR_HTTP` for a page in place of an image
   */
  async download(ref: string, { signal, retries = Number.POSITIVE_INFINITY }: Trying): Promise<void> {
    const { store, http, meter } = this.#fetching;
    const { maxBytes: most } = store.limits;
    let told: BlobMeter | undefined;
    try {
      const got = await download(http, {
        url: this.url,
        into: this.path,
        most,
        validator: this.#note.coming,
        signal,
        retry: { retries: Math.min(retries, http.retry.retries) },
        onResponse: (response) => {
          const total = totalOf(response);
          this.#receive(response, total);
          told ??= meter.blob(shownUrl(this.url), codingOf(response) === undefined ? total : undefined);
          meter.known(ref);
        },
        onBytes: (done) => told?.has(done),
      });
      this.size = got.size;
      this.downloadedBytes = got.downloadedBytes;
      this.resumedBytes = got.resumedBytes;
    } catch (error) {
      if (!isCairnError(error, 'ERR_LIMIT')) throw error;
      this.remove();
      throw new CairnError('ERR_LIMIT', `${error.message} (${limitFlag('maxBytes')})`, { cause: error });
    } finally {
      told?.end();
    }
  }

  /** Notes to which image the bytes led, and removes them, unless somebody else is at them by now. */
  keep(image: ImageRecord['key'], signed: CameFromUrl['signed']): void {
    const { store } = this.#fetching;
    this.#lock ??= tryLock(store.layout.fetchLock(this.#hex), true);
    if (this.#lock === undefined) return;
    try {
      this.#write({ came: { image, size: this.size, at: Date.now(), ...this.#state, ...defined({ signed }) } });
      this.remove();
    } finally {
      this.release();
    }
  }

  /** Removes bytes that the next attempt must not build on. */
  remove(): void {
    removePartial(this.#fetching.store, this.#digest);
  }

  get #digest(): string {
    return `sha256:${this.#hex}`;
  }

  #receive(response: HttpResponse, total: number | undefined): void {
    const { headers, status, url } = response;
    const { maxBytes } = this.#fetching.store.limits;
    const type = headers['content-type'] ?? '';
    if (PAGE.test(type)) throw new CairnError('ERR_HTTP', `${shownUrl(url)} is a page (${type}), and no image`);
    if (total !== undefined && total > maxBytes)
      throw new CairnError('ERR_LIMIT', `${shownUrl(url)} has ${total} bytes, more than ${maxBytes}`);
    const { etag, 'last-modified': modified } = headers;
    this.#state = { fresh: freshFor(headers['cache-control']) ?? 0, ...defined({ etag, modified }) };
    if (status !== 200) return;
    // Bytes of another state must be gone before the note says of which state the next ones are.
    fs.truncateSync(this.path, 0);
    const coming = validatorOf(headers);
    if (coming !== this.#note.coming) this.#write({ ...this.#note, coming });
  }

  #write({ came, coming }: { came?: CameFromUrl | undefined; coming?: string | undefined }): void {
    this.#note = defined({ came, coming });
    writeUrlNote(this.#fetching.store, this.#hex, this.#note);
  }
}

/** Bytes of the whole, as far as an answer says. */
function totalOf({ status, headers }: HttpResponse): number | undefined {
  const text = status === 206 ? /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] : headers['content-length'];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
