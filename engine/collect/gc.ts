/**
 * Collects what nothing needs: trees first, then images, layers and objects, leftovers of dead processes in staging,
 * and from before the grace period what fetches left half done and files that repairs put in quarantine.
 *
 * Roots are images used within the grace period, pins, leases, pods, and named images, with all their dependencies. Of
 * named images only a stated policy takes any: those that were not used, all but the newest of each name, or as many as
 * it takes to get below a size.
 */
import * as fs from 'node:fs';
import { discard } from '../content/delete.js';
import { throwIfAborted } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { namesIn } from '../disk/list-directory.js';
import { expiredPartials, type Partial, removePartials } from '../disk/partials.js';
import { bytesAt, expiredQuarantine } from '../disk/quarantine.js';
import { deadSessions } from '../disk/staging.js';
import { referencesOf, titleOf } from '../index/images.js';
import { nameText } from '../resolve/name.js';
import { mustWrite, type StoreContext } from '../session/context.js';
import { DEFAULT_GRACE_MS, type Decision, decide, type GcOptions, storedBytes, wouldDecide } from './decide.js';
import { packsToRewrite } from './packs-to-rewrite.js';
import { deleteTrees } from './remove.js';
import { type Rewritten, rewritePacks, sumOfRewriting } from './rewrite-packs.js';
import { isListedPod, sweep } from './sweep.js';
import { wouldCollect } from './would-collect.js';

export interface Collected {
  dryRun: boolean;
  removed: {
    trees: number;
    images: number;
    layers: number;
    objects: number;
    staging: number;
    /** Repairs whose quarantined files were removed. */
    quarantine: number;
  };
  /** What went, by name. */
  gone: {
    images: { key: Key; names: string[] }[];
    trees: { treeId: string; images: string[] }[];
  };
  /** In a store with packs. Bytes of the disk, other than `freedBytes`: of what was removed now, or before. */
  packs: Rewritten;
  freedBytes: number;
  keptBytes: number;
  ms: number;
}

export async function collect(store: StoreContext, options: GcOptions = {}): Promise<Collected> {
  const begun = performance.now();
  if (store.readOnly && options.dryRun === true && options.keepStorage === undefined)
    return { ...onlyRead(store, options), ms: Math.round(performance.now() - begun) };
  mustWrite(store);
  const dryRun = options.dryRun === true;
  throwIfAborted(options.signal);
  // Measured before anything is dropped: trees dropped now must not count as left by a crash.
  const leftovers = measureLeftovers(store);
  const decision = dryRun
    ? await wouldDecide(store, options, () => packsToRewrite(store))
    : await decide(store, options);
  const oldest = Date.now() - (options.graceMs ?? DEFAULT_GRACE_MS);
  const quarantined = expiredQuarantine(store.layout, oldest);
  const partials = expiredPartials(store.layout, oldest);
  const { totals } = decision;
  const trees = decision.trees.map(({ id }) => id);
  // Found before anything goes: trees are told by the names of their images.
  const gone = goneIn(store, decision);
  const isSwept =
    dryRun || (await takeAway(store, options, { trees, quarantined: quarantined.paths, partials, oldest }));
  if (!isSwept) store.notice('another process relies on objects right now; they are left to the next gc');
  const packs = dryRun || !isSwept ? sumOfRewriting(decision.rewriting) : await rewritePacks(store, options);
  const sweptBytes = totals.orphanBytes + leftovers.bytes;
  const partialBytes = partials.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    dryRun,
    removed: {
      trees: decision.trees.length,
      images: decision.images.length,
      layers: decision.layers,
      objects: isSwept ? decision.objects : 0,
      staging: partials.length + (isSwept ? leftovers.count : 0),
      quarantine: quarantined.paths.length,
    },
    gone,
    packs,
    freedBytes: decision.treeBytes + quarantined.bytes + partialBytes + (isSwept ? sweptBytes : 0),
    keptBytes: storedBytes(totals) + decision.keptTreeBytes + (isSwept ? 0 : totals.orphanBytes),
    ms: Math.round(performance.now() - begun),
  };
}

/** A dry run of one who may not write. Leftovers of dead processes, which only a writer may look at, do not count. */
function onlyRead(store: StoreContext, options: GcOptions): Omit<Collected, 'ms'> {
  const oldest = Date.now() - (options.graceMs ?? DEFAULT_GRACE_MS);
  const would = wouldCollect(store, options, oldest);
  const { trees, images, layers, objects, bytes } = would;
  const going = { objects: would.dying, trees: new Set(trees.map(({ id }) => id)) };
  const { objectBytes, blobBytes } = store.index.totals;
  const treeBytes = [...store.index.trees.values()].reduce((sum, { uniqueBytes }) => sum + uniqueBytes, 0);
  return {
    dryRun: true,
    removed: { trees: trees.length, images: images.length, layers, objects, staging: 0, quarantine: 0 },
    gone: goneIn(store, would),
    packs: sumOfRewriting(packsToRewrite(store, going)),
    freedBytes: bytes,
    keptBytes: objectBytes + blobBytes + treeBytes - bytes,
  };
}

function goneIn({ index }: StoreContext, { images, trees }: Pick<Decision, 'images' | 'trees'>): Collected['gone'] {
  const named = new Map(images.map((image) => [image.key, image]));
  const titles = (keys: readonly Key[]): string[] =>
    keys
      .map((key) => named.get(key) ?? index.image(key))
      .flatMap((image) => (image === undefined ? [] : titleOf(image)));
  return {
    images: images.map((image) => ({
      key: image.key,
      names: referencesOf(image).map((each) => nameText(image.format, each)),
    })),
    trees: trees.map((tree) => ({ treeId: tree.id, images: titles(tree.images) })),
  };
}

/** Files that the index does not list, or does not any more. */
interface Unlisted {
  trees: string[];
  quarantined: string[];
  partials: readonly Partial[];
  oldest: number;
}

/** Deletes what the index has let go of. @returns whether objects were swept, too; not while others rely on some */
async function takeAway(
  store: StoreContext,
  options: GcOptions,
  { trees, quarantined, partials, oldest }: Unlisted,
): Promise<boolean> {
  const swept = await store.index.makingRoom(async () => {
    await deleteTrees(store, trees, options.signal);
    await discard(store, quarantined);
    removePartials(store.layout, partials, oldest);
    return sweep(store, { ...options, waits: true });
  });
  return swept !== undefined;
}

/** The bytes of trees and orphans that a gc would free now. The transaction is taken back. */
export async function wouldFree(store: StoreContext, options: GcOptions = {}): Promise<number> {
  if (store.readOnly) return wouldCollect(store, options, Date.now() - (options.graceMs ?? DEFAULT_GRACE_MS)).bytes;
  const { treeBytes, totals } = await wouldDecide(store, options);
  return treeBytes + totals.orphanBytes;
}

/** Counts what dead processes left, without touching it. */
function measureLeftovers(store: StoreContext): { count: number; bytes: number } {
  let count = 0;
  let bytes = 0;
  for (const { dir, lock } of deadSessions(store.layout.staging, store.staging.session)) {
    count++;
    bytes += bytesAt(dir);
    lock.release();
  }
  for (const id of fs.readdirSync(store.layout.trees)) if (store.index.trees.get(id) === undefined) count++;
  for (const id of namesIn(store.layout.pods)) if (!isListedPod(store, id)) count++;
  return { count, bytes };
}
