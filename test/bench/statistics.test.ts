/** What the benchmarks make of times: medians, ratios, targets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { turnsOf, withRatios } from '../../bench/measure/measure.js';
import { median, ratioOf, spreadOf } from '../../bench/measure/statistics.js';
import { judge } from '../../bench/measure/verdict.js';
import { measured, timing } from '../fixtures/measured.js';

test('the median is the middle value, or halfway between the two in the middle', () => {
  assert.equal(median([7]), 7);
  assert.equal(median([30, 1, 2]), 2);
  assert.equal(median([10, 1, 100, 4]), 7);
  assert.throws(() => median([]), RangeError);
});

test('at least half of the values lie on either side of the median, in whatever order they come', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1 }), (values) => {
      const middle = median(values);
      assert.ok(values.filter((value) => value <= middle).length * 2 >= values.length);
      assert.ok(values.filter((value) => value >= middle).length * 2 >= values.length);
      assert.equal(median(values.toReversed()), middle);
    }),
  );
});

test('a spread has the extremes around the median, and leaves the values as they were', () => {
  const values = [3, 1, 2];
  assert.deepEqual(spreadOf(values), { median: 2, min: 1, max: 3 });
  assert.deepEqual(values, [3, 1, 2]);
});

test('each round begins with another contestant, and every other round goes backwards', () => {
  const turns = [0, 1, 2, 3].map((round) => turnsOf(['a', 'b', 'c'], round).join(''));
  assert.deepEqual(turns, ['abc', 'bac', 'cab', 'acb']);
  assert.deepEqual(turnsOf([], 3), []);
});

test('nothing is a multiple of no time', () => {
  assert.equal(ratioOf(3, 2), 1.5);
  assert.equal(ratioOf(3, 0), undefined);
});

test('ratios are against the first contestant, of durable times; those before the flush stand beside them', () => {
  const [own, peer] = withRatios([timing('cairn', [100, 100, 400]), timing('tar', [300, 200, 250], 50)], 'wall');
  assert.equal(own?.ratio, 1);
  assert.equal(own?.unflushedRatio, undefined);
  assert.equal(peer?.ratio, 2.5);
  assert.equal(peer?.unflushedRatio, 2);
});

test('where work is compared, ratios are of processor time; where that is unknown there is none', () => {
  const { cpuMs: _cpu, ...unknown } = timing('other', [100]);
  const [own, peer, other] = withRatios([timing('cairn', [100]), timing('node', [40], 10), unknown], 'cpu');
  assert.deepEqual([own?.ratio, peer?.ratio, peer?.unflushedRatio, other?.ratio], [1, 0.4, undefined, undefined]);
});

test('a target is met, missed, or not measured; one of a scenario that did not run is not spoken of', () => {
  const warm = measured('warm', [timing('cairn', [100]), timing('tar', [250]), timing('cp', [80])]);
  const targets = [
    { against: 'tar', atLeast: 2.5 },
    { against: 'cp', atLeast: 1 },
    { against: 'bsdtar', atLeast: 1 },
    { against: 'cp', withinMs: 20 },
    { against: 'cp', withinMs: 19 },
    { against: 'cp', atMost: 0.8 },
    { against: 'tar', atMost: 2.4 },
    { belowMs: 101 },
    { belowMs: 100 },
    { of: 'cairn, too', against: 'tar', atLeast: 1 },
    { scenario: 'cold', against: 'tar', atLeast: 1 },
  ].map((target) => ({ scenario: 'warm', of: 'cairn', ...target }));
  assert.deepEqual(
    judge([warm], targets).map(({ against, reached, verdict }) => [against, reached, verdict]),
    [
      ['tar', 2.5, 'met'],
      ['cp', 0.8, 'missed'],
      ['bsdtar', undefined, 'not measured'],
      ['cp', 0.8, 'met'],
      ['cp', 0.8, 'missed'],
      ['cp', 0.8, 'met'],
      ['tar', 2.5, 'missed'],
      [undefined, undefined, 'met'],
      [undefined, undefined, 'missed'],
      ['tar', undefined, 'not measured'],
    ],
  );
});
