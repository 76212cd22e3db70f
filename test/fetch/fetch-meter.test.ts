/** The progress of fetches: of each blob that comes and of all, as far as anybody knows how much it will be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Progress } from '../../engine/core/operation.js';
import { FetchMeter } from '../../engine/fetch/fetch-meter.js';

function meterOf(...refs: string[]): { meter: FetchMeter; last: () => Progress | undefined } {
  const heard: Progress[] = [];
  const meter = new FetchMeter((progress) => heard.push(structuredClone(progress)));
  meter.expect(refs);
  return { meter, last: () => heard.at(-1) };
}

test('blobs that come are told of, and all that is known to come', () => {
  const { meter, last } = meterOf('app:1');
  const [one, two] = [meter.blob('one', 100), meter.blob('two', 50)];
  one.has(10);
  const part = { what: 'one', unit: 'bytes', done: 10, total: 100 };
  // What the image is made of may not be known yet.
  assert.deepEqual(last(), { what: 'fetching app:1', unit: 'bytes', done: 10, parts: [part] });
  meter.known('app:1');
  two.has(50);
  two.end();
  one.has(20);
  assert.deepEqual(last(), { ...last(), done: 70, total: 150, parts: [{ ...part, done: 20 }] });
  // It goes on somewhere else, and begins anew there.
  one.end();
  meter.blob('again', 100).has(30);
  assert.deepEqual([last()?.done, last()?.total], [100, 170]);
});

test('of several images the total is known when all are, and sizes are', () => {
  const { meter, last } = meterOf('a', 'b');
  const unsized = meter.blob('a', undefined);
  for (const ref of ['a', 'b']) meter.known(ref);
  unsized.has(7);
  assert.deepEqual(last(), {
    what: 'fetching 2 images',
    unit: 'bytes',
    done: 7,
    parts: [{ what: 'a', unit: 'bytes', done: 7 }],
  });
});

test('what becomes of bytes is told when none come', () => {
  const { meter, last } = meterOf('a');
  const importing: Progress = { what: 'importing a', unit: 'bytes', done: 1 };
  const blob = meter.blob('a', 10);
  blob.has(10);
  meter.importing(importing);
  assert.equal(last()?.what, 'fetching a');
  blob.end();
  meter.importing(importing);
  assert.deepEqual(last(), importing);
  const deaf = new FetchMeter(undefined);
  deaf.blob('a', 1).has(1);
  deaf.importing(importing);
});
