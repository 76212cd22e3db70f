/**
 * Signatures of OCI images as cosign makes them with a key. They lie in the image's own repository: a manifest whose
 * layers are what was signed, and whose annotations hold the signatures.
 */
import { CairnError, isCairnError } from '../core/errors.js';
import { MAX_SIGNED_PAYLOAD } from '../core/limits.js';
import { quoted } from '../core/printable.js';
import { parseJson } from '../image/json.js';
import { JsonField } from '../image/json-field.js';
import type { RegistryReference } from '../image/oci/registry-reference.js';
import { onlyKeys } from './only-keys.js';
import { type ImageKey, isSignedBy } from './public-key.js';
import { identityFault, type SignedIdentity } from './signed-identity.js';

/** The media type of a layer that is a payload, and its annotation that is the signature. */
export const PAYLOAD_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json';
export const SIGNATURE_ANNOTATION = 'dev.cosignproject.cosign/signature';
/** The type of a manifest with signatures, among what refers to an image. */
export const SIGNATURE_ARTIFACT = 'application/vnd.dev.cosign.artifact.sig.v1+json';

export interface CosignSignature {
  /** The layer's bytes. */
  payload: Uint8Array;
  /** The layer's annotation, in base64. */
  signature: string;
}

/** A signature whose payload cannot be had. */
export interface SignatureOfNothing {
  missing: CairnError;
}

/** The tag under which cosign puts an image's signatures. */
export function signatureTag(digest: string): string {
  return `${digest.replace(':', '-')}.sig`;
}

export interface Wanted {
  keys: readonly ImageKey[];
  image: RegistryReference;
  /** Of the manifest, and of the indexes that lead to it: who signs an index signs what is in it. */
  digests: readonly string[];
  identity: SignedIdentity;
}

/**
 * Verifies one signature.
 * @returns the key that made it
 * @throws CairnError `ERR_BAD_SIGNATURE` for what is no signature of this image, `ERR_UNTRUSTED_KEY` if none of the
 *   keys made it, `ERR_POLICY` if it is for another name, `ERR_LIMIT`
 */
export function verifyCosign(signed: CosignSignature | SignatureOfNothing, wanted: Wanted): ImageKey {
  if ('missing' in signed) throw bad(`what it signs cannot be had: ${signed.missing.message}`, signed.missing);
  const { payload, signature } = signed;
  if (payload.byteLength > MAX_SIGNED_PAYLOAD)
    throw new CairnError(
      'ERR_LIMIT',
      `a signature is one of ${payload.byteLength} bytes, more than ${MAX_SIGNED_PAYLOAD}`,
    );
  const bytes = Buffer.from(signature, 'base64');
  if (bytes.length === 0 || bytes.toString('base64') !== signature) throw bad('it is not base64');
  const key = wanted.keys.find((each) => isSignedBy(each, payload, bytes));
  if (key === undefined) {
    const names = wanted.keys.map(({ from }) => from).join(', ');
    throw new CairnError('ERR_UNTRUSTED_KEY', `a signature is by none of the keys that count: ${names}`);
  }
  const { digest, reference } = readPayload(payload);
  if (!wanted.digests.includes(digest)) {
    const expected = wanted.digests.join(' ');
    throw new CairnError('ERR_BAD_SIGNATURE', `the signature is one of another image: ${digest}`, {
      expected,
      found: digest,
    });
  }
  const fault = identityFault(wanted.identity, wanted.image, reference);
  if (fault !== undefined) throw new CairnError('ERR_POLICY', `the signature is not for this image: ${fault}`);
  return key;
}

/** Reads what was signed, after it was verified. */
function readPayload(payload: Uint8Array): { digest: string; reference: string } {
  try {
    const root = new JsonField('payload', parseJson(payload, 'payload', { maxManifest: MAX_SIGNED_PAYLOAD }));
    const critical = root.exactField('critical');
    const type = critical.exactField('type').text();
    if (type !== 'cosign container image signature') throw bad(`it is a ${quoted(type)}`);
    // What is critical and not understood could restrict what the signature is for.
    onlyKeys(critical, ['type', 'image', 'identity']);
    return {
      digest: onlyText(critical.exactField('image'), 'docker-manifest-digest'),
      reference: onlyText(critical.exactField('identity'), 'docker-reference'),
    };
  } catch (error) {
    if (isCairnError(error, 'ERR_BAD_SIGNATURE') || !isCairnError(error)) throw error;
    throw bad(error.message, error);
  }
}

function onlyText(field: JsonField, key: string): string {
  onlyKeys(field, [key]);
  return field.exactField(key).text();
}

function bad(why: string, cause?: unknown): CairnError {
  return new CairnError('ERR_BAD_SIGNATURE', `this is no signature of an image: ${why}`, { cause });
}
