import { join } from 'node:path';
import { type Ground, renderedStock } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import { cairn, expect } from '../measure/cairn.js';
import type { Contestant, Peer, Scenario } from '../measure/contestant.js';
import { script } from '../measure/process.js';
import { program } from '../peers/unpackers.js';

const AT_ONCE = 2;

export function check(ground: Ground): Scenario {
  let store = '';
  let tree = '';
  let bytes = 0;
  const prepare = async (): Promise<void> => {
    ({ store, tree } = await renderedStock(ground));
  };
  const own: Contestant = {
    name: 'cairn check',
    prepare,
    run: async (stopwatch) => {
      const { checked, ok } = JSON.parse(await stopwatch.run(cairn(store, 'check')));
      expect(ok && checked.trees === 1, 'the store is damaged, or has no tree');
      bytes = checked.bytes;
      return undefined;
    },
  };
  const looking: Contestant = {
    name: `its system calls and sha512 alone, in Node, ${AT_ONCE} threads`,
    prepare,
    run: async (stopwatch) => {
      await stopwatch.run([process.execPath, program('look'), `${AT_ONCE}`, join(store, 'objects'), tree]);
      return undefined;
    },
  };
  const hashing: Peer = {
    programs: ['bash', 'find', 'xargs', 'sha512sum'],
    contestant: {
      name: `xargs -P${AT_ONCE} sha512sum`,
      prepare,
      run: async (stopwatch) => {
        await stopwatch.run(
          script(`find "$1/objects" -type f -print0 | xargs -0 -n 256 -P ${AT_ONCE} sha512sum >/dev/null`, store),
        );
        return undefined;
      },
    },
  };
  const { contestants, skipped } = installed([hashing, { contestant: looking }]);
  return {
    name: 'check',
    what: 'a whole store with a tree: layers, objects, metadata; the peer hashes the objects and knows no expected value',
    measure: 'wall',
    bytes: () => bytes,
    contestants: [own, ...contestants],
    skipped,
  };
}
