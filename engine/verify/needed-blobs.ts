/** The blobs that images and layers need, and those that were put by hand. */
import type { Key } from '../core/key.js';
import { blobsOf } from '../index/images.js';
import type { ImageRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';
import type { Targets } from './check-scope.js';

type UserKind = 'manifest' | 'layer' | 'blob';

/** An image, layer or blob record that needs a blob, and as which part. */
export interface BlobUser {
  kind: UserKind;
  id: string;
  part: string;
}

export function neededBlobs({ index }: StoreContext, { everything, images, layers }: Targets): Map<Key, BlobUser[]> {
  const needed = new Map<Key, BlobUser[]>();
  const need = (key: Key, kind: UserKind, id: string, part: string): void => {
    needed.set(key, [...(needed.get(key) ?? []), { kind, id, part }]);
  };
  for (const image of images) for (const key of blobsOf(image)) need(key, 'manifest', image.key, partOf(image, key));
  for (const { key, toc, recipe } of layers) {
    need(toc.key, 'layer', key, 'table of contents');
    need(recipe.key, 'layer', key, 'recipe');
  }
  if (!everything) return needed;
  for (const { key, value } of index.blobs.entries()) if (value.put || !needed.has(key)) need(key, 'blob', key, 'blob');
  return needed;
}

function partOf(image: ImageRecord, key: Key): string {
  if (key === image.manifest) return 'manifest';
  if (key === image.config) return 'config';
  return image.archives?.includes(key) === true ? 'kept archive' : 'document';
}
