/** Decides what a gc takes. All that goes goes in one transaction, which a dry run takes back. */
import { dropFromTrees, dropImageRecord, dropTreeRecord } from '../content/drop-references.js';
import type { Key } from '../core/key.js';
import type { OperationOptions } from '../core/operation.js';
import { passingTrees, takeMountAway } from '../disk/passing-mounts.js';
import { Catalogue } from '../index/catalogue.js';
import { noteEvent } from '../index/events.js';
import { referencesOf } from '../index/images.js';
import { type Index, TAKE_BACK } from '../index/open.js';
import { orphanedObjects } from '../index/orphans.js';
import type { ImageRecord, Totals, TreeRecord } from '../index/records.js';
import type { DependencyClosure } from '../resolve/dependencies.js';
import { nameText } from '../resolve/name.js';
import type { StoreContext } from '../session/context.js';
import type { PackToRewrite } from './packs-to-rewrite.js';
import { dropExpiredLeases } from './roots.js';
import { type Policy, whatStays } from './what-stays.js';

export const DEFAULT_GRACE_MS = 24 * 3600 * 1000;

export interface GcOptions extends OperationOptions, Policy {
  /** Milliseconds for which anything used stays. By default 24 hours, or none if `keepStorage` is given. */
  graceMs?: number;
  dryRun?: boolean;
}

export interface Decision {
  trees: TreeRecord[];
  images: ImageRecord[];
  layers: number;
  objects: number;
  treeBytes: number;
  totals: Totals;
  keptTreeBytes: number;
  /** Packs that a gc would write anew; of a dry run only. */
  rewriting: PackToRewrite[];
}

/** Somebody has come to use a tree that was about to go. */
class InUseMeanwhile extends Error {}

/** Decides anew so often if somebody came meanwhile; in the end mounts that nobody asked for count as others do. */
const ATTEMPTS = 3;

/** Mounts that nobody asked for go with their trees, in the same transaction. */
export async function decide(store: StoreContext, options: GcOptions): Promise<Decision> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await store.index.commitRemoval(() => {
        const passing = attempt < ATTEMPTS ? passingTrees(store.layout) : new Set<string>();
        const decision = dropUnneeded(store, options, passing);
        for (const { id } of decision.trees)
          if (passing.has(id) && !takeMountAway(store.layout, id)) throw new InUseMeanwhile(id);
        return decision;
      });
    } catch (error) {
      if (!(error instanceof InUseMeanwhile)) throw error;
    }
  }
}

/**
 * Decides, and takes it back.
 * @param look what would be written anew, asked before that
 */
export async function wouldDecide(
  store: StoreContext,
  options: GcOptions,
  look: () => PackToRewrite[] = () => [],
): Promise<Decision> {
  let decision: Decision | undefined;
  await store.index.commitRemoval(() => {
    decision = dropUnneeded(store, options, passingTrees(store.layout));
    decision.rewriting = look();
    return TAKE_BACK;
  });
  return decision as unknown as Decision;
}

/** Runs inside a transaction. @param passing trees that are mounted and count as not */
function dropUnneeded(store: StoreContext, options: GcOptions, passing: ReadonlySet<string>): Decision {
  const { index } = store;
  const now = Date.now();
  const graceMs = options.graceMs ?? (options.keepStorage === undefined ? DEFAULT_GRACE_MS : 0);
  const oldest = now - graceMs;
  dropExpiredLeases(index, now);
  const all = new Catalogue(index);
  const { leased, held, kept, needs } = whatStays(store, all, options, { oldest, passing });
  const decision: Decision = {
    trees: [],
    images: [],
    layers: 0,
    objects: 0,
    treeBytes: 0,
    totals: index.totals,
    rewriting: [],
    keptTreeBytes: [...all.trees.values()].reduce((sum, { uniqueBytes }) => sum + uniqueBytes, 0),
  };
  const limit = options.keepStorage ?? Number.NEGATIVE_INFINITY;
  const enough = (): boolean => storedBytes(index.totals) + decision.keptTreeBytes <= limit;

  for (const tree of leastRecentlyUsed([...all.trees.values()])) {
    if (enough()) break;
    if (leased.has(tree.id) || tree.lastUsed > oldest || tree.images.some((key) => held.has(key))) continue;
    note(decision, { ...dropTreeRecord(store, tree.id), trees: [tree] });
  }
  for (const image of imagesByUse(all, needs)) {
    if (enough()) break;
    if (kept.has(image.key)) continue;
    note(decision, dropFromTrees(store, image, all.treesOf(image.key)));
    decision.layers += dropImageRecord(store, image).layers;
    decision.images.push(image);
    noteCollected(index, image);
  }
  for (const { id } of decision.trees) noteEvent(index, { event: 'collected', tree: id });
  decision.totals = index.totals;
  decision.objects = orphanedObjects(index).count;
  return decision;
}

function noteCollected(index: Index, image: ImageRecord): void {
  const names = referencesOf(image).map((name) => nameText(image.format, name));
  noteEvent(index, { event: 'collected', image: image.key, names });
}

function note(decision: Decision, gone: { layers: number; trees: readonly TreeRecord[] }): void {
  decision.layers += gone.layers;
  for (const tree of gone.trees) {
    decision.trees.push(tree);
    decision.treeBytes += tree.uniqueBytes;
    decision.keptTreeBytes -= tree.uniqueBytes;
  }
}

function leastRecentlyUsed<T extends { lastUsed: number }>(things: T[]): T[] {
  return things.sort((a, b) => a.lastUsed - b.lastUsed);
}

/**
 * Orders images by last use, least recent first. Using an image also uses its dependencies: no image goes before the
 * last one that needs it.
 */
function imagesByUse(all: Catalogue, needs: DependencyClosure): ImageRecord[] {
  const images = [...all.images.values()];
  const used = new Map<Key, number>();
  const dependents = new Map<Key, number>();
  for (const image of images) {
    for (const key of needs.of([image])) {
      used.set(key, Math.max(used.get(key) ?? 0, image.lastUsed));
      dependents.set(key, (dependents.get(key) ?? 0) + 1);
    }
  }
  const by = (map: Map<Key, number>, image: ImageRecord): number => map.get(image.key) ?? 0;
  return images.sort((a, b) => by(used, a) - by(used, b) || by(dependents, a) - by(dependents, b));
}

/** The bytes of objects and blobs that something needs. Files that only trees have are not counted. */
export function storedBytes({ objectBytes, blobBytes, orphanBytes }: Totals): number {
  return objectBytes + blobBytes - orphanBytes;
}
