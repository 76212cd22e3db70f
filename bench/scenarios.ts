/** The questions that the benchmarks ask, each as cairn and its peers. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Contestant, Scenario } from './contestant.js';
import type { Corpus } from './corpus.js';
import { coldPeers, ociPeers, warmPeers } from './peers.js';
import { cairn, run, type Stopwatch } from './process.js';

export const SCENARIOS: Readonly<Record<string, (corpus: Corpus, dir: string) => Scenario>> = {
  warm,
  cold,
  oci,
  again,
  reimport,
};

type Runner = Pick<Stopwatch, 'run'>;

interface Rendered {
  treeId: string;
  path: string;
  existed: boolean;
}

async function render(runner: Runner, store: string, { top }: Corpus): Promise<Rendered> {
  const [rendered] = JSON.parse(await runner.run(cairn(store, 'render', top))) as [Rendered];
  return rendered;
}

/** @returns how many of the images were there before */
async function importAll(runner: Runner, store: string, { images }: Corpus): Promise<number> {
  const imported = JSON.parse(await runner.run(cairn(store, 'import', ...images))) as { existed: boolean }[];
  return imported.filter(({ existed }) => existed).length;
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`the run was not what it should measure: ${what}`);
}

/** A store that has all images, made once and used by every scenario that wants one. */
async function stock(corpus: Corpus, dir: string): Promise<string> {
  const store = join(dir, 'stock');
  if (!fs.existsSync(store)) await importAll({ run }, store, corpus);
  return store;
}

function warm(corpus: Corpus, dir: string): Scenario {
  let store = '';
  let rendered: Rendered | undefined;
  const { contestants, skipped } = warmPeers(corpus, dir);
  const own: Contestant = {
    name: 'cairn render',
    prepare: async () => {
      store = await stock(corpus, dir);
      rendered ??= await render({ run }, store, corpus); // an earlier scenario may have left the tree
      await run(cairn(store, 'tree', 'rm', rendered.treeId));
    },
    run: async (stopwatch) => {
      rendered = await render(stopwatch, store, corpus);
      expect(!rendered.existed, 'the tree was there already');
      return rendered.path;
    },
  };
  return {
    name: 'warm',
    what: 'everything is imported, the tree is absent',
    contestants: [own, ...contestants],
    skipped,
  };
}

function cold(corpus: Corpus, dir: string): Scenario {
  const store = join(dir, 'new');
  const { contestants, skipped } = coldPeers(corpus, dir);
  const own: Contestant = {
    name: 'cairn import + render',
    run: async (stopwatch) => {
      expect((await importAll(stopwatch, store, corpus)) === 0, 'an image was there already');
      return (await render(stopwatch, store, corpus)).path;
    },
    clear: async () => {
      await run(['rm', '-rf', store]);
    },
  };
  return {
    name: 'cold',
    what: 'nothing is there but the compressed archives',
    contestants: [own, ...contestants],
    skipped,
  };
}

function oci(corpus: Corpus, dir: string): Scenario {
  const store = join(dir, 'new');
  const { contestants, skipped } = ociPeers(corpus, dir);
  const { layout } = corpus;
  const own: Contestant = {
    name: 'cairn import + render',
    run: async (stopwatch) => {
      const [imported] = JSON.parse(await stopwatch.run(cairn(store, 'import', `${layout.dir}:${layout.tag}`)));
      expect(!imported.existed, 'the image was there already');
      return (await render(stopwatch, store, { ...corpus, top: imported.key })).path;
    },
    clear: async () => {
      await run(['rm', '-rf', store]);
    },
  };
  return {
    name: 'oci',
    what: 'nothing is there but an OCI image with gzipped layers',
    contestants: [own, ...contestants],
    skipped,
  };
}

function again(corpus: Corpus, dir: string): Scenario {
  let store = '';
  const own: Contestant = {
    name: 'cairn render',
    prepare: async () => {
      store = await stock(corpus, dir);
      await render({ run }, store, corpus);
    },
    run: async (stopwatch) => {
      expect((await render(stopwatch, store, corpus)).existed, 'the tree was not there');
      return undefined;
    },
  };
  const bare: Contestant = {
    name: 'node -e 0',
    run: async (stopwatch) => {
      await stopwatch.run([process.execPath, '-e', '0']);
      return undefined;
    },
  };
  return {
    name: 'again',
    what: 'the tree is there; node alone is what no program on it can beat',
    contestants: [own, bare],
    skipped: [],
  };
}

function reimport(corpus: Corpus, dir: string): Scenario {
  let store = '';
  const fresh = join(dir, 'new');
  const own: Contestant = {
    name: 'cairn import, all there',
    prepare: async () => {
      store = await stock(corpus, dir);
    },
    run: async (stopwatch) => {
      expect((await importAll(stopwatch, store, corpus)) === corpus.images.length, 'an image was not there');
      return undefined;
    },
  };
  const first: Contestant = {
    name: 'cairn import, new store',
    run: async (stopwatch) => {
      expect((await importAll(stopwatch, fresh, corpus)) === 0, 'an image was there already');
      return undefined;
    },
    clear: async () => {
      await run(['rm', '-rf', fresh]);
    },
  };
  return {
    name: 'reimport',
    what: 'what is there already is imported again',
    contestants: [own, first],
    skipped: [],
  };
}
