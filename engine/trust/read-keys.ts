/** Reads OpenPGP keys, and refuses what would take long to judge. */
import type { Key, PublicKey } from 'openpgp';
import { CairnError, isCairnError } from '../core/errors.js';
import { MAX_KEY_FILE, MAX_KEY_PARTS, MAX_KEYS } from '../core/limits.js';
import { blocksIn } from './armor.js';
import { loadOpenPgp } from './library.js';
import { messageOf } from './message-of.js';

/**
 * All keys of a file, armored or binary. Of a secret key only the public part is taken.
 * @param path where they come from, for errors
 * @throws CairnError `ERR_CONFIG` for what is no key, `ERR_LIMIT`
 */
export async function readKeys(bytes: Uint8Array, path: string): Promise<PublicKey[]> {
  if (bytes.byteLength > MAX_KEY_FILE) throw tooMuch(path, `${bytes.byteLength} bytes`, MAX_KEY_FILE);
  const blocks = blocksIn(bytes);
  if (blocks.length > MAX_KEYS) throw tooMuch(path, `${blocks.length} keys`, MAX_KEYS);
  const { readKeys: read } = await loadOpenPgp();
  const keys: Key[] = [];
  try {
    for (const block of blocks) {
      if ('armored' in block) keys.push(...(await read({ armoredKeys: block.armored })));
      else keys.push(...(await read({ binaryKeys: block.binary })));
      if (keys.length > MAX_KEYS) throw tooMuch(path, `${keys.length} keys`, MAX_KEYS);
    }
  } catch (error) {
    if (isCairnError(error)) throw error;
    throw noKey(path, messageOf(error), error);
  }
  if (keys.length === 0) throw noKey(path, 'it is neither armored nor binary OpenPGP data');
  return keys.map((key) => checked(key.toPublic(), path));
}

function checked(key: PublicKey, path: string): PublicKey {
  const parts = partsOf(key);
  if (parts > MAX_KEY_PARTS) throw tooMuch(path, `a key with ${parts} names, subkeys and signatures`, MAX_KEY_PARTS);
  return key;
}

/** What of a key has to be verified. Signatures by others are not. */
function partsOf({ users, subkeys, revocationSignatures, ...key }: PublicKey): number {
  const { directSignatures = [] } = key as { directSignatures?: readonly unknown[] };
  const ofUsers = users.map((user) => 1 + user.selfCertifications.length + user.revocationSignatures.length);
  const ofSubkeys = subkeys.map((sub) => 1 + sub.bindingSignatures.length + sub.revocationSignatures.length);
  const sum = [...ofUsers, ...ofSubkeys].reduce((total, each) => total + each, 0);
  return sum + revocationSignatures.length + directSignatures.length;
}

function noKey(path: string, why: string, cause?: unknown): CairnError {
  return new CairnError('ERR_CONFIG', `${path} is no OpenPGP public key: ${why}`, { path, cause });
}

function tooMuch(path: string, found: string, most: number): CairnError {
  return new CairnError('ERR_LIMIT', `${path} has ${found}, more than ${most}`, { path, found });
}
