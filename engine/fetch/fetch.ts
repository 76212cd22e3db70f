/** Fetches images by what they are called, side by side. */
import { eachOf } from '../core/concurrency.js';
import { CairnError, isCairnError, toCairnError } from '../core/errors.js';
import { withoutSecrets } from '../core/without-secrets.js';
import { isRegistryReference } from '../image/oci/reference.js';
import { REGISTRY_SCHEME } from '../image/oci/registry-reference.js';
import { lookupIn } from '../index/images.js';
import type { ImageRecord } from '../index/records.js';
import { resolveArgument, resolveImage } from '../resolve/argument.js';
import { forPlatform } from '../resolve/for-platform.js';
import { guessArgument } from '../resolve/guess-argument.js';
import { locateSource } from '../resolve/source-path.js';
import { AppcImages } from './appc/images.js';
import { fetchRegistryImage, nameInStore } from './fetch-registry.js';
import type { Fetching } from './fetching.js';
import { alreadyHere } from './here.js';
import type { Fetched, FetchFailure, FetchOptions } from './options.js';

/** Images that are fetched at a time. Each takes several connections. */
const JOBS = 3;

/**
 * Results have the order of the references.
 * @throws CairnError the first failure, which stops the others; with `keepGoing` each failure takes the place of its
 *   result instead
 */
export async function fetchAll(
  fetching: Fetching,
  refs: readonly string[],
  given: FetchOptions,
): Promise<(Fetched | FetchFailure)[]> {
  const stop = new AbortController();
  const options = { ...given, signal: AbortSignal.any([stop.signal, ...(given.signal ? [given.signal] : [])]) };
  if (options.signature !== undefined && refs.length !== 1)
    throw new CairnError('ERR_USAGE', 'a file with signatures goes with one image');
  fetching.meter.expect(refs);
  const appc = new AppcImages(fetching, options);
  return eachOf(refs, options.jobs ?? JOBS, async (ref) => {
    try {
      const fetched = await fetchOne(fetching, appc, ref, options);
      options.onResult?.(fetched);
      return fetched;
    } catch (thrown) {
      const error = toCairnError(thrown, ref);
      if (options.keepGoing === true && isCairnError(error) && error.code !== 'ERR_ABORTED')
        return reported(ref, error, options);
      stop.abort();
      throw error;
    } finally {
      fetching.meter.known(ref);
    }
  });
}

async function fetchOne(fetching: Fetching, appc: AppcImages, ref: string, options: FetchOptions): Promise<Fetched> {
  const meant = guessArgument(ref, locateSource, fetching.store.argumentType);
  switch (meant.kind) {
    case 'registry':
      return fetchOfRegistry(fetching, ref, `${REGISTRY_SCHEME}${meant.reference}`, options);
    case 'key':
      return alreadyHere(fetching, ref, resolveImage(fetching.store.index, ref));
    case 'url':
      return appc.byUrl(ref, meant.url);
    case 'path':
      return appc.byPath(ref, meant);
    case 'name':
      return byName(appc, meant.name);
  }
}

/** A version may have slashes, but hardly begins as a port does. */
const LIKE_A_PORT = /^[^/,:]+:\d+\//;

async function byName(appc: AppcImages, name: string): Promise<Fetched> {
  try {
    return await appc.byName(name);
  } catch (error) {
    const isMistaken = isRegistryReference(name) && (LIKE_A_PORT.test(name) || isCairnError(error, 'ERR_NAME_SYNTAX'));
    if (!isCairnError(error) || !isMistaken) throw error;
    const { code, message, ...details } = error.toJSON();
    const why = `${message}; an image of a registry is called ${REGISTRY_SCHEME}${name}`;
    throw new CairnError(code, why, { ...details, cause: error });
  }
}

async function fetchOfRegistry(
  fetching: Fetching,
  ref: string,
  reference: string,
  options: FetchOptions,
): Promise<Fetched> {
  const { pull = 'always', signature } = options;
  if (signature !== undefined)
    throw new CairnError(
      'ERR_USAGE',
      `${ref}: files with signatures are for ACIs; a policy says what else must be signed`,
    );
  if (pull !== 'always') {
    const here = await findHere(fetching, reference, options.platform);
    if (here !== undefined) return alreadyHere(fetching, ref, here);
    if (pull === 'never')
      throw new CairnError('ERR_NOT_FOUND', `${ref}: not in the store, and --pull never asks nobody`);
  }
  return fetchRegistryImage(fetching, ref, options);
}

/** The image of the store that a reference means. */
async function findHere(
  { store: { index }, registries }: Fetching,
  ref: string,
  platform: string | undefined,
): Promise<ImageRecord | undefined> {
  const images = forPlatform(lookupIn(index), platform);
  for (const reference of await registries.meaningsOf(ref)) {
    const name = reference.digest ?? (nameInStore(reference) as string);
    try {
      const resolved = resolveArgument(index, name, { images });
      if ('image' in resolved) return resolved.image;
    } catch (error) {
      if (!isCairnError(error, 'ERR_NOT_FOUND')) throw error;
    }
  }
  return undefined;
}

function reported(given: string, error: CairnError, { onResult }: FetchOptions): FetchFailure {
  const ref = withoutSecrets(given);
  const failure = { source: ref, ref, error };
  onResult?.(failure);
  return failure;
}
