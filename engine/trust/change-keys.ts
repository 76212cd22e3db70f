/** Puts keys into a keystore, and takes them out. Only the last directory is written to. */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { PublicKey } from 'openpgp';
import { CairnError, hasCode, toCairnError } from '../core/errors.js';
import { MAX_KEY_FILE } from '../core/limits.js';
import { makeOnce, syncDirectory, writeFileDurably } from '../disk/durable.js';
import { usersOf } from './key-state.js';
import { directoryAt, type KeyFiles, keyFile, keyFilesIn, placeOf, prefixesIn } from './keystore.js';
import { type ListedKey, listedKey } from './list-keys.js';
import { coveredBy, type Prefix } from './prefix.js';
import { tryKeyFile } from './read-key-file.js';

const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

/**
 * Trusts a key for the images below a prefix, or with null for all. Only its public part is written. What a copy that
 * is there knows of the key, above all that it was revoked, is kept.
 */
export async function addKey(
  dirs: readonly string[],
  key: PublicKey,
  prefix: Prefix,
  now = new Date(),
): Promise<ListedKey> {
  const fingerprint = key.getFingerprint();
  const known = await tryKeyFile(keyFile(lastOf(dirs), prefix, fingerprint), fingerprint);
  const given = key.toPublic();
  const merged = known === undefined ? given : await known.update(given, now);
  const text = withoutStrangers(merged).armor();
  if (text.length > MAX_KEY_FILE)
    throw new CairnError('ERR_LIMIT', `the key ${fingerprint} is larger than ${MAX_KEY_FILE} bytes`);
  const file = write(lastOf(dirs), prefix, fingerprint, text);
  return listedKey(merged, { prefix, file, now });
}

/** Signatures by others, and pictures, mean nothing here, and can make a key very large. */
function withoutStrangers(key: PublicKey): PublicKey {
  key.users = key.users.filter((user) => user.userID !== null);
  for (const user of key.users) user.otherCertifications = [];
  return key;
}

export interface RemovedKey {
  fingerprint: string;
  prefix: Prefix;
  users: string[];
  /** The file that was removed, or else the empty one that masks the key now. */
  file: string;
  /** Whether the key lies in another directory as well, and is masked there now. */
  masked: boolean;
}

/**
 * Takes trust from a key: for the images below a prefix, with null for all, and with undefined wherever it has any.
 * @throws CairnError `ERR_NOT_FOUND` if it has none
 */
export async function removeKey(
  dirs: readonly string[],
  fingerprint: string,
  prefix: Prefix | undefined,
): Promise<RemovedKey[]> {
  const removed: RemovedKey[] = [];
  const masks: string[] = [];
  for (const place of prefix === undefined ? [null, ...prefixesIn(dirs)] : [prefix]) {
    const found = keyFilesIn(dirs, place).find((each) => each.fingerprint === fingerprint);
    if (found === undefined) continue;
    if (found.files.length > 0) removed.push(await removeFrom(dirs, place, found));
    else if (found.mask !== undefined) masks.push(found.mask);
  }
  if (removed.length > 0) return removed;
  const where = prefix === undefined ? '' : ` for ${coveredBy(prefix)}`;
  const why = masks[0] === undefined ? 'there is no such key' : `${masks[0]} masks it already`;
  throw new CairnError('ERR_NOT_FOUND', `the key ${fingerprint} is not trusted${where}: ${why}`);
}

async function removeFrom(
  dirs: readonly string[],
  prefix: Prefix,
  { fingerprint, files }: KeyFiles,
): Promise<RemovedKey> {
  const last = files.at(-1) as string;
  const key = await tryKeyFile(last, fingerprint);
  const users = key === undefined ? [] : await usersOf(key);
  const file = keyFile(lastOf(dirs), prefix, fingerprint);
  const isElsewhere = files.some((each) => each !== file);
  // The empty file takes the place of the local copy in one step, so that the key does not count in between.
  if (isElsewhere) write(lastOf(dirs), prefix, fingerprint, '');
  else removeFile(file);
  return { fingerprint, prefix, users, file, masked: isElsewhere };
}

function removeFile(file: string): void {
  try {
    fs.unlinkSync(file);
    syncDirectory(dirname(file));
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw toCairnError(error, 'the key cannot be removed');
  }
}

function write(dir: string, prefix: Prefix, fingerprint: string, content: string): string {
  const file = keyFile(dir, prefix, fingerprint);
  try {
    makeDirectory(dir);
    const components = placeOf(prefix);
    for (const depth of components.keys()) {
      const path = components.slice(0, depth + 1);
      if (!directoryAt(dir, path)) makeDirectory(join(dir, ...path));
    }
    writeFileDurably(file, content, FILE_MODE);
    return file;
  } catch (error) {
    throw toCairnError(error, 'the keystore cannot be written');
  }
}

/** Makes a directory and those above it. */
function makeDirectory(dir: string): void {
  if (fs.existsSync(dir)) return;
  makeDirectory(dirname(dir));
  makeOnce(dir, DIRECTORY_MODE);
  syncDirectory(dirname(dir));
}

function lastOf(dirs: readonly string[]): string {
  return dirs.at(-1) as string;
}
