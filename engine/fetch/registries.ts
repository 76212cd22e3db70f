/** Finds which registries to ask for an image, and where these answer, once for all fetches of a run. */
import { isCairnError } from '../core/errors.js';
import { type RegistryReference, wireHost } from '../image/oci/registry-reference.js';
import type { Authorizer } from '../remote/auth/registry-auth.js';
import { discard, type HttpClient, isLoopback } from '../remote/http.js';
import type { RegistriesConf } from '../remote/registries/conf.js';
import { type Endpoint, endpointsFor, pushEndpointFor } from '../remote/registries/endpoints.js';
import { readRegistriesConf } from '../remote/registries/read-conf.js';
import { meaningsOf } from '../remote/registries/short-names.js';
import { Repository } from '../remote/registry.js';
import type { Clients } from './clients.js';

export class Registries {
  readonly #clients: Clients;
  readonly #auth: Authorizer;
  readonly #bases = new Map<string, Promise<URL>>();
  #conf: Promise<RegistriesConf> | undefined;

  constructor(clients: Clients, auth: Authorizer) {
    this.#clients = clients;
    this.#auth = auth;
  }

  /** The images that a reference may mean, the first choice first. @throws as {@link meaningsOf} does */
  async meaningsOf(ref: string): Promise<RegistryReference[]> {
    return meaningsOf(await this.#configuration(), ref);
  }

  /** Where an image may be read from, the first choice first. @throws as {@link endpointsFor} does */
  async sourcesOf(reference: RegistryReference): Promise<Endpoint[]> {
    return endpointsFor(await this.#configuration(), reference);
  }

  /** Where an image is pushed to. @throws CairnError `ERR_POLICY`, and as {@link open} does */
  async target(reference: RegistryReference, signal: AbortSignal | undefined): Promise<Repository> {
    return this.open(pushEndpointFor(await this.#configuration(), reference), signal);
  }

  /** @throws CairnError `ERR_TLS`, `ERR_NETWORK`, `ERR_HTTP` for a host that may speak plain HTTP and does not answer */
  async open({ host, repository: name, insecure }: Endpoint, signal: AbortSignal | undefined): Promise<Repository> {
    const { http, isPlain } = this.#clients.of(insecure);
    const id = `${host} ${isPlain}`;
    const known = this.#bases.get(id) ?? findBase(wireHost(host), http, isPlain, signal);
    this.#bases.set(id, known);
    known.catch(() => this.#bases.delete(id));
    return new Repository({ http, base: await known, host, name, auth: this.#auth, signal });
  }

  #configuration(): Promise<RegistriesConf> {
    this.#conf ??= readRegistriesConf();
    return this.#conf;
  }
}

/** The address of a registry's API. Plain HTTP is tried where it is allowed, and only after HTTPS. */
async function findBase(
  host: string,
  http: HttpClient,
  isPlain: boolean,
  signal: AbortSignal | undefined,
): Promise<URL> {
  const secure = new URL(`https://${host}`);
  if (!isPlain && !isLoopback(secure.hostname)) return secure;
  try {
    await knock(http, secure, signal);
    return secure;
  } catch (error) {
    if (!isCairnError(error, 'ERR_TLS', 'ERR_NETWORK')) throw error;
    const plain = new URL(`http://${host}`);
    await knock(http, plain, signal).catch((failed: unknown) => {
      // A server of another kind speaks neither: what HTTPS said tells more.
      throw isCairnError(failed, 'ERR_HTTP') ? error : failed;
    });
    return plain;
  }
}

async function knock(http: HttpClient, base: URL, signal: AbortSignal | undefined): Promise<void> {
  const url = new URL('/v2/', base);
  discard(await http.request({ url, signal, accept: [200, 401, 403, 404], retries: 0 }));
}
