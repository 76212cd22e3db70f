/** A chain of gzipped ACIs, imported by one command; peers unpack the same layers. */
import { type Ground, storeIn } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import type { Scenario } from '../measure/contestant.js';
import { importOf } from '../measure/contestants.js';
import { unpacking } from '../peers/unpack.js';
import { GNU_TAR, PIGZ_TAR } from '../peers/unpackers.js';

export function importChain(ground: Ground): Scenario {
  const { corpus, dir } = ground;
  const own = importOf(storeIn(ground, 'new'), () => corpus.images);
  const { contestants, skipped } = installed(
    [GNU_TAR, PIGZ_TAR].map((unpacker) => unpacking(unpacker, corpus.layers, dir)),
  );
  return {
    name: 'import',
    what: 'a chain of gzipped ACIs, imported and not rendered; peers unpack the same layers one over the other',
    measure: 'wall',
    contestants: [own, ...contestants],
    skipped,
  };
}
