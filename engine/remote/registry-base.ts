/** Finds the address at which a registry answers. */
import { isCairnError } from '../core/errors.js';
import { wireHost } from '../image/oci/registry-reference.js';
import { discard, type HttpClient, isLoopback } from './http.js';

/**
 * The address of a registry's API. Plain HTTP is tried where it is allowed, and only after HTTPS.
 * @param host as users name it
 * @param isPlain plain HTTP will do
 * @throws CairnError `ERR_TLS`, `ERR_NETWORK`, `ERR_HTTP` for a host that may speak plain HTTP and does not answer
 */
export async function registryBase(
  host: string,
  { http, isPlain, signal }: { http: HttpClient; isPlain: boolean; signal?: AbortSignal | undefined },
): Promise<URL> {
  const wire = wireHost(host);
  const secure = new URL(`https://${wire}`);
  if (!isPlain && !isLoopback(secure.hostname)) return secure;
  try {
    await knock(http, secure, signal);
    return secure;
  } catch (error) {
    if (!isCairnError(error, 'ERR_TLS', 'ERR_NETWORK')) throw error;
    const plain = new URL(`http://${wire}`);
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
