/** Connections of one client: how it makes them, and through which proxies. */
import { rootCertificates } from 'node:tls';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { proxyFor } from './proxies.js';

export interface ConnectionOptions {
  /** Take any certificate. */
  anyCertificate?: boolean;
  /** Certificates, as PEM, of authorities that are trusted beside the usual ones. */
  ca?: readonly string[];
  /** Milliseconds until a connection stands. */
  connectTimeoutMs?: number;
  /** Milliseconds without a byte. */
  silenceMs?: number;
}

export class Connections {
  readonly #options: ConnectionOptions;
  /** By the proxy that they go through; those that go through none are under the empty name. */
  readonly #dispatchers = new Map<string, Dispatcher>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** @throws CairnError `ERR_CONFIG` for a proxy in the environment that is none */
  to(url: URL): Dispatcher {
    const proxy = proxyFor(url, process.env);
    const name = proxy?.href ?? '';
    const known = this.#dispatchers.get(name);
    if (known !== undefined) return known;
    const made = this.#make(proxy);
    this.#dispatchers.set(name, made);
    return made;
  }

  /** Ends all of them: those that are kept open for more requests would keep the process alive. */
  async close(): Promise<void> {
    await Promise.all([...this.#dispatchers.values()].map((each) => each.destroy()));
  }

  #make(proxy: URL | undefined): Dispatcher {
    const { connectTimeoutMs: timeout = 20_000, silenceMs = 60_000, anyCertificate = false, ca } = this.#options;
    const authorities = ca === undefined ? {} : { ca: [...rootCertificates, ...ca] };
    const tls = { rejectUnauthorized: !anyCertificate, ...authorities, timeout };
    const silence = { headersTimeout: silenceMs, bodyTimeout: silenceMs };
    if (proxy === undefined) return new Agent({ ...silence, connect: tls });
    return new ProxyAgent({ ...silence, uri: proxy.href, requestTls: tls, proxyTls: { timeout } });
  }
}
