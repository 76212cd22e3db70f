/** Pins on images, leases on trees and pods, which keep images and trees even when they are not used. */
import { randomUUID } from 'node:crypto';
import { commitImages, type DocumentWriter } from '../content/document-writer.js';
import { isPodRunning } from '../content/pod-files.js';
import { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { type TreeMountPoint, treeMounts } from '../disk/tree-use.js';
import type { Catalogue } from '../index/catalogue.js';
import { noteEvent } from '../index/events.js';
import type { Index } from '../index/open.js';
import type { ImageRecord, LeaseRecord, PodRecord, TreeRecord } from '../index/records.js';
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
    if (known.pinned !== pinned) noteEvent(index, { event: pinned ? 'pinned' : 'unpinned', image: image.key });
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

export interface AllHolders {
  leases: readonly LeaseRecord[];
  pods: Iterable<PodRecord>;
  mounts: readonly TreeMountPoint[];
}

/** Pods that an error names. A thousand may hold one image. */
const MOST_PODS_NAMED = 3;

/**
 * The holders of images: their own pins, pins of images that depend on them, leases on trees made of them, mounts of
 * those, and pods whose apps are of them, or of images that depend on them.
 */
export class Holders {
  readonly #pinned: { pinned: ImageRecord; needed: Set<Key> }[];
  readonly #leases: { lease: LeaseRecord; tree: TreeRecord }[];
  /** Image → ids of the pods that need it. */
  readonly #pods = new Map<Key, string[]>();

  readonly #mounts: { point: string; tree: TreeRecord }[];

  constructor(all: Catalogue, { leases, pods, mounts }: AllHolders) {
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
    this.#notePods(all, needs, pods);
  }

  #notePods(all: Catalogue, needs: DependencyClosure, pods: Iterable<PodRecord>): void {
    // Pods are many, the images of their apps few: what an image needs is looked up once.
    const needed = new Map<Key, ReadonlySet<Key>>();
    const neededBy = (key: Key): ReadonlySet<Key> => {
      const image = all.image(key);
      const known = needed.get(key) ?? (image === undefined ? new Set<Key>() : needs.of([image]));
      needed.set(key, known);
      return known;
    };
    for (const { id, apps } of pods) {
      const all = new Set(apps.flatMap(({ image }) => [...neededBy(image)]));
      for (const key of all) {
        const ids = this.#pods.get(key);
        if (ids === undefined) this.#pods.set(key, [id]);
        else ids.push(id);
      }
    }
  }

  /** @returns the holders of an image, each in words */
  of(image: ImageRecord): string[] {
    const pins = this.#pinned.filter(({ needed }) => needed.has(image.key));
    const leases = this.#leases.filter(({ tree }) => isPartOf(image, tree));
    const mounts = this.#mounts.filter(({ tree }) => isPartOf(image, tree));
    const pods = this.#pods.get(image.key) ?? [];
    return [
      ...pins.map(({ pinned }) => (pinned.key === image.key ? 'its pin' : `the pin of ${pinned.name}`)),
      ...leases.map(({ lease: { id, holder } }) => `lease ${id}${holder === '' ? '' : ` of ${holder}`}`),
      ...mounts.map(({ point }) => `its mount at ${point}`),
      ...podsInWords(pods),
    ];
  }
}

/** Ids of pods, each in words; of many the first, and how many more there are. */
function podsInWords(pods: readonly string[]): string[] {
  const named = pods.slice(0, MOST_PODS_NAMED).map((id) => `pod ${id}`);
  const more = pods.length - named.length;
  return more === 0 ? named : [...named, `${more} more pod${more === 1 ? '' : 's'}`];
}

/** An ACI is part of all trees with its layers, an OCI image only of its own: a tree itself keeps shared OCI layers. */
function isPartOf(image: ImageRecord, tree: TreeRecord): boolean {
  if (image.format === 'oci') return tree.images.includes(image.key);
  return image.layers.some((layer) => tree.layers.includes(layer));
}

/**
 * Everything that holds images now, as far as this process sees mounts.
 * @param passing trees whose mounts hold nothing
 */
export function holdersIn(
  { index, layout }: StoreContext,
  all: Catalogue,
  passing: ReadonlySet<string> = new Set(),
): Holders {
  const mounts = treeMounts(layout).filter(({ treeId }) => !passing.has(treeId));
  return new Holders(all, { leases: activeLeases(index), pods: index.pods.values(), mounts });
}

/** Trees that a lease holds. */
export function leasedTrees(index: Index): Set<string> {
  return new Set(activeLeases(index).map(({ tree }) => tree));
}

/** What pods need directly, whatever their states: their apps' images, and trees. */
export function neededByPods({ pods }: Pick<Index, 'pods'>): { images: Set<Key>; trees: Set<string> } {
  const needed = { images: new Set<Key>(), trees: new Set<string>() };
  for (const { apps } of pods.values()) {
    for (const { image, treeId } of apps) {
      needed.images.add(image);
      needed.trees.add(treeId);
    }
  }
  return needed;
}

/**
 * A tree that the apps of a running pod have below their own root must not go, whoever asks for it.
 * @throws CairnError `ERR_HELD`
 */
export function mustNotRun({ index, layout }: Pick<StoreContext, 'index' | 'layout'>, trees: readonly string[]): void {
  const going = new Set(trees);
  if (going.size === 0) return;
  for (const pod of index.pods.values()) {
    const app = pod.apps.find(({ treeId }) => going.has(treeId));
    if (app === undefined || !isPodRunning(layout, pod)) continue;
    throw new CairnError('ERR_HELD', `pod ${pod.id} runs on tree ${app.treeId}; end it first`, { entry: app.treeId });
  }
}

/** The images that pins, leases and pods hold directly. @param held trees that leases and pods hold */
export function heldImages(all: Catalogue, held: ReadonlySet<string>, byPods: ReadonlySet<Key>): ImageRecord[] {
  const pinned = [...all.images.values()].filter((image) => image.pinned);
  const rendered = [...held].flatMap((id) => all.trees.get(id)?.images ?? []);
  const keys = [...rendered, ...byPods];
  return [...pinned, ...keys.map((key) => all.image(key)).filter((image) => image !== undefined)];
}
