/** Kills more readers while they read than LMDB's table has slots. */
import { join } from 'node:path';
import { openStore } from '../../engine/store.js';
import { fastScratch } from '../faults/fast.js';
import { BUILD } from '../faults/patched.js';
import { killReaders } from '../faults/readers.js';
import { finish } from '../faults/report.js';

const READERS = 600;

const { most } = await fastScratch(async (dir) => {
  const store = join(dir, 'store');
  await (await openStore({ dir: store, workers: 1 })).close();
  return killReaders(BUILD, store, READERS);
});
finish({
  name: 'readers',
  figures: { 'readers killed': READERS, 'dead ones listed at most': most },
  wrong: most > 0 ? [`${most} dead readers are listed`] : [],
});
