/**
 * Whose signatures count: keys, signatures, policy. May import: core, disk, image.
 *
 * `trusted-keys.ts` finds the OpenPGP keys that count for a name, `openpgp.ts` holds a file against a signature. What
 * an OCI image must be signed by is said by a policy: `policy.ts` reads it, `find-signatures.ts` finds what was signed,
 * `decide.ts` holds an image against both.
 */
export { addKey, type RemovedKey, removeKey } from './change-keys.js';
export type { CosignSignature } from './cosign.js';
export { type Accepted, decide, mustNotBeRejected, needsSignatures } from './decide.js';
export { trustDirectories } from './directories.js';
export { findSignatures, type SignatureSource } from './find-signatures.js';
export { describeKey, type KeyDescription } from './key-state.js';
export { type KeyPlace, type ListedKey, listKeys, placesOf } from './list-keys.js';
export { beginVerification, type SignatureCheck, type Verified, verifySignature } from './openpgp.js';
export { type Policy, type Requirement, requirementsFor, type SigstoreRule } from './policy.js';
export { checkPrefix, type Prefix } from './prefix.js';
export { readKeys } from './read-keys.js';
export { keysOf, readPolicy } from './read-policy.js';
export { type TrustedKeys, trustedKeys } from './trusted-keys.js';
