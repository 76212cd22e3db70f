/** A few power cuts; `dist/test/long/power-cut.js` makes hundreds. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fastScratch } from './fast.js';
import { FILE_SYSTEMS, loopDiskFault } from './loop-disk.js';
import { BUILD, NO_SYNC, patchedBuild } from './patched.js';
import { cutPower } from './power-cut.js';

for (const type of FILE_SYSTEMS) {
  test(`on ${type} what was acknowledged survives a power cut, and does not without the syncs`, async (t) => {
    const fault = await fastScratch(async (dir) => {
      fs.mkdirSync(join(dir, 'tried'));
      return loopDiskFault(join(dir, 'tried'), type);
    });
    if (fault !== undefined) return t.skip(fault);
    const { cuts, damage } = await fastScratch((dir) => cutPower(dir, { type, cuts: 4, build: BUILD }));
    assert.deepEqual([cuts, damage], [4, []]);
    const lost = await fastScratch((build) =>
      fastScratch((dir) => {
        const patched = patchedBuild(build, NO_SYNC);
        return cutPower(dir, { type, cuts: 12, build: patched, afresh: true, enough: 1 });
      }),
    );
    assert.equal(lost.damage.length, 1);
  });
}
