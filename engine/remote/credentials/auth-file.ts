/** Podman's `auth.json` and Docker's `config.json`, as containers-auth.json(5) has them. Pure. */
import { isCairnError } from '../../core/errors.js';
import { quoted } from '../../core/printable.js';
import type { JsonField } from '../../image/json-field.js';
import { type Credential, Secret } from './credential.js';
import { damaged } from './damaged.js';
import type { SecretFile } from './secret-file.js';

/** A program that keeps credentials, `docker-credential-NAME`. */
export interface Helper {
  name: string;
  /** What it knows the registry by. */
  server: string;
}

export interface AuthFile {
  path: string;
  /** By registry, or by registry and the beginning of a repository's name. */
  entries: ReadonlyMap<string, JsonField>;
  /** By registry. */
  helpers: ReadonlyMap<string, Helper>;
  /** The program that keeps those of all other registries. */
  store: string | undefined;
  /** Others may read it, and there is something to read. */
  isExposed: boolean;
}

const HUB = 'docker.io';
const HUB_HOSTS: ReadonlySet<string> = new Set([HUB, 'index.docker.io', 'registry-1.docker.io']);
/** What Docker calls its own registry in its files and helpers. */
const HUB_ADDRESS = 'https://index.docker.io/v1/';
const SECRET_FIELDS = ['auth', 'password', 'identitytoken', 'registrytoken'];

/**
 * The registry, or repository, that a key of a file means. Docker writes some as URLs, and Docker Hub by several names.
 */
export function plainKey(key: string): string {
  const [, scheme, rest = key] = /^(https?:\/\/)?(.*?)\/*$/s.exec(key) ?? [];
  const slash = rest.indexOf('/');
  const host = slash < 0 ? rest : rest.slice(0, slash);
  const path = slash < 0 || scheme !== undefined || rest.endsWith('/v1') ? '' : rest.slice(slash);
  return `${HUB_HOSTS.has(host) ? HUB : host}${path}`;
}

/** Servers by which a helper may know a registry, the likeliest first. */
export function serversOf(host: string): string[] {
  return host === HUB ? [HUB_ADDRESS, HUB] : [host];
}

/** @param isLegacy it is a `.dockercfg`, which has the entries and nothing else */
export function parseAuthFile({ path, content, isOpen }: SecretFile, isLegacy = false): AuthFile {
  try {
    const auths = isLegacy ? content : content.exactField('auths').orEmpty();
    const entries = byPlainKey(Object.keys(auths.object()), (key) => auths.exactField(key).orEmpty());
    const isSecret = (entry: JsonField): boolean => SECRET_FIELDS.some((name) => !entry.exactField(name).absent);
    for (const entry of entries.values()) entry.object();
    const isExposed = isOpen && [...entries.values()].some(isSecret);
    if (isLegacy) return { path, entries, helpers: new Map(), store: undefined, isExposed };
    const named = content.exactField('credHelpers').textMap();
    const helpers = byPlainKey(Object.keys(named), (key) => ({ name: named[key] as string, server: key }));
    const store = content.exactField('credsStore').text();
    return { path, entries, helpers, store: store === '' ? undefined : store, isExposed };
  } catch (error) {
    throw isCairnError(error, 'ERR_BAD_MANIFEST') ? damaged(path, error.message, placeOf(error.entry, path)) : error;
  }
}

/** Where in the document, without the name of the file, which the error has anyway. */
function placeOf(entry: string | undefined, path: string): string | undefined {
  return entry?.startsWith(`${path}: `) ? entry.slice(path.length + 2) : undefined;
}

/** Of several keys that mean the same, the plainest counts. */
function byPlainKey<T>(keys: readonly string[], read: (key: string) => T): Map<string, T> {
  const values = new Map<string, T>();
  for (const key of keys) {
    const plain = plainKey(key);
    if (plain === key || !values.has(plain)) values.set(plain, read(key));
  }
  return values;
}

/**
 * The credential that a file has for a repository: that of the longest beginning of its name. Entries without a secret
 * count for nothing; Docker leaves such behind for registries whose secrets a helper has.
 * @throws CairnError `ERR_CONFIG` for an entry that holds no credential
 */
export function credentialIn(file: AuthFile, host: string, repository?: string): Credential | undefined {
  const parts = [host, ...(repository === undefined ? [] : repository.split('/'))];
  for (let length = parts.length; length > 0; length--) {
    const key = parts.slice(0, length).join('/');
    const entry = file.entries.get(key);
    const credential = entry === undefined ? undefined : credentialOf(entry, key, file.path);
    if (credential !== undefined) return credential;
  }
  return undefined;
}

function credentialOf(entry: JsonField, key: string, from: string): Credential | undefined {
  const place = `auths[${quoted(key)}]`;
  const text = (name: string): string => {
    const { value } = entry.exactField(name);
    if (value === undefined || value === null) return '';
    if (typeof value !== 'string') throw damaged(from, `${place}: ${name} must be a string`, place);
    return value;
  };
  const [identity, bearer, auth] = [text('identitytoken'), text('registrytoken'), text('auth')];
  if (identity !== '') return { kind: 'identity', token: new Secret(identity), from };
  if (bearer !== '') return { kind: 'bearer', token: new Secret(bearer), from };
  if (auth === '') {
    const [user, password] = [text('username'), text('password')];
    return user === '' ? undefined : { kind: 'password', user, password: new Secret(password), from };
  }
  // Old versions of Docker padded them with zero bytes.
  const decoded = Buffer.from(auth, 'base64').toString().replace(/\0+$/, '');
  const colon = decoded.indexOf(':');
  if (colon <= 0 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(auth))
    throw damaged(from, `${place}: auth is not the base64 of USER:PASSWORD`, place);
  const password = new Secret(decoded.slice(colon + 1));
  return { kind: 'password', user: decoded.slice(0, colon), password, from };
}
