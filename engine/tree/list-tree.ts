/** Lists a tree in the index, once it is complete and on disk. */
import { CairnError } from '../core/errors.js';
import { noteEvent } from '../index/events.js';
import { type ImageRecord, SCHEMA_VERSION, type TreeRecord } from '../index/records.js';
import { retainLayer } from '../index/references.js';
import type { StoreContext } from '../session/context.js';

/**
 * Runs inside a transaction. A tree that is listed already keeps its images, and counts its layers as before.
 * @throws CairnError `ERR_NOT_FOUND` when the image or one of its layers is gone by now
 */
export function listTree({ index, objects }: StoreContext, image: ImageRecord, tree: TreeRecord): TreeRecord {
  const known = index.image(image.key);
  if (known === undefined || tree.layers.some((layer) => index.layer(layer) === undefined)) {
    throw new CairnError('ERR_NOT_FOUND', `${image.name} was removed while it was being rendered`);
  }
  const before = index.trees.get(tree.id);
  if (before === undefined) for (const layer of new Set(tree.layers)) retainLayer(index, layer);
  const images = [...new Set([...tree.images, ...(before?.images ?? [])])];
  // A link tree of a home that keeps links has its files for itself, or shares them with link trees alone.
  const isCopied = tree.mode === 'copy' || (tree.mode === 'link' && objects.keepsLinks);
  const listed = {
    ...tree,
    images: images.filter((key) => index.image(key) !== undefined),
    uniqueBytes: (isCopied ? tree.bytes : 0) + (tree.image?.size ?? 0),
  };
  if (tree.image !== undefined && index.schema < SCHEMA_VERSION) index.meta.put('schema', SCHEMA_VERSION);
  index.trees.put(tree.id, listed);
  index.images.put(image.key, { ...known, lastUsed: tree.lastUsed });
  noteEvent(index, { event: 'rendered', tree: tree.id, image: image.key });
  return listed;
}

/** @returns `false` also for an index that has failed: it cannot be read any more, and may list the tree */
export function isUnlisted({ index }: StoreContext, treeId: string): boolean {
  try {
    return index.trees.get(treeId) === undefined;
  } catch {
    return false;
  }
}
