/**
 * Finds the signatures of an OCI image where cosign puts them: in the image's own repository, under a tag that is made
 * of the digest, or as what refers to it (OCI distribution spec 1.1, referrers).
 */
import { CairnError, isCairnError } from '../core/errors.js';
import { DEFAULT_LIMITS, MAX_DESCRIPTORS, MAX_IMAGE_SIGNATURES, MAX_SIGNED_PAYLOAD } from '../core/limits.js';
import { type JsonValue, parseJson } from '../image/json.js';
import { JsonField } from '../image/json-field.js';
import { type Descriptor, readDescriptor } from '../image/oci/descriptor.js';
import {
  type CosignSignature,
  PAYLOAD_TYPE,
  SIGNATURE_ANNOTATION,
  SIGNATURE_ARTIFACT,
  type SignatureOfNothing,
  signatureTag,
} from './cosign.js';

export type FoundSignature = CosignSignature | SignatureOfNothing;

/** The repository of an image, as far as signatures are concerned. `most` are the bytes that are wanted at most. */
export interface SignatureSource {
  /** @throws CairnError `ERR_NOT_FOUND`, … */
  manifest(reference: string, most: number): Promise<{ bytes: Uint8Array }>;
  /** Descriptors of what refers to a manifest. */
  referrers(digest: string, most: number): Promise<readonly unknown[]>;
  blob(digest: string, most: number): Promise<Uint8Array>;
}

/**
 * All signatures of some digests. That there is none is no error here.
 * @throws CairnError `ERR_BAD_SIGNATURE` for documents that are not as they must be, `ERR_LIMIT`, and as the source
 *   does
 */
export async function findSignatures(source: SignatureSource, digests: readonly string[]): Promise<FoundSignature[]> {
  const found = new Map<string, SignatureLayer[]>();
  for (const digest of digests) {
    for (const reference of [signatureTag(digest), ...(await referringTo(source, digest))]) {
      const bytes = await manifestIfThere(source, reference);
      if (bytes !== undefined) found.set(reference, signatureLayers(bytes));
    }
  }
  const layers = [...found.values()].flat();
  if (layers.length > MAX_IMAGE_SIGNATURES) throw tooMany(layers.length);
  // An image that is signed anew each night has one payload, under many signatures.
  const payloads = new Map<string, Uint8Array | SignatureOfNothing>();
  const signatures: FoundSignature[] = [];
  for (const { digest, signature } of layers) {
    const payload = payloads.get(digest) ?? (await payloadOf(source, digest));
    payloads.set(digest, payload);
    signatures.push('missing' in payload ? payload : { payload, signature });
  }
  return signatures;
}

/** A signature without its payload is none, but others may be good. */
async function payloadOf(source: SignatureSource, digest: string): Promise<Uint8Array | SignatureOfNothing> {
  try {
    return await source.blob(digest, MAX_SIGNED_PAYLOAD);
  } catch (error) {
    if (isCairnError(error, 'ERR_NOT_FOUND')) return { missing: error };
    throw error;
  }
}

async function referringTo(source: SignatureSource, digest: string): Promise<string[]> {
  const referrers = signatureReferrers(await source.referrers(digest, DEFAULT_LIMITS.maxManifest));
  if (referrers.length > MAX_IMAGE_SIGNATURES) throw tooMany(referrers.length);
  return referrers;
}

async function manifestIfThere(source: SignatureSource, reference: string): Promise<Uint8Array | undefined> {
  try {
    return (await source.manifest(reference, DEFAULT_LIMITS.maxManifest)).bytes;
  } catch (error) {
    if (isCairnError(error, 'ERR_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** The digests of the manifests with signatures, of all that refers to an image. */
export function signatureReferrers(descriptors: readonly unknown[]): string[] {
  return reading('what refers to the image', () =>
    descriptors
      .map((descriptor) => new JsonField('referrers', descriptor as JsonValue))
      .filter((field) => field.exactField('artifactType').text() === SIGNATURE_ARTIFACT)
      .map((field) => readDescriptor(field).digest),
  );
}

export interface SignatureLayer {
  /** Of the payload. */
  digest: string;
  /** In base64. */
  signature: string;
}

/** The signatures of a manifest that cosign has made. Layers of other kinds are none of its signatures. */
export function signatureLayers(manifest: Uint8Array): SignatureLayer[] {
  return reading('the manifest with signatures', () => {
    const root = new JsonField('manifest', parseJson(manifest, 'manifest', DEFAULT_LIMITS));
    const layers: Descriptor[] = root.exactField('layers').items(MAX_DESCRIPTORS).map(readDescriptor);
    return layers
      .filter(({ mediaType }) => mediaType === PAYLOAD_TYPE)
      .map(({ digest, annotations }) => ({ digest, signature: annotations[SIGNATURE_ANNOTATION] ?? '' }));
  });
}

function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isCairnError(error)) throw error;
    throw new CairnError('ERR_BAD_SIGNATURE', `${what} cannot be read: ${error.message}`, { cause: error });
  }
}

function tooMany(count: number): CairnError {
  return new CairnError('ERR_LIMIT', `the image has ${count} signatures, more than ${MAX_IMAGE_SIGNATURES}`);
}
