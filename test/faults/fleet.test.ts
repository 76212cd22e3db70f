/**
 * Stores in front of a registry: nothing is lost, and little moves twice, whatever is killed. These are a few rounds of
 * the long test.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryDirectory } from '../fixtures/cli.js';
import { missing } from '../fixtures/peers.js';
import { runFleet } from './fleet.js';

test('three stores in front of one registry, all killed at will', { skip: missing('docker-registry') }, async (t) => {
  const { wrong, moved, unique, kills } = await runFleet(temporaryDirectory(t), 5);
  assert.deepEqual(wrong, []);
  assert.ok(kills > 0);
  assert.ok(moved <= unique * 1.05, `${moved} bytes moved, ${unique} were needed`);
});
