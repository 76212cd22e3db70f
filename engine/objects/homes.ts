/** The kinds of homes. */
import type { ObjectsAt } from '../core/object.js';
import type { ObjectHome } from './home.js';
import { LooseObjects } from './loose.js';
import { addressesAt } from './pack/address-file.js';
import { PackedObjects } from './packed.js';

/** A new kind needs a line here, and one in the session, which chooses the kind. */
export const HOMES = new Map<string, (at: ObjectsAt) => ObjectHome>([
  ['loose', ({ dir }) => new LooseObjects(dir)],
  ['packs', packsOfThread],
]);

/** @throws Error for a kind that does not exist */
export function homeAt(at: ObjectsAt): ObjectHome {
  const make = HOMES.get(at.kind);
  if (make === undefined) throw new Error(`no home of objects of kind ${at.kind}`);
  return make(at);
}

/** On a thread without an index. The main thread has one, and finds addresses there. */
function packsOfThread({ packs, ...at }: ObjectsAt): ObjectHome {
  if (packs === undefined) throw new Error('packs without a place');
  return new PackedObjects({ ...at, packs }, addressesAt(packs.index));
}
