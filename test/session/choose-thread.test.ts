/** Which thread gets a task. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Thread, ThreadChooser } from '../../engine/session/choose-thread.js';

function threads(...usage: number[]): Thread[] {
  return usage.map((currentUsage, id) => ({ id, currentUsage, terminating: false }));
}

test('an idle thread that has done such a task is chosen, else one that has done the fewest kinds', () => {
  const chooser = new ThreadChooser();
  const all = threads(0, 0, 0);
  const choose = (kind: string): number | undefined => chooser.choose(kind, all)?.id;
  assert.deepEqual([choose('scan'), choose('decode'), choose('scan'), choose('decode')], [0, 1, 0, 1]);
  assert.equal(choose('write'), 2);
  (all[0] as Thread).currentUsage = 1;
  assert.equal(choose('scan'), 1);
  assert.equal(choose('scan'), 1);
});

test('while none is idle, or lives on, none is chosen', () => {
  const chooser = new ThreadChooser();
  assert.equal(chooser.choose('scan', threads(1, 1)), null);
  assert.equal(chooser.choose('scan', [{ id: 1, currentUsage: 0, terminating: true }]), null);
  assert.equal(chooser.choose('scan', []), null);
});
