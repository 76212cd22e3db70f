/** Pins on images and leases on trees, which keep them even when they are not used. */
import { randomUUID } from 'node:crypto';
import { commitImages, type DocumentWriter } from '../content/document-writer.js';
import { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { type TreeMountPoint, treeMounts } from '../disk/tree-use.js';
import type { Catalogue } from '../index/catalogue.js';
import type { Index } from '../index/open.js';
import type { ImageRecord, LeaseRecord, TreeRecord } from '../index/records.js';
import { DependencyClosure } from '../resolve/dependencies.js';
import { mustWrite, type StoreContext } from '../session/context.js';

/** Pins an image, or takes the pin away; idempotent. */
export async function setPinned(store: StoreContext, image: ImageRecord, pinned: boolean): Promise<ImageRecord> {
  mustWrite(store);
  const { index } = store;
  const change = (documents: DocumentWriter): ImageRecord => {
    const known = index.image(image.key);
    if (known === undefined) throw new CairnError('ERR_NOT_FOUND', `${image.name} was removed meanwhile`);
    const record = documents.revise({ ...known, pinned });
    index.images.put(image.key, record);
    return record;
  };
  // This works on a full disk, too: unpinning comes before making room, and pinning keeps an image from being removed
  // for it.
  return commitImages(store, change, (work) => index.commitRemoval(work));
}

/** @param ttlMs how long the lease holds, in milliseconds */
export async function addLease(
  store: StoreContext,
  tree: TreeRecord,
  ttlMs: number,
  holder: string,
): Promise<LeaseRecord> {
  mustWrite(store);
  if (!(ttlMs > 0)) throw new CairnError('ERR_USAGE', 'a lease holds for some time: more than none');
  const now = Date.now();
  const lease: LeaseRecord = { id: randomUUID(), tree: tree.id, holder, createdAt: now, expiresAt: now + ttlMs };
  await store.index.commit(() => {
    if (store.index.trees.get(tree.id) === undefined)
      throw new CairnError('ERR_NOT_FOUND', `tree ${tree.id} was removed meanwhile`);
    dropExpiredLeases(store.index, now);
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
export function activeLeases(index: Index, now = Date.now()): LeaseRecord[] {
  return [...index.leases.values()].filter(({ expiresAt }) => expiresAt > now);
}

/** Runs inside a transaction. */
export function dropExpiredLeases({ leases }: Index, now: number): void {
  for (const { key, value } of [...leases.entries()]) if (value.expiresAt <= now) leases.remove(key);
}

/**
 * The holders of images: their own pins, pins of images that depend on them, and leases on trees made of them, and
 * mounts of those.
 */
export class Holders {
  readonly #pinned: { pinned: ImageRecord; needed: Set<Key> }[];
  readonly #leases: { lease: LeaseRecord; tree: TreeRecord }[];

  readonly #mounts: { point: string; tree: TreeRecord }[];

  constructor(all: Catalogue, leases: readonly LeaseRecord[], mounts: readonly TreeMountPoint[] = []) {
    const needs = new DependencyClosure(all);
    const pins = [...all.images.values()].filter(({ pinned }) => pinned);
    this.#pinned = pins.map((pinned) => ({ pinned, needed: needs.of([pinned]) }));
    this.#leases = leases.flatMap((lease) => {
      const tree = all.trees.get(lease.tree);
      return tree === undefined ? [] : [{ lease, tree }];
    });
    this.#mounts = mounts.flatMap(({ treeId, point }) => {
      const tree = all.trees.get(treeId);
      return tree === undefined ? [] : [{ point, tree }];
    });
  }

  /** @returns the holders of an image, each in words */
  of(image: ImageRecord): string[] {
    const pins = this.#pinned.filter(({ needed }) => needed.has(image.key));
    const leases = this.#leases.filter(({ tree }) => isPartOf(image, tree));
    const mounts = this.#mounts.filter(({ tree }) => isPartOf(image, tree));
    return [
      ...pins.map(({ pinned }) => (pinned.key === image.key ? 'its pin' : `the pin of ${pinned.name}`)),
      ...leases.map(({ lease: { id, holder } }) => `lease ${id}${holder === '' ? '' : ` of ${holder}`}`),
      ...mounts.map(({ point }) => `its mount at ${point}`),
    ];
  }
}

/** An ACI is part of all trees with its layers, an OCI image only of its own: a tree itself keeps shared OCI layers. */
function isPartOf(image: ImageRecord, tree: TreeRecord): boolean {
  if (image.format === 'oci') return tree.images.includes(image.key);
  return image.layers.some((layer) => tree.layers.includes(layer));
}

/** Everything that holds images now, as far as this process sees mounts. */
export function holdersIn({ index, layout }: StoreContext, all: Catalogue): Holders {
  return new Holders(all, activeLeases(index), treeMounts(layout));
}

/** Trees that a lease holds. */
export function leasedTrees(index: Index): Set<string> {
  return new Set(activeLeases(index).map(({ tree }) => tree));
}

/** The images that pins and leases hold directly. */
export function heldImages(all: Catalogue, leased: ReadonlySet<string>): ImageRecord[] {
  const pinned = [...all.images.values()].filter((image) => image.pinned);
  const rendered = [...leased].flatMap((id) => all.trees.get(id)?.images ?? []);
  return [...pinned, ...rendered.map((key) => all.image(key)).filter((image) => image !== undefined)];
}
