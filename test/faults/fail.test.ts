/** A few of the failing system calls that `dist/test/long/fail.js` sweeps, and the reports of failures. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CairnError, toCairnError } from '../../engine/core/errors.js';
import { cairn, temporaryDirectory } from '../fixtures/cli.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { sweepFailures, sweepSyncs } from './fail.js';
import { fastScratch } from './fast.js';
import { OPERATIONS, type Operation } from './operations.js';
import { DEAF_SYNC, patchedBuild } from './patched.js';
import { straceFault } from './strace.js';
import { describeFinding } from './sweep.js';

keepThreads();

const fault = straceFault();
const options = fault === undefined ? {} : { skip: fault };

const NAMES = ['import an ACI', 'render an OCI image', 'tree rm', 'gc', 'export'];
const named = (names: readonly string[]): Operation[] => OPERATIONS.filter(({ name }) => names.includes(name));

test('what fails anywhere says so, with its errno and path, and leaves the store whole', options, async () => {
  const swept = await fastScratch((dir) => sweepFailures(dir, { operations: named(NAMES), perOperation: 3 }));
  assert.deepEqual(swept.findings.map(describeFinding), []);
  assert.ok(swept.points >= 10, `${swept.points} points`);
});

test('nothing is acknowledged after a sync that failed', options, async () => {
  const swept = await fastScratch((dir) => sweepSyncs(dir, { operations: named(['put']) }));
  assert.deepEqual(swept.findings.map(describeFinding), []);
  assert.ok(swept.points >= 3, `${swept.points} points`);
});

test('the same finds a build that does not listen to its syncs', options, async () => {
  const found = await fastScratch((build) =>
    fastScratch((dir) => {
      const program = `${patchedBuild(build, DEAF_SYNC)}/cli/cairn.js`;
      return sweepSyncs(dir, { operations: named(['put']), program, enough: 1 });
    }),
  );
  assert.ok(found.findings.length > 0);
});

test('a cairn.json that cannot be read does not make a store no store', async (t) => {
  const store = join(temporaryDirectory(t), 'store');
  fs.mkdirSync(join(store, 'cairn.json'), { recursive: true });
  const refused = await cairn(['ls', '--json'], { store });
  assert.deepEqual([refused.error().code, refused.error()['errno']], ['ERR_IO', 'EISDIR']);
});

test('an index that cannot be opened is an error with its errno, not a crash', async (t) => {
  const store = join(temporaryDirectory(t), 'store');
  await cairn(['put', '-'], { store, input: Buffer.from('x') });
  fs.rmSync(join(store, 'index'), { recursive: true });
  fs.mkdirSync(join(store, 'index', 'data.mdb'), { recursive: true });
  for (const args of [['ls'], ['gc']]) {
    const refused = await cairn([...args, '--json'], { store });
    assert.equal(refused.code, 1);
    assert.deepEqual([refused.error().code, refused.error()['errno']], ['ERR_IO', 'EISDIR']);
  }
});

for (const [code, message] of [
  ['Unknown system error -122', "Unknown system error -122: Unknown system error -122, mkdir '/x'"],
  ['UNKNOWN', "UNKNOWN: unknown error, mkdir '/x'"],
] as const) {
  test(`a full quota, which Node has no name for, is no space: ${code}`, () => {
    const error = toCairnError(Object.assign(new Error(message), { code, errno: -122, path: '/x' }));
    assert.ok(error instanceof CairnError);
    assert.deepEqual([error.code, error.errno, error.path], ['ERR_NO_SPACE', 'EDQUOT', '/x']);
    assert.equal(error.message, "EDQUOT, mkdir '/x'");
  });
}
