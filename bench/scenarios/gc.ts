/** The collecting of a tenth of the packages in a store. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type Ground, storeIn } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import { cairn, expect, importAll, makeStore, type Store } from '../measure/cairn.js';
import type { Contestant, Peer, Scenario } from '../measure/contestant.js';
import { BARE_NODE } from '../measure/contestants.js';
import { remove, run } from '../measure/process.js';
import { GNU_TAR } from '../peers/unpackers.js';

export function gc(ground: Ground): Scenario {
  const { corpus, dir } = ground;
  const { packages } = corpus;
  const tenth = packages.slice(0, Math.ceil(packages.length / 10));
  const full = storeIn(ground, 'gc-full');
  const store = storeIn(ground, 'gc-store');
  const own: Contestant = {
    name: 'cairn gc',
    prepare: async () => {
      if (!fs.existsSync(full.dir)) await fill(full, packages, tenth.length);
      await run(['cp', '-a', full.dir, store.dir]);
    },
    run: async (stopwatch) => {
      const { removed } = JSON.parse(await stopwatch.run(cairn(store, 'gc', '--images', '--grace-period', '0')));
      expect(removed.images === tenth.length, `${removed.images} images went`);
      return undefined;
    },
    clear: () => remove(store.dir),
  };
  const { contestants, skipped } = installed([deleting(tenth, dir)]);
  return {
    name: 'gc',
    what: `${tenth.length} of ${packages.length} packages are collected; the peer deletes what they unpack to`,
    measure: 'wall',
    contestants: [own, ...contestants, BARE_NODE],
    skipped,
    close: () => remove(full.dir),
  };
}

/** Makes a store of all images, and pins all but the first `loose` of them. */
async function fill(store: Store, archives: readonly string[], loose: number): Promise<void> {
  await makeStore(store);
  const imported = await importAll({ run }, store, archives);
  await run(cairn(store, 'pin', ...imported.slice(loose).map(({ key }) => key)));
}

function deleting(archives: readonly string[], dir: string): Peer {
  const target = join(dir, 'deleted');
  return {
    programs: ['tar', 'rm', 'sync'],
    contestant: {
      name: 'rm -rf + sync',
      prepare: async () => {
        for (const [i, archive] of archives.entries()) {
          const into = join(target, `${i}`);
          fs.mkdirSync(into, { recursive: true });
          await run(GNU_TAR.command(archive, into));
        }
      },
      run: async (stopwatch) => {
        await stopwatch.run(['rm', '-rf', target]);
        await stopwatch.flush(dir);
        return undefined;
      },
    },
  };
}
