/** A layer of what has changed in a working tree: cairn finds it by what it noted, umoci by what it hashes again. */
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { contentOf } from '../inputs/generated.js';
import { type Ground, storeIn } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import { cairn, importAll, makeStore, type Store } from '../measure/cairn.js';
import type { Contestant, Peer, Scenario } from '../measure/contestant.js';
import { remove, run } from '../measure/process.js';

/** Files of the tree that a run changes before it is timed. */
const CHANGED = 20;
const NAME = 'bench.example/build';

export function build(ground: Ground): Scenario {
  const { corpus, dir } = ground;
  const store = storeIn(ground, 'build');
  const work = join(dir, `${basename(store.dir)}-work`);
  const bundle = join(dir, 'build-bundle');
  const copy = join(dir, 'build-layout');
  const { contestants, skipped } = installed([repack(corpus.layout, copy, bundle)]);
  return {
    name: 'build',
    what: `a layer of ${CHANGED} changed files in the tree of an OCI image`,
    measure: 'wall',
    contestants: [
      write(store, corpus.layout.dir, work),
      write(store, corpus.layout.dir, work, '--thorough'),
      ...contestants,
    ],
    skipped,
    close: () => remove(store.dir, work, bundle, copy),
  };
}

function write(store: Store, source: string, work: string, ...flags: string[]): Contestant {
  let runs = 0;
  return {
    name: ['cairn build write', ...flags].join(' '),
    prepare: async () => {
      if (!fs.existsSync(work)) {
        await makeStore(store);
        const [image] = await importAll({ run }, store, [source]);
        await run(cairn(store, 'build', 'begin', work, '--from', image?.key as string));
      }
      change(join(work, 'rootfs'), ++runs);
    },
    run: async (stopwatch) => {
      await stopwatch.run(cairn(store, 'build', 'write', '--dir', work, '--name', `${NAME}:${runs}`, ...flags));
      return undefined;
    },
  };
}

/** umoci compares each file with what it noted of it: metadata, and a hash of the content. */
function repack({ dir, tag }: { dir: string; tag: string }, copy: string, bundle: string): Peer {
  let runs = 0;
  return {
    programs: ['umoci', 'sync'],
    contestant: {
      name: 'umoci repack + sync',
      prepare: async () => {
        if (!fs.existsSync(bundle)) {
          fs.cpSync(dir, copy, { recursive: true });
          await run(['umoci', 'unpack', '--image', `${copy}:${tag}`, bundle]);
        }
        change(join(bundle, 'rootfs'), ++runs);
      },
      run: async (stopwatch) => {
        await stopwatch.run(['umoci', 'repack', '--image', `${copy}:run-${runs}`, bundle]);
        await stopwatch.flush(copy);
        return undefined;
      },
    },
  };
}

/** Writes other bytes to files that lie far apart in the tree. @param seed other bytes each time */
function change(root: string, seed: number): void {
  const files = fs
    .readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const step = Math.max(1, Math.floor(files.length / CHANGED));
  for (let i = 0; i < Math.min(CHANGED, files.length); i++)
    fs.writeFileSync(files[i * step] as string, contentOf(seed * CHANGED + i, 2048));
}
