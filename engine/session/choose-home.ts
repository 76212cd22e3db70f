/** Chooses the kind of home that a store keeps its objects in. */
import type { Layout } from '../disk/layout.js';
import type { ObjectHome } from '../objects/home.js';
import { homeAt } from '../objects/homes.js';

export function objectsIn(layout: Layout): ObjectHome {
  return homeAt({ kind: 'loose', dir: layout.objects });
}
