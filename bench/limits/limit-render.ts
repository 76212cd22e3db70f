/** The limit of a render: its system calls alone. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type Ground, renderedStock, stock, topOf } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import type { Scenario } from '../measure/contestant.js';
import { renderStored, withoutTree } from '../measure/contestants.js';
import { run } from '../measure/process.js';
import { unpacking } from '../peers/unpack.js';
import { GNU_TAR } from '../peers/unpackers.js';
import { floor, floorInNode, THREADS } from './floor.js';

export function limitRender(ground: Ground): Scenario {
  const source = { name: 'tree', tree: treeOf(ground) };
  const own = withoutTree(
    renderStored(
      () => stock(ground),
      () => topOf(ground.corpus),
    ),
  );
  const { contestants, skipped } = installed([
    ...THREADS.map((threads) => floor('link', threads, source, ground.dir)),
    ...THREADS.map((threads) => ({ contestant: floorInNode(threads, source, ground.dir) })),
    unpacking(GNU_TAR, [ground.corpus.flat], ground.dir),
  ]);
  return {
    name: 'limit-render',
    what: 'a warm render against its own system calls, made by programs in C and in Node that know beforehand what to make; and tar',
    measure: 'wall',
    contestants: [own, ...contestants],
    skipped,
  };
}

/** Hard links need a tree to link to. The rendered tree is removed between runs, so a copy of it is made once. */
function treeOf(ground: Ground): () => Promise<string> {
  const kept = join(ground.dir, 'floor-source');
  return async () => {
    if (!fs.existsSync(kept)) await run(['cp', '-a', (await renderedStock(ground)).tree, kept]);
    return kept;
  };
}
