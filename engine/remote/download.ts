/**
 * Downloads one URL to a file, and goes on where an earlier attempt stopped: after a broken connection, and after a
 * process that died.
 */
import * as fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { CairnError, isCairnError } from '../core/errors.js';
import { codingOf, decodedFile, isOfSize } from './content-coding.js';
import { discard, type HttpClient, type HttpRequest, type HttpResponse } from './http.js';
import { isPassing, networkError } from './http-error.js';
import { pause, pauseBefore, type RetryPolicy } from './retry.js';
import { shownUrl } from './shown-url.js';

export interface DownloadRequest {
  url: string | URL;
  headers?: Readonly<Record<string, string>>;
  /** Sends the requests, if something goes along with them that changes. */
  send?: (request: HttpRequest) => Promise<HttpResponse>;
  /** Where the bytes go. What is there already is the beginning of them. */
  into: string;
  /** Bytes that it has, if that is known: no more are taken. */
  size?: number | undefined;
  /** The most bytes that are taken. */
  most: number;
  /**
   * Of what is there already, see {@link validatorOf}. Bytes of another state are not put behind it. What has neither a
   * validator nor a size begins anew each time.
   */
  validator?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Hears how many bytes the file has. */
  onBytes?: (length: number) => void;
  /** Hears of an answer before its bytes are written. */
  onResponse?: (response: HttpResponse) => void;
  /** By default as the client tries. */
  retry?: Partial<RetryPolicy>;
}

export interface Downloaded {
  /** Bytes of the whole. */
  size: number;
  /** Bytes that came over the network. */
  downloadedBytes: number;
  /** Bytes that were there before. */
  resumedBytes: number;
}

/**
 * @throws CairnError `ERR_NETWORK`, `ERR_HTTP`, `ERR_DIGEST_MISMATCH` for another size, `ERR_LIMIT`, `ERR_NO_SPACE`,
 *   `ERR_ABORTED`. The file stays, for the next attempt.
 */
export async function download(http: HttpClient, request: DownloadRequest): Promise<Downloaded> {
  // A file with a second name belongs to somebody who keeps its bytes as they are.
  if ((fs.statSync(request.into, { throwIfNoEntry: false })?.nlink ?? 0) > 1) fs.rmSync(request.into);
  const file = await open(request.into, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
  try {
    const one = new Download(http, request, file, (await file.stat()).size);
    return await one.run();
  } finally {
    await file.close();
  }
}

/** RFC 9110 §15.5.17. */
const NO_RANGE = 416;
/** What some stores behind registries answer to a range that they do not like. */
const BAD_REQUEST = 400;

class Download {
  readonly #http: HttpClient;
  readonly #request: DownloadRequest;
  readonly #file: FileHandle;
  /** Bytes of the file that were there before. */
  #resumed: number;
  /** Bytes that the file has. */
  #length: number;
  /** The most bytes that it has had: those that come once more are no progress. */
  #longest: number;
  #downloaded = 0;
  /** Of what the file has. */
  #validator: string | undefined;
  #isAnswered = false;

  constructor(http: HttpClient, request: DownloadRequest, file: FileHandle, length: number) {
    this.#http = http;
    this.#request = request;
    this.#file = file;
    this.#length = length;
    this.#resumed = length;
    this.#longest = length;
    this.#validator = request.validator;
  }

  async run(): Promise<Downloaded> {
    const { size, signal, onBytes } = this.#request;
    const retry = { ...this.#http.retry, ...this.#request.retry };
    if (size === undefined ? this.#validator === undefined : this.#length > size) await this.#startOver();
    onBytes?.(this.#length);
    for (let failures = 0; size === undefined || this.#length < size || size === 0; ) {
      const before = this.#longest;
      try {
        await this.#transfer();
        break;
      } catch (error) {
        // Requests that get no answer have been tried again already.
        if (!isPassing(error) || !this.#isAnswered) throw error;
        // A connection that breaks often, but brings something each time, gets there.
        failures = this.#longest > before ? 0 : failures;
        const waiting = pauseBefore(failures++, retry);
        if (waiting === undefined) throw error;
        await pause(waiting, signal);
        if (size === undefined && this.#validator === undefined) await this.#startOver();
      }
    }
    return {
      size: this.#length,
      downloadedBytes: this.#downloaded,
      resumedBytes: Math.min(this.#resumed, this.#length),
    };
  }

  async #transfer(): Promise<void> {
    this.#isAnswered = false;
    const response = await this.#ask();
    if (response === undefined) return;
    this.#isAnswered = true;
    const { body, url } = response;
    try {
      this.#request.onResponse?.(response);
      await this.#write(response);
    } catch (error) {
      throw isSystem(error) ? error : networkError(error, url, this.#request.signal);
    } finally {
      body.destroy();
    }
    const { size } = this.#request;
    if (size !== undefined && this.#length < size) {
      const cut = new Error(`${this.#length} of ${size} bytes came`);
      throw new CairnError('ERR_NETWORK', `${shownUrl(url)}: ${cut.message}`, { errno: 'short', cause: cut });
    }
  }

  /**
   * Asks for the rest, or for everything where the server cannot give the rest.
   * @returns `undefined` if there is no rest
   */
  async #ask(wantsRest = this.#length > 0): Promise<HttpResponse | undefined> {
    const { url, headers = {}, size, signal } = this.#request;
    const send = this.#request.send ?? ((request) => this.#http.request(request));
    const condition = this.#validator === undefined ? {} : { 'if-range': this.#validator };
    const range = !wantsRest ? {} : { range: `bytes=${this.#length}-`, ...condition };
    const response = await send({
      url,
      headers: { ...headers, ...range },
      signal,
      accept: wantsRest ? [200, 206, NO_RANGE, BAD_REQUEST] : [200],
    });
    this.#checkAnnounced(response);
    // Ranges of what is coded are none of the file.
    const isRangeOfCode = response.status === 206 && codingOf(response) !== undefined && !isOfSize(response, size);
    const isRefused = response.status === NO_RANGE || response.status === BAD_REQUEST;
    if (!isRefused && !isRangeOfCode) return response;
    discard(response);
    if (this.#isWhole(response)) return undefined;
    // What somebody reads already must not be cut off.
    if (size === undefined) await this.#startOver();
    return this.#ask(false);
  }

  /** Bytes that cannot be those that were wanted need not come at all. */
  #checkAnnounced(response: HttpResponse): void {
    const { size } = this.#request;
    const announced = wholeOf(response);
    if (size === undefined || announced === undefined || announced === size) return;
    if (codingOf(response) !== undefined) return;
    discard(response);
    const why = `${shownUrl(response.url)} has ${announced} bytes, not the ${size} that it should have`;
    throw new CairnError('ERR_DIGEST_MISMATCH', why, { expected: `${size} bytes`, found: `${announced} bytes` });
  }

  /** Whether a server that has no more bytes says that there never were more, of what the file has. */
  #isWhole({ status, headers }: HttpResponse): boolean {
    if (status !== NO_RANGE || this.#validator === undefined || headers['content-range'] !== `bytes */${this.#length}`)
      return false;
    const validator = validatorOf(headers);
    return validator === undefined || validator === this.#validator;
  }

  async #write(response: HttpResponse): Promise<void> {
    const { onBytes, size } = this.#request;
    let skip = await this.#overlap(response);
    // What has a size has a digest, and does not change.
    if (response.status === 200 && size === undefined) this.#validator = validatorOf(response.headers);
    const parts = decodedFile(response, size, (received) => {
      this.#downloaded += received;
    });
    for await (const part of parts) {
      const bytes = skip === 0 ? part : part.subarray(Math.min(skip, part.length));
      skip -= part.length - bytes.length;
      this.#checkLength(response, this.#length + bytes.length);
      // A disk that becomes full takes a part.
      for (let at = 0; at < bytes.length; )
        at += (await this.#file.write(bytes, at, bytes.length - at, this.#length + at)).bytesWritten;
      this.#length += bytes.length;
      this.#longest = Math.max(this.#longest, this.#length);
      onBytes?.(this.#length);
    }
  }

  /**
   * The bytes at the beginning of an answer that the file has already: a server may give everything though it was asked
   * for the rest. What has a digest does not change; anything else is taken anew.
   */
  async #overlap({ status, headers, url }: HttpResponse): Promise<number> {
    if (status === 200) {
      if (this.#request.size === undefined && this.#length > 0) await this.#startOver();
      return this.#length;
    }
    const from = Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1]);
    if (from === this.#length) return 0;
    throw new CairnError('ERR_HTTP', `${shownUrl(url)} gives another range of bytes than it was asked for`);
  }

  #checkLength({ url }: HttpResponse, length: number): void {
    const { size, most } = this.#request;
    if (size !== undefined && length > size) {
      const why = `${shownUrl(url)} sends more than the ${size} bytes that it should have`;
      throw new CairnError('ERR_DIGEST_MISMATCH', why, { expected: `${size} bytes`, found: 'more' });
    }
    if (length > most) throw new CairnError('ERR_LIMIT', `${shownUrl(url)} sends more than ${most} bytes`);
  }

  async #startOver(): Promise<void> {
    await this.#file.truncate(0);
    this.#length = 0;
    this.#resumed = 0;
  }
}

/** Bytes of the whole, as far as an answer says so: of all it gives, or of all that the range is from. */
function wholeOf({ status, headers }: HttpResponse): number | undefined {
  const text = status === 200 ? headers['content-length'] : /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/**
 * What tells whether further bytes are of the same state (RFC 9110 §13.1.5): an `ETag` that is not weak, or a
 * `Last-Modified` that no second change within its second can share. What is coded cannot be gone on with.
 */
export function validatorOf(headers: HttpResponse['headers']): string | undefined {
  if (codingOf({ headers }) !== undefined) return undefined;
  const { etag, 'last-modified': modified, date } = headers;
  if (etag?.startsWith('"') === true) return etag;
  if (modified === undefined || date === undefined) return undefined;
  return Date.parse(date) - Date.parse(modified) >= 1000 ? modified : undefined;
}

/** A failure of the disk, not of the network. */
function isSystem(error: unknown): boolean {
  return !isCairnError(error) && (error as NodeJS.ErrnoException).syscall === 'write' && 'errno' in (error as object);
}
