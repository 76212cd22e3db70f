/** When to try again: pauses grow, heed the server, and spread. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pauseBefore, type RetryPolicy, retryAfter } from '../../engine/remote/retry.js';

const POLICY = { retries: 5, firstPauseMs: 500, longestPauseMs: 60_000 };
const at = (random: number): RetryPolicy => ({ ...POLICY, random: () => random });

test('pauses grow, and spread around what they have grown to', () => {
  const pauses = (random: number) => [0, 1, 2, 3, 4, 5].map((attempt) => pauseBefore(attempt, at(random)));
  assert.deepEqual(pauses(0), [250, 500, 1000, 2000, 4000, undefined]);
  assert.deepEqual(pauses(0.5), [500, 1000, 2000, 4000, 8000, undefined]);
  assert.deepEqual(pauses(1), [750, 1500, 3000, 6000, 12_000, undefined]);
});

test('nobody comes before the server has asked for it, and not all come then', () => {
  const cases: readonly [attempt: number, asked: number, earliest?: number, latest?: number][] = [
    [0, 30_000, 30_000, 60_000],
    [0, 60_000, 60_000, 120_000],
    [0, 0, 0, 500],
    [4, 0, 0, 8000],
    [4, 1000, 1000, 9000],
    [0, 60_001],
    [5, 0],
  ];
  for (const [attempt, asked, earliest, latest] of cases) {
    assert.equal(pauseBefore(attempt, at(0), asked), earliest);
    assert.equal(pauseBefore(attempt, at(1), asked), latest);
  }
});

test('`Retry-After` is seconds, or a date', () => {
  const now = Date.parse('2030-01-01T00:00:00Z');
  for (const [header, ms] of [
    [undefined, undefined],
    ['120', 120_000],
    ['Tue, 01 Jan 2030 00:00:10 GMT', 10_000],
    ['Mon, 31 Dec 2029 00:00:00 GMT', 0],
    ['soon', undefined],
  ] as const)
    assert.equal(retryAfter(header, now), ms);
});
