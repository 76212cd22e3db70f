/**
 * Gives registries what they want: the password itself, or a token that a token server gives for it. Who has no
 * credentials is given a token all the same, for what everybody may read.
 */
import { CairnError, isCairnError } from '../../core/errors.js';
import { asSafeAs } from '../as-safe-as.js';
import { basicAuthorization, bearerAuthorization, type Credential } from '../credentials/credential.js';
import type { HttpClient } from '../http.js';
import { isLoopback } from '../loopback.js';
import { type Challenge, parseChallenges } from './challenge.js';
import { requestToken } from './request-token.js';
import { coversScope, formatScope, parseScope, type Scope, uniteScopes } from './scope.js';

/** What is to be done, and where. */
export interface Access {
  http: HttpClient;
  /** Of the registry's API. */
  registry: URL;
  /** The registry as its users call it, with which credentials are found: `docker.io`. */
  host: string;
  repository?: string | undefined;
  /** `repository:team/app:pull`; several are divided by spaces. */
  scope?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** An answer that wanted other credentials. */
export interface Refused {
  /** Its `WWW-Authenticate`. */
  challenge: string;
  /** What had been sent. */
  authorization: string | undefined;
}

/** Gives the value of `Authorization` for a registry. */
export interface Authorizer {
  /** @returns undefined if there is nothing to send, or nothing other than what was refused */
  authorize(access: Access, refused?: Refused): Promise<string | undefined>;
  /** The error for a registry that takes nothing of what there is. */
  refusal(access: Access): Promise<CairnError>;
}

export interface FindsCredentials {
  find(host: string, repository?: string): Promise<Credential | undefined>;
}

interface Wants {
  scheme: 'basic' | 'bearer';
  realm: string;
  service: string | undefined;
}

interface KnownToken {
  scope: Scope;
  authorization: Promise<string>;
  /** Infinite until the token is here. */
  until: number;
}

/** A token is not used in its last moments: it is looked at when the request arrives. */
const MARGIN_MS = 5000;

export class RegistryAuth implements Authorizer {
  readonly #credentials: FindsCredentials;
  readonly #now: () => number;
  /** What each registry wanted, by its origin. */
  readonly #wants = new Map<string, Wants>();
  /** By the server and service that gave them, and the credential that they were given for. */
  readonly #tokens = new Map<string, KnownToken[]>();

  constructor(credentials: FindsCredentials, now: () => number = Date.now) {
    this.#credentials = credentials;
    this.#now = now;
  }

  async authorize(access: Access, refused?: Refused): Promise<string | undefined> {
    const { origin } = access.registry;
    const challenge = refused === undefined ? undefined : chooseChallenge(parseChallenges(refused.challenge));
    if (challenge !== undefined) this.#wants.set(origin, wantsOf(challenge));
    const wants = this.#wants.get(origin);
    if (wants === undefined || (refused !== undefined && challenge === undefined)) return undefined;
    const credential = await this.#credentials.find(access.host, access.repository);
    const authorization = await this.#answer(access, { wants, credential, challenge, refused });
    return refused !== undefined && authorization === refused.authorization ? undefined : authorization;
  }

  async refusal({ host, repository }: Access): Promise<CairnError> {
    const credential = await this.#credentials.find(host, repository);
    const what = repository === undefined ? host : `${host}/${repository}`;
    const problem =
      credential === undefined
        ? 'wants credentials'
        : `refuses the credentials of ${credential.from}, or this with them`;
    const help = `"cairn login ${host}" gives ${credential === undefined ? 'them' : 'other ones'}`;
    return new CairnError('ERR_UNAUTHORIZED', `${what} ${problem}; ${help}`);
  }

  async #answer(access: Access, asked: Asked): Promise<string | undefined> {
    const { wants, credential } = asked;
    if (credential?.kind === 'bearer') return bearerAuthorization(credential);
    if (wants.scheme === 'bearer') return this.#token(access, asked);
    return credential?.kind === 'password' ? basicAuthorization(credential) : undefined;
  }

  /** A token for the scope, or for more: one that is here and was not just refused, or a new one. */
  async #token(access: Access, { wants, credential, challenge, refused }: Asked): Promise<string> {
    const id = JSON.stringify([wants.realm, wants.service, access.host, credential?.from, accountOf(credential)]);
    const wanted = parseScope(access.scope ?? '');
    const all = this.#tokens.get(id) ?? [];
    this.#tokens.set(id, all);
    for (const known of all.filter(({ scope }) => coversScope(scope, wanted))) {
      const isGood = known.until - MARGIN_MS > this.#now();
      // Requests side by side are refused with the same old token. The first gets a new one, which serves all.
      if (isGood && (refused === undefined || (await known.authorization) !== refused.authorization))
        return known.authorization;
      remove(all, known);
    }
    const scope = uniteScopes(wanted, parseScope(challenge?.parameters.get('scope') ?? ''));
    const made: KnownToken = { scope, authorization: Promise.resolve(''), until: Number.POSITIVE_INFINITY };
    made.authorization = this.#request(access, { wants, credential }, made);
    all.push(made);
    made.authorization.catch(() => remove(all, made));
    return made.authorization;
  }

  async #request(access: Access, { wants, credential }: Pick<Asked, 'wants' | 'credential'>, token: KnownToken) {
    const { http, registry, signal } = access;
    const { service } = wants;
    const realm = realmOf(wants.realm, registry);
    const begun = this.#now();
    try {
      const scopes = formatScope(token.scope);
      const { value, lifetimeMs } = await requestToken({ http, realm, service, scopes, credential, signal });
      token.until = begun + lifetimeMs;
      return `Bearer ${value.reveal()}`;
    } catch (error) {
      // OAuth 2 answers 400 to a token that is no longer good (RFC 6749 §5.2).
      const isRefused =
        isCairnError(error, 'ERR_UNAUTHORIZED') || (isCairnError(error, 'ERR_HTTP') && error.found === '400');
      throw isRefused ? await this.refusal(access) : error;
    }
  }
}

interface Asked {
  wants: Wants;
  credential: Credential | undefined;
  challenge: Challenge | undefined;
  refused: Refused | undefined;
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}

function accountOf(credential: Credential | undefined): string | undefined {
  return credential?.kind === 'password' ? credential.user : undefined;
}

/** Tokens come first: they show less, and there are some for everybody. Some servers name no token server, though. */
function chooseChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  const all = (wanted: string): Challenge[] => challenges.filter(({ scheme }) => scheme === wanted);
  const bearers = all('bearer');
  const isReal = ({ parameters }: Challenge): boolean => URL.canParse(parameters.get('realm') ?? '');
  return bearers.find(isReal) ?? all('basic')[0] ?? bearers[0];
}

function wantsOf({ scheme, parameters }: Challenge): Wants {
  const isBearer = scheme === 'bearer';
  return {
    scheme: isBearer ? 'bearer' : 'basic',
    realm: parameters.get('realm') ?? '',
    service: parameters.get('service'),
  };
}

/**
 * The token server that a registry names. Whether the way to it is safe is for the client to say.
 * @throws CairnError `ERR_HTTP` for none, and for one on this machine that a registry elsewhere names: credentials
 *   would go to whoever listens here
 */
function realmOf(text: string, registry: URL): URL {
  const realm = URL.canParse(text) ? asSafeAs(registry, new URL(text)) : undefined;
  const isWeb = realm?.protocol === 'https:' || realm?.protocol === 'http:';
  if (realm === undefined || !isWeb || realm.username !== '' || realm.password !== '')
    throw new CairnError('ERR_HTTP', `${registry.host} names no token server that could be asked`);
  if (isLoopback(realm.hostname) && !isLoopback(registry.hostname))
    throw new CairnError('ERR_HTTP', `${registry.host} names a token server on this machine, ${realm.host}`);
  return realm;
}
