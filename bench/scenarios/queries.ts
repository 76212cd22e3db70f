/** Commands that only ask. Most of their time is the start of a program. */
import { type Ground, renderedStock } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import { cairn, cairnAlone, type Store } from '../measure/cairn.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { BARE_NODE } from '../measure/contestants.js';
import type { Command } from '../measure/process.js';

export function du(ground: Ground): Scenario {
  const { contestants, skipped } = installed([
    { programs: ['du'], contestant: asking(ground, 'du -s', ({ dir }) => ['du', '-s', dir]) },
  ]);
  return {
    name: 'du',
    what: 'what takes the space: from the index, and by looking at every file',
    measure: 'wall',
    contestants: [asking(ground, 'cairn du', (store) => cairn(store, 'du')), ...contestants],
    skipped,
  };
}

export function start(ground: Ground): Scenario {
  return {
    name: 'start',
    what: 'from the command line to an answer',
    measure: 'wall',
    contestants: [
      asking(ground, 'cairn --version', ({ build }) => cairnAlone(build, '--version')),
      asking(ground, 'cairn ls', (store) => cairn(store, 'ls')),
      BARE_NODE,
    ],
    skipped: [],
  };
}

function asking(ground: Ground, name: string, command: (store: Store) => Command): Contestant {
  let store: Store;
  return {
    name,
    prepare: async () => {
      store = (await renderedStock(ground)).store;
    },
    run: async (stopwatch) => {
      await stopwatch.run(command(store));
      return undefined;
    },
  };
}
