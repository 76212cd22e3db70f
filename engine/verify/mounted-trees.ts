/** What mounted trees need. A repair leaves it as it is, however damaged: somebody works with it. */
import { isCairnError } from '../core/errors.js';
import { isImageInUse, treesInUse } from '../disk/tree-use.js';
import { titleOf } from '../index/images.js';
import { planOfTree } from '../resolve/plan-tree.js';
import type { StoreContext } from '../session/context.js';
import type { Missing } from './fsck.js';

export class MountedTrees {
  readonly #store: StoreContext;
  readonly #trees: ReadonlySet<string>;
  /** What is damaged, and was left. */
  readonly left: Missing[] = [];
  #objects: ReadonlySet<string> | 'all' | undefined;

  constructor(store: StoreContext) {
    this.#store = store;
    this.#trees = treesInUse(store.layout);
  }

  /** Whether a tree is mounted, or something is mounted in it. */
  has(tree: string): boolean {
    return this.#trees.has(tree);
  }

  /** Whether a mount may read this object. */
  needs(object: string): boolean {
    if (this.#trees.size === 0) return false;
    this.#objects ??= this.#neededObjects();
    return this.#objects === 'all' || this.#objects.has(object);
  }

  leave(kind: Missing['kind'], id: string, fault: string): void {
    const { index } = this.#store;
    const keys = kind === 'tree' ? (index.trees.get(id)?.images ?? []) : [];
    const images = keys.map((key) => index.image(key)).filter((image) => image !== undefined);
    const what = `${fault}; left as it is, since a tree that needs it is mounted`;
    this.left.push({ kind, id, what, images: images.flatMap(titleOf) });
  }

  /** @returns `all` if nobody can tell */
  #neededObjects(): ReadonlySet<string> | 'all' {
    const { index, layout, objects } = this.#store;
    const needed = new Set<string>();
    for (const id of this.#trees) {
      if (!isImageInUse(layout, id)) continue;
      const tree = index.trees.get(id);
      try {
        const plan = tree === undefined ? undefined : planOfTree(this.#store, tree);
        if (plan === undefined) return 'all';
        for (const entry of plan.entries) if (entry.type === 'file') needed.add(objects.nameOf(entry));
      } catch (error) {
        if (isCairnError(error, 'ERR_DAMAGED')) return 'all';
        throw error;
      }
    }
    return needed;
  }
}
