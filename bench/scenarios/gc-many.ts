/** The collecting of a tenth of very many objects. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type Ground, storeIn } from '../inputs/ground.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { BARE_NODE } from '../measure/contestants.js';
import { remove } from '../measure/process.js';
import { collect, fill, putBack, type Sized } from './store-size.js';

/** Few large images: they are made faster than many small ones, and the objects are what takes a gc its time. */
const MOST_IMAGES = 100;
const LEAST_IMAGES = 10;
const LEAST_FILES = 200;

export function gcMany(ground: Ground): Scenario {
  const { objects } = ground.sizes;
  const images = Math.min(MOST_IMAGES, Math.max(LEAST_IMAGES, Math.floor(objects / LEAST_FILES)));
  const files = Math.ceil(objects / images);
  const archives = join(ground.dir, 'many');
  const store: Sized = { ...storeIn(ground, 'gc-many'), archives, images, key: '' };
  const own: Contestant = {
    name: 'cairn gc',
    prepare: async () => {
      if (fs.existsSync(store.dir)) await putBack(store);
      else await fill(store, { files, alike: 0 });
    },
    run: async (stopwatch) => {
      await collect(stopwatch, store);
      return undefined;
    },
  };
  return {
    name: 'gc-many',
    what: `a tenth of ${images} images of ${files} files each is collected`,
    measure: 'wall',
    contestants: [own, BARE_NODE],
    skipped: [],
    close: () => remove(store.dir),
  };
}
