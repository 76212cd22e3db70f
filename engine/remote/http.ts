/**
 * HTTP as all of cairn speaks it: proxies of the environment, redirects that lose their credentials on the way to
 * another host, further tries after failures that pass, and caps on what is read.
 */
import { Readable } from 'node:stream';
import { request } from 'undici';
import { CairnError } from '../core/errors.js';
import { MAX_ERROR_TEXT, MAX_REDIRECTS } from '../core/limits.js';
import { type ConnectionOptions, Connections } from './connections.js';
import { type Answer, decodeDocument } from './content-coding.js';
import { isPassing, networkError, statusError } from './http-error.js';
import { isLoopback } from './loopback.js';
import { DEFAULT_RETRIES, isPassingStatus, pause, pauseBefore, type RetryPolicy, retryAfter } from './retry.js';
import { shownUrl } from './shown-url.js';

export { isLoopback } from './loopback.js';

export interface HttpOptions extends ConnectionOptions {
  userAgent: string;
  /** Allow plain HTTP to any host. It is always allowed to this machine itself. */
  plainHttp?: boolean;
  /** The value of `Authorization` for a host, if it has one. Asked anew after each redirect. */
  authorize?: (url: URL) => Promise<string | undefined> | string | undefined;
  retry?: Partial<RetryPolicy>;
}

export interface HttpRequest {
  url: string | URL;
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Names in lower case. Credentials among them do not follow a redirect to another host. */
  headers?: Readonly<Record<string, string>>;
  /** A stream cannot be sent twice, so there is one try only. */
  body?: Uint8Array | Readable;
  signal?: AbortSignal | undefined;
  /** Statuses that are an answer; 200 by default. Any other is an error. */
  accept?: readonly number[];
  /** Further tries, if fewer than the client would make. */
  retries?: number;
}

export interface HttpResponse extends Answer {
  /**
   * All bytes of a document.
   * @throws CairnError `ERR_LIMIT` if there are more than `most`, `ERR_NETWORK`
   */
  bytes(most: number): Promise<Buffer>;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Bytes of an answer without interest that are read all the same, to keep its connection for the next request. */
const SMALL_REST = 16 * 1024;

export class HttpClient {
  readonly #options: HttpOptions;
  /** How it tries again after failures that pass. */
  readonly retry: RetryPolicy;
  readonly #connections: Connections;
  /** What each answer was asked for with. */
  readonly #sentWith = new WeakMap<HttpResponse, string>();

  constructor(options: HttpOptions) {
    this.#options = options;
    this.retry = { ...DEFAULT_RETRIES, ...options.retry };
    this.#connections = new Connections(options);
  }

  /**
   * Sends a request, again after failures that pass, and follows redirects.
   * @throws CairnError `ERR_NETWORK`, `ERR_TLS`, `ERR_UNAUTHORIZED`, `ERR_NOT_FOUND`, `ERR_HTTP`, `ERR_ABORTED`
   */
  async request(asked: HttpRequest): Promise<HttpResponse> {
    const isRepeatable = !(asked.body instanceof Readable);
    const policy = asked.retries === undefined ? this.retry : { ...this.retry, retries: asked.retries };
    for (let attempt = 0; ; attempt++) {
      let waiting: number | undefined;
      try {
        const response = await this.#follow(asked);
        if ((asked.accept ?? [200]).includes(response.status)) return response;
        const failed = await failureOf(response, this.#sentWith.get(response));
        if (!isRepeatable || !isPassingStatus(response.status)) throw failed;
        waiting = pauseBefore(attempt, policy, retryAfter(response.headers['retry-after']));
        if (waiting === undefined) throw failed;
      } catch (thrown) {
        const error = networkError(thrown, asked.url, asked.signal);
        waiting = isRepeatable && isPassing(error) ? pauseBefore(attempt, policy) : undefined;
        if (waiting === undefined) throw error;
      }
      await pause(waiting, asked.signal);
    }
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  async #follow(asked: HttpRequest): Promise<HttpResponse> {
    let url = new URL(asked.url);
    let headers = asked.headers ?? {};
    for (let redirects = 0; ; redirects++) {
      this.#checkScheme(url);
      const response = await this.#send({ ...asked, url, headers });
      const location = response.headers['location'];
      const isRead = asked.method === undefined || asked.method === 'GET' || asked.method === 'HEAD';
      if (!isRead || !REDIRECTS.has(response.status) || location === undefined) return response;
      discard(response);
      if (redirects === MAX_REDIRECTS)
        throw new CairnError('ERR_HTTP', `${shownUrl(asked.url)} redirects more than ${MAX_REDIRECTS} times`);
      const next = destinationOf(location, url);
      if (isLoopback(next.hostname) && !isLoopback(url.hostname))
        throw new CairnError('ERR_HTTP', `${shownUrl(asked.url)} redirects to this machine, ${next.host}`);
      if (next.origin !== url.origin) headers = withoutCredentials(headers);
      url = next;
    }
  }

  async #send({ url, method = 'GET', headers, body, signal }: HttpRequest & { url: URL }): Promise<HttpResponse> {
    const authorization = headers?.['authorization'] ?? (await this.#options.authorize?.(url));
    const {
      statusCode,
      headers: received,
      body: stream,
    } = await request(url, {
      dispatcher: this.#connections.to(url),
      method,
      headers: {
        'user-agent': this.#options.userAgent,
        'accept-encoding': 'identity',
        ...headers,
        ...(authorization === undefined ? {} : { authorization }),
      },
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
    // A body that is destroyed unread reports that as an error. Who reads it hears of errors by the reading.
    stream.on('error', () => {});
    const flat = Object.fromEntries(
      Object.entries(received).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : `${value}`]),
    );
    const coding = flat['transfer-encoding']?.toLowerCase().replace(/,?\s*chunked$/, '') ?? '';
    if (coding !== '' && coding !== 'identity') {
      stream.destroy();
      throw new CairnError('ERR_HTTP', `${shownUrl(url)} sends its bytes in the transfer coding ${coding}`);
    }
    const response = responseOf({ status: statusCode, headers: flat, url, body: stream }, signal);
    if (authorization !== undefined) this.#sentWith.set(response, authorization);
    return response;
  }

  #checkScheme(url: URL): void {
    const { protocol, hostname } = url;
    if (protocol === 'https:') return;
    if (protocol !== 'http:') throw new CairnError('ERR_HTTP', `${shownUrl(url)}: only https and http are spoken`);
    if (this.#options.plainHttp === true || isLoopback(hostname)) return;
    const why = 'plain HTTP can be read and changed on its way; --insecure-options http allows it';
    throw new CairnError('ERR_TLS', `${shownUrl(url)}: ${why}`);
  }
}

/** Lets go of an answer whose body is of no interest. */
export function discard({ headers, body }: HttpResponse): void {
  if (Number(headers['content-length'] ?? Number.POSITIVE_INFINITY) <= SMALL_REST) body.resume();
  else body.destroy();
}

function destinationOf(location: string, from: URL): URL {
  try {
    return new URL(location, from);
  } catch (cause) {
    throw new CairnError('ERR_HTTP', `${shownUrl(from)} redirects to what is no URL`, { cause });
  }
}

function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  const secret = new Set(['authorization', 'cookie', 'proxy-authorization']);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !secret.has(name.toLowerCase())));
}

function responseOf(received: Answer, signal: AbortSignal | undefined): HttpResponse {
  return { ...received, bytes: (most) => readAll(received, most, signal) };
}

async function readAll({ url, headers, body }: Answer, most: number, signal?: AbortSignal): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of body as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > most) throw new CairnError('ERR_LIMIT', `${shownUrl(url)} sends more than ${most} bytes`);
      parts.push(part);
    }
  } catch (error) {
    throw networkError(error, url, signal);
  } finally {
    body.destroy();
  }
  return decodeDocument(Buffer.concat(parts), { headers, url }, most);
}

/**
 * What a server says of an error, as registries do in JSON (OCI distribution spec, error codes); else nothing. Some
 * repeat what they were sent, so nothing is told that holds a credential.
 */
async function failureOf(response: HttpResponse, authorization: string | undefined): Promise<CairnError> {
  let says = '';
  try {
    const body = (await response.bytes(MAX_ERROR_TEXT)).toString();
    const { errors } = JSON.parse(body) as { errors?: { code?: unknown; message?: unknown }[] };
    const { code, message } = errors?.[0] ?? {};
    const text = [code, message].filter((part) => typeof part === 'string' && part !== '').join(', ');
    if (!secretsIn(authorization).some((secret) => text.includes(secret))) says = text.slice(0, 300);
  } catch {
    // A page for people, or nothing. The status alone has to do.
  }
  return statusError(response.status, response.url, says);
}

/** @param authorization the value of the header */
function secretsIn(authorization = ''): string[] {
  const [scheme = '', credentials = ''] = authorization.split(' ');
  if (scheme.toLowerCase() !== 'basic') return [credentials].filter((secret) => secret !== '');
  const password = Buffer.from(credentials, 'base64')
    .toString()
    .replace(/^[^:]*:/, '');
  return [credentials, password].filter((secret) => secret !== '');
}
