/** A render by the library, called in a process that runs already. */
import { openStore, type Store } from '../../engine/api.js';
import { type Ground, stock, topOf } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import { expect } from '../measure/cairn.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { copying } from '../peers/copies.js';

/** The start of Node does not count here, as the start of `cp` takes next to nothing. */
export function warmLibrary(ground: Ground): Scenario {
  const { corpus, dir } = ground;
  let opened: Store | undefined;
  const open = async (): Promise<Store> => {
    opened ??= await openStore({ dir: (await stock(ground)).dir });
    return opened;
  };
  const own: Contestant = {
    name: 'store.render()',
    prepare: async () => {
      const store = await open();
      for await (const tree of store.trees()) await store.removeTrees([tree]);
    },
    run: async (stopwatch) => {
      const store = await open();
      const rendered = await stopwatch.task(() => store.render(topOf(corpus), { mode: 'link' }));
      expect(!rendered.existed, 'the tree was there already');
      return rendered.path;
    },
  };
  const { contestants, skipped } = installed([copying('-al', corpus.flat, dir)]);
  return {
    name: 'warm-library',
    what: 'as warm, called in a process that runs already',
    measure: 'wall',
    contestants: [own, ...contestants],
    skipped,
    close: async () => opened?.close(),
  };
}
