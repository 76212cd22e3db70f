/** Holds an image against what a policy requires of it. Reads nothing: keys and signatures are given. */
import { CairnError, type ErrorCode, isCairnError } from '../core/errors.js';
import { MAX_IMAGE_SIGNATURES } from '../core/limits.js';
import { exactReference, formatRegistryReference, type RegistryReference } from '../image/oci/registry-reference.js';
import { verifyCosign } from './cosign.js';
import type { FoundSignature } from './find-signatures.js';
import type { Requirement, SigstoreRule } from './policy.js';
import type { ImageKey } from './public-key.js';

/** A requirement that signatures fulfil, and the key that made the one that does. */
export interface Accepted {
  /** The sha256 of the key. */
  key: string;
  /** Where the key was found: a file, or a place in the policy. */
  by: string;
}

/** Whether signatures have to be fetched at all. */
export function needsSignatures(requirements: readonly Requirement[]): boolean {
  return requirements.some(({ type }) => type === 'sigstoreSigned');
}

/**
 * Refuses what no signature can help, so that nothing of it is fetched.
 * @throws CairnError `ERR_POLICY`, `ERR_UNSUPPORTED`
 */
export function mustNotBeRejected(requirements: readonly Requirement[], image: RegistryReference): void {
  for (const requirement of requirements) {
    const { path, entry } = requirement;
    if (requirement.type === 'reject')
      throw new CairnError('ERR_POLICY', `the policy ${path} rejects ${formatRegistryReference(image)}`, {
        path,
        entry,
      });
    if (requirement.type !== 'unsupported') continue;
    const message = `the policy ${path} requires of ${formatRegistryReference(image)} what is not supported: ${requirement.what}`;
    throw new CairnError('ERR_UNSUPPORTED', message, { path, entry });
  }
}

export interface Question {
  /** All have to be fulfilled. */
  requirements: readonly Requirement[];
  /** As it was asked for. */
  image: RegistryReference;
  /** Of the manifest, and of the indexes that lead to it. */
  digests: readonly string[];
  signatures: readonly FoundSignature[];
  /** Gives the keys that a requirement names, see `keysOf`. */
  keys: (rule: SigstoreRule) => readonly ImageKey[];
}

/**
 * Decides whether an image is accepted.
 * @returns what was verified; empty if nothing had to be
 * @throws CairnError `ERR_POLICY`, `ERR_UNSUPPORTED`, `ERR_NO_SIGNATURE`, `ERR_BAD_SIGNATURE`, `ERR_UNTRUSTED_KEY`,
 *   `ERR_CONFIG`, `ERR_LIMIT`
 */
export function decide(question: Question): Accepted[] {
  const { requirements, signatures } = question;
  const image = exactReference(question.image);
  mustNotBeRejected(requirements, image);
  if (signatures.length > MAX_IMAGE_SIGNATURES)
    throw new CairnError(
      'ERR_LIMIT',
      `${formatRegistryReference(image)} has ${signatures.length} signatures, more than ${MAX_IMAGE_SIGNATURES}`,
    );
  return requirements.flatMap((rule) =>
    rule.type === 'sigstoreSigned' ? [acceptedBy(rule, { ...question, image })] : [],
  );
}

/** From what weighs most to what weighs least. */
const WEIGHTS: readonly ErrorCode[] = ['ERR_POLICY', 'ERR_BAD_SIGNATURE', 'ERR_UNTRUSTED_KEY', 'ERR_LIMIT'];

/** One good signature suffices; of several bad ones the error that tells most is thrown. */
function acceptedBy(rule: SigstoreRule, { image, digests, signatures, keys: read }: Question): Accepted {
  const { path, entry, identity } = rule;
  const keys = read(rule);
  const refusals: CairnError[] = [];
  for (const signature of signatures) {
    try {
      const { fingerprint, from } = verifyCosign(signature, { keys, image, digests, identity });
      return { key: fingerprint, by: from };
    } catch (error) {
      if (!isCairnError(error)) throw error;
      refusals.push(error);
    }
  }
  const weight = ({ code }: CairnError): number => WEIGHTS.indexOf(code);
  const [worst] = refusals.sort((a, b) => weight(a) - weight(b));
  const reference = formatRegistryReference(image);
  if (worst === undefined)
    throw new CairnError('ERR_NO_SIGNATURE', `${reference} must be signed, and is not`, { path, entry });
  const { code, message, expected, found } = worst;
  throw new CairnError(code, `${reference}: ${message}`, {
    path,
    entry,
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    cause: worst,
  });
}
