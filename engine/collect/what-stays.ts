/**
 * What a gc leaves alone: what roots need, and what was used lately or has a name, as far as no policy says otherwise.
 */
import type { Key } from '../core/key.js';
import { treesInUse } from '../disk/tree-use.js';
import type { Catalogue } from '../index/catalogue.js';
import { referencesOf } from '../index/images.js';
import type { ImageRecord } from '../index/records.js';
import { DependencyClosure } from '../resolve/dependencies.js';
import { readableImages } from '../resolve/readable-images.js';
import type { StoreContext } from '../session/context.js';
import { heldImages, leasedTrees, neededByPods } from './roots.js';

/** Which named images may go. Without a policy none does. */
export interface Policy {
  /** Remove the least recently used first, until at most this many bytes are stored. */
  keepStorage?: number;
  /** Keep so many of the newest images of each name; of the others those that were used within the grace period. */
  keepLast?: number;
  /** Also take named images that were not used within the grace period. */
  images?: boolean;
}

export interface Stays {
  /** Trees that a lease or a pod holds, or that something is mounted in. */
  leased: ReadonlySet<string>;
  /** Images that pins, leases and pods need. */
  held: ReadonlySet<Key>;
  /** Those, and images that were used lately or have a name, with all that they need. */
  kept: ReadonlySet<Key>;
  needs: DependencyClosure;
}

/**
 * @param oldest what was used later than this stays
 * @param passing trees that are mounted and count as not, see `passing-mounts.ts`
 */
export function whatStays(
  store: StoreContext,
  all: Catalogue,
  policy: Policy,
  { oldest, passing }: { oldest: number; passing: ReadonlySet<string> },
): Stays {
  const needs = new DependencyClosure(all, readableImages(store, { images: all }));
  // A tree that is mounted is in use, and one with a mount in it: deleting it must not reach into the mount.
  const byPods = neededByPods(store.index);
  const inUse = [...treesInUse(store.layout)].filter((id) => !passing.has(id));
  const leased = new Set([...leasedTrees(store.index), ...inUse, ...byPods.trees]);
  const roots = heldImages(all, leased, byPods.images);
  const held = needs.of(roots);
  const kept = needs.of([...roots, ...recentImages(all, oldest), ...namedImages(all, policy)]);
  return { leased, held, kept, needs };
}

/** A tree in use needs its images, even if they were not used themselves. */
function recentImages(all: Catalogue, oldest: number): ImageRecord[] {
  const recent = [...all.images.values()].filter(({ lastUsed }) => lastUsed > oldest);
  const rendered = [...all.trees.values()].filter(({ lastUsed }) => lastUsed > oldest).flatMap(({ images }) => images);
  return [...recent, ...rendered.map((key) => all.image(key)).filter((image) => image !== undefined)];
}

/** The named images that stay by their names: all of them, unless a policy says which. */
function namedImages(all: Catalogue, { images, keepLast, keepStorage }: Policy): ImageRecord[] {
  const named = [...all.images.values()].filter((image) => referencesOf(image).length > 0);
  if (keepLast !== undefined) return newestOfEachName(named, keepLast);
  return images === true || keepStorage !== undefined ? [] : named;
}

function newestOfEachName(named: readonly ImageRecord[], keep: number): ImageRecord[] {
  if (keep <= 0) return [];
  const byName = new Map<string, ImageRecord[]>();
  for (const image of named) {
    for (const name of new Set(referencesOf(image).map((each) => each.name))) {
      const versions = byName.get(name);
      if (versions === undefined) byName.set(name, [image]);
      else versions.push(image);
    }
  }
  return [...byName.values()].flatMap((images) => images.sort((a, b) => b.importTime - a.importTime).slice(0, keep));
}
