/** From an image's ingredients to its plan: tables of contents and whitelists are read and merged. */

import { readBlob, readToc } from '../content/read-blob.js';
import { CairnError, isCairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { readPathWhitelist } from '../image/aci/manifest.js';
import type { TocEntry } from '../layer/toc.js';
import { type AciPlace, planAci } from '../plan/aci.js';
import { planOci } from '../plan/oci.js';
import { type PackedPlan, packPlan } from '../plan/packed-plan.js';
import type { Plan } from '../plan/plan.js';
import type { StoreContext } from '../session/context.js';
import type { Ingredients } from './layer-stack.js';

/**
 * @throws CairnError `ERR_NOT_FOUND` when one of the images was removed meanwhile; `ERR_DAMAGED` when a table of contents or a manifest cannot be read; `ERR_BAD_LINK` and `ERR_BAD_ARCHIVE` for
 *   OCI layers that make no tree on top of one another; `ERR_LIMIT` for layers that ask for more than any tree needs
 */
export function planOf(store: StoreContext, ingredients: Ingredients): Plan {
  try {
    if (ingredients.places[0]?.image.format === 'aci') return planAci(placesWithTocs(store, ingredients));
    const tocOf = tocReader(store);
    return planOci(ingredients.layers.toReversed().map(tocOf));
  } catch (error) {
    throw removedMeanwhile(store, ingredients, error) ?? error;
  }
}

/** What an image was made of goes with it: then nothing is damaged. @returns what to say in place of the damage */
export function removedMeanwhile(
  { index }: StoreContext,
  { places }: Pick<Ingredients, 'places'>,
  cause: unknown,
): CairnError | undefined {
  if (!isCairnError(cause) || cause.code !== 'ERR_DAMAGED') return undefined;
  index.refresh();
  const removed = places.find(({ image }) => index.image(image.key) === undefined)?.image;
  if (removed === undefined) return undefined;
  return new CairnError('ERR_NOT_FOUND', `${removed.name || removed.key} was removed meanwhile`, { cause });
}

/** An ACI and its dependencies as the planner takes them. */
export function placesWithTocs(store: StoreContext, { places }: Ingredients): AciPlace[] {
  const tocOf = tocReader(store);
  const whitelistOf = onceFor((manifest: Key) => readPathWhitelist(readBlob(store, manifest)));
  return places.map(({ image, dependent }) => ({
    toc: tocOf(image.layers[0] as Key),
    dependent,
    pathWhitelist: image.filters ? whitelistOf(image.manifest) : [],
  }));
}

function tocReader(store: StoreContext): (layer: Key) => readonly TocEntry[] {
  return onceFor((layer) => readToc(store, layer));
}

/** An image may stand at a thousand places; what it says is read once, and held once. */
function onceFor<T>(read: (key: Key) => T): (key: Key) => T {
  const known = new Map<Key, T>();
  return (key) => {
    const value = known.get(key) ?? read(key);
    known.set(key, value);
    return value;
  };
}

/** A plan as the workers of this store take it. */
export function packForWorkers({ identity, pool, objects }: StoreContext, plan: Plan): PackedPlan {
  return packPlan(plan, { identity, workers: pool.size, nameOf: (file) => objects.nameOf(file) });
}
