/** Who may come in: whoever sends one of the tokens of a file. */
import { createHash, timingSafeEqual } from 'node:crypto';
import * as fs from 'node:fs';
import { CairnError, toCairnError } from '../../core/errors.js';
import { formatMode } from '../../core/metadata.js';

/** Shorter tokens could be guessed. */
const SHORTEST = 16;
const LARGEST_FILE = 64 * 1024;
/** Characters that a header takes, and that no shell or client changes (RFC 6750, `b64token`, and more). */
const TOKEN = /^[\x21-\x7e]+$/;

export class Tokens {
  /** Hashes have one length, so comparing them tells nothing of the tokens. */
  readonly #hashes: readonly Buffer[];

  constructor(tokens: readonly string[]) {
    this.#hashes = tokens.map(hashOf);
  }

  /**
   * Reads a file with a token on each line. Empty lines and those that begin with `#` do not count.
   * @throws CairnError `ERR_USAGE` for a file that others may read, that has no token, or that has bad ones
   */
  static read(path: string): Tokens {
    const fault = (why: string): CairnError => new CairnError('ERR_USAGE', `${path}: ${why}`, { path });
    let text: string;
    let mode: number;
    try {
      const stat = fs.statSync(path);
      mode = stat.mode;
      if (stat.size > LARGEST_FILE) throw fault('too large for a file of tokens');
      text = fs.readFileSync(path, 'utf8');
    } catch (error) {
      throw toCairnError(error, 'the file of tokens cannot be read');
    }
    if ((mode & 0o077) !== 0)
      throw fault(`others may read it (mode ${formatMode(mode & 0o7777)}); "chmod 600" keeps tokens secret`);
    const tokens = text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'));
    if (tokens.length === 0) throw fault('it has no token');
    if (!tokens.every((token) => token.length >= SHORTEST && TOKEN.test(token)))
      throw fault(`a token has at least ${SHORTEST} characters, without spaces; "openssl rand -hex 32" makes one`);
    return new Tokens(tokens);
  }

  /** @param authorization `Bearer TOKEN`, or `Basic` with the token as password, whoever the user is */
  accepts(authorization: string | undefined): boolean {
    const given = tokenIn(authorization ?? '');
    if (given === undefined) return false;
    const hash = hashOf(given);
    // All are compared, so that the time does not tell which one was near.
    return this.#hashes.map((each) => timingSafeEqual(each, hash)).includes(true);
  }
}

function tokenIn(authorization: string): string | undefined {
  const [, scheme = '', value = ''] = /^(Bearer|Basic) +([^\s]+)$/i.exec(authorization) ?? [];
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme === '') return undefined;
  const decoded = Buffer.from(value, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return colon < 0 ? undefined : decoded.slice(colon + 1);
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
