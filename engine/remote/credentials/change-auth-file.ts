/** Changes podman's file of credentials: one entry, all at once, and nothing else in it. */
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { hasCode, toCairnError } from '../../core/errors.js';
import { writeFileDurably } from '../../disk/durable.js';
import { type Lock, lock } from '../../disk/lock.js';
import type { JsonObject, JsonValue } from '../../image/json.js';
import { parseAuthFile, plainKey, serversOf } from './auth-file.js';
import type { AuthPlace } from './auth-places.js';
import type { Password } from './credential.js';
import { damaged } from './damaged.js';
import { eraseIn, type HelperCall, keepIn } from './helper.js';
import { readSecretFile, type SecretFile } from './secret-file.js';

/**
 * Keeps a password for a registry, or for the beginning of names in it: in the helper that the file names, or in the
 * file, which only its owner may read. Helpers know registries alone.
 * @throws CairnError `ERR_CONFIG`, `ERR_IO`
 */
export async function keepCredential(place: AuthPlace, key: string, password: Password): Promise<void> {
  makeRoomFor(place);
  await holding(place, async () => {
    const { content, helperOf } = open(place);
    const own = helperOf(key);
    if (own !== undefined) await keepIn(own.call, own.server, password);
    if (own !== undefined && !own.isStore) return;
    const auth = Buffer.from(`${password.user}:${password.password.reveal()}`).toString('base64');
    // Docker lists registries whose passwords a store keeps by entries without one.
    const entry: JsonObject = own === undefined ? { auth } : {};
    write(place.path, { ...content, auths: { ...without(content['auths'], key), [key]: entry } });
  });
}

/**
 * Removes what the file, or the helper that it names, has for a key.
 * @returns whether there was anything
 * @throws CairnError `ERR_CONFIG`, `ERR_IO`
 */
export async function dropCredential(place: AuthPlace, key: string): Promise<boolean> {
  if (!fs.existsSync(place.path)) return false;
  return holding(place, async () => {
    const { content, keys, helperOf } = open(place);
    const own = helperOf(key);
    const isErased = own !== undefined && (await eraseIn(own.call, own.server));
    if (!keys.includes(key)) return isErased;
    write(place.path, { ...content, auths: without(content['auths'], key) });
    return true;
  });
}

/** Removes everything that the file, and the helpers that it names, have. @returns for which keys */
export async function dropAllCredentials(place: AuthPlace): Promise<string[]> {
  if (!fs.existsSync(place.path)) return [];
  return holding(place, async () => {
    const { content, keys, helped, helperOf } = open(place);
    const dropped = new Set<string>(keys);
    for (const key of new Set([...helped, ...keys])) {
      const own = helperOf(key);
      if (own !== undefined && (await eraseIn(own.call, own.server))) dropped.add(key);
    }
    if (keys.length > 0) write(place.path, { ...content, auths: {} });
    return [...dropped].sort();
  });
}

/** Changes a file while nobody else of us does: what two add at a time must not be lost. */
async function holding<T>(place: AuthPlace, change: () => Promise<T>): Promise<T> {
  mustBeFile(place);
  let held: Lock;
  try {
    held = await lock(`${targetOf(place.path)}.lock`, true);
  } catch (error) {
    throw notWritable(place.path, error);
  }
  try {
    return await change();
  } finally {
    held.release();
  }
}

interface OwnHelper {
  call: HelperCall;
  server: string;
  /** It is for all registries, not for this one. */
  isStore: boolean;
}

interface Opened {
  content: JsonObject;
  /** Of entries. */
  keys: string[];
  /** Registries that have a helper of their own. */
  helped: string[];
  helperOf: (key: string) => OwnHelper | undefined;
}

/** @throws CairnError `ERR_CONFIG` for what is no regular file: a device would be replaced by one */
function mustBeFile({ path }: AuthPlace): void {
  if (fs.statSync(path, { throwIfNoEntry: false })?.isFile() === false)
    throw damaged(path, 'not a regular file, in which credentials could be kept');
}

/** A file that is to be written need not be there yet. */
function open({ path }: AuthPlace): Opened {
  if (!fs.existsSync(path)) return { content: {}, keys: [], helped: [], helperOf: () => undefined };
  const file = readSecretFile(path, true) as SecretFile;
  const { entries, helpers, store } = parseAuthFile(file);
  return {
    content: file.content.object(),
    keys: [...entries.keys()],
    helped: [...helpers.keys()],
    helperOf: (key) => {
      if (key.includes('/')) return undefined;
      const own = helpers.get(key);
      if (own !== undefined) return { call: { name: own.name, path }, server: own.server, isStore: false };
      const [server = key] = serversOf(key);
      return store === undefined ? undefined : { call: { name: store, path }, server, isStore: true };
    },
  };
}

/** Entries but those that mean the key, however they are written. */
function without(auths: JsonValue | undefined, key: string): JsonObject {
  return Object.fromEntries(Object.entries((auths ?? {}) as JsonObject).filter(([each]) => plainKey(each) !== key));
}

function makeRoomFor({ path }: AuthPlace): void {
  try {
    fs.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw notWritable(path, error);
  }
}

/** A link stays one: what it leads to is replaced. */
function write(path: string, content: JsonObject): void {
  try {
    writeFileDurably(targetOf(path), `${JSON.stringify(content, undefined, '\t')}\n`, 0o600);
  } catch (error) {
    throw notWritable(path, error);
  }
}

function notWritable(path: string, error: unknown): unknown {
  return toCairnError(error, `${path} cannot be written`);
}

function targetOf(path: string): string {
  try {
    return fs.realpathSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return path;
    throw error;
  }
}
