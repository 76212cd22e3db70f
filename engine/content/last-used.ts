/** Notes when an image or a tree was last used. */
import type { Index } from '../index/open.js';
import type { ImageRecord, TreeRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';

/**
 * Notes that an image was rendered, which counts as use. If that fails it gives a notice, and the operation goes on.
 * @returns false for a tree that is no longer listed
 */
export async function noteUse(store: StoreContext, image: ImageRecord, tree?: TreeRecord): Promise<boolean> {
  if (store.readOnly) return true;
  const { index } = store;
  try {
    return await index.commit(() => {
      if (tree !== undefined) return putUse(index, image.key, tree.id) !== undefined;
      const known = index.image(image.key);
      if (known !== undefined) index.images.put(image.key, { ...known, lastUsed: Date.now() });
      return true;
    });
  } catch (error) {
    store.notice(`the time of this use was not noted: ${(error as Error).message}`);
    return true;
  }
}

/** Notes the use of a tree, inside a transaction. @returns the tree as it is listed now; `undefined` if it is not */
export function putUse(index: Index, image: ImageRecord['key'], treeId: string): TreeRecord | undefined {
  const tree = index.trees.get(treeId);
  if (tree === undefined) return undefined;
  const lastUsed = Date.now();
  const known = index.image(image);
  if (known !== undefined) index.images.put(image, { ...known, lastUsed });
  const images = known === undefined || tree.images.includes(image) ? tree.images : [...tree.images, image];
  const used = { ...tree, images, lastUsed };
  index.trees.put(treeId, used);
  return used;
}
