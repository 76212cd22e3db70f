/** Gets an image's first document, from the first place that has it. */
import { CairnError, isCairnError } from '../core/errors.js';
import { formatRegistryReference, type RegistryReference } from '../image/oci/registry-reference.js';
import type { Endpoint } from '../remote/registries/endpoints.js';
import type { RemoteManifest, Repository } from '../remote/registry.js';
import type { Fetching } from './fetching.js';

export interface OpenedImage {
  /** As it is called, wherever it came from. */
  reference: RegistryReference;
  /** Where it came from, and all of it will. */
  repository: Repository;
  /** Its manifest or index. */
  top: RemoteManifest;
}

/** What one place may answer while another has the image. */
export const OF_ONE_PLACE = [
  ...(['ERR_NETWORK', 'ERR_TLS', 'ERR_HTTP', 'ERR_NOT_FOUND', 'ERR_UNAUTHORIZED'] as const),
  ...(['ERR_DIGEST_MISMATCH', 'ERR_LIMIT'] as const),
] as const;
/** Tries after the first at a place that is not the last one. */
const RETRIES = 1;

/**
 * @throws CairnError `ERR_POLICY` for what the policy rejects, else what the last place answered; with several, the
 * message tells of all
 */
export async function openImage(
  fetching: Fetching,
  ref: string,
  signal: AbortSignal | undefined,
): Promise<OpenedImage> {
  const { registries, policy, store } = fetching;
  const failures: CairnError[] = [];
  const meanings = await registries.meaningsOf(ref);
  for (const [i, reference] of meanings.entries()) {
    policy.mustNotReject(reference);
    const sources = await registries.sourcesOf(reference);
    for (const [j, source] of sources.entries()) {
      const isLast = i === meanings.length - 1 && j === sources.length - 1;
      try {
        return await openAt(fetching, { reference, source, retries: isLast ? undefined : RETRIES }, signal);
      } catch (error) {
        if (!isCairnError(error, ...OF_ONE_PLACE)) throw error;
        failures.push(error);
        if (!isLast) store.notice(`${error.message}; the next place is asked`);
      }
    }
  }
  throw together(failures);
}

interface Place {
  reference: RegistryReference;
  source: Endpoint;
  retries: number | undefined;
}

async function openAt(
  { registries, store }: Fetching,
  { reference, source, retries }: Place,
  signal: AbortSignal | undefined,
): Promise<OpenedImage> {
  const repository = await registries.open(source, signal, retries);
  const top = await repository.manifest(
    reference.digest ?? (reference.tag as string),
    store.limits.maxManifest,
    retries,
  );
  return { reference, repository, top };
}

export function together(failures: readonly CairnError[]): CairnError {
  const last = failures.at(-1) as CairnError;
  if (failures.length === 1) return last;
  return new CairnError(last.code, failures.map(({ message }) => message).join('; '), { cause: last });
}

/** Where an image came from, in full. */
export function sourceOf({ reference, repository, top }: OpenedImage): string {
  const { host, name } = repository;
  return formatRegistryReference({ ...reference, host, repository: name, digest: top.digest });
}
