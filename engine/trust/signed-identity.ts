/**
 * Whether what a signature says it signs is the image that was asked for (containers-policy.json, `signedIdentity`).
 * That a signature is of the right bytes is not enough: it could be that of another image, under this name.
 */
import type { JsonField } from '../image/json-field.js';
import {
  formatRegistryReference,
  isWhole,
  type RegistryReference,
  readRegistryReference,
  repositoryOf,
} from '../image/oci/registry-reference.js';
import { onlyKeys } from './only-keys.js';

export type SignedIdentity =
  | { type: 'matchExact' | 'matchRepoDigestOrExact' | 'matchRepository' }
  | { type: 'exactReference' | 'exactRepository'; reference: RegistryReference }
  | { type: 'remapIdentity'; prefix: string; signedPrefix: string };

const DEFAULT: SignedIdentity = { type: 'matchRepoDigestOrExact' };
const DOMAIN = /^[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*(?::[0-9]+)?$/;

/** @throws CairnError `ERR_CONFIG`, or as {@link JsonField} does */
export function readIdentity(field: JsonField): SignedIdentity {
  if (field.absent) return DEFAULT;
  const type = field.exactField('type').text();
  switch (type) {
    case 'matchExact':
    case 'matchRepoDigestOrExact':
    case 'matchRepository':
      onlyKeys(field, ['type']);
      return { type };
    case 'exactReference': {
      onlyKeys(field, ['type', 'dockerReference']);
      const reference = readReference(field.exactField('dockerReference'));
      if (isWhole(reference)) return { type, reference };
      throw field.exactField('dockerReference').fault('must have a tag or a digest', 'ERR_CONFIG');
    }
    case 'exactRepository':
      onlyKeys(field, ['type', 'dockerRepository']);
      return { type, reference: readReference(field.exactField('dockerRepository')) };
    case 'remapIdentity': {
      onlyKeys(field, ['type', 'prefix', 'signedPrefix']);
      const prefix = readPrefix(field.exactField('prefix'));
      return { type, prefix, signedPrefix: readPrefix(field.exactField('signedPrefix')) };
    }
    default:
      throw field.exactField('type').fault(`an unknown kind of signedIdentity: "${type}"`, 'ERR_CONFIG');
  }
}

function readReference(field: JsonField): RegistryReference {
  const reference = readRegistryReference(field.text());
  if (reference === undefined) throw field.fault('must be an image reference', 'ERR_CONFIG');
  return reference;
}

function readPrefix(field: JsonField): string {
  const prefix = field.text();
  const isName = DOMAIN.test(prefix.split('/', 1)[0] ?? '') && readRegistryReference(`${prefix}/x`) !== undefined;
  if (!isName) throw field.fault('must be a registry, a namespace or a repository', 'ERR_CONFIG');
  return prefix;
}

/**
 * Why a signature is not for an image, or undefined if it is.
 * @param signed what the signature says it signs
 */
export function identityFault(identity: SignedIdentity, image: RegistryReference, signed: string): string | undefined {
  const claimed = readRegistryReference(signed);
  if (claimed === undefined) return `it is one of "${signed}", which is no image reference`;
  if (matches(identity, image, claimed)) return undefined;
  const wanted = 'reference' in identity ? formatRegistryReference(identity.reference) : formatRegistryReference(image);
  const isBare = !isWhole(claimed) && identity.type !== 'matchRepository' && identity.type !== 'exactRepository';
  const hint = isBare ? ', which names no tag; {"type": "matchRepository"} as signedIdentity takes that' : '';
  return `it is one of ${formatRegistryReference(claimed)}${hint}; ${identity.type} wants ${wanted}`;
}

function matches(identity: SignedIdentity, image: RegistryReference, claimed: RegistryReference): boolean {
  switch (identity.type) {
    case 'matchExact':
      return isSame(image, claimed);
    case 'matchRepoDigestOrExact':
      return isSameOrInRepository(image, claimed);
    case 'matchRepository':
      return repositoryOf(image) === repositoryOf(claimed);
    case 'exactReference':
      return isSame(identity.reference, claimed);
    case 'exactRepository':
      return repositoryOf(identity.reference) === repositoryOf(claimed);
    case 'remapIdentity': {
      const remapped = remap(image, identity);
      return remapped !== undefined && isSameOrInRepository(remapped, claimed);
    }
  }
}

function isSame(wanted: RegistryReference, claimed: RegistryReference): boolean {
  return isWhole(wanted) && formatRegistryReference(wanted) === formatRegistryReference(claimed);
}

/** An image that was asked for by its digest has no tag to compare. */
function isSameOrInRepository(wanted: RegistryReference, claimed: RegistryReference): boolean {
  if (!isWhole(claimed)) return false;
  if (wanted.tag !== undefined) return isSame(wanted, claimed);
  return wanted.digest !== undefined && repositoryOf(wanted) === repositoryOf(claimed);
}

/** The image under the name by which it was signed. A prefix covers whole components. */
function remap(
  image: RegistryReference,
  { prefix, signedPrefix }: { prefix: string; signedPrefix: string },
): RegistryReference | undefined {
  const name = repositoryOf(image);
  if (name !== prefix && !name.startsWith(`${prefix}/`)) return image;
  return readRegistryReference(formatRegistryReference(image).replace(prefix, () => signedPrefix));
}
