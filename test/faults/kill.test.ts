/** Commands killed at a few of the points that `dist/test/long/kill.js` sweeps. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { PROGRAM } from '../fixtures/cli.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { fastScratch } from './fast.js';
import { placeFrom, prepareGround } from './ground.js';
import { sweepKills } from './kill.js';
import { OPERATIONS, type Operation } from './operations.js';
import { COMMIT_FIRST, POD_COMMIT_FIRST, patchedBuild } from './patched.js';
import { runTraced, straceFault } from './strace.js';
import { describeFinding } from './sweep.js';
import { inspectStore } from './verdict.js';

keepThreads();

const fault = straceFault();
const options = fault === undefined ? {} : { skip: fault };

const NAMES = ['import into a new store', 'import a layout', 'render an ACI', 'rm', 'gc of what was let go of'];
const OF_PODS = ['prepare a pod', 'pod rm'];
const named = (names: readonly string[]): Operation[] => OPERATIONS.filter(({ name }) => names.includes(name));

test('what is killed anywhere leaves a store that opens, is whole, and is clean after gc', options, async () => {
  const swept = await fastScratch((dir) => sweepKills(dir, { operations: named(NAMES), perOperation: 3 }));
  assert.deepEqual(swept.findings.map(describeFinding), []);
  assert.ok(swept.points >= 12, `${swept.points} points`);
});

test('the same finds a build that commits before the files are where they belong', options, async () => {
  const found = await fastScratch((build) =>
    fastScratch((dir) => {
      const program = `${patchedBuild(build, COMMIT_FIRST)}/cli/cairn.js`;
      // The commit is followed by renames.
      return sweepKills(dir, { operations: named(['import an ACI']), program, only: /^rename/, enough: 1 });
    }),
  );
  assert.ok(found.findings.length > 0);
});

test('a pod that is prepared or removed is whole, or not there', options, async () => {
  const swept = await fastScratch((dir) => sweepKills(dir, { operations: named(OF_PODS), perOperation: 4 }));
  assert.deepEqual(swept.findings.map(describeFinding), []);
  assert.ok(swept.points >= 6, `${swept.points} points`);
});

test('the same finds a build that lists a pod before its directory is there', options, async () => {
  const found = await fastScratch((build) =>
    fastScratch((dir) => {
      const program = `${patchedBuild(build, POD_COMMIT_FIRST)}/cli/cairn.js`;
      return sweepKills(dir, { operations: named(['prepare a pod']), program, enough: 1 });
    }),
  );
  assert.ok(found.findings.length > 0);
});

test('gc finds what a killed import of several layers had placed', options, async () => {
  await fastScratch(async (dir) => {
    await prepareGround(dir);
    const place = placeFrom(dir, 'images', 'place');
    const kill = { call: 'fdatasync', nth: 1, effect: 'kill' };
    const run = await runTraced(PROGRAM, ['import', `${place.sources}/shop`], place, kill);
    assert.ok(run.killed, run.stderr);
    assert.deepEqual(await inspectStore(place.store), []);
  });
});

test('gc clears away the beginning of a store whose maker was killed', options, async () => {
  await fastScratch(async (dir) => {
    await prepareGround(dir);
    const place = placeFrom(dir, 'none', 'place');
    const run = await runTraced(PROGRAM, ['put', `${place.sources}/new.blob`], place, {
      call: 'renameat2',
      nth: 1,
      effect: 'kill',
    });
    assert.ok(run.killed, run.stderr);
    assert.match(fs.readdirSync(place.store).join(), /^cairn\.json\.\d+\.tmp$/);
    assert.deepEqual(await inspectStore(place.store), []);
  });
});
