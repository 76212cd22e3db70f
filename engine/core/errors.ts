/**
 * Every error that cairn reports on purpose is a {@link CairnError} with one of these codes.
 * The list is closed: a new kind of failure gets a new line here, with its meaning.
 */
import { constants } from 'node:os';
import { withoutSecrets } from './without-secrets.js';

export const ERROR_CODES = {
  ERR_ABORTED: 'the caller cancelled',
  ERR_AMBIGUOUS_KEY: 'a key prefix fits several images or blobs, or a source holds several images',
  ERR_BAD_ARCHIVE:
    'an archive breaks a rule of its format, lacks what it lists, or breaks a rule of ours against hostile input',
  ERR_BAD_BUILD: 'what a build notes of itself is broken',
  ERR_BAD_COMPRESSION: 'a compressed stream is corrupt or cut short',
  ERR_BAD_LINK: 'a hard link whose target is missing, later in the archive, or not linkable',
  ERR_BAD_MANIFEST: 'a manifest breaks a rule of its schema',
  ERR_BAD_SIGNATURE: 'a signature is of other bytes, or is no signature',
  ERR_CONFIG: 'a configuration file breaks a rule',
  ERR_DAMAGED: 'the store is not what its index says',
  ERR_DEPENDENCY_CYCLE: 'an image depends on itself',
  ERR_DIGEST_MISMATCH: 'bytes do not have the digest or the size that was expected',
  ERR_EXISTS: 'the destination is already there',
  ERR_FOREIGN_STORE: 'the store belongs to another user',
  ERR_HELD: 'a pin, a lease, a pod or a mount holds it',
  ERR_HTTP: 'a server answered with an error, or with what it must not',
  ERR_IO: 'the system refused a read or a write',
  ERR_KEY_EXPIRED: 'the key that signed had expired, or the signature has',
  ERR_KEY_REVOKED: 'the key that signed was revoked',
  ERR_KEY_SYNTAX: 'not a key: wrong prefix or not hexadecimal',
  ERR_KEY_TOO_SHORT: 'a key prefix with fewer than two digits',
  ERR_LIMIT: 'a limit was reached; the message names the flag that raises it',
  ERR_NAME_MISMATCH: 'an image has another name, or other labels, than it was asked for by',
  ERR_NAME_SYNTAX: 'not an image name',
  ERR_NETWORK: 'a server could not be reached, or the connection broke',
  ERR_NOT_AN_IMAGE: 'the input is no image of any known format',
  ERR_NOT_A_STORE: 'the directory is no cairn store',
  ERR_NOT_FOUND: 'nothing here by that name',
  ERR_NO_SPACE: 'the disk or the quota is full',
  ERR_NO_SIGNATURE: 'an image that must be signed is not',
  ERR_POLICY: 'the policy rejects the image',
  ERR_READ_ONLY: 'the store cannot be written',
  ERR_RUNTIME: 'an app could not be run: no OCI runtime is here, or it refused',
  ERR_STORE_VERSION: 'the store was made by a newer version',
  ERR_TLS: 'a server could not prove who it is, or the way to it is not safe',
  ERR_UNAUTHORIZED: 'a server wants credentials, or refused the ones it got',
  ERR_UNSUPPORTED: 'known, but not supported here',
  ERR_UNTRUSTED_KEY: 'the key that signed is not trusted for this name',
  ERR_USAGE: 'arguments that do not fit together',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Facts about an error, besides its message. */
export interface ErrorDetails {
  /** The file or directory on disk. */
  path?: string;
  /** The entry inside an archive, or the place inside a document. */
  entry?: string;
  /** For mismatches, the expected value and the found one. */
  expected?: string;
  found?: string;
  /** Possible meanings of an ambiguous key, at most ten. */
  candidates?: readonly string[];
  /** The system's error name (`ENOSPC`) where one caused this. */
  errno?: string;
  cause?: unknown;
}

export class CairnError extends Error {
  override readonly name = 'CairnError';
  readonly code: ErrorCode;
  declare readonly path?: string;
  declare readonly entry?: string;
  declare readonly expected?: string;
  declare readonly found?: string;
  declare readonly candidates?: readonly string[];
  declare readonly errno?: string;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    const { cause, ...fields } = details;
    super(withoutSecrets(message), cause === undefined ? undefined : { cause });
    this.code = code;
    for (const [name, given] of Object.entries(fields)) {
      const value = typeof given === 'string' ? withoutSecrets(given) : given;
      if (value !== undefined) Object.defineProperty(this, name, { value, enumerable: true });
    }
  }

  /** The fields that survive a thread boundary and go into `--json` output. */
  toJSON(): ErrorDetails & { code: ErrorCode; message: string } {
    const { name: _name, ...fields } = { ...this } as Record<string, unknown>;
    return { ...fields, code: this.code, message: this.message };
  }
}

/** Rebuilds an error that crossed a thread as {@link CairnError.toJSON}. */
export function errorFromJSON(json: ErrorDetails & { code: ErrorCode; message: string }): CairnError {
  const { code, message, ...details } = json;
  return new CairnError(code, message, details);
}

/** Whether an error is one of cairn's own, and has one of these codes if any are given. */
export function isCairnError(error: unknown, ...codes: ErrorCode[]): error is CairnError {
  return error instanceof CairnError && (codes.length === 0 || codes.includes(error.code));
}

const NO_SPACE = new Set(['ENOSPC', 'EDQUOT']);

interface SystemError extends Error {
  code: string;
  errno?: number;
  syscall?: string;
  path?: string;
}

function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code);
}

/** Whether an error is the system's, with one of these names (`ENOENT`). */
export function hasCode(error: unknown, ...names: string[]): boolean {
  return isSystemError(error) && names.includes(error.code);
}

const UNKNOWN = /Unknown system error -(\d+)(?:: Unknown system error -\d+)?/;
const NAMELESS = 'UNKNOWN';
const ERRNO_NAMES = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** Names an error for which Node has no name, such as `EDQUOT`: Node gives only the number of such errors. */
export function errnoName(number: number): string | undefined {
  return ERRNO_NAMES.get(number);
}

/** Node has no name for some errors, `EDQUOT` among them, and only tells their number, in one of two ways. */
function named(error: unknown): unknown {
  const { code: said, errno } = (error instanceof Error ? error : {}) as Partial<SystemError>;
  const code = errnoName(Number(said === NAMELESS ? -(errno ?? 0) : UNKNOWN.exec(said ?? '')?.[1]));
  if (code === undefined) return error;
  const { message, path } = error as SystemError;
  const text = message.replace(UNKNOWN, code).replace(`${NAMELESS}: unknown error`, code);
  return Object.assign(new Error(text, { cause: error }), { code, path });
}

/**
 * Turns anything thrown into a {@link CairnError}: a CairnError passes, a system error keeps its errno and path, an
 * abort becomes `ERR_ABORTED`. Anything else is a defect of ours and is returned as it is.
 */
export function toCairnError(error: unknown, doing?: string): unknown {
  if (error instanceof CairnError) return error;
  if (error instanceof Error && error.name === 'AbortError') return aborted(error);
  const known = named(error);
  if (!isSystemError(known)) return error;
  const prefix = doing === undefined ? '' : `${doing}: `;
  const code = NO_SPACE.has(known.code) ? 'ERR_NO_SPACE' : known.code === 'EROFS' ? 'ERR_READ_ONLY' : 'ERR_IO';
  const details: ErrorDetails = { errno: known.code, cause: error };
  if (known.path !== undefined) details.path = known.path;
  return new CairnError(code, `${prefix}${known.message}`, details);
}

/** Runs work on a descriptor, and adds the path to its errors: the system does not know the path. */
export function naming<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw withPath(error, path);
  }
}

/** Gives a system error this path, if the error has none. */
export function withPath(error: unknown, path: string): unknown {
  if (error instanceof Error && 'syscall' in error && !('path' in error)) Object.assign(error, { path });
  return error;
}

export function aborted(cause?: unknown): CairnError {
  return new CairnError('ERR_ABORTED', 'cancelled', { cause });
}

/** Throws `ERR_ABORTED` once the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal.reason);
}
