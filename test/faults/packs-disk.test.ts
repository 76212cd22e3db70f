/**
 * Packs on disks of their own: under mounts, and when the power is cut. Threads must end with their stores here, as
 * they hold files of the disk open.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fastScratch } from './fast.js';
import { usePacks } from './layouts.js';
import { loopDiskFault } from './loop-disk.js';
import { mountedDiskFault, onDisk } from './mounted-disk.js';
import { collectUnderMounts } from './mounts-under-gc.js';
import { BUILD, MOUNTS_HOLD_NOTHING, NO_SYNC, patchedBuild } from './patched.js';
import { cutPower } from './power-cut.js';

usePacks();

test('what is mounted reads on while all else is collected, and would not if mounts held nothing', async (t) => {
  const why = await fastScratch(async (dir) => mountedDiskFault(dir));
  if (why !== undefined) return t.skip(why);
  assert.deepEqual(await onDisk((dir) => collectUnderMounts(dir, BUILD)), []);
  const unheld = await fastScratch((build) => {
    const patched = patchedBuild(build, MOUNTS_HOLD_NOTHING);
    return onDisk((dir) => collectUnderMounts(dir, patched));
  });
  assert.notDeepEqual(unheld, []);
});

test('what was acknowledged survives a power cut in packs, and does not without the syncs', async (t) => {
  const type = 'ext4';
  const why = await fastScratch(async (dir) => {
    fs.mkdirSync(join(dir, 'tried'));
    return loopDiskFault(join(dir, 'tried'), type);
  });
  if (why !== undefined) return t.skip(why);
  const { cuts, damage } = await fastScratch((dir) => cutPower(dir, { type, cuts: 2, build: BUILD }));
  assert.deepEqual([cuts, damage], [2, []]);
  const lost = await fastScratch((build) =>
    fastScratch((dir) => {
      const patched = patchedBuild(build, NO_SYNC);
      return cutPower(dir, { type, cuts: 12, build: patched, afresh: true, enough: 1 });
    }),
  );
  assert.equal(lost.damage.length, 1);
});
