/** Asks a registry whether it takes a credential, before that is kept. */
import { CairnError, isCairnError } from '../../core/errors.js';
import type { Credential } from '../credentials/credential.js';
import { discard, type HttpClient, type HttpResponse } from '../http.js';
import { RegistryAuth } from './registry-auth.js';

export interface Checked {
  http: HttpClient;
  /** Of the registry's API. */
  registry: URL;
  /** As users name it. */
  host: string;
  signal?: AbortSignal | undefined;
}

/**
 * @returns whether the registry asked for it: some ask nobody
 * @throws CairnError `ERR_UNAUTHORIZED`, and as {@link HttpClient.request} does
 */
export async function checkCredential(checked: Checked, credential: Credential): Promise<boolean> {
  const { http, registry, signal } = checked;
  const auth = new RegistryAuth({ find: () => Promise.resolve(credential) });
  const ask = (headers: Record<string, string>): Promise<HttpResponse> =>
    http.request({ url: new URL('/v2/', registry), headers, signal, accept: [200, 401] });
  const first = await ask({});
  discard(first);
  if (first.status === 200) return false;
  const challenge = first.headers['www-authenticate'] ?? '';
  const authorization = await givenFor(auth, checked, challenge);
  const second = authorization === undefined ? first : await ask({ authorization });
  if (second !== first) discard(second);
  if (second.status === 401) throw refused(checked);
  return true;
}

async function givenFor(auth: RegistryAuth, checked: Checked, challenge: string): Promise<string | undefined> {
  try {
    return await auth.authorize(checked, { challenge, authorization: undefined });
  } catch (error) {
    throw isCairnError(error, 'ERR_UNAUTHORIZED') ? refused(checked) : error;
  }
}

function refused({ host }: Checked): CairnError {
  return new CairnError('ERR_UNAUTHORIZED', `${host} does not know this user with this password`);
}
