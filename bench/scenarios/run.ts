/**
 * From an imported image to the end of a small program in it, with the tree yet to be made, and with the tree there.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type Store as OpenStore, openStore } from '../../engine/api.js';
import { type Ground, storeIn } from '../inputs/ground.js';
import { packTar } from '../inputs/images.js';
import { writeLayout } from '../inputs/layout.js';
import { installed } from '../machine/installed.js';
import { cairn, expect, importAll, makeStore, removeTrees, type Store } from '../measure/cairn.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { run } from '../measure/process.js';
import { type Runnable, readyAndRun, unfitToRun, unpackedAndRun } from '../peers/crun.js';

/** A program that needs nothing of its image. */
const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find((path) => fs.existsSync(path));
const PLACE = 'cairn-bench';
const ARGS = [`/${PLACE}/busybox`, 'true'];

export function runScenarios(ground: Ground): readonly Scenario[] {
  const runnable: Runnable = { layout: join(ground.dir, 'runnable'), args: ARGS };
  const unfit = BUSYBOX === undefined ? 'busybox-static not installed' : unfitToRun();
  const library = runByLibrary(ground, runnable);
  return [
    {
      name: 'run cold',
      what: 'the image is imported, the tree is absent; peers have the image layout',
      measure: 'wall',
      contestants: [
        runImage(ground, runnable, false),
        ...installed([unpackedAndRun(runnable, ground.dir)]).contestants,
      ],
      skipped: installed([unpackedAndRun(runnable, ground.dir)]).skipped,
      unfit,
    },
    {
      name: 'run',
      what: 'the tree is there; peers have a bundle',
      measure: 'wall',
      contestants: [
        runImage(ground, runnable, true),
        library.contestant,
        ...installed([readyAndRun(runnable, ground.dir)]).contestants,
      ],
      close: library.close,
      skipped: installed([readyAndRun(runnable, ground.dir)]).skipped,
      unfit,
    },
  ];
}

/** @param rendered whether the tree is there */
function runImage(ground: Ground, runnable: Runnable, rendered: boolean): Contestant {
  let store: Store;
  return {
    name: 'cairn run',
    prepare: async () => {
      store = await storeWith(ground, runnable);
      if (rendered) await run(cairn(store, 'render', '--mode', 'link', 'runnable:latest'));
      else await removeTrees(store);
    },
    run: async (stopwatch) => {
      await stopwatch.run(cairn(store, 'run', 'runnable:latest', '--', ...runnable.args));
      return undefined;
    },
  };
}

/** By the library in a process that runs already: a program in JavaScript takes longer to start than crun does. */
function runByLibrary(ground: Ground, runnable: Runnable): { contestant: Contestant; close: () => Promise<void> } {
  let opened: OpenStore | undefined;
  const contestant: Contestant = {
    name: 'store.run()',
    prepare: async () => {
      const { dir } = await storeWith(ground, runnable);
      opened ??= await openStore({ dir });
      await opened.render('runnable:latest', { mode: 'link' });
    },
    run: async (stopwatch) => {
      const store = opened as OpenStore;
      const { args } = runnable;
      const { exitCode } = await stopwatch.task(() => store.run(['runnable:latest'], { args, replace: true }));
      expect(exitCode === 0, `it ended with ${exitCode}`);
      return undefined;
    },
  };
  const close = async (): Promise<void> => opened?.close();
  return { contestant, close };
}

async function storeWith(ground: Ground, { layout }: Runnable): Promise<Store> {
  const store = storeIn(ground, 'run');
  if (!fs.existsSync(layout)) await makeLayout(ground, layout);
  if (fs.existsSync(store.dir)) return store;
  await makeStore(store);
  await importAll({ run }, store, [layout]);
  return store;
}

/** The corpus's layers, and one with the program. */
async function makeLayout({ corpus, dir }: Ground, layout: string): Promise<void> {
  const from = join(dir, 'program');
  fs.mkdirSync(from);
  fs.copyFileSync(BUSYBOX as string, join(from, 'busybox'));
  const layer = join(dir, 'program.tar.gz');
  await packTar(layer, { directories: [{ from, to: PLACE }] }, true);
  writeLayout(layout, [...corpus.layers, layer]);
}
