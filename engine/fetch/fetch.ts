/** Fetches images by what they are called, side by side. */
import { noteUse } from '../content/last-used.js';
import { eachOf } from '../core/concurrency.js';
import { CairnError, isCairnError, toCairnError } from '../core/errors.js';
import { describe } from '../import/result.js';
import type { ImageRecord } from '../index/records.js';
import { signatureOf } from '../index/signature.js';
import { resolveArgument } from '../resolve/argument.js';
import { fetchRegistryImage, nameInStore } from './fetch-registry.js';
import type { Fetching } from './fetching.js';
import type { Fetched, FetchFailure, FetchOptions } from './options.js';

/** Images that are fetched at a time. Each takes several connections. */
const JOBS = 3;

/**
 * Results have the order of the references.
 * @throws CairnError the first failure; with `keepGoing` each failure takes the place of its result instead
 */
export function fetchAll(
  fetching: Fetching,
  refs: readonly string[],
  options: FetchOptions,
): Promise<(Fetched | FetchFailure)[]> {
  return eachOf(refs, options.jobs ?? JOBS, async (ref) => {
    try {
      const fetched = await fetchOne(fetching, ref, options);
      options.onResult?.(fetched);
      return fetched;
    } catch (thrown) {
      return reported(ref, thrown, options);
    }
  });
}

async function fetchOne(fetching: Fetching, ref: string, options: FetchOptions): Promise<Fetched> {
  const { pull = 'always' } = options;
  if (pull !== 'always') {
    const here = await findHere(fetching, ref);
    if (here !== undefined) return alreadyHere(fetching, ref, here);
    if (pull === 'never')
      throw new CairnError('ERR_NOT_FOUND', `${ref}: not in the store, and --pull never asks nobody`);
  }
  return fetchRegistryImage(fetching, ref, options);
}

/** The image of the store that a reference means. */
async function findHere({ store: { index }, registries }: Fetching, ref: string): Promise<ImageRecord | undefined> {
  for (const reference of await registries.meaningsOf(ref)) {
    const name = reference.digest ?? nameInStore(reference)?.replace(/^docker\.io\/(?:library\/)?/, '');
    try {
      const resolved = resolveArgument(index, name as string);
      if ('image' in resolved) return resolved.image;
    } catch (error) {
      if (!isCairnError(error, 'ERR_NOT_FOUND')) throw error;
    }
  }
  return undefined;
}

async function alreadyHere({ store }: Fetching, ref: string, image: ImageRecord): Promise<Fetched> {
  await noteUse(store, image);
  const objects = { new: 0, newBytes: 0, shared: 0, sharedBytes: 0 };
  const described = describe({ source: ref, begun: performance.now() }, image, { objects, moved: [] }, true);
  return { ...described, ref, url: null, downloadedBytes: 0, resumedBytes: 0, signature: signatureOf(image) };
}

/** @throws the error itself, unless the others should go on */
function reported(ref: string, thrown: unknown, { keepGoing, onResult }: FetchOptions): FetchFailure {
  const error = toCairnError(thrown, ref);
  if (!isCairnError(error) || keepGoing !== true || error.code === 'ERR_ABORTED') throw error;
  const failure = { source: ref, ref, error };
  onResult?.(failure);
  return failure;
}
