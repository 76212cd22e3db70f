/** A render of what is rendered already: what cairn needs to find a tree. */
import { type Ground, renderedStock, topOf } from '../inputs/ground.js';
import { expect, render, type Store } from '../measure/cairn.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { BARE_NODE } from '../measure/contestants.js';

export function again(ground: Ground): Scenario {
  let store: Store;
  const own: Contestant = {
    name: 'cairn render',
    prepare: async () => {
      store = (await renderedStock(ground)).store;
    },
    run: async (stopwatch) => {
      expect((await render(stopwatch, store, topOf(ground.corpus))).existed, 'the tree was not there');
      return undefined;
    },
  };
  return {
    name: 'again',
    what: 'the tree is there; node alone is what no program on it can beat',
    measure: 'wall',
    contestants: [own, BARE_NODE],
    skipped: [],
  };
}
