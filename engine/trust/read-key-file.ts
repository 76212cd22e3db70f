/** Reads one key of a keystore. */
import type { PublicKey } from 'openpgp';
import { CairnError } from '../core/errors.js';
import { MAX_KEY_FILE } from '../core/limits.js';
import { readSmallFile } from '../disk/small-file.js';
import { readKeys } from './read-keys.js';

/**
 * The key of a file that is called by its fingerprint.
 * @throws CairnError `ERR_CONFIG` if the file holds another key, several, or none; `ERR_LIMIT`, `ERR_IO`
 */
export async function readKeyFile(path: string, fingerprint: string): Promise<PublicKey> {
  const bytes = readSmallFile(path, MAX_KEY_FILE);
  if (bytes === undefined) throw new CairnError('ERR_CONFIG', `${path} is gone`, { path });
  const [key, ...others] = await readKeys(bytes, path);
  const found = key?.getFingerprint() ?? '';
  if (found !== fingerprint)
    throw new CairnError('ERR_CONFIG', `${path} holds the key ${found}`, { path, expected: fingerprint, found });
  if (others.length > 0)
    throw new CairnError('ERR_CONFIG', `${path} holds ${others.length + 1} keys; one is wanted`, { path });
  return key as PublicKey;
}

/** The key of a file that is not relied upon; undefined if it cannot be read. */
export async function tryKeyFile(path: string, fingerprint: string): Promise<PublicKey | undefined> {
  try {
    return await readKeyFile(path, fingerprint);
  } catch {
    return undefined;
  }
}
