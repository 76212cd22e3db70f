/** Fetches an ACI by its name: appc discovery says where it is, and the first place that has it gives all of it. */
import { CairnError, isCairnError } from '../../core/errors.js';
import { MAX_PLACES } from '../../core/limits.js';
import { discover } from '../../remote/discovery.js';
import { isLoopback } from '../../remote/loopback.js';
import { shownUrl } from '../../remote/shown-url.js';
import type { Fetching } from '../fetching.js';
import { OF_ONE_PLACE, together } from '../open-image.js';
import type { Fetched } from '../options.js';
import { type Got, getFrom, inTurn, type Place, takeFrom, type UrlRequest } from './by-url.js';
import { labelsOf, type Wanted } from './wanted.js';

export type NameRequest = UrlRequest & { wanted: Wanted };

/** Tries after the first at a place that is not the last one. */
const RETRIES = 1;

/** @throws CairnError as {@link discover}, and the fetch from a URL, do */
export async function fetchByName(fetching: Fetching, request: NameRequest): Promise<Fetched> {
  const { wanted } = request;
  let offered: readonly string[] = [];
  try {
    const got = await inTurn(fetching, request.signal, async () => {
      const { aci, asc, keys } = await discoverWanted(fetching, wanted, request.signal);
      offered = keys;
      const places = aci.map((url, i) => ({ url: new URL(url), signatures: new URL(asc[i] as string) }));
      return getFromAny(fetching, places.slice(0, MAX_PLACES), request);
    });
    const needs: UrlRequest['needs'] = (image) => {
      // From here on, what is wrong is wrong with another image.
      offered = [];
      return request.needs(image);
    };
    return await takeFrom(fetching, got, { ...request, needs });
  } catch (error) {
    throw isCairnError(error, 'ERR_UNTRUSTED_KEY') ? withOffered(error, offered) : error;
  }
}

function discoverWanted({ http, insecure }: Fetching, wanted: Wanted, signal: AbortSignal | undefined) {
  const plainHttp = insecure.includes('http');
  return discover(http, { name: wanted.name, labels: labelsOf(wanted) }, { plainHttp, wanted: 'image', signal });
}

async function getFromAny(fetching: Fetching, places: readonly Place[], request: NameRequest): Promise<Got> {
  const failures: CairnError[] = [];
  for (const [i, place] of places.entries()) {
    const isLast = i === places.length - 1;
    try {
      mustBeForeign(place.url, request.wanted);
      return await getFrom(fetching, place, isLast ? request : { ...request, retries: RETRIES });
    } catch (error) {
      if (!isCairnError(error, ...OF_ONE_PLACE, 'ERR_NO_SIGNATURE')) throw error;
      failures.push(error);
      if (!isLast) fetching.store.notice(`${error.message}; the next place is asked`);
    }
  }
  throw together(failures);
}

/** A page of another host must not have this machine asked for what only it can reach. */
function mustBeForeign({ host, hostname }: URL, { name }: Wanted): void {
  const [own = ''] = name.split('/', 1);
  if (!isLoopback(hostname) || isLoopback(own)) return;
  throw new CairnError('ERR_HTTP', `${own} says that ${name} is on this machine, at ${host}`);
}

/** Tells of the keys that the site offers. Whether these count is for people to say. */
function withOffered(error: CairnError, urls: readonly string[]): CairnError {
  if (urls.length === 0) return error;
  const { code, message, ...details } = error.toJSON();
  const offered = `its site offers ${urls.map(shownUrl).join(', ')}, which "cairn trust review" shows`;
  return new CairnError(code, `${message}; ${offered}`, { ...details, cause: error });
}
