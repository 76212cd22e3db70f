/** Compares what layers say of where their contents lie with what the rows of the objects say. */
import { readToc } from '../../engine/content/read-blob.js';
import { placesOf } from '../../engine/index/places.js';
import { packedName } from '../../engine/objects/pack/name.js';
import type { StoreContext } from '../../engine/session/context.js';

const SECTOR = 512;

/** @returns what is wrong, and of how many files a layer says where they lie */
export function inspectPlaces(store: StoreContext): { wrong: string[]; told: number } {
  const { index } = store;
  const wrong: string[] = [];
  let told = 0;
  for (const [pack, key] of index.places.keys()) {
    const layer = key === undefined ? undefined : index.layer(key);
    if (layer?.placedIn !== pack) wrong.push(`places in pack ${pack} of a layer that does not know of them: ${key}`);
  }
  for (const layer of index.layers.values()) {
    const places = placesOf(index, layer);
    if (places === undefined || layer.incomplete === true) continue;
    const files = readToc(store, layer.key).filter(({ type }) => type === 'file');
    const { pack, sectors } = places;
    if (sectors.length !== files.length) wrong.push(`${sectors.length} places for ${files.length} files`);
    for (const [i, { path, key }] of files.entries()) {
      if (sectors[i] === 0) continue;
      told++;
      const at = index.objects.get(packedName(key))?.at;
      if (at?.pack !== pack || at.offset !== (sectors[i] as number) * SECTOR)
        wrong.push(`${path} is said to lie in pack ${pack} at sector ${sectors[i]}, and lies elsewhere`);
    }
  }
  return { wrong, told };
}
