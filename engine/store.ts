/**
 * The engine's table of contents: the operations of an open store. Each is in a file of its own, which is loaded on
 * first use: a command should not wait for code that it does not run.
 */
import type { Collected, GcOptions, Removed, RemoveOptions } from './collect/index.js';
import type { PutResult } from './content/index.js';
import { documentReader, type ReadDocument } from './content/read-blob.js';
import { defined } from './core/defined.js';
import { CairnError } from './core/errors.js';
import type { Key } from './core/key.js';
import type { OperationOptions } from './core/operation.js';
import type { Exported, ExportOptions } from './export/index.js';
import type { Imported, Importer, ImportFailure, ImportOptions, ImportRequest } from './import/index.js';
import { Catalogue } from './index/catalogue.js';
import type { ImageRecord, LeaseRecord, TreeRecord } from './index/records.js';
import type { Difference, FileRecord, ImageDetails, ImageSummary, Usage } from './inspect/index.js';
import type { Plan } from './plan/plan.js';
import type { BackedUp } from './recover/index.js';
import { resolveArgument, resolveBlob, resolveImage, resolveTrees } from './resolve/argument.js';
import { readableImages } from './resolve/readable-images.js';
import type { StoreContext } from './session/context.js';
import { FORMAT_VERSION } from './session/format.js';
import { type OpenOptions, openContext } from './session/open.js';
import type { CheckedOut, CheckoutOptions, Rendered, RenderOptions } from './tree/index.js';
import { findRendered, renderImage } from './tree/render.js';
import type { CheckOptions, CheckResult, FsckResult } from './verify/index.js';

/**
 * Opens a store, making it if need be. Close it when done: `await using store = await openStore({ dir })`.
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_NOT_A_STORE`, `ERR_STORE_VERSION`, `ERR_READ_ONLY`, `ERR_FOREIGN_STORE`,
 *   `ERR_DAMAGED`
 */
export async function openStore(options: OpenOptions): Promise<Store> {
  const context = await openContext(options);
  if (!context.readOnly && context.format < FORMAT_VERSION) {
    const { bringUpToDate } = await import('./recover/migrate.js');
    await bringUpToDate(context);
  }
  return new Store(context);
}

export class Store implements AsyncDisposable {
  readonly #opened: StoreContext;
  #closed: Promise<void> | undefined;
  /** One importer for all imports, so that concurrent imports are committed together. */
  #importer: Promise<Importer> | undefined;

  constructor(context: StoreContext) {
    this.#opened = context;
  }

  /** @throws CairnError `ERR_USAGE` once the store is closed: a closed store should not pass for a damaged one */
  get #context(): StoreContext {
    if (this.#closed !== undefined) throw new CairnError('ERR_USAGE', 'the store is closed', { path: this.dir });
    return this.#opened;
  }

  get dir(): string {
    return this.#opened.layout.dir;
  }

  /** Imports one source: a path, or `-` for standard input. The image is durable when the promise resolves. */
  async import(source: string, options: ImportOptions = {}): Promise<Imported> {
    const [imported] = await this.importAll([source], { ...options, keepGoing: false });
    return imported as Imported;
  }

  /** Imports several sources side by side. */
  async importAll(sources: readonly string[], options: ImportOptions = {}): Promise<(Imported | ImportFailure)[]> {
    return this.#importAll(sources, options);
  }

  async #importAll(sources: readonly string[], options: ImportRequest): Promise<(Imported | ImportFailure)[]> {
    const context = this.#context;
    return context.uses.during(options.signal, async () => {
      await context.pool.warm();
      this.#importer ??= import('./import/import.js').then(({ Importer }) => new Importer(context));
      return (await this.#importer).importAll(sources, options);
    });
  }

  /** Finds the image that an argument means. A path to an archive is imported first. */
  async resolve(argument: string, options: OperationOptions = {}): Promise<ImageRecord> {
    return this.#resolve(argument, options);
  }

  async #resolve(argument: string, options: ImportRequest, documents?: ReadDocument): Promise<ImageRecord> {
    const images = readableImages(this.#context, defined({ documents }));
    const resolved = resolveArgument(this.#context.index, argument, images);
    if ('image' in resolved) return resolved.image;
    const [imported] = await this.#importAll([resolved.path], options);
    return this.#context.index.image((imported as Imported).key) as ImageRecord;
  }

  /** As {@link resolve}, but only for images that are in the store. */
  #find(argument: string): ImageRecord {
    return resolveImage(this.#context.index, argument, readableImages(this.#context));
  }

  /** All images, in order of their keys. */
  async *images(): AsyncGenerator<ImageSummary> {
    const { summarize } = await import('./inspect/image.js');
    const all = new Catalogue(this.#context.index);
    for (const image of all.images.values()) yield summarize(all, image);
  }

  async inspect(argument: string): Promise<ImageDetails> {
    const { describeImage } = await import('./inspect/image.js');
    return describeImage(this.#context, this.#find(argument));
  }

  /** The exact bytes of an image's manifest. */
  async manifest(argument: string): Promise<Buffer> {
    const { readBlob } = await import('./content/read-blob.js');
    return readBlob(this.#context, this.#find(argument).manifest);
  }

  async render(argument: string, options: RenderOptions = {}): Promise<Rendered> {
    let plan: Plan | undefined;
    const onPlan = (made: Plan): void => {
      plan = made;
    };
    const present = options.rebuild === true ? undefined : await findRendered(this.#context, argument);
    if (present !== undefined) return present;
    const documents = documentReader(this.#context);
    const image = await this.#resolve(argument, { ...options, onPlan }, documents);
    return renderImage(this.#context, image, { ...options, plan, documents });
  }

  async checkout(argument: string, dir: string, options: CheckoutOptions = {}): Promise<CheckedOut> {
    const { checkoutImage } = await import('./tree/checkout.js');
    return checkoutImage(this.#context, await this.resolve(argument, options), dir, options);
  }

  async *trees(): AsyncGenerator<TreeRecord & { path: string }> {
    for (const value of this.#context.index.trees.values()) yield { ...value, path: this.treePath(value.id) };
  }

  /** Finds the trees that a tree id or an image means. */
  findTrees(argument: string): TreeRecord[] {
    return resolveTrees(this.#context.index, argument, readableImages(this.#context));
  }

  /**
   * Finds the tree that a tree id or an image means. Of several trees of an image, it is the one that a render would
   * find now, else the one used last.
   * @throws CairnError `ERR_NOT_FOUND` when there is none
   */
  async findTree(argument: string): Promise<TreeRecord> {
    const { findTree } = await import('./resolve/find-tree.js');
    return findTree(this.#context, argument);
  }

  treePath(treeId: string): string {
    return this.#context.layout.rootfs(treeId);
  }

  async removeTrees(trees: readonly TreeRecord[], options: RemoveOptions = {}): Promise<TreeRecord[]> {
    const { removeTrees } = await import('./collect/remove.js');
    return removeTrees(this.#context, trees, options);
  }

  /** Lists what a render would make, path by path, without rendering. */
  async *files(argument: string): AsyncGenerator<FileRecord> {
    const { filesOf } = await import('./inspect/files.js');
    yield* filesOf(this.#context, await this.resolve(argument));
  }

  async *compare(a: string, b: string): AsyncGenerator<Difference> {
    const { compareImages } = await import('./inspect/compare.js');
    yield* compareImages(this.#context, await this.resolve(a), await this.resolve(b));
  }

  /** The content of one file of an image. */
  async readFile(argument: string, path: string): Promise<Iterable<Buffer>> {
    const { readFileOf } = await import('./inspect/files.js');
    return readFileOf(this.#context, await this.resolve(argument), path);
  }

  /** Checks the targets, each an image or a tree id, or everything. */
  async check(
    targets: readonly string[] = [],
    options: Omit<CheckOptions, 'images' | 'trees'> = {},
  ): Promise<CheckResult> {
    const { checkStore } = await import('./verify/check.js');
    const { namedTargets } = await import('./verify/check-scope.js');
    return checkStore(this.#context, { ...options, ...namedTargets(this.#context, targets) });
  }

  /** Compares index and disk. With `repair`, also hashes everything, and mends what can be mended. */
  async fsck(options: OperationOptions & { repair?: boolean } = {}): Promise<FsckResult> {
    const { index, layout } = this.#context;
    const { checkRows } = await import('./index/check-rows.js');
    await checkRows(index, layout.index, options);
    if (options.repair === true) {
      const { repairStore } = await import('./verify/repair.js');
      return repairStore(this.#context, options);
    }
    const { fsckStore } = await import('./verify/fsck.js');
    return fsckStore(this.#context, options);
  }

  /** Copies the whole store to a new or empty directory, while it is in use. The copy opens as any store. */
  async backUp(dest: string, options: OperationOptions = {}): Promise<BackedUp> {
    const { backUp } = await import('./recover/backup.js');
    return backUp(this.#context, dest, options);
  }

  /** A name means its image, even a damaged one: a removal must not fall back to another image. */
  async remove(targets: readonly string[], options: RemoveOptions = {}): Promise<Removed[]> {
    const { removeImages } = await import('./collect/remove.js');
    const images = targets.map((target) => resolveImage(this.#context.index, target));
    return removeImages(this.#context, images, options);
  }

  async pin(argument: string): Promise<ImageSummary> {
    const { setPinned } = await import('./collect/roots.js');
    const { summarize } = await import('./inspect/image.js');
    return summarize(new Catalogue(this.#context.index), await setPinned(this.#context, this.#find(argument), true));
  }

  async unpin(argument: string): Promise<ImageSummary> {
    const { setPinned } = await import('./collect/roots.js');
    const { summarize } = await import('./inspect/image.js');
    return summarize(new Catalogue(this.#context.index), await setPinned(this.#context, this.#find(argument), false));
  }

  /** Keeps a tree from being collected for a while. @param target as for {@link findTree} */
  async lease(target: string, ttlMs: number, holder = ''): Promise<LeaseRecord> {
    const { addLease } = await import('./collect/roots.js');
    return addLease(this.#context, await this.findTree(target), ttlMs, holder);
  }

  async releaseLease(id: string): Promise<LeaseRecord> {
    const { removeLease } = await import('./collect/roots.js');
    return removeLease(this.#context, id);
  }

  async leases(): Promise<LeaseRecord[]> {
    const { activeLeases } = await import('./collect/roots.js');
    return activeLeases(this.#context.index);
  }

  async gc(options: GcOptions = {}): Promise<Collected> {
    const { collect } = await import('./collect/gc.js');
    return collect(this.#context, options);
  }

  async usage(): Promise<Usage> {
    const { usageOf } = await import('./inspect/usage.js');
    return usageOf(this.#context);
  }

  /** @param file a path, or `-` for standard output */
  async export(argument: string, file: string, options: ExportOptions = {}): Promise<Exported> {
    const { exportImage } = await import('./export/export.js');
    return exportImage(this.#context, await this.resolve(argument, options), file, options);
  }

  async put(source: string | NodeJS.ReadableStream, options: OperationOptions = {}): Promise<PutResult> {
    const { putBlob } = await import('./content/blobs.js');
    return putBlob(this.#context, source, options);
  }

  /** @param file a path, or `-` for standard output */
  async get(argument: string, file: string, options: OperationOptions = {}): Promise<{ key: Key; size: number }> {
    const { getBlob } = await import('./content/blobs.js');
    const key = resolveBlob(this.#context.index, argument);
    return { key, ...(await getBlob(this.#context, key, file, options)) };
  }

  /** Waits for running operations, which their own signals can cut short. Closing a closed store does nothing. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { uses, index, notice } = this.#opened;
    await uses.rest();
    if (index.wasWritten)
      notice('someone wrote to the store while it was being read without locks; read again to be sure');
    // The index closes while the threads end, which takes a moment: threads do not use the index.
    for (const part of await Promise.allSettled([this.#closeFiles(), index.close()]))
      if (part.status === 'rejected') throw part.reason;
  }

  async #closeFiles(): Promise<void> {
    const { pool, disk, staging } = this.#opened;
    await pool.close();
    await disk.close();
    staging.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
