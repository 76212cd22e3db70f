/** Notes when an image or a tree was last used. */
import type { ImageRecord, TreeRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';

/**
 * Notes that an image was rendered, which counts as use. If that fails it gives a notice, and the operation goes on.
 * @returns false for a tree that is no longer listed
 */
export async function noteUse(store: StoreContext, image: ImageRecord, tree?: TreeRecord): Promise<boolean> {
  if (store.readOnly) return true;
  const { index } = store;
  const lastUsed = Date.now();
  try {
    return await index.commit(() => {
      const rendered = tree === undefined ? undefined : index.trees.get(tree.id);
      if (tree !== undefined && rendered === undefined) return false;
      const known = index.image(image.key);
      if (known !== undefined) index.images.put(image.key, { ...known, lastUsed });
      if (rendered === undefined) return true;
      const images = rendered.images.includes(image.key) ? rendered.images : [...rendered.images, image.key];
      index.trees.put(rendered.id, { ...rendered, images, lastUsed });
      return true;
    });
  } catch (error) {
    store.notice(`the time of this use was not noted: ${(error as Error).message}`);
    return true;
  }
}
