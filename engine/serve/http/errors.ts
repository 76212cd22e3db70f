/** What goes wrong, as answers: a status, and a document in the form that the client of a route knows. */
import { type CairnError, ERROR_CODES, type ErrorCode, isCairnError, toCairnError } from '../../core/errors.js';

/** An error of the protocol, which no store has. */
export class HttpError extends Error {
  readonly status: number;
  /** A code of the API, or of a registry (OCI distribution spec, error codes). */
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  ERR_NOT_FOUND: 404,
  ERR_AMBIGUOUS_KEY: 409,
  ERR_EXISTS: 409,
  ERR_HELD: 409,
  ERR_KEY_SYNTAX: 400,
  ERR_KEY_TOO_SHORT: 400,
  ERR_NAME_SYNTAX: 400,
  ERR_USAGE: 400,
  ERR_READ_ONLY: 403,
  ERR_POLICY: 403,
  ERR_NO_SPACE: 507,
  ERR_ABORTED: 503,
  ERR_LIMIT: 413,
};

/** Faults of what a client sent. */
const REFUSED: ReadonlySet<ErrorCode> = new Set([
  ...(['ERR_BAD_ARCHIVE', 'ERR_BAD_COMPRESSION', 'ERR_BAD_LINK', 'ERR_BAD_MANIFEST', 'ERR_NOT_AN_IMAGE'] as const),
  ...(['ERR_DEPENDENCY_CYCLE', 'ERR_DIGEST_MISMATCH', 'ERR_NAME_MISMATCH', 'ERR_UNSUPPORTED'] as const),
  ...(['ERR_BAD_SIGNATURE', 'ERR_NO_SIGNATURE', 'ERR_UNTRUSTED_KEY', 'ERR_KEY_EXPIRED', 'ERR_KEY_REVOKED'] as const),
]);

export interface Failure {
  status: number;
  code: string;
  message: string;
  headers: Readonly<Record<string, string>>;
  /** What the client learns besides. */
  details: Readonly<Record<string, unknown>>;
  /** A defect, or the store's damage: whoever runs the server should hear of it. */
  isOurs: boolean;
}

export function failureOf(thrown: unknown): Failure {
  const error = toCairnError(thrown);
  if (error instanceof HttpError) return { ...pick(error), details: {}, isOurs: false };
  if (isCairnError(error)) return failureOfCairn(error);
  const { statusCode, code, message } = error as { statusCode?: number; code?: string; message?: string };
  // The framework's own refusals: a body that is too large or no JSON, a query that breaks its schema.
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    const name = statusCode === 413 ? 'ERR_LIMIT' : 'ERR_USAGE';
    return { status: statusCode, code: name, message: message ?? `${code}`, headers: {}, details: {}, isOurs: false };
  }
  return { status: 500, code: 'ERR_INTERNAL', message: 'internal error', headers: {}, details: {}, isOurs: true };
}

function pick({ status, code, message, headers }: HttpError) {
  return { status, code, message, headers };
}

/** Paths of this machine are nobody's business. */
function failureOfCairn(error: CairnError): Failure {
  const { code, message, path: _path, errno: _errno, ...details } = error.toJSON();
  const status = STATUS[code] ?? (REFUSED.has(code) ? 422 : 500);
  const headers: Record<string, string> = status === 503 || status === 507 ? { 'retry-after': '10' } : {};
  // What the system says of its troubles names paths.
  const isOurs = status === 500 || code === 'ERR_NO_SPACE';
  return {
    status,
    code,
    message: isOurs ? ERROR_CODES[code] : message,
    headers,
    details: isOurs ? {} : details,
    isOurs,
  };
}

/** The part of the URLs that clients of registries ask below. */
export const REGISTRY = '/v2';

/** A failure in the form that the client of a URL knows. */
export function documentOf(url: string, failure: Failure): object {
  return url === REGISTRY || url.startsWith(`${REGISTRY}/`) ? registryError(failure) : apiError(failure);
}

/** The document of the API. */
function apiError({ code, message, details }: Failure): object {
  return { error: { code, message, ...details } };
}

const REGISTRY_CODES: Readonly<Record<number, string>> = {
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  404: 'NAME_UNKNOWN',
  405: 'UNSUPPORTED',
  429: 'TOOMANYREQUESTS',
  503: 'TOOMANYREQUESTS',
  507: 'TOOMANYREQUESTS',
};

/** The document of a registry (OCI distribution spec, error codes). */
function registryError({ status, code, message, details }: Failure): object {
  const known = /^ERR_/.test(code) ? (REGISTRY_CODES[status] ?? (status < 500 ? 'UNSUPPORTED' : 'UNKNOWN')) : code;
  return { errors: [{ code: known, message, detail: { ...details, ...(known === code ? {} : { code }) } }] };
}
