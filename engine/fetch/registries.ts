/** Finds which registries to ask for an image, and where these answer, once for all fetches of a run. */
import type { RegistryReference } from '../image/oci/registry-reference.js';
import type { Authorizer } from '../remote/auth/registry-auth.js';
import type { RegistriesConf } from '../remote/registries/conf.js';
import { type Endpoint, endpointsFor, pushEndpointFor } from '../remote/registries/endpoints.js';
import { readRegistriesConf } from '../remote/registries/read-conf.js';
import { meaningsOf } from '../remote/registries/short-names.js';
import { Repository } from '../remote/registry.js';
import { registryBase } from '../remote/registry-base.js';
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

  /**
   * @param retries further tries, if fewer than usual
   * @throws as {@link registryBase} does
   */
  async open(endpoint: Endpoint, signal: AbortSignal | undefined, retries?: number): Promise<Repository> {
    const { host, repository: name, insecure } = endpoint;
    const { http, isPlain } = this.#clients.of(insecure);
    const id = `${host} ${isPlain}`;
    const known = this.#bases.get(id) ?? registryBase(host, { http, isPlain, signal, retries });
    this.#bases.set(id, known);
    known.catch(() => this.#bases.delete(id));
    return new Repository({ http, base: await known, host, name, auth: this.#auth, signal });
  }

  #configuration(): Promise<RegistriesConf> {
    this.#conf ??= readRegistriesConf();
    return this.#conf;
  }
}
