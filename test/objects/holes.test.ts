/** Which holes can be punched: whole blocks inside what is dead, and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BLOCK, SECTOR } from '../../engine/core/extent.js';
import { holesIn } from '../../engine/objects/pack/holes.js';

const SECTORS = 200;

/** Rising parts of whole sectors, some of which touch. */
const parts = fc
  .array(fc.boolean(), { minLength: SECTORS, maxLength: SECTORS })
  .map((dead) => dead.flatMap((isDead, i) => (isDead ? [{ offset: i * SECTOR, length: SECTOR }] : [])));

const sectorsOf = (all: readonly { offset: number; length: number }[]): number[] =>
  all.flatMap(({ offset, length }) => Array.from({ length: length / SECTOR }, (_none, i) => offset / SECTOR + i));

test('holes and what is left are what was dead', () => {
  fc.assert(
    fc.property(parts, (dead) => {
      const { holes, rest } = holesIn(dead);
      const all = [...sectorsOf(holes), ...sectorsOf(rest)].sort((a, b) => a - b);
      assert.deepEqual(all, sectorsOf(dead));
      assert.ok(holes.every(({ offset, length }) => offset % BLOCK === 0 && length % BLOCK === 0 && length > 0));
    }),
  );
});

test('no whole dead block is left over', () => {
  fc.assert(
    fc.property(parts, (dead) => {
      const left = new Set(sectorsOf(holesIn(dead).rest));
      const perBlock = BLOCK / SECTOR;
      for (let block = 0; block < SECTORS / perBlock; block++) {
        const sectors = Array.from({ length: perBlock }, (_none, i) => block * perBlock + i);
        assert.ok(!sectors.every((sector) => left.has(sector)), `block ${block}`);
      }
    }),
  );
});
