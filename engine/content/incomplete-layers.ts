/** Whether a layer has all that it needs, object by object. */
import { needObjects } from '../index/objects.js';
import type { Index } from '../index/open.js';
import type { LayerRecord } from '../index/records.js';
import { hasBlob } from '../index/references.js';
import { addTotals } from '../index/totals.js';
import type { StoreContext } from '../session/context.js';
import { objectSizesOf } from './layer-objects.js';

export function lacksNothing({ index }: StoreContext, layer: LayerRecord, objects: Iterable<string>): boolean {
  if (!hasBlob(index, layer.toc.key) || !hasBlob(index, layer.recipe.key)) return false;
  for (const name of objects) {
    const object = index.objects.get(name);
    if (object === undefined || object.gone === true) return false;
  }
  return true;
}

/** Checks every layer marked as incomplete anew. Runs inside the transaction that brought something back. */
export function unmarkWholeLayers(store: StoreContext): void {
  const { index } = store;
  const marked = [...index.layers.values()].filter(({ incomplete }) => incomplete === true);
  for (const layer of marked) {
    const sizes = hasBlob(index, layer.toc.key) ? objectSizesOf(store, layer) : undefined;
    if (sizes === undefined) continue;
    if (layer.uncounted === true) countAgain(index, sizes);
    const { incomplete: _mark, uncounted: _counted, ...whole } = layer;
    const lacking = lacksNothing(store, layer, sizes.keys()) ? {} : ({ incomplete: true } as const);
    index.layers.put(layer.key, { ...whole, ...lacking });
  }
}

/** Lets a layer hold its objects again, as its table of contents is back. Marks objects that went meanwhile as gone. */
function countAgain(index: Index, sizes: ReadonlyMap<string, number>): void {
  const unlisted = [...sizes.keys()].filter((name) => index.objects.get(name) === undefined);
  for (const name of unlisted) {
    index.objects.put(name, { size: sizes.get(name) as number, refs: 0, copies: 0, gone: true });
  }
  addTotals(index, { objects: unlisted.length });
  needObjects(index, sizes.keys());
}
