/** The processor time of an import: what the work costs, where other scenarios ask how long it takes. */
import { type Ground, storeIn } from '../inputs/ground.js';
import { importNew } from '../measure/cairn.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { inNewStore } from '../measure/contestants.js';
import { program } from '../peers/program.js';

export function importOnly(ground: Ground): Scenario {
  const { corpus } = ground;
  const store = storeIn(ground, 'new');
  let bytes = 0;
  const own: Contestant = {
    name: 'cairn import',
    ...inNewStore(store),
    run: async (stopwatch) => {
      const imported = await importNew(stopwatch, store, corpus.images);
      bytes = imported.reduce((sum, { size }) => sum + size, 0);
      return undefined;
    },
  };
  const hashing: Contestant = {
    name: 'inflate + sha512 alone, 1 thread',
    run: async (stopwatch) => {
      await stopwatch.run([process.execPath, program('inflate-sha512'), ...corpus.images]);
      return undefined;
    },
  };
  return {
    name: 'import-only',
    what: 'processor time of an import, against that of inflating and hashing the same bytes once in one thread',
    measure: 'cpu',
    bytes: () => bytes,
    contestants: [own, hashing],
    skipped: [],
  };
}
