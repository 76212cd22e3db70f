/**
 * Sends a blob to a registry (OCI distribution spec, pushing blobs): in one piece; after a failure in smaller ones,
 * from where the registry says that it stands.
 */
import type { Readable } from 'node:stream';
import { CairnError, isCairnError } from '../core/errors.js';
import { asSafeAs } from './as-safe-as.js';
import { discard, type HttpRequest, type HttpResponse } from './http.js';
import { isPassing } from './http-error.js';
import { counted } from './registry-answers.js';
import { isPassingStatus, pause, pauseBefore, type RetryPolicy } from './retry.js';

/** Bytes on their way to a registry. */
export interface Outgoing {
  digest: string;
  size: number;
  /** Opens the bytes from one offset to before another. */
  open: (from: number, to: number) => Readable;
  onBytes?: (sent: number) => void;
}

export interface UploadTarget {
  /** The registry as its users call it. */
  shown: string;
  /** Where uploads begin. All of them stay at its origin: credentials go there. */
  uploads: URL;
  send: (request: HttpRequest) => Promise<HttpResponse>;
  /** Whether the registry has the blob: an answer may be lost that said so. */
  has: () => Promise<boolean>;
  retry: RetryPolicy;
  signal: AbortSignal | undefined;
  /** Bytes of a piece, after a failure. By default so many as most registries and proxies take that limit them. */
  piece?: number;
}

const BYTES = 'application/octet-stream';
const PIECE = 8 * 2 ** 20;
/** All that are in use take this: web servers allow 1 MiB by default. */
const SMALLEST_PIECE = 2 ** 19;
/** What registries answer to bytes that are not those of the digest, among other things. */
const BAD_REQUEST = 400;
/** RFC 9110 §15.5.14. */
const TOO_LARGE = 413;
/** RFC 9110 §15.5.17: the piece is not the next one. */
const NOT_NEXT = 416;

/** @throws CairnError `ERR_UNAUTHORIZED`, `ERR_NETWORK`, `ERR_HTTP`, `ERR_ABORTED` */
export async function uploadBlob(target: UploadTarget, blob: Outgoing): Promise<void> {
  await new Upload(target, blob).run();
}

class Upload {
  readonly #target: UploadTarget;
  readonly #blob: Outgoing;
  /** Where it goes on. It may change with each answer. */
  #location: URL;
  /** Bytes that the registry has. */
  #at = 0;
  /** Bytes of one request; none while all go in one. */
  #piece: number | undefined;
  /** The registry takes no smaller pieces, but for the last. */
  #leastPiece = 0;
  /** It goes on by what the registry said, which may have been wrong. */
  #isResumed = false;

  constructor(target: UploadTarget, blob: Outgoing) {
    this.#target = target;
    this.#blob = blob;
    this.#location = target.uploads;
  }

  async run(): Promise<void> {
    const { retry, signal, has } = this.#target;
    await this.#begin();
    for (let failures = 0, reached = 0; ; ) {
      try {
        await this.#sendRest();
        return;
      } catch (error) {
        const isMistaken = this.#isResumed && statusOf(error) === BAD_REQUEST;
        if (!isMistaken && !isMendable(error)) throw error;
        if (this.#at > reached) failures = 0;
        reached = Math.max(reached, this.#at);
        const waiting = pauseBefore(failures++, retry);
        if (waiting === undefined) throw error;
        this.#piece = this.#smallerPiece(error);
        if (statusOf(error) !== TOO_LARGE) await pause(waiting, signal);
        if (await has()) return;
        await (isMistaken ? this.#begin() : this.#askWhere());
      }
    }
  }

  #smallerPiece(error: unknown): number {
    if (this.#piece === undefined) return Math.max(this.#target.piece ?? PIECE, this.#leastPiece);
    if (statusOf(error) !== TOO_LARGE) return this.#piece;
    return Math.max(SMALLEST_PIECE, this.#leastPiece, this.#piece / 2);
  }

  async #begin(): Promise<void> {
    const response = await this.#target.send({ url: this.#target.uploads, method: 'POST', accept: [202] });
    discard(response);
    const { location, 'oci-chunk-min-length': least } = response.headers;
    if (location === undefined)
      throw new CairnError('ERR_HTTP', `${this.#target.shown} does not say where the upload goes`);
    this.#location = uploadLocation(response, this.#target);
    this.#at = 0;
    this.#isResumed = false;
    this.#leastPiece = Number(least ?? 0) || 0;
  }

  async #sendRest(): Promise<void> {
    const { size } = this.#blob;
    const piece = this.#piece;
    while (piece !== undefined && this.#at < size) await this.#sendPiece(Math.min(this.#at + piece, size));
    const url = new URL(this.#location);
    // What the registry put there goes back byte for byte: it may be signed.
    url.search += `${url.search === '' ? '?' : '&'}digest=${encodeURIComponent(this.#blob.digest)}`;
    const headers = { 'content-type': BYTES, 'content-length': `${size - this.#at}` };
    const body = this.#at === size ? Buffer.alloc(0) : this.#bytes(size);
    discard(await this.#target.send({ url, method: 'PUT', headers, body, accept: [201, 204] }));
  }

  async #sendPiece(end: number): Promise<void> {
    const at = this.#at;
    const headers = { 'content-type': BYTES, 'content-length': `${end - at}`, 'content-range': `${at}-${end - 1}` };
    const request = { url: this.#location, method: 'PATCH', headers, body: this.#bytes(end) } as const;
    const response = await this.#target.send({ ...request, accept: [202, 201, 204] });
    discard(response);
    this.#location = uploadLocation(response, this.#target, this.#location);
    // A registry may have taken a part. What it says else is of no use: some tell of this piece alone, or lag behind.
    const stand = standIn(response) ?? end;
    this.#at = stand > at && stand < end ? stand : end;
  }

  #bytes(end: number): Readable {
    return counted(this.#blob.open(this.#at, end), this.#at, this.#blob.onBytes);
  }

  /** Asks how far the upload is. One that the registry does not know any more, or cannot tell of, begins anew. */
  async #askWhere(): Promise<void> {
    try {
      const response = await this.#target.send({ url: this.#location, accept: [204, 202, 200] });
      discard(response);
      this.#location = uploadLocation(response, this.#target, this.#location);
      this.#at = standIn(response) ?? 0;
      this.#isResumed = this.#at > 0;
    } catch (error) {
      if (!isCairnError(error, 'ERR_NOT_FOUND', 'ERR_HTTP')) throw error;
      await this.#begin();
    }
    if (this.#at > this.#blob.size) await this.#begin();
  }
}

/**
 * Another try, in pieces and from where the registry stands, may mend it. A token may have run out meanwhile, and the
 * registry may have forgotten the upload.
 */
function isMendable(error: unknown): boolean {
  const status = statusOf(error);
  if (status === undefined) return isPassing(error) || isCairnError(error, 'ERR_UNAUTHORIZED');
  return [404, TOO_LARGE, NOT_NEXT].includes(status) || isPassingStatus(status);
}

function statusOf(error: unknown): number | undefined {
  return isCairnError(error) && /^\d{3}$/.test(error.found ?? '') ? Number(error.found) : undefined;
}

/** `Range: 0-999`, some write `bytes=0-999`. @returns bytes that there are */
function standIn({ headers }: HttpResponse): number | undefined {
  const last = /^(?:bytes[= ])?0-(\d+)$/.exec(headers['range'] ?? '')?.[1];
  // Registries write an empty upload as 0-0, which is also that of one byte. A byte sent twice is refused.
  return last === undefined ? undefined : last === '0' ? 0 : Number(last) + 1;
}

/**
 * Where an upload goes on. A registry behind a proxy that speaks TLS for it may call itself by plain HTTP.
 * @param before where it stays if the answer does not say
 * @throws CairnError `ERR_HTTP` for another host
 */
export function uploadLocation(
  { headers, url }: HttpResponse,
  { uploads, shown }: Pick<UploadTarget, 'uploads' | 'shown'>,
  before: URL = url,
): URL {
  const text = headers['location'];
  if (text === undefined) return before;
  const location = URL.canParse(text, url.href) ? asSafeAs(uploads, new URL(text, url)) : undefined;
  if (location?.origin === uploads.origin) return location;
  throw new CairnError('ERR_HTTP', `${shown} wants the upload sent to another host, ${location?.host ?? 'no URL'}`);
}
