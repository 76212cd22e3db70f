/** Logs in to registries and out: credentials are checked, and kept where podman keeps them. */
import { CairnError } from '../core/errors.js';
import { quoted } from '../core/printable.js';
import { isRegistryReference } from '../image/oci/reference.js';
import { checkCredential } from './auth/check-credential.js';
import { plainKey } from './credentials/auth-file.js';
import { type Environment, primaryPlace } from './credentials/auth-places.js';
import { dropAllCredentials, dropCredential, keepCredential } from './credentials/change-auth-file.js';
import { type Password, Secret } from './credentials/credential.js';
import { Credentials } from './credentials/credentials.js';
import { HttpClient } from './http.js';
import { registryBase } from './registry-base.js';

export interface LoginOptions {
  /** In place of podman's own file. */
  authfile?: string | undefined;
  /** Allow plain HTTP, besides to this machine itself. */
  plainHttp?: boolean;
  /** Take any certificate. */
  anyCertificate?: boolean;
  userAgent: string;
  signal?: AbortSignal | undefined;
  env?: Environment;
}

export interface LoggedIn {
  /** The registry, or the beginning of names in it. */
  host: string;
  user: string;
  authfile: string;
  /** The registry asked for the password. Those that ask nobody cannot tell a wrong one. */
  checked: boolean;
}

export interface LoggedOut {
  host: string;
  authfile: string;
  /** Where there still are credentials for it, which another program has put there. */
  remains?: string;
}

/**
 * What credentials are kept by: `HOST[:PORT]`, with the beginning of names in it behind a slash.
 * @throws CairnError `ERR_USAGE`
 */
export function registryKey(text: string): string {
  const key = text.replace(/\/+$/, '');
  if (isRegistryReference(`${key}/image`)) return plainKey(key);
  const rule = 'HOST[:PORT], without a scheme';
  if (text.includes('@')) throw new CairnError('ERR_USAGE', `a registry is ${rule}, a user and a password`);
  throw new CairnError('ERR_USAGE', `${quoted(text)} is not a registry, ${rule}`);
}

/** @throws CairnError `ERR_UNAUTHORIZED`, `ERR_NETWORK`, `ERR_TLS`, `ERR_HTTP`, `ERR_CONFIG`, `ERR_IO` */
export async function login(
  registry: string,
  { user, password }: { user: string; password: string },
  options: LoginOptions,
): Promise<LoggedIn> {
  const key = registryKey(registry);
  // A colon would end the name in what is sent.
  if (user === '' || user.includes(':')) throw new CairnError('ERR_USAGE', 'a user is not empty, and has no colon');
  if (password === '') throw new CairnError('ERR_USAGE', 'the password is empty');
  const { authfile, env, signal, plainHttp = false, anyCertificate = false, userAgent } = options;
  const place = primaryPlace(authfile, env);
  const credential: Password = { kind: 'password', user, password: new Secret(password), from: place.path };
  const http = new HttpClient({ userAgent, plainHttp, anyCertificate });
  try {
    const host = key.split('/', 1)[0] as string;
    const base = await registryBase(host, { http, isPlain: plainHttp, signal });
    const checked = await checkCredential({ http, registry: base, host, signal }, credential);
    await keepCredential(place, key, credential);
    return { host: key, user, authfile: place.path, checked };
  } finally {
    await http.close();
  }
}

type LogoutOptions = Pick<LoginOptions, 'authfile' | 'env'>;

/** @throws CairnError `ERR_NOT_FOUND` if there was nothing to forget, `ERR_CONFIG`, `ERR_IO` */
export async function logout(registry: string, { authfile, env }: LogoutOptions): Promise<LoggedOut> {
  const key = registryKey(registry);
  const place = primaryPlace(authfile, env);
  const isDropped = await dropCredential(place, key);
  const remains = await foundElsewhere(key, env);
  const hint = remains === undefined ? '' : `; there are credentials in ${remains}`;
  if (!isDropped)
    throw new CairnError('ERR_NOT_FOUND', `${place.path} has no credentials for ${key}${hint}`, { path: place.path });
  return { host: key, authfile: place.path, ...(remains === undefined ? {} : { remains }) };
}

/**
 * Who has credentials for a key, besides the file that was changed. What cannot be read there is of no interest now.
 */
async function foundElsewhere(key: string, env: Environment = process.env): Promise<string | undefined> {
  const [host = '', ...repository] = key.split('/');
  const others = new Credentials({ env: { ...env, REGISTRY_AUTH_FILE: '/dev/null' } });
  try {
    return (await others.find(host, repository.join('/') || undefined))?.from;
  } catch {
    return undefined;
  }
}

/** Forgets all. @throws CairnError `ERR_CONFIG`, `ERR_IO` */
export async function logoutOfAll({ authfile, env }: LogoutOptions): Promise<LoggedOut[]> {
  const place = primaryPlace(authfile, env);
  const hosts = await dropAllCredentials(place);
  return hosts.map((host) => ({ host, authfile: place.path }));
}
