import { join } from 'node:path';
import type { Ground } from '../inputs/ground.js';
import { stage } from '../limits/stage.js';
import { importNew } from '../measure/cairn.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { remove } from '../measure/process.js';

/** What the work costs rather than how long it takes: an import keeps all cores busy, its floor here only one. */
export function importOnly({ corpus, dir }: Ground): Scenario {
  const store = join(dir, 'new');
  let bytes = 0;
  const own: Contestant = {
    name: 'cairn import',
    run: async (stopwatch) => {
      const imported = await importNew(stopwatch, store, corpus.images);
      bytes = imported.reduce((sum, { size }) => sum + size, 0);
      return undefined;
    },
    clear: () => remove(store),
  };
  return {
    name: 'import-only',
    what: 'processor time of an import, against that of inflating and hashing the same bytes once in one thread',
    measure: 'cpu',
    bytes: () => bytes,
    contestants: [own, stage('inflate-sha512', 1, () => corpus.images)],
    skipped: [],
  };
}
