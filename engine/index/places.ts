/**
 * Where the contents of a layer lie in the pack that it was read into, a number for each of its files. The rows of the
 * objects say the same, but a tree is mounted in two thirds of the time if they need not be asked one by one.
 *
 * What is noted stands until an object moves: a pack's rows go when something in it is written elsewhere, and no row
 * counts that is older than the last other move. Whatever changes rows does so inside a transaction.
 */
import type { PackedLayer } from '../../workers/tasks/import.js';
import { SECTOR } from '../core/extent.js';
import type { Key } from '../core/key.js';
import type { PackAddress } from '../core/object.js';
import { type Extent, movesOf } from './extents.js';
import type { Index } from './open.js';
import type { LayerRecord, PlacesRecord } from './records.js';

/** Places of a layer's files. */
export interface Places {
  pack: number;
  /**
   * In the order of the table of contents, where the content of each file begins, in sectors; 0 for one that the pack
   * does not hold, or that another pack held already.
   */
  sectors: Uint32Array;
}

/**
 * @param elsewhere contents that the layer has brought to the pack, and that lie elsewhere all the same
 * @returns the number of the pack, for the layer's record; `undefined` for a layer that went to none
 */
export function notePlaces(
  index: Index,
  layer: Key,
  packed: PackedLayer | undefined,
  elsewhere: readonly Extent[],
): number | undefined {
  if (packed?.places?.some((sector) => sector > 0) !== true) return undefined;
  const { pack, places } = packed;
  const wrong = new Set(elsewhere.filter(({ at }) => at.pack === pack).map(({ at }) => at.offset / SECTOR));
  const sectors = wrong.size === 0 ? places : places.map((sector) => (wrong.has(sector) ? 0 : sector));
  const bytes = Buffer.from(sectors.buffer, sectors.byteOffset, sectors.byteLength);
  index.places.put([pack, layer], { moves: movesOf(index), sectors: bytes.toString('base64') });
  return pack;
}

/** @returns `undefined` when nothing is noted, or not of what is there now */
export function placesOf(index: Index, { key, placedIn }: LayerRecord): Places | undefined {
  if (placedIn === undefined) return undefined;
  const noted = index.places.get([placedIn, key]);
  if (noted === undefined || noted.moves !== movesOf(index)) return undefined;
  return { pack: placedIn, sectors: sectorsIn(noted) };
}

/** A file of a layer, by positions: of the layer, and of the file among those of the layer's table of contents. */
interface FileOfLayer {
  home: number;
  file: number;
}

/** @returns what tells where contents lie, as far as these layers say. The caller keeps objects from moving. */
export function placesIn(index: Index, layers: readonly Key[]): (of: FileOfLayer) => PackAddress | undefined {
  const all = layers.map((key) => {
    const record = index.layer(key);
    return record && placesOf(index, record);
  });
  return ({ home, file }) => {
    const places = all[home];
    const sector = places?.sectors[file] ?? 0;
    return places === undefined || sector === 0 ? undefined : { pack: places.pack, offset: sector * SECTOR };
  };
}

function sectorsIn({ sectors }: PlacesRecord): Uint32Array {
  const bytes = Buffer.from(sectors, 'base64');
  // Node's pool begins anywhere.
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}

export function forgetPlaces(index: Index, { key, placedIn }: LayerRecord): void {
  if (placedIn !== undefined) index.places.remove([placedIn, key]);
}

/** Forgets what is noted of a pack's contents. */
export function forgetPlacesIn(index: Index, pack: number): void {
  for (const key of [...index.places.keys({ start: [pack], end: [pack + 1] })]) index.places.remove(key);
}
