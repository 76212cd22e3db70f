/** What keeps things alive besides use: pins on images, leases on trees. */
import { randomUUID } from 'node:crypto';
import { mustWrite, type StoreContext } from './context.js';
import { withDependencies } from './dependencies.js';
import { CairnError } from './errors.js';
import { allImages } from './index/images.js';
import type { ImageRecord, LeaseRecord, TreeRecord } from './index/records.js';
import { type Key, keyBytes } from './key.js';

/** Pins an image, or takes the pin away; idempotent. */
export async function setPinned(store: StoreContext, image: ImageRecord, pinned: boolean): Promise<ImageRecord> {
  mustWrite(store);
  return store.index.commit(() => {
    const known = store.index.image(image.key);
    if (known === undefined) throw new CairnError('ERR_NOT_FOUND', `${image.name} was removed meanwhile`);
    const record = { ...known, pinned };
    store.index.images.put(keyBytes(image.key), record);
    return record;
  });
}

/** @param ttlMs how long the lease holds, in milliseconds */
export async function addLease(
  store: StoreContext,
  tree: TreeRecord,
  ttlMs: number,
  holder: string,
): Promise<LeaseRecord> {
  mustWrite(store);
  const now = Date.now();
  const lease: LeaseRecord = { id: randomUUID(), tree: tree.id, holder, createdAt: now, expiresAt: now + ttlMs };
  await store.index.commit(() => {
    if (store.index.trees.get(tree.id) === undefined)
      throw new CairnError('ERR_NOT_FOUND', `tree ${tree.id} was removed meanwhile`);
    dropExpired(store, now);
    store.index.leases.put(lease.id, lease);
  });
  return lease;
}

/** @throws CairnError `ERR_NOT_FOUND` */
export async function removeLease(store: StoreContext, id: string): Promise<LeaseRecord> {
  mustWrite(store);
  return store.index.commit(() => {
    const lease = store.index.leases.get(id);
    if (lease === undefined) throw new CairnError('ERR_NOT_FOUND', `no lease ${id}`);
    store.index.leases.remove(id);
    return lease;
  });
}

/** Leases that hold now. */
export function activeLeases(store: StoreContext, now = Date.now()): LeaseRecord[] {
  return [...store.index.leases.getRange()].map(({ value }) => value).filter(({ expiresAt }) => expiresAt > now);
}

function dropExpired(store: StoreContext, now: number): void {
  for (const { key, value } of [...store.index.leases.getRange()])
    if (value.expiresAt <= now) store.index.leases.remove(key);
}

/** Who holds an image: its own pin, that of an image that depends on it, or a lease on a tree made of it. */
export function holdersOf(store: StoreContext, image: ImageRecord): string[] {
  const holders: string[] = [];
  for (const pinned of allImages(store.index)) {
    if (!pinned.pinned || !withDependencies(store.index, [pinned]).has(image.key)) continue;
    holders.push(pinned.key === image.key ? 'its pin' : `the pin of ${pinned.name}`);
  }
  for (const lease of activeLeases(store)) {
    const tree = store.index.trees.get(lease.tree);
    if (tree !== undefined && isPartOf(image, tree)) {
      holders.push(`lease ${lease.id}${lease.holder === '' ? '' : ` of ${lease.holder}`}`);
    }
  }
  return holders;
}

/** An ACI is part of the trees that depend on it; a layer that OCI images share is kept by the tree itself. */
function isPartOf(image: ImageRecord, tree: TreeRecord): boolean {
  if (image.format === 'oci') return tree.images.includes(image.key);
  return image.layers.some((layer) => tree.layers.includes(layer));
}

/** Trees that a lease holds. */
export function leasedTrees(store: StoreContext): Set<string> {
  return new Set(activeLeases(store).map(({ tree }) => tree));
}

/** Images that pins and leases hold, with all that they depend on. */
export function heldImages(store: StoreContext): Set<Key> {
  const { index } = store;
  const leased = leasedTrees(store);
  const roots: ImageRecord[] = [];
  for (const image of allImages(index)) if (image.pinned) roots.push(image);
  for (const id of leased) {
    for (const key of index.trees.get(id)?.images ?? []) {
      const image = index.image(key);
      if (image !== undefined) roots.push(image);
    }
  }
  return withDependencies(index, roots);
}
