/** Turns what goes wrong with a server into errors that say what, where, and whether another try may help. */
import { aborted, CairnError, type ErrorCode } from '../core/errors.js';
import { shownUrl } from './shown-url.js';

/** What OpenSSL calls a server that cannot prove who it is. */
const BAD_CERTIFICATE =
  /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_|INVALID_PURPOSE|HOSTNAME_MISMATCH|PATH_LENGTH_)/;
const BAD_TLS = /^(?:ERR_SSL_|EPROTO$)/;
/** A second try would end the same way. */
const FINAL = new Set(['ENOTFOUND', 'ERR_INVALID_URL', 'UND_ERR_INVALID_ARG', 'UND_ERR_HEADERS_OVERFLOW']);

const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the host',
  UND_ERR_SOCKET: 'the connection broke',
  UND_ERR_CONNECT_TIMEOUT: 'connecting takes too long',
  UND_ERR_HEADERS_TIMEOUT: 'the server does not answer',
  UND_ERR_BODY_TIMEOUT: 'the server has stopped sending',
  UND_ERR_HEADERS_OVERFLOW: 'its headers are too large',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'it sent another number of bytes than it said',
};

/** A failure of the network that another try may mend. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof CairnError) || error.code !== 'ERR_NETWORK') return false;
  return !FINAL.has(error.errno ?? '');
}

/** Turns what a request or the reading of an answer threw into a {@link CairnError}. */
export function networkError(thrown: unknown, url: string | URL, signal?: AbortSignal): CairnError {
  if (thrown instanceof CairnError) return thrown;
  if (signal?.aborted === true) return aborted(thrown);
  const cause = deepest(thrown);
  const name = codeOf(cause) ?? codeOf(thrown) ?? '';
  const where = shownUrl(url);
  if (BAD_CERTIFICATE.test(name) || BAD_TLS.test(name)) {
    const why = cause instanceof Error ? cause.message.split('\n', 1)[0] : name;
    return new CairnError('ERR_TLS', `${where}: ${why}`, { errno: name, cause: thrown });
  }
  const why = MEANINGS[name] ?? (cause instanceof Error ? cause.message : String(cause));
  return new CairnError('ERR_NETWORK', `${where}: ${why}`, { errno: name || 'unknown', cause: thrown });
}

/** The error for an answer that is not what was hoped for. @param says what the body says, for people */
export function statusError(status: number, url: string | URL, says = ''): CairnError {
  const code: ErrorCode =
    status === 401 || status === 403 ? 'ERR_UNAUTHORIZED' : status === 404 ? 'ERR_NOT_FOUND' : 'ERR_HTTP';
  const what =
    status === 401
      ? 'wants credentials, or other ones (401)'
      : status === 403
        ? 'refuses this (403)'
        : `answers ${status}`;
  return new CairnError(code, `${shownUrl(url)} ${what}${says === '' ? '' : `: ${says}`}`, { found: `${status}` });
}

/** Several addresses of a host may fail, each for its own reason; the first one is told. */
function deepest(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return deepest(error.errors[0]);
  if (error instanceof Error && error.cause !== undefined && codeOf(error) === undefined) return deepest(error.cause);
  return error;
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
