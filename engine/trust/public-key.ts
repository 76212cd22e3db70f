/** Public keys for signatures of OCI images. */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { CairnError } from '../core/errors.js';

/** A key that may sign images. */
export interface ImageKey {
  key: KeyObject;
  /** The sha256 of the key itself, 64 hexadecimal digits: keys of this kind have no name of their own. */
  fingerprint: string;
  /** Where it was found: a file, or a place in the policy. */
  from: string;
}

const PEM = /^\s*-----BEGIN (?:RSA )?PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END (?:RSA )?PUBLIC KEY-----\s*$/;
/** Shorter ones are no longer safe. */
const LEAST_RSA_BITS = 2048;
/** Hashes that go with a curve. Some programs take sha256 for all of them. */
const OF_CURVE: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ['sha256'],
  secp384r1: ['sha384', 'sha256'],
};

/**
 * Reads one public key: ECDSA on P-256 or P-384, RSA, or Ed25519.
 * @param from where it was found
 * @throws CairnError `ERR_CONFIG`
 */
export function readImageKey(pem: Uint8Array, from: string): ImageKey {
  const text = Buffer.from(pem).toString('latin1');
  // Node would take a private key, too, and a certificate, of which the dates would count.
  if (!PEM.test(text)) throw new CairnError('ERR_CONFIG', 'it is no PEM file with one public key');
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch (cause) {
    throw new CairnError('ERR_CONFIG', 'it is no public key', { cause });
  }
  const fault = faultOf(key);
  if (fault !== undefined) throw new CairnError('ERR_CONFIG', fault);
  const spki = key.export({ type: 'spki', format: 'der' });
  return { key, fingerprint: createHash('sha256').update(spki).digest('hex'), from };
}

function faultOf({ asymmetricKeyType: type, asymmetricKeyDetails: details = {} }: KeyObject): string | undefined {
  if (type === 'ed25519') return undefined;
  if (type === 'rsa') {
    const bits = details.modulusLength ?? 0;
    return bits < LEAST_RSA_BITS ? `an RSA key of ${bits} bits is too weak` : undefined;
  }
  if (type === 'ec' && OF_CURVE[details.namedCurve ?? ''] !== undefined) return undefined;
  return `keys of this kind are not supported: ${details.namedCurve ?? type}`;
}

/** Whether a key made a signature. */
export function isSignedBy({ key }: ImageKey, payload: Uint8Array, signature: Uint8Array): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ed25519') return verify(null, payload, key, signature);
  const hashes = type === 'ec' ? (OF_CURVE[details?.namedCurve ?? ''] ?? []) : ['sha256'];
  return hashes.some((hash) => verify(hash, payload, key, signature));
}
