/** Lists the keys of keystores. */
import type { PublicKey } from 'openpgp';
import { describeKey, type KeyDescription } from './key-state.js';
import { type KeyFiles, keyFilesIn, prefixesIn } from './keystore.js';
import type { Prefix } from './prefix.js';
import { readKeyFile, tryKeyFile } from './read-key-file.js';

export interface ListedKey extends Partial<KeyDescription> {
  fingerprint: string;
  /** Null for a key that counts for all images. */
  prefix: Prefix;
  users: string[];
  file: string;
  masked: boolean;
  /** The empty file. */
  maskedBy?: string;
}

/**
 * The keys of all directories, those for all images first. One that is masked is among them.
 * @throws CairnError `ERR_CONFIG` for a keystore, or a file of it, that is not as it must be
 */
export async function listKeys(dirs: readonly string[], now = new Date()): Promise<ListedKey[]> {
  const listed: ListedKey[] = [];
  for (const prefix of [null, ...prefixesIn(dirs)]) {
    for (const files of keyFilesIn(dirs, prefix)) listed.push(await listOne(prefix, files, now));
  }
  return listed;
}

/** Where a key lies, or is masked. */
export interface KeyPlace {
  prefix: Prefix;
  /** The key's file, or the empty one that masks it. */
  file: string;
  masked: boolean;
}

/** All places that know a key by its fingerprint. @throws CairnError `ERR_CONFIG` */
export function placesOf(dirs: readonly string[], fingerprint: string): KeyPlace[] {
  return [null, ...prefixesIn(dirs)].flatMap((prefix) =>
    keyFilesIn(dirs, prefix)
      .filter((each) => each.fingerprint === fingerprint)
      .map(({ files, mask }) => ({ prefix, file: (files.at(-1) ?? mask) as string, masked: files.length === 0 })),
  );
}

async function listOne(prefix: Prefix, { fingerprint, files, masked, mask }: KeyFiles, now: Date): Promise<ListedKey> {
  const file = files.at(-1);
  if (file !== undefined) return listedKey(await readKeyFile(file, fingerprint), { prefix, file, now });
  const hidden = masked.at(-1);
  const key = hidden === undefined ? undefined : await tryKeyFile(hidden, fingerprint);
  const maskedBy = mask as string;
  const place = { fingerprint, prefix, users: [], file: hidden ?? maskedBy, masked: true, maskedBy };
  return key === undefined ? place : { ...place, ...(await describeKey(key, now)) };
}

/** A key that lies in a keystore and counts. */
export async function listedKey(
  key: PublicKey,
  { prefix, file, now }: { prefix: Prefix; file: string; now: Date },
): Promise<ListedKey> {
  const { fingerprint, users, ...description } = await describeKey(key, now);
  return { fingerprint, prefix, users, file, masked: false, ...description };
}
