/** Holds images of registries against the policy of this machine, before a first blob of them is asked for. */
import type { RegistryReference } from '../image/oci/registry-reference.js';
import type { VerifiedSignature } from '../index/records.js';
import type { Repository } from '../remote/registry.js';
import {
  decide,
  findSignatures,
  keysOf,
  mustNotBeRejected,
  needsSignatures,
  type Policy,
  type Requirement,
  readPolicy,
  requirementsFor,
} from '../trust/index.js';
import type { FetchOptions } from './options.js';

export class ImagePolicy {
  readonly #isAsked: boolean;
  /** Read once for all fetches of a run. */
  #found: { policy: Policy | undefined } | undefined;

  constructor(insecure: NonNullable<FetchOptions['insecure']>) {
    this.#isAsked = !insecure.includes('image');
  }

  /** Refuses what no signature can help, before any server is asked. @throws CairnError as `mustNotBeRejected` does */
  mustNotReject(image: RegistryReference): void {
    if (this.#isAsked) mustNotBeRejected(this.#requirementsFor(image), image);
  }

  /**
   * @param image as it is called, wherever it came from
   * @param repository where it came from: its signatures lie there, too
   * @param digests of the manifest, and of the indexes that lead to it
   * @returns what was verified, if anything had to be
   * @throws CairnError as `decide` and `findSignatures` do
   */
  async verify(
    image: RegistryReference,
    repository: Repository,
    digests: readonly string[],
  ): Promise<VerifiedSignature | undefined> {
    if (!this.#isAsked) return undefined;
    const requirements = this.#requirementsFor(image);
    const signatures = needsSignatures(requirements) ? await findSignatures(repository, digests) : [];
    const [accepted] = decide({ requirements, image, digests, signatures, keys: keysOf });
    return accepted === undefined ? undefined : { ...accepted, at: Date.now() };
  }

  #requirementsFor(image: RegistryReference): readonly Requirement[] {
    this.#found ??= { policy: readPolicy() };
    return requirementsFor(this.#found.policy, image);
  }
}
