/** Where the limit is: what the system calls, the inflating and the hashing take when nothing else is done. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { importNew, removeTrees, renderNew } from '../cairn.js';
import type { Contestant, Scenario } from '../contestant.js';
import { floor, floorInNode } from '../floor.js';
import { type Ground, renderedStock, stock, topOf } from '../ground.js';
import { installed } from '../installed.js';
import { unpacking } from '../peers/unpack.js';
import { GNU_TAR } from '../peers/unpackers.js';
import { remove, run } from '../process.js';
import { stage } from '../stage.js';

const THREADS = [1, 2];

export function limitRender(ground: Ground): Scenario {
  const tree = treeOf(ground);
  let store = '';
  const own: Contestant = {
    name: 'cairn render',
    prepare: async () => {
      store = await stock(ground);
      await removeTrees(store);
    },
    run: async (stopwatch) => {
      await renderNew(stopwatch, store, topOf(ground.corpus));
      return undefined;
    },
  };
  const { contestants, skipped } = installed([
    ...THREADS.map((threads) => floor('link', threads, tree, ground.dir)),
    ...THREADS.map((threads) => ({ contestant: floorInNode(threads, tree, ground.dir) })),
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

export function limitImport(ground: Ground): Scenario {
  const { corpus, dir } = ground;
  const store = join(dir, 'new');
  const tars = join(dir, 'tars');
  const own: Contestant = {
    name: 'cairn import',
    run: async (stopwatch) => {
      await importNew(stopwatch, store, corpus.images);
      return undefined;
    },
    clear: () => remove(store),
  };
  const unpacked = corpus.images.map((_image, i) => join(tars, `${i}.tar`));
  const unpackAll = async (): Promise<void> => {
    if (fs.existsSync(tars)) return;
    fs.mkdirSync(tars);
    for (const [i, image] of corpus.images.entries())
      await pipeline(fs.createReadStream(image), createGunzip(), fs.createWriteStream(unpacked[i] as string));
  };
  const { contestants, skipped } = installed([
    ...THREADS.map((threads) => floor('create', threads, treeOf(ground), dir)),
    ...THREADS.map((threads) => ({ contestant: stage('inflate', threads, () => corpus.images) })),
    ...THREADS.map((threads) => ({ contestant: stage('sha512-twice', threads, () => unpacked, unpackAll) })),
    unpacking(GNU_TAR, corpus.layers, dir),
  ]);
  return {
    name: 'limit-import',
    what: 'an import against each of its stages alone; every byte is hashed twice, for its layer and for its object',
    measure: 'wall',
    contestants: [own, ...contestants],
    skipped,
    close: () => remove(tars),
  };
}

/** Links need a tree that stays; a render of the stock is removed between runs, so it is copied once. */
function treeOf(ground: Ground): () => Promise<string> {
  const kept = join(ground.dir, 'floor-source');
  return async () => {
    if (!fs.existsSync(kept)) await run(['cp', '-a', (await renderedStock(ground)).tree, kept]);
    return kept;
  };
}
