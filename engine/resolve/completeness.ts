/**
 * Whether images are whole. A repair that finds a file damaged or missing marks it in the index as gone, and the layers that need it
 * as incomplete. Records stay, so that names, pins and trees of others do; an import of the same archive, or of any other that has the
 * same content, brings the file back and takes the marks away.
 */

import { objectSizesOf } from '../content/drop-references.js';
import { CairnError } from '../core/errors.js';
import { type Key, keyBytes } from '../core/key.js';
import { blobsOf } from '../index/images.js';
import { needObjects, objectKey } from '../index/objects.js';
import type { Index } from '../index/open.js';
import type { ImageRecord, LayerRecord } from '../index/records.js';
import { hasBlob } from '../index/references.js';
import { addTotals } from '../index/totals.js';
import type { StoreContext } from '../session/context.js';
import type { Ingredients } from './layer-stack.js';

/** Whether everything is here that the image itself consists of, as far as the index knows. Its dependencies are not meant. */
export function isWhole(index: Index, image: ImageRecord): boolean {
  return image.layers.every((key) => isWholeLayer(index, key)) && blobsOf(image).every((key) => hasBlob(index, key));
}

export function isWholeLayer(index: Index, key: Key): boolean {
  const layer = index.layer(key);
  return layer !== undefined && layer.incomplete !== true;
}

/** How people call an image; what has no name is called by its key. */
export function titleOf({ name, labels, key }: ImageRecord): string {
  if (name === '') return key;
  const version = labels.find((label) => label.name === 'version');
  return version === undefined ? name : `${name}:${version.value}`;
}

/** @throws CairnError `ERR_DAMAGED` that names what must be imported again */
export function mustBeWhole({ index }: StoreContext, { places }: Pick<Ingredients, 'places'>): void {
  const lacking = new Set(places.filter(({ image }) => !isWhole(index, image)).map(({ image }) => titleOf(image)));
  if (lacking.size === 0) return;
  const names = [...lacking];
  throw new CairnError('ERR_DAMAGED', `parts were damaged and are gone; import again: ${names.join(', ')}`, {
    entry: names[0] as string,
  });
}

/** Whether a layer has all that it needs, object by object. */
export function lacksNothing({ index }: StoreContext, layer: LayerRecord, objects: Iterable<string>): boolean {
  if (!hasBlob(index, layer.toc.key) || !hasBlob(index, layer.recipe.key)) return false;
  for (const name of objects) {
    const object = index.objects.get(objectKey(name));
    if (object === undefined || object.gone === true) return false;
  }
  return true;
}

/** Looks anew at every layer that is marked, inside the transaction that brought something back. */
export function unmarkWholeLayers(store: StoreContext): void {
  const { index } = store;
  const marked = [...index.layers.getRange()].map(({ value }) => value).filter(({ incomplete }) => incomplete === true);
  for (const layer of marked) {
    const sizes = hasBlob(index, layer.toc.key) ? objectSizesOf(store, layer) : undefined;
    if (sizes === undefined) continue;
    if (layer.uncounted === true) countAgain(index, sizes);
    const { incomplete: _mark, uncounted: _counted, ...whole } = layer;
    const lacking = lacksNothing(store, layer, sizes.keys()) ? {} : ({ incomplete: true } as const);
    index.layers.put(keyBytes(layer.key), { ...whole, ...lacking });
  }
}

/** Its table of contents is back, so a layer holds its objects again; of those that went meanwhile it is told that they are gone. */
function countAgain(index: Index, sizes: ReadonlyMap<string, number>): void {
  const unlisted = [...sizes.keys()].filter((name) => index.objects.get(objectKey(name)) === undefined);
  for (const name of unlisted) {
    index.objects.put(objectKey(name), { size: sizes.get(name) as number, refs: 0, copies: 0, gone: true });
  }
  addTotals(index, { objects: unlisted.length });
  needObjects(index, sizes.keys());
}
