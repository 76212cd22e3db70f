/**
 * Values without a disk: bytes, keys, paths, metadata, errors, limits. May import: nothing.
 *
 * Nothing here opens a file or asks the system anything. `errors.ts` has the codes of all failures, `limits.ts` what
 * an input may ask for.
 */
export {};
