/**
 * Compares random trees, mounted and as files, entry for entry, and has `fsck.erofs` look at each image, if it is here:
 * `node dist/test/long/mounted-trees.js [--count N] [--seed N]`.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { withScratch } from '../../bench/inputs/scratch.js';
import { unmount } from '../../engine/disk/mount.js';
import { mountsBelow } from '../../engine/disk/mounts.js';
import { type Comparison, compareTrees } from '../erofs/same-tree.js';
import { finish, skip } from '../faults/report.js';
import { cannotMountTrees } from '../fixtures/mounting.js';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '500' }, seed: { type: 'string', default: '20261130' } },
});
const runs = Number(values.count);
const seed = Number(values.seed);
const fsck = spawnSync('fsck.erofs', ['-V']).error === undefined;

/** @returns the first difference, if there is any */
function compare(how: Omit<Comparison, 'seed' | 'fsck'>): Promise<string[]> {
  return withScratch(tmpdir(), 'cairn-test-', async (dir) => {
    process.env['CAIRN_RUN_DIR'] = join(dir, 'run');
    try {
      await compareTrees(dir, { ...how, seed, fsck });
      return [];
    } catch (error) {
      return [(error as Error).message];
    } finally {
      for (const point of mountsBelow(dir).reverse()) unmount(point, { lazy: true });
    }
  });
}

const why = cannotMountTrees();
if (why !== false) skip('mounted-trees', why);
else {
  const touched = await compare({ runs: 1, spoil: (files) => fs.utimesSync(files, 1, 1.001) });
  finish({
    name: 'mounted-trees',
    figures: { 'trees compared': runs, seed, 'looked at by fsck.erofs': fsck ? runs : 0 },
    wrong: await compare({ runs }),
    controls: [{ name: 'a time of one millisecond more', found: touched.length }],
  });
}
