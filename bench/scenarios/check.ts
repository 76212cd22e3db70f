/** A check of a whole store with a tree, against hashing the store's objects by the system's own program. */
import { type Ground, renderedStock } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import { cairn, expect, type Store } from '../measure/cairn.js';
import type { Contestant, Peer, Scenario } from '../measure/contestant.js';
import { script } from '../measure/process.js';

/** Files that are hashed side by side. */
export const AT_ONCE = 2;

export function check(ground: Ground): Scenario {
  let bytes = 0;
  const own = checking(ground, (checked) => {
    bytes = checked;
  });
  const { contestants, skipped } = installed([hashingObjects(ground)]);
  return {
    name: 'check',
    what: 'a whole store with a tree: layers, objects, metadata; the peer hashes the objects and knows no expected value',
    measure: 'wall',
    bytes: () => bytes,
    contestants: [own, ...contestants],
    skipped,
  };
}

/** @param tell is given the bytes that were checked */
export function checking(ground: Ground, tell?: (bytes: number) => void): Contestant {
  let store: Store;
  return {
    name: 'cairn check',
    prepare: async () => {
      ({ store } = await renderedStock(ground));
    },
    run: async (stopwatch) => {
      const { checked, ok } = JSON.parse(await stopwatch.run(cairn(store, 'check')));
      expect(ok && checked.trees === 1, 'the store is damaged, or has no tree');
      tell?.(checked.bytes);
      return undefined;
    },
  };
}

export function hashingObjects(ground: Ground): Peer {
  let store: Store;
  const command = `find "$1/objects" -type f -print0 | xargs -0 -n 256 -P ${AT_ONCE} sha512sum >/dev/null`;
  return {
    programs: ['bash', 'find', 'xargs', 'sha512sum'],
    contestant: {
      name: `xargs -P${AT_ONCE} sha512sum`,
      prepare: async () => {
        ({ store } = await renderedStock(ground));
      },
      run: async (stopwatch) => {
        await stopwatch.run(script(command, store.dir));
        return undefined;
      },
    },
  };
}
