/** The kinds of homes. */
import type { ObjectsAt } from '../core/object.js';
import type { ObjectHome } from './home.js';
import { LooseObjects } from './loose.js';

/** A new kind needs a line here, and one in the session, which chooses the kind. */
export const HOMES = new Map<string, (dir: string) => ObjectHome>([['loose', (dir) => new LooseObjects(dir)]]);

/** @throws Error for a kind that does not exist */
export function homeAt({ kind, dir }: ObjectsAt): ObjectHome {
  const make = HOMES.get(kind);
  if (make === undefined) throw new Error(`no home of objects of kind ${kind}`);
  return make(dir);
}
