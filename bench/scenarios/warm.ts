/** A render of what is imported; peers unpack the merged tree as one tar, or copy it. */
import { type Ground, stock, topOf } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { renderStored } from '../measure/contestants.js';
import { copying } from '../peers/copies.js';
import { ostreeCheckout } from '../peers/ostree.js';
import { unpacking } from '../peers/unpack.js';
import { BSDTAR, GNU_TAR, NODE_TAR, TAR_FS } from '../peers/unpackers.js';

export function warm(ground: Ground): Scenario {
  const { corpus, dir } = ground;
  const own = [false, true].map((first) =>
    renderStored(
      () => stock(ground),
      () => topOf(corpus),
      first,
    ),
  ) as [Contestant, Contestant];
  const { contestants, skipped } = installed([
    ...[GNU_TAR, BSDTAR, NODE_TAR, TAR_FS].map((unpacker) => unpacking(unpacker, [corpus.flat], dir)),
    copying('-al', corpus.flat, dir),
    copying('-a', corpus.flat, dir),
    ostreeCheckout(corpus.flat, dir),
  ]);
  return {
    name: 'warm',
    what: 'everything is imported, the tree is absent; peers unpack the merged tree as one tar, or copy it',
    measure: 'wall',
    contestants: [...own, ...contestants],
    skipped,
  };
}
