/** The part of the façade that is about trees: rendered in the store, mounted, checked out, held and removed. */
import type { RemoveOptions } from '../collect/index.js';
import { documentReader } from '../content/read-blob.js';
import { checkOptions, mustBe } from '../core/check-options.js';
import { type FindOptions, findingOf } from '../core/finding.js';
import { isTreeArgument } from '../core/key.js';
import type { OperationOptions } from '../core/operation.js';
import type { LeaseRecord, TreeRecord } from '../index/records.js';
import type { CompareOptions, Difference, TreeSelection } from '../inspect/index.js';
import type { Plan } from '../plan/plan.js';
import { resolveTrees } from '../resolve/argument.js';
import { layerStackOf } from '../resolve/layer-stack.js';
import { readableImages } from '../resolve/readable-images.js';
import { treeRoot } from '../session/tree-root.js';
import type {
  CheckedOut,
  CheckoutOptions,
  Mounted,
  MountOptions,
  Rendered,
  RenderOptions,
  TreeMount,
} from '../tree/index.js';
import { findRendered, renderImage } from '../tree/render.js';
import { findImage } from './find-image.js';
import { StoreOfImages } from './images.js';
import { contextOf } from './opened.js';
import { CHECKOUT, COMPARE, MOUNT, REMOVE, RENDER, TREES } from './option-kinds.js';

export abstract class StoreOfTrees extends StoreOfImages {
  /**
   * Makes the root file system of an image, or finds it. It is shared by all who render the image: never write to it.
   * @returns `path`, the root itself; `files` and `bytes` of it, and `uniqueBytes` that no other tree shares
   * @throws CairnError `ERR_NOT_FOUND`, also for a dependency; `ERR_DEPENDENCY_CYCLE`, `ERR_UNSUPPORTED`,
   *   `ERR_DAMAGED`, `ERR_NO_SPACE`, `ERR_ABORTED`, and as {@link resolve} and {@link fetch} do
   */
  async render(argument: string, options: RenderOptions = {}): Promise<Rendered> {
    mustBe('image', argument, 'text');
    checkOptions(options, RENDER);
    let plan: Plan | undefined;
    const onPlan = (made: Plan): void => {
      plan = made;
    };
    const context = contextOf(this);
    const request = findRequest(options);
    const isNew = options.rebuild === true || request.pull === 'always' || request.platform !== undefined;
    const present = isNew ? undefined : await findRendered(context, argument, options.mode);
    if (present !== undefined) return present;
    const documents = documentReader(context);
    const image = await findImage(this, argument, { ...request, onPlan, documents });
    return renderImage(context, image, { ...options, plan, documents });
  }

  /**
   * Mounts the tree of an image, or a tree by its id. It is read-only, and there in an instant once its image is made.
   * @throws CairnError `ERR_UNSUPPORTED` where trees cannot be mounted, and as {@link render} does
   */
  async mount(argument: string, options: MountOptions = {}): Promise<Mounted> {
    mustBe('image', argument, 'text');
    checkOptions(options, MOUNT);
    const context = contextOf(this);
    const { mountTree } = await import('../tree/mount.js');
    if (isTreeArgument(argument)) {
      const { treeToMount } = await import('../tree/mounts.js');
      return mountTree(context, { ...options, ...treeToMount(context, await this.findTree(argument)) });
    }
    let plan: Plan | undefined;
    const onPlan = (made: Plan): void => {
      plan = made;
    };
    const documents = documentReader(context);
    const image = await findImage(this, argument, { ...findRequest(options), onPlan, documents });
    return mountTree(context, { ...options, image, stack: layerStackOf(context, image, documents), plan });
  }

  /** The mounts of trees, as this process sees them, and the mounted trees that it sees nowhere. */
  async *mounts(): AsyncGenerator<TreeMount> {
    const { mountsOf } = await import('../tree/mounts.js');
    yield* mountsOf(contextOf(this));
  }

  /**
   * Takes mounts away: the one at a path, or all of a tree.
   * @throws CairnError `ERR_NOT_FOUND`, `ERR_HELD` while a process works in one
   */
  async unmount(target: string): Promise<TreeMount[]> {
    mustBe('target', target, 'text');
    const { unmountTree } = await import('../tree/mounts.js');
    return unmountTree(contextOf(this), target);
  }

  /**
   * Makes a tree of your own: `dir`/rootfs and `dir`/manifest, all or nothing.
   * @throws CairnError `ERR_EXISTS` unless `force`, `ERR_USAGE` for a place in the store, and as {@link render} does
   */
  async checkout(argument: string, dir: string, options: CheckoutOptions = {}): Promise<CheckedOut> {
    mustBe('image', argument, 'text');
    mustBe('dir', dir, 'text');
    checkOptions(options, CHECKOUT);
    const image = await findImage(this, argument, findRequest(options));
    const { checkoutImage } = await import('../tree/checkout.js');
    return checkoutImage(contextOf(this), image, dir, options);
  }

  /** Rendered trees, in order of their ids; all of them, unless some are selected. Times are milliseconds. */
  async *trees(selection: TreeSelection = {}): AsyncGenerator<TreeRecord & { path: string }> {
    checkOptions(selection, TREES);
    const { listTrees } = await import('../inspect/list.js');
    for (const value of listTrees(contextOf(this), selection)) {
      yield { ...value, path: treeRoot(contextOf(this), value) };
    }
  }

  /** Finds the trees that a tree id or an image means. @throws CairnError `ERR_NOT_FOUND`, `ERR_AMBIGUOUS_KEY`, … */
  findTrees(argument: string): TreeRecord[] {
    mustBe('tree', argument, 'text');
    return resolveTrees(contextOf(this).index, argument, readableImages(contextOf(this)));
  }

  /**
   * Finds the tree that a tree id or an image means. Of several trees of an image, it is the one that a render would
   * find now, else the one used last.
   * @throws CairnError `ERR_NOT_FOUND` when there is none
   */
  async findTree(argument: string): Promise<TreeRecord> {
    mustBe('tree', argument, 'text');
    const { findTree } = await import('../resolve/find-tree.js');
    return findTree(contextOf(this), argument);
  }

  /** The root directory of a tree, whether it is there or not. */
  treePath(treeId: string): string {
    const context = contextOf(this);
    return treeRoot(context, context.index.trees.get(treeId) ?? { id: treeId, mode: 'link' });
  }

  /**
   * Removes rendered trees. Their images stay.
   * @throws CairnError `ERR_HELD` while a lease, a pod or a mount holds one, unless `force`
   */
  async removeTrees(trees: readonly TreeRecord[], options: RemoveOptions = {}): Promise<TreeRecord[]> {
    checkOptions(options, REMOVE);
    const { removeTrees } = await import('../collect/remove.js');
    return removeTrees(contextOf(this), trees, options);
  }

  /**
   * Finds the differences between the trees of two images, in byte order of paths, without rendering.
   * @throws CairnError as {@link render} does
   */
  async *diff(a: string, b: string, options: CompareOptions = {}): AsyncGenerator<Difference> {
    checkOptions(options, COMPARE);
    const { compareImages } = await import('../inspect/compare.js');
    yield* compareImages(contextOf(this), [await this.resolve(a), await this.resolve(b)], options);
  }

  /** @deprecated now {@link diff} */
  compare(a: string, b: string): AsyncGenerator<Difference> {
    return this.diff(a, b, { directoryTimes: true });
  }

  /**
   * Keeps a tree from being collected for a while.
   * @param target as for {@link findTree}
   * @param ttlMs milliseconds from now
   * @param holder what people are told of who holds it
   */
  async lease(target: string, ttlMs: number, holder = ''): Promise<LeaseRecord> {
    mustBe('ttlMs', ttlMs, 'number');
    const { addLease } = await import('../collect/roots.js');
    return addLease(contextOf(this), await this.findTree(target), ttlMs, holder);
  }

  /** Ends a lease before its time. @throws CairnError `ERR_NOT_FOUND` */
  async releaseLease(id: string): Promise<LeaseRecord> {
    mustBe('id', id, 'text');
    const { removeLease } = await import('../collect/roots.js');
    return removeLease(contextOf(this), id);
  }

  /** Leases that hold trees now. Times are milliseconds since 1970. */
  async leases(): Promise<LeaseRecord[]> {
    const { activeLeases } = await import('../collect/roots.js');
    return activeLeases(contextOf(this).index);
  }
}

/** How the image of a tree is found. */
function findRequest(options: OperationOptions & FindOptions) {
  return { ...findingOf(options), pull: options.pull ?? ('missing' as const) };
}
