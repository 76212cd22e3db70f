/** A chain of gzipped ACIs, imported and rendered; peers unpack the same layers. */
import { type Ground, storeIn, topOf } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import type { Scenario } from '../measure/contestant.js';
import { importAndRender } from '../measure/contestants.js';
import { ostreeLayers } from '../peers/ostree.js';
import { unpacking } from '../peers/unpack.js';
import { UNPACKERS } from '../peers/unpackers.js';

export function cold(ground: Ground): Scenario {
  const { corpus, dir } = ground;
  const own = importAndRender(
    storeIn(ground, 'new'),
    () => corpus.images,
    () => topOf(corpus),
  );
  const { contestants, skipped } = installed([
    ...UNPACKERS.map((unpacker) => unpacking(unpacker, corpus.layers, dir)),
    ostreeLayers(corpus.layers, dir),
  ]);
  return {
    name: 'cold',
    what: 'nothing is there but a chain of gzipped ACIs; peers unpack the same layers one over the other',
    measure: 'wall',
    contestants: [own, ...contestants],
    skipped,
  };
}
