/** Where contents lie, as the layers that brought them say: what an index need not be asked for one by one. */

import { SECTOR } from '../core/extent.js';
import type { Key } from '../core/key.js';
import type { PackAddress } from '../core/object.js';
import type { Index } from '../index/open.js';
import { placesOf } from '../index/places.js';
import type { TocEntry } from '../layer/toc.js';

/**
 * sha512 in hex → place. Contents of which no layer tells are not in it. The caller keeps objects from moving.
 * @param tocs the layers' tables of contents
 */
export function knownPlaces(
  index: Index,
  tocs: ReadonlyMap<Key, readonly TocEntry[]>,
): ReadonlyMap<string, PackAddress> {
  const known = new Map<string, PackAddress>();
  for (const [layer, toc] of tocs) {
    const record = index.layer(layer);
    const places = record && placesOf(index, record);
    if (places === undefined) continue;
    const { pack, sectors } = places;
    let file = 0;
    for (const { type, key } of toc) {
      if (type !== 'file') continue;
      const sector = sectors[file++] ?? 0;
      if (sector > 0) known.set(key, { pack, offset: sector * SECTOR });
    }
  }
  return known;
}
