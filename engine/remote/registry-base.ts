/** Finds the address at which a registry answers. */
import { defined } from '../core/defined.js';
import { isCairnError } from '../core/errors.js';
import { wireHost } from '../image/oci/registry-reference.js';
import { discard, type HttpClient, isLoopback } from './http.js';
import { isPassing } from './http-error.js';
import { PASSING_STATUSES, pause, pauseBefore } from './retry.js';

export interface Looking {
  http: HttpClient;
  /** Plain HTTP will do. */
  isPlain: boolean;
  /** Further tries after failures that pass, if fewer than the client would make. */
  retries?: number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The address of a registry's API. Plain HTTP is tried where it is allowed, and only after HTTPS.
 * @param host as users name it
 * @throws CairnError `ERR_TLS`, `ERR_NETWORK`, `ERR_HTTP` for a host that may speak plain HTTP and does not answer
 */
export async function registryBase(host: string, looking: Looking): Promise<URL> {
  const { http, isPlain, retries, signal } = looking;
  const wire = wireHost(host);
  const secure = new URL(`https://${wire}`);
  if (!isPlain && !isLoopback(secure.hostname)) return secure;
  const policy = { ...http.retry, ...defined({ retries }) };
  for (let attempt = 0; ; attempt++) {
    try {
      return await findBase(wire, looking);
    } catch (error) {
      const waiting = isPassing(error) ? pauseBefore(attempt, policy) : undefined;
      if (waiting === undefined) throw error;
      await pause(waiting, signal);
    }
  }
}

async function findBase(wire: string, looking: Looking): Promise<URL> {
  const secure = new URL(`https://${wire}`);
  try {
    await knock(secure, looking);
    return secure;
  } catch (error) {
    if (!isCairnError(error, 'ERR_TLS', 'ERR_NETWORK')) throw error;
    const plain = new URL(`http://${wire}`);
    await knock(plain, looking).catch((failed: unknown) => {
      // A server of another kind speaks neither: what HTTPS said tells more.
      throw isCairnError(failed, 'ERR_HTTP') ? error : failed;
    });
    return plain;
  }
}

/** An answer that passes is one: what is asked for next is asked for again. */
const ANSWERS = [200, 401, 403, 404, ...PASSING_STATUSES];

async function knock(base: URL, { http, signal }: Looking): Promise<void> {
  const url = new URL('/v2/', base);
  discard(await http.request({ url, signal, accept: ANSWERS, retries: 0 }));
}
