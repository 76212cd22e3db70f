/** What a store takes on the disk of an image that is built again and again, with other times and little else. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type Ground, storeIn } from '../inputs/ground.js';
import { packRebuild } from '../inputs/rebuilds.js';
import { importAll, type Store } from '../measure/cairn.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { inNewStore } from '../measure/contestants.js';
import { diskBytesOf } from '../measure/disk-bytes.js';

const REBUILDS = 10;

export function rebuilds(ground: Ground): Scenario {
  const { corpus, dir } = ground;
  const [lowest] = corpus.layers as [string];
  const builds = [lowest, ...Array.from({ length: REBUILDS }, (_, i) => join(dir, `rebuild-${i + 1}.tar.gz`))];
  const pack = async (): Promise<void> => {
    for (const [n, file] of builds.entries()) if (!fs.existsSync(file)) await packRebuild(lowest, file, n);
  };
  return {
    name: 'rebuilds',
    what: `bytes on disk of ${REBUILDS} rebuilds of an image, all times touched and a new file in two hundred, beside those of it alone`,
    measure: 'bytes',
    contestants: [
      stored('cairn, one image', storeIn(ground, 'new'), builds.slice(0, 1), pack),
      stored('cairn, ten rebuilds', storeIn(ground, 'new'), builds.slice(1), pack),
    ],
    skipped: [],
  };
}

function stored(name: string, store: Store, layers: readonly string[], pack: () => Promise<void>): Contestant {
  const { prepare, clear } = inNewStore(store);
  return {
    name,
    prepare: async () => {
      await pack();
      await prepare();
    },
    run: async (stopwatch) => {
      await importAll(stopwatch, store, ['--layer', ...layers]);
      stopwatch.needs(diskBytesOf(store.dir));
      return undefined;
    },
    clear,
  };
}
