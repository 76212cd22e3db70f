/** Which keys count for an image of some name. */
import type { PublicKey } from 'openpgp';
import { keyFilesIn } from './keystore.js';
import { type Prefix, prefixesOf } from './prefix.js';
import { readKeyFile, tryKeyFile } from './read-key-file.js';

export interface TrustedKey {
  key: PublicKey;
  file: string;
  prefix: Prefix;
}

/** A key that does not count, since an empty file masks it. */
export interface MaskedKey {
  fingerprint: string;
  /** The empty file. */
  mask: string;
  /** Absent if there is nothing below the mask, or nothing that can be read. */
  key?: PublicKey;
}

export interface TrustedKeys {
  /** Whose images they count for. Without a name only the keys for all images do. */
  name: string | undefined;
  /** Several copies of one key may be among them, of which one may say that the key was revoked. */
  keys: readonly TrustedKey[];
  masked: readonly MaskedKey[];
}

/**
 * The keys that count for the images of a name: those for all images, and those of each prefix of the name.
 * @throws CairnError `ERR_CONFIG` for a keystore, or a file of it, that is not as it must be
 */
export async function trustedKeys(dirs: readonly string[], name?: string): Promise<TrustedKeys> {
  const keys: TrustedKey[] = [];
  const masked: MaskedKey[] = [];
  for (const prefix of [null, ...(name === undefined ? [] : prefixesOf(name))]) {
    for (const { fingerprint, files, masked: hidden, mask } of keyFilesIn(dirs, prefix)) {
      for (const file of files) keys.push({ key: await readKeyFile(file, fingerprint), file, prefix });
      if (mask === undefined || files.length > 0) continue;
      const last = hidden.at(-1);
      const key = last === undefined ? undefined : await tryKeyFile(last, fingerprint);
      masked.push({ fingerprint, mask, ...(key === undefined ? {} : { key }) });
    }
  }
  return { name, keys, masked };
}
