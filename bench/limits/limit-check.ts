/** The limit of a check: looking at every file and hashing every object, with nothing compared. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Ground, renderedStock } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import type { Store } from '../measure/cairn.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { AT_ONCE, checking, hashingObjects } from '../scenarios/check.js';

const PROGRAM = fileURLToPath(new URL('./programs/look.js', import.meta.url));

export function limitCheck(ground: Ground): Scenario {
  const { contestants, skipped } = installed([{ contestant: looking(ground) }, hashingObjects(ground)]);
  return {
    name: 'limit-check',
    what: 'a check against its own system calls and sha512, made by a program in Node that compares nothing',
    measure: 'wall',
    contestants: [checking(ground), ...contestants],
    skipped,
  };
}

function looking(ground: Ground): Contestant {
  let store: Store;
  let tree = '';
  return {
    name: `its system calls and sha512 alone, in Node, ${AT_ONCE} threads`,
    prepare: async () => {
      ({ store, tree } = await renderedStock(ground));
    },
    run: async (stopwatch) => {
      await stopwatch.run([process.execPath, PROGRAM, `${AT_ONCE}`, join(store.dir, 'objects'), tree]);
      return undefined;
    },
  };
}
