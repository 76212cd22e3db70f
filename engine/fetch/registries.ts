/** Finds where registries answer, once for all fetches of a run. */
import { isCairnError } from '../core/errors.js';
import { wireHost } from '../image/oci/registry-reference.js';
import { discard, type HttpClient, isLoopback } from '../remote/http.js';

export class Registries {
  readonly #http: HttpClient;
  readonly #plainHttp: boolean;
  readonly #bases = new Map<string, Promise<URL>>();

  constructor(http: HttpClient, plainHttp: boolean) {
    this.#http = http;
    this.#plainHttp = plainHttp;
  }

  /** The address of a registry's API. Plain HTTP is tried where it is allowed, and only after HTTPS. */
  baseOf(host: string, signal: AbortSignal | undefined): Promise<URL> {
    const known = this.#bases.get(host);
    if (known !== undefined) return known;
    const found = this.#find(wireHost(host), signal);
    this.#bases.set(host, found);
    found.catch(() => this.#bases.delete(host));
    return found;
  }

  async #find(host: string, signal: AbortSignal | undefined): Promise<URL> {
    const secure = new URL(`https://${host}`);
    const mayBePlain = this.#plainHttp || isLoopback(secure.hostname);
    if (!mayBePlain) return secure;
    try {
      await this.#knock(secure, signal);
      return secure;
    } catch (error) {
      if (!isCairnError(error, 'ERR_TLS', 'ERR_NETWORK')) throw error;
      const plain = new URL(`http://${host}`);
      await this.#knock(plain, signal).catch((failed: unknown) => {
        // A server of another kind speaks neither: what HTTPS said tells more.
        throw isCairnError(failed, 'ERR_HTTP') ? error : failed;
      });
      return plain;
    }
  }

  async #knock(base: URL, signal: AbortSignal | undefined): Promise<void> {
    const url = new URL('/v2/', base);
    discard(await this.#http.request({ url, signal, accept: [200, 401, 403, 404], retries: 0 }));
  }
}
