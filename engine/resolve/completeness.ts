/**
 * Whether images are whole. A repair that finds a file damaged or missing marks it in the index as gone, and the layers
 * that need it as incomplete. Records stay, and with them names, pins and trees of other images. An import of the same
 * archive, or of any other with the same content, brings the file back and takes the marks away.
 */
import { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { blobsOf, titleOf } from '../index/images.js';
import type { Index } from '../index/open.js';
import type { ImageRecord } from '../index/records.js';
import { hasBlob } from '../index/references.js';
import type { StoreContext } from '../session/context.js';
import type { LayerStack } from './layer-stack.js';
import { removedMeanwhile } from './removed-meanwhile.js';

/** Whether all parts of the image itself are here, as far as the index knows. Its dependencies do not count. */
export function isComplete(index: Index, image: ImageRecord): boolean {
  return image.layers.every((key) => isCompleteLayer(index, key)) && blobsOf(image).every((key) => hasBlob(index, key));
}

export function isCompleteLayer(index: Index, key: Key): boolean {
  const layer = index.layer(key);
  return layer !== undefined && layer.incomplete !== true;
}

/** @throws CairnError `ERR_DAMAGED` with the images to import again, `ERR_NOT_FOUND` when one was removed meanwhile */
export function mustBeComplete(store: StoreContext, stack: Pick<LayerStack, 'nodes'>): void {
  const { index } = store;
  const { nodes } = stack;
  const lacking = new Set(nodes.filter(({ image }) => !isComplete(index, image)).map(({ image }) => titleOf(image)));
  if (lacking.size === 0) return;
  const names = [...lacking];
  const damaged = new CairnError('ERR_DAMAGED', `parts were damaged and are gone; import again: ${names.join(', ')}`, {
    entry: names[0] as string,
  });
  throw removedMeanwhile(store, stack, damaged) ?? damaged;
}
