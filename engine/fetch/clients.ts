/** The two ways in which servers are spoken to in one run: as asked for, and to registries that are set as insecure. */
import { defined } from '../core/defined.js';
import type { Credentials } from '../remote/credentials/credentials.js';
import { HttpClient, type HttpOptions } from '../remote/http.js';
import type { FetchOptions } from './options.js';

const USER_AGENT = 'cairn';

export class Clients {
  /** As the caller asked for. */
  readonly http: HttpClient;
  readonly #isPlain: boolean;
  readonly #options: HttpOptions;
  /** Takes plain HTTP, and any certificate. */
  #lax: HttpClient | undefined;

  constructor(insecure: NonNullable<FetchOptions['insecure']>, credentials: Credentials, retry?: HttpOptions['retry']) {
    const authorize = (url: URL): string | undefined => credentials.headerFor(url);
    this.#options = { userAgent: USER_AGENT, authorize, ...defined({ retry }) };
    this.#isPlain = insecure.includes('http');
    this.http = new HttpClient({
      ...this.#options,
      plainHttp: this.#isPlain,
      anyCertificate: insecure.includes('tls'),
    });
  }

  /** @param insecure the configuration says so of the registry */
  of(insecure: boolean): { http: HttpClient; isPlain: boolean } {
    if (!insecure) return { http: this.http, isPlain: this.#isPlain };
    this.#lax ??= new HttpClient({ ...this.#options, plainHttp: true, anyCertificate: true });
    return { http: this.#lax, isPlain: true };
  }

  async close(): Promise<void> {
    await Promise.all([this.http.close(), this.#lax?.close()]);
  }
}
