/** The kinds of homes that there are. */
import type { ObjectsAt } from '../core/object.js';
import type { ObjectHome } from './home.js';
import { LooseObjects } from './loose.js';

/** A new kind is a line here, and one in the session, which chooses. */
export const HOMES = new Map<string, (dir: string) => ObjectHome>([['loose', (dir) => new LooseObjects(dir)]]);

/** @throws Error for a kind that there is not */
export function homeAt({ kind, dir }: ObjectsAt): ObjectHome {
  const make = HOMES.get(kind);
  if (make === undefined) throw new Error(`no home of objects of kind ${kind}`);
  return make(dir);
}
