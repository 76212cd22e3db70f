/** The kinds of homes. */
import type { ObjectsAt } from '../core/object.js';
import type { ObjectHome } from './home.js';
import { LooseObjects } from './loose.js';

/**
 * A new kind needs a line here, and one in the session, which chooses the kind. A home of packs needs an index to be
 * read, which is above this room: `session/choose-home.ts` adds that kind, and `workers/worker.ts` does for its thread.
 */
export const HOMES = new Map<string, (at: ObjectsAt) => ObjectHome>([['loose', ({ dir }) => new LooseObjects(dir)]]);

/** @throws Error for a kind that does not exist */
export function homeAt(at: ObjectsAt): ObjectHome {
  const make = HOMES.get(at.kind);
  if (make === undefined) throw new Error(`no home of objects of kind ${at.kind}`);
  return make(at);
}
