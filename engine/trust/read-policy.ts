/** Finds and reads the policy, and the keys that it names. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CairnError, toCairnError } from '../core/errors.js';
import { DEFAULT_LIMITS, MAX_PEM_FILE } from '../core/limits.js';
import { readSmallFile } from '../disk/small-file.js';
import { type Policy, parsePolicy, type SigstoreRule } from './policy.js';
import { type ImageKey, readImageKey } from './public-key.js';

const SYSTEM = '/etc/containers/policy.json';

/**
 * The user's policy, or else the system's, which podman and skopeo read, too.
 * @param given a path that must be there, in place of both
 * @returns undefined if there is none: then every image is accepted
 * @throws CairnError `ERR_CONFIG`, `ERR_NOT_FOUND`, `ERR_IO`
 */
export function readPolicy(given?: string, home = homedir()): Policy | undefined {
  for (const path of given === undefined ? [join(home, '.config/containers/policy.json'), SYSTEM] : [given]) {
    const bytes = readSmallFile(path, DEFAULT_LIMITS.maxManifest);
    if (bytes !== undefined) return parsePolicy(bytes, path);
  }
  if (given === undefined) return undefined;
  throw new CairnError('ERR_NOT_FOUND', `no such policy: ${given}`, { path: given });
}

/**
 * The keys that a requirement names. One that cannot be read is an error even if another would do, so that it is found
 * before it is needed.
 * @throws CairnError `ERR_CONFIG`
 */
export function keysOf({ keys, path, entry }: SigstoreRule): ImageKey[] {
  return keys.map((source) => {
    const from = 'path' in source ? source.path : `${path}, ${entry}`;
    try {
      const pem = 'path' in source ? readSmallFile(source.path, MAX_PEM_FILE) : source.pem;
      if (pem === undefined) throw new CairnError('ERR_CONFIG', 'there is no such file');
      return readImageKey(pem, from);
    } catch (error) {
      const known = toCairnError(error);
      if (!(known instanceof CairnError)) throw error;
      throw new CairnError('ERR_CONFIG', `the key ${from}: ${known.message}`, { path, entry, cause: error });
    }
  });
}
