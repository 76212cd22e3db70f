/** An import of images that are in the store already, against their first import. */
import { type Ground, stock, storeIn } from '../inputs/ground.js';
import { expect, importAll, type Store } from '../measure/cairn.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { importOf } from '../measure/contestants.js';

export function reimport(ground: Ground): Scenario {
  const { corpus } = ground;
  const fresh = storeIn(ground, 'new');
  let store: Store;
  const own: Contestant = {
    name: 'cairn import, all there',
    prepare: async () => {
      store = await stock(ground);
    },
    run: async (stopwatch) => {
      const imported = await importAll(stopwatch, store, corpus.images);
      expect(
        imported.every(({ existed }) => existed),
        'an image was not there',
      );
      return undefined;
    },
  };
  const first: Contestant = { ...importOf(fresh, () => corpus.images), name: 'cairn import, new store' };
  return {
    name: 'reimport',
    what: 'what is there already is imported again',
    measure: 'wall',
    contestants: [own, first],
    skipped: [],
  };
}
