/** Gets the bytes of public keys from where people say that they are. */
import { CairnError } from '../engine/core/errors.js';
import { MAX_KEY_FILE } from '../engine/core/limits.js';
import { shownUrl } from '../engine/remote/shown-url.js';
import { readInput } from './input.js';

const URL_START = /^https?:\/\//i;

/**
 * The bytes of a file, of standard input (`-`), or of what a server answers.
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_LIMIT`, `ERR_IO`, and as {@link HttpClient.request} does
 */
export async function readKeySource(source: string, version: string): Promise<Uint8Array> {
  if (URL_START.test(source)) return fetchKey(source, version);
  return readInput(source, MAX_KEY_FILE);
}

/** What to call a source: of a URL what may be seen of it. */
export function shownSource(source: string): string {
  return URL_START.test(source) ? shownUrl(source) : source;
}

async function fetchKey(source: string, version: string): Promise<Uint8Array> {
  if (!URL.canParse(source)) throw new CairnError('ERR_USAGE', `not a URL: ${source}`);
  const url = new URL(source);
  const { HttpClient, isLoopback } = await import('../engine/remote/http.js');
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    const why = "a key that comes by plain HTTP could be anybody's; it must come by https, or from a file";
    throw new CairnError('ERR_TLS', `${shownUrl(url)}: ${why}`);
  }
  const client = new HttpClient({ userAgent: `cairn/${version}` });
  try {
    const response = await client.request({ url });
    return await response.bytes(MAX_KEY_FILE);
  } finally {
    await client.close();
  }
}
