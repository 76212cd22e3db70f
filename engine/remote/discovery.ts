/** Finds where images of a name, their signatures and the keys for them are offered (appc spec, discovery). */
import { CairnError, type ErrorCode, isCairnError } from '../core/errors.js';
import { MAX_DISCOVERY_PAGE } from '../core/limits.js';
import { type DiscoveryPage, readDiscoveryPage, speaksFor } from './discovery-page.js';
import { missingVariables, renderTemplate, templateValues, type WantedImage } from './discovery-template.js';
import { type HttpClient, isLoopback } from './http.js';

export interface DiscoverOptions {
  /** Also ask by plain HTTP, after HTTPS has failed. This machine itself is always asked in both ways. */
  plainHttp?: boolean;
  /** `image`: where the image is, with the keys that the same page tells of; `keys`: only where the keys are. */
  wanted?: 'image' | 'keys';
  signal?: AbortSignal | undefined;
}

export interface Discovered {
  /** URLs of the image, in the order of the page. Their schemes may be any. */
  aci: string[];
  /** URLs of the signatures, one for each of `aci`. */
  asc: string[];
  /** URLs of keys. */
  keys: string[];
  /** The beginning of names for which the page speaks. */
  prefix: string;
}

/** Further tries for one page. There are more pages to ask. */
const RETRIES = 2;
/** Of a host that cannot be reached no other page is asked for. */
const UNREACHABLE = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/**
 * Asks the page of the name, then those of its parents up to the host, until one offers an image, and until one tells
 * of keys. The two may be two pages.
 * @throws CairnError `ERR_NOT_FOUND`, naming each page that was asked and what was wrong with it; `ERR_TLS` or
 *   `ERR_NETWORK` if no page could be had at all; `ERR_NAME_SYNTAX`
 */
export async function discover(
  http: HttpClient,
  image: WantedImage,
  options: DiscoverOptions = {},
): Promise<Discovered> {
  const values = templateValues(image);
  const found: Discovered = { aci: [], asc: [], keys: [], prefix: '' };
  const wantsKeys = options.wanted === 'keys';
  const isNeeded = (): boolean => (wantsKeys ? found.keys : found.aci).length === 0;
  const failures: Failure[] = [];
  for await (const { name, page } of pagesOf(http, image.name, options, failures)) {
    const ofImages = addImages(found, page, image.name, values);
    const ofKeys = addKeys(found, page, image.name);
    if (isNeeded()) failures.push({ why: `${name} ${(wantsKeys ? ofKeys : ofImages).join(', and ')}` });
    if (!isNeeded() && (options.wanted === 'image' || found.keys.length > 0)) break;
  }
  if (!isNeeded()) return found;
  const what = wantsKeys ? 'no keys are' : 'no image is';
  const message = `${image.name}: ${what} offered: ${failures.map(({ why }) => why).join('; ')}`;
  throw new CairnError(codeOf(failures), message, { cause: failures[0]?.error });
}

interface Failure {
  why: string;
  error?: CairnError;
}

/** A host that could not be reached, or not safely, has not said that there is nothing. */
function codeOf(failures: readonly Failure[]): ErrorCode {
  const isOut = failures.every(({ error }) => isCairnError(error, 'ERR_TLS', 'ERR_NETWORK'));
  return isOut ? (failures[0]?.error?.code ?? 'ERR_NOT_FOUND') : 'ERR_NOT_FOUND';
}

/** The pages that can be had, from the name's own up to the host's. Adds the others to `failures`. */
async function* pagesOf(
  http: HttpClient,
  image: string,
  { plainHttp = false, signal }: DiscoverOptions,
  failures: Failure[],
): AsyncGenerator<{ name: string; page: DiscoveryPage }> {
  const { hostname } = urlOf('https', image);
  const schemes = new Set(plainHttp || isLoopback(hostname) ? ['https', 'http'] : ['https']);
  for (let name = image; name !== '' && schemes.size > 0; name = name.slice(0, Math.max(0, name.lastIndexOf('/')))) {
    for (const scheme of schemes) {
      try {
        const url = urlOf(scheme, name);
        const response = await http.request({ url, signal, retries: schemes.size > 1 ? 0 : RETRIES });
        const page = readDiscoveryPage((await response.bytes(MAX_DISCOVERY_PAGE)).toString());
        yield { name: `${scheme}://${name}`, page };
        break;
      } catch (error) {
        if (!isCairnError(error) || error.code === 'ERR_ABORTED') throw error;
        failures.push({ why: error.message, error });
        if (error.code === 'ERR_TLS' || UNREACHABLE.has(error.errno ?? '')) schemes.delete(scheme);
      }
    }
  }
}

/** @throws CairnError `ERR_NAME_SYNTAX` for a name that begins with no host */
function urlOf(scheme: string, name: string): URL {
  try {
    return new URL(`${scheme}://${name}?ac-discovery=1`);
  } catch (cause) {
    const host = name.split('/', 1)[0];
    throw new CairnError('ERR_NAME_SYNTAX', `${name}: ${host} is no host to ask`, { cause });
  }
}

/** @returns what is wrong with what the page tells of images */
function addImages(
  found: Discovered,
  { images }: DiscoveryPage,
  name: string,
  values: ReadonlyMap<string, string>,
): string[] {
  if (found.aci.length > 0) return [];
  const own = images.filter((tag) => speaksFor(tag, name));
  if (own.length === 0)
    return [images.length === 0 ? 'has no ac-discovery tag' : 'has ac-discovery tags of other names'];
  const wrong: string[] = [];
  for (const { prefix, target } of own) {
    const rendered = renderTemplate(target, values);
    if (rendered === undefined) {
      const missing = missingVariables(target, values);
      wrong.push(missing.length === 0 ? 'has a template that makes no URL' : `wants a value for ${missing.join(', ')}`);
      continue;
    }
    if (found.aci.length === 0) found.prefix = prefix;
    found.aci.push(rendered.aci);
    found.asc.push(rendered.asc);
  }
  return wrong;
}

/** @returns what is wrong with what the page tells of keys */
function addKeys(found: Discovered, { keys }: DiscoveryPage, name: string): string[] {
  if (found.keys.length > 0) return [];
  const own = keys.filter((tag) => speaksFor(tag, name) && URL.canParse(tag.target));
  for (const { prefix, target } of own) {
    if (found.prefix === '') found.prefix = prefix;
    found.keys.push(target);
  }
  return own.length === 0 ? ['has no ac-discovery-pubkeys tag for it'] : [];
}
