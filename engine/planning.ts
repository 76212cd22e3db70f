/** From an image's ingredients to its plan: tables of contents and whitelists are read and merged. */
import * as fs from 'node:fs';
import type { StoreContext } from './context.js';
import { CairnError } from './errors.js';
import type { Ingredients } from './ingredients.js';
import type { Key } from './key.js';
import { readPathWhitelist } from './manifest/image.js';
import { planAci } from './plan/aci.js';
import type { Plan } from './plan/plan.js';
import { decodeToc, type TocEntry } from './toc.js';

/** @throws CairnError `ERR_DAMAGED` when a table of contents or a manifest cannot be read */
export function planOf(store: StoreContext, { places }: Ingredients): Plan {
  const tocs = new Map<Key, readonly TocEntry[]>();
  return planAci(
    places.map(({ image, dependent }) => {
      const layer = image.layers[0] as Key;
      const toc = tocs.get(layer) ?? readToc(store, layer);
      tocs.set(layer, toc);
      return { toc, dependent, pathWhitelist: image.filters ? readPathWhitelist(readBlob(store, image.manifest)) : [] };
    }),
  );
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
