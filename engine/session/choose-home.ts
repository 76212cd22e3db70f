/** Chooses the kind of home that a store keeps its objects in. */
import type { Layout } from '../disk/layout.js';
import { addressesIn } from '../index/object-addresses.js';
import type { Index } from '../index/open.js';
import type { ObjectHome } from '../objects/home.js';
import { homeAt } from '../objects/homes.js';
import { PackedObjects } from '../objects/packed.js';
import type { ObjectLayout } from './format.js';

/** The layout whose home an open store uses. A repack that was killed may have left another one in `cairn.json`. */
export function layoutOf({ objects }: { objects: ObjectHome }): ObjectLayout {
  return objects.at.packs === undefined ? 'loose' : 'packs';
}

export function objectsIn(layout: Layout, kind: ObjectLayout, index: Index): ObjectHome {
  if (kind === 'loose') return homeAt({ kind, dir: layout.objects });
  const packs = { dir: layout.packs, index: index.path };
  return new PackedObjects({ kind, dir: layout.objects, packs }, addressesIn(index));
}
