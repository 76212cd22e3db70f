/**
 * The engine's table of contents: the operations of an open store. Each is in a file of its own, which is loaded on
 * first use: a command should not wait for code that it does not run.
 */
import type { Collected, GcOptions } from './collect/index.js';
import { checkOptions, mustBe } from './core/check-options.js';
import type { OperationOptions } from './core/operation.js';
import { StoreOfBuilds } from './facade/builds.js';
import { contextOf } from './facade/opened.js';
import { CHECK, EVENTS, FSCK, GC, OPEN, OPERATION } from './facade/option-kinds.js';
import type { StoreEvent } from './index/events.js';
import type { Counts, DamagedImage, EventsOptions, ImageShare, StoreInfo, ToldEvent, Usage } from './inspect/index.js';
import type { BackedUp } from './recover/index.js';
import { DOCUMENTED_FORMAT } from './session/format.js';
import { type OpenOptions, openContext } from './session/open.js';
import type { CheckOptions, CheckResult, FsckResult } from './verify/index.js';

/**
 * Opens a store, making it if need be. Close it when done: `await using store = await openStore({ dir })`.
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_NOT_A_STORE`, `ERR_STORE_VERSION`, `ERR_READ_ONLY`, `ERR_FOREIGN_STORE`,
 *   `ERR_DAMAGED`, `ERR_USAGE` for options of the wrong kind, as from all operations
 */
export async function openStore(options: OpenOptions): Promise<Store> {
  checkOptions(options, OPEN);
  mustBe('dir', options.dir, 'text');
  const context = await openContext(options);
  if (!context.readOnly && context.format < DOCUMENTED_FORMAT) {
    const { bringUpToDate } = await import('./recover/migrate.js');
    await bringUpToDate(context);
  }
  return new Store(context);
}

export class Store extends StoreOfBuilds {
  /**
   * Hashes again what the targets need, each an image or a tree id, or everything. Damage is a result, no error.
   * @throws CairnError `ERR_NOT_FOUND` for a target, `ERR_ABORTED`
   */
  async check(
    targets: readonly string[] = [],
    options: Omit<CheckOptions, 'images' | 'trees'> = {},
  ): Promise<CheckResult> {
    mustBe('targets', targets, 'texts');
    checkOptions(options, CHECK);
    const { checkStore } = await import('./verify/check.js');
    const { namedTargets } = await import('./verify/check-scope.js');
    return checkStore(contextOf(this), { ...options, ...namedTargets(contextOf(this), targets) });
  }

  /** Compares index and disk. With `repair`, also hashes everything, and mends what can be mended. */
  async fsck(options: OperationOptions & { repair?: boolean } = {}): Promise<FsckResult> {
    checkOptions(options, FSCK);
    const { index, layout } = contextOf(this);
    const { checkRows } = await import('./index/check-rows.js');
    await checkRows(index, layout.index, options);
    if (options.repair === true) {
      const { repairStore } = await import('./verify/repair.js');
      return repairStore(contextOf(this), options);
    }
    const { fsckStore } = await import('./verify/fsck.js');
    return fsckStore(contextOf(this), options);
  }

  /**
   * Copies the whole store to a new or empty directory, while it is in use. The copy opens as any store.
   * @throws CairnError `ERR_EXISTS`, `ERR_USAGE` for a place in the store, `ERR_DAMAGED`, `ERR_NO_SPACE`, `ERR_ABORTED`
   */
  async backup(dest: string, options: OperationOptions = {}): Promise<BackedUp> {
    mustBe('dest', dest, 'text');
    checkOptions(options, OPERATION);
    const { backUp } = await import('./recover/backup.js');
    return backUp(contextOf(this), dest, options);
  }

  /** @deprecated now {@link backup} */
  backUp(dest: string, options: OperationOptions = {}): Promise<BackedUp> {
    return this.backup(dest, options);
  }

  /**
   * Collects what nothing needs: trees and, with `images`, images that were not used for `graceMs` milliseconds, and
   * what only they needed.
   * @returns what went, and the bytes that are free for it; with `dryRun`, what would
   */
  async gc(options: GcOptions = {}): Promise<Collected> {
    checkOptions(options, GC);
    const { collect } = await import('./collect/gc.js');
    return collect(contextOf(this), options);
  }

  /** What this machine can do for the store, and what the store is. */
  async info(): Promise<StoreInfo> {
    const { infoOf } = await import('./inspect/info.js');
    return infoOf(contextOf(this));
  }

  /** What takes the space, in bytes, from the index, and from the disk what the index does not know. */
  async du(options: OperationOptions = {}): Promise<Usage> {
    checkOptions(options, OPERATION);
    const { usageOf } = await import('./inspect/usage.js');
    return usageOf(contextOf(this), options);
  }

  /** What is here, in numbers that the index keeps: it costs next to nothing. */
  async counts(): Promise<Counts> {
    const { countsOf } = await import('./inspect/counts.js');
    return countsOf(contextOf(this));
  }

  /** What each image takes by itself, and what it has in common with others, in bytes. */
  async shares(): Promise<ImageShare[]> {
    const { sharesOf } = await import('./inspect/shares.js');
    const { catalogueOf } = await import('./inspect/current-catalogue.js');
    const { index } = contextOf(this);
    return sharesOf(index, catalogueOf(index));
  }

  /** Images that are known to be damaged. Hashes nothing but their documents; {@link check} hashes everything. */
  async *damaged(): AsyncGenerator<DamagedImage> {
    const { damagedImages } = await import('./inspect/damaged.js');
    yield* damagedImages(contextOf(this));
  }

  /**
   * What happens to the store from now on, by whatever process, until the signal fires. With the number of an event
   * this begins behind that event; `missed` says that events between are gone. Events have ascending ids, and `at` in
   * milliseconds since 1970.
   * @throws CairnError `ERR_ABORTED` when the signal fires, `ERR_USAGE` when the store is closed
   */
  async *events(options: EventsOptions = {}): AsyncGenerator<ToldEvent> {
    checkOptions(options, EVENTS);
    const { followEvents } = await import('./inspect/follow-events.js');
    yield* followEvents(() => contextOf(this), options);
  }

  /** The last events, the newest one last. */
  async recentEvents(limit = 100): Promise<StoreEvent[]> {
    mustBe('limit', limit, 'number');
    const { lastEvents } = await import('./index/events.js');
    const { index } = contextOf(this);
    index.refresh();
    return lastEvents(index, limit);
  }

  /** @deprecated now {@link du} */
  usage(): Promise<Usage> {
    return this.du();
  }
}
