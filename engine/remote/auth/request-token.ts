/** Asks a token server (distribution project, token authentication and OAuth 2). */
import { CairnError } from '../../core/errors.js';
import { MAX_TOKEN_ANSWER } from '../../core/limits.js';
import { basicAuthorization, type Credential, Secret } from '../credentials/credential.js';
import type { HttpClient, HttpResponse } from '../http.js';
import { shownUrl } from '../shown-url.js';

export interface TokenRequest {
  http: HttpClient;
  realm: URL;
  service: string | undefined;
  scopes: readonly string[];
  /** Nobody's token is asked for without one. */
  credential: Credential | undefined;
  signal?: AbortSignal | undefined;
}

export interface Token {
  value: Secret;
  lifetimeMs: number;
}

const CLIENT = 'cairn';
/** Where the server does not say how long a token is good for. */
const DEFAULT_SECONDS = 60;

/** @throws CairnError `ERR_UNAUTHORIZED`, `ERR_HTTP`, `ERR_NETWORK`, `ERR_TLS` */
export async function requestToken(request: TokenRequest): Promise<Token> {
  const response = await (request.credential?.kind === 'identity'
    ? exchange(request, request.credential.token)
    : ask(request));
  return parseToken(await response.bytes(MAX_TOKEN_ANSWER), response.url);
}

function ask({ http, realm, service, scopes, credential, signal }: TokenRequest): Promise<HttpResponse> {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  const isKnown = credential?.kind === 'password';
  if (isKnown) url.searchParams.set('account', credential.user);
  const headers: Record<string, string> = isKnown ? { authorization: basicAuthorization(credential) } : {};
  return http.request({ url, headers, signal });
}

function exchange({ http, realm, service, scopes, signal }: TokenRequest, token: Secret): Promise<HttpResponse> {
  const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: CLIENT, refresh_token: token.reveal() });
  if (service !== undefined) form.set('service', service);
  if (scopes.length > 0) form.set('scope', scopes.join(' '));
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return http.request({ url: realm, method: 'POST', headers, body: Buffer.from(form.toString()), signal });
}

/** The parser's own words would quote the token, so they do not go along as a cause. */
function parseToken(bytes: Buffer, url: URL): Token {
  let answer: Record<string, unknown> = {};
  try {
    answer = (JSON.parse(bytes.toString()) ?? {}) as Record<string, unknown>;
  } catch {
    // Told below, as for JSON without a token.
  }
  const value = [answer['token'], answer['access_token']].find((each) => typeof each === 'string' && each !== '');
  // Anything else cannot stand in a header.
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    throw new CairnError('ERR_HTTP', `${shownUrl(url)} answers without a token`);
  const seconds = Number(answer['expires_in'] ?? DEFAULT_SECONDS);
  return { value: new Secret(value), lifetimeMs: (seconds > 0 ? seconds : DEFAULT_SECONDS) * 1000 };
}
