/** Values that a store has to offer to somebody who types. */
import type { ImageSummary } from '../../engine/inspect/image.js';
import type { Store } from '../../engine/store.js';
import { shortKey, shortTree } from '../table.js';
import type { Values } from './words.js';

/** The beginning of every key. */
const KEY_PREFIX = 'sha512-';

/** @param word what is typed so far @throws if there is no store, or none that can be read */
export async function candidatesIn(dir: string, { kind, words = [] }: Values, word: string): Promise<string[]> {
  switch (kind) {
    case 'words':
      return [...words];
    case 'command':
    case 'file':
    case 'directory':
    case 'nothing':
      return [];
    case 'image':
    case 'reference':
      return inStore(dir, (store) => imagesIn(store, word));
    case 'name':
      return inStore(dir, namesIn);
    case 'image path':
      return inStore(dir, async (store) => (await imagesIn(store, word)).map((image) => `${image}:`));
    case 'tree':
      return inStore(dir, async (store) => [...(await treesIn(store, word)), ...(await imagesIn(store, word))]);
    case 'lease':
      return inStore(dir, async (store) => (await store.leases()).map(({ id }) => id));
    case 'pod':
      return inStore(dir, podsIn);
    case 'blob':
      return inStore(dir, (store) => blobsIn(store, word));
    case 'trusted key':
      return fingerprintsIn();
  }
}

/** Reads as `ls` does, and where that cannot be, without a trace. */
async function inStore(dir: string, list: (store: Store) => Promise<string[]>): Promise<string[]> {
  const { openStore } = await import('../../engine/store.js');
  const base = { dir, create: false, readOnly: true, workers: 1 };
  const store = await openStore({ ...base, shared: true }).catch(() => openStore(base));
  try {
    return await list(store);
  } finally {
    await store.close();
  }
}

/** Names, and keys of images without one. All keys are offered to somebody who has begun to type one. */
async function imagesIn(store: Store, word: string): Promise<string[]> {
  const images = await summariesIn(store);
  const isKey = word !== '' && (KEY_PREFIX.startsWith(word) || word.startsWith(KEY_PREFIX));
  return images.flatMap(({ key, names }) => [...names, ...(isKey || names.length === 0 ? [typable(key, word)] : [])]);
}

async function namesIn(store: Store): Promise<string[]> {
  return (await summariesIn(store)).flatMap(({ names }) => names);
}

async function summariesIn(store: Store): Promise<ImageSummary[]> {
  const images: ImageSummary[] = [];
  for await (const image of store.images()) images.push(image);
  return images;
}

async function fingerprintsIn(): Promise<string[]> {
  const { keyFilesIn, prefixesIn } = await import('../../engine/trust/keystore.js');
  const { trustDirectories } = await import('../../engine/trust/directories.js');
  const dirs = trustDirectories();
  const places = [null, ...prefixesIn(dirs)].flatMap((prefix) => keyFilesIn(dirs, prefix));
  return places.filter(({ files }) => files.length > 0).map(({ fingerprint }) => fingerprint);
}

async function podsIn(store: Store): Promise<string[]> {
  const ids: string[] = [];
  for await (const { pod } of store.pods()) ids.push(pod);
  return ids;
}

async function treesIn(store: Store, word: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of store.trees()) ids.push(word.length > shortTree(id).length ? id : shortTree(id));
  return ids;
}

async function blobsIn(store: Store, word: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.blobs()) keys.push(typable(key, word));
  return keys;
}

/** The short key, or the whole one where more is typed than the short one has. */
function typable(key: string, word: string): string {
  return word.length > shortKey(key).length ? key : shortKey(key);
}
