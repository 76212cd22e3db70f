/** A little of each sweep on stores with packs. Their long forms are those of `test/long` with `--layout packs`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoreContext } from '../../engine/session/context.js';
import { BitRot } from '../fixtures/bit-rot.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { sweepFailures } from './fail.js';
import { fastScratch } from './fast.js';
import { sweepKills } from './kill.js';
import { usePacks } from './layouts.js';
import { OPERATIONS, type Operation } from './operations.js';
import { BUILD, FORGOTTEN_FIRST, PACK_GONE_FIRST, patchedBuild } from './patched.js';
import { race } from './race.js';
import { straceFault } from './strace.js';
import { describeFinding } from './sweep.js';

keepThreads();
usePacks();

const fault = straceFault();
const traced = fault === undefined ? {} : { skip: fault };
const GC = 'gc of what was let go of';
const REWRITE = 'gc that writes a pack anew';

const named = (...names: string[]): Operation[] => OPERATIONS.filter(({ name }) => names.includes(name));

test('what is killed anywhere leaves packs that are whole, from which a lost index is made anew', traced, async () => {
  const operations = named('import an ACI', GC, REWRITE, 'repack');
  const swept = await fastScratch((dir) => sweepKills(dir, { operations, perOperation: 2 }));
  assert.deepEqual(swept.findings.map(describeFinding), []);
  assert.ok(swept.points >= 5, `${swept.points} points`);
});

test('the same finds a build that deletes a pack before its objects are listed elsewhere', traced, async () => {
  const found = await fastScratch((build) =>
    fastScratch((dir) => {
      const program = `${patchedBuild(build, PACK_GONE_FIRST)}/cli/cairn.js`;
      return sweepKills(dir, { operations: named(REWRITE), program, only: /^fdatasync/, enough: 1 });
    }),
  );
  assert.ok(found.findings.length > 0);
});

test('the same finds a build that forgets what is dead before it is punched', traced, async () => {
  const found = await fastScratch((build) =>
    fastScratch((dir) => {
      const program = `${patchedBuild(build, FORGOTTEN_FIRST)}/cli/cairn.js`;
      return sweepKills(dir, { operations: named(GC), program, only: /^fallocate/, enough: 1 });
    }),
  );
  assert.ok(found.findings.length > 0);
});

test('what fails anywhere says so, and leaves packs whole', traced, async () => {
  const operations = named('import a large ACI', GC, REWRITE);
  const only = /^(?:pwrite64|fallocate|ftruncate|fsync)$/;
  const swept = await fastScratch((dir) => sweepFailures(dir, { operations, perOperation: 2, only }));
  assert.deepEqual(swept.findings.map(describeFinding), []);
  assert.ok(swept.points >= 2, `${swept.points} points`);
});

test('every flipped bit of packs is found, named, contained and healed', async (t) => {
  const rot = await BitRot.open(temporaryDirectory(t), 20_261);
  t.after(() => rot.close());
  assert.deepEqual(await rot.run(13), { flips: 13, found: 13, named: 13, healed: 13, missed: [] });
});

test('were hashes not compared, this would be noticed', async (t) => {
  const rot = await BitRot.open(temporaryDirectory(t), 7, ({ pool }: StoreContext) => {
    const run = pool.run.bind(pool) as (task: object) => Promise<never>;
    pool.run = ((task: object) => run({ ...task, quick: true })) as typeof pool.run;
  });
  t.after(() => rot.close());
  assert.notDeepEqual((await rot.run(3)).missed, []);
});

test('processes that append to packs at once, some of them killed, read nothing broken', async () => {
  const raced = await fastScratch((dir) => race(dir, { processes: 4, seconds: 3, build: BUILD, killEvery: 2 }));
  assert.deepEqual(raced.wrong, []);
  assert.ok(raced.operations > 0, JSON.stringify(raced));
});
