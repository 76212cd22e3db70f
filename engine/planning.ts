/** From an image's ingredients to its plan: tables of contents and whitelists are read and merged. */
import * as fs from 'node:fs';
import type { StoreContext } from './context.js';
import { CairnError } from './errors.js';
import type { Ingredients } from './ingredients.js';
import type { Key } from './key.js';
import { readPathWhitelist } from './manifest/image.js';
import { type AciPlace, planAci } from './plan/aci.js';
import { planOci } from './plan/oci.js';
import type { Plan } from './plan/plan.js';
import { decodeToc, type TocEntry } from './toc.js';

/**
 * @throws CairnError `ERR_DAMAGED` when a table of contents or a manifest cannot be read; `ERR_BAD_LINK` and `ERR_BAD_ARCHIVE` for
 *   OCI layers that make no tree on top of one another
 */
export function planOf(store: StoreContext, ingredients: Ingredients): Plan {
  if (ingredients.places[0]?.image.format === 'aci') return planAci(placesWithTocs(store, ingredients));
  const tocOf = tocReader(store);
  return planOci(ingredients.layers.toReversed().map(tocOf));
}

/** An ACI and its dependencies as the planner takes them. */
export function placesWithTocs(store: StoreContext, { places }: Ingredients): AciPlace[] {
  const tocOf = tocReader(store);
  return places.map(({ image, dependent }) => ({
    toc: tocOf(image.layers[0] as Key),
    dependent,
    pathWhitelist: image.filters ? readPathWhitelist(readBlob(store, image.manifest)) : [],
  }));
}

/** A layer may stand at several places; it is read once. */
function tocReader(store: StoreContext): (layer: Key) => readonly TocEntry[] {
  const tocs = new Map<Key, readonly TocEntry[]>();
  return (layer) => {
    const toc = tocs.get(layer) ?? readToc(store, layer);
    tocs.set(layer, toc);
    return toc;
  };
}

/** @throws CairnError `ERR_DAMAGED` */
export function readToc(store: StoreContext, layer: Key): TocEntry[] {
  const record = store.index.layer(layer);
  if (record === undefined) throw new CairnError('ERR_DAMAGED', `the index has no layer ${layer}`);
  return decodeToc(readBlob(store, record.toc.key));
}

/** @throws CairnError `ERR_DAMAGED` for one that is listed but not there */
export function readBlob(store: StoreContext, key: Key): Buffer {
  const path = store.layout.blob(key);
  try {
    return fs.readFileSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new CairnError('ERR_DAMAGED', `a blob is missing; "cairn fsck" tells what needs it`, { path, cause });
  }
}
