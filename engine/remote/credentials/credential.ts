/** What proves to a server who asks. The secret part of it is kept from everything that prints. */

import { CairnError } from '../../core/errors.js';

/** A password or token. Whatever shows, logs or serializes values shows only that there is one. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** For the one place that sends it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '(secret)';
  }

  toJSON(): string {
    return '(secret)';
  }
}

export interface Password {
  kind: 'password';
  user: string;
  password: Secret;
  /** The file or the program that it is from, for errors. */
  from: string;
}

/** A token that a token server exchanges for others (OAuth 2, a refresh token). */
export interface IdentityToken {
  kind: 'identity';
  token: Secret;
  from: string;
}

/** A token that is sent as it is. */
export interface BearerToken {
  kind: 'bearer';
  token: Secret;
  from: string;
}

export type Credential = Password | IdentityToken | BearerToken;

/** The value of `Authorization` for a user and a password (RFC 7617). */
export function basicAuthorization({ user, password }: Password): string {
  return `Basic ${Buffer.from(`${user}:${password.reveal()}`).toString('base64')}`;
}

/**
 * The value of `Authorization` for a token (RFC 6750).
 * @throws CairnError `ERR_CONFIG` for what cannot stand in a header
 */
export function bearerAuthorization({ token, from }: BearerToken): string {
  const value = token.reveal();
  if (/^[\x21-\x7e]+$/.test(value)) return `Bearer ${value}`;
  throw new CairnError('ERR_CONFIG', `${from}: a token has characters that no token has`);
}
