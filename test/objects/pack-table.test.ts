/** Tables of packs: what was written is read, and nothing else is believed. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { BLOCK, extentOf, roundUp } from '../../engine/core/extent.js';
import { idOfPackFile, packFileName, packHead, readPackHead, startOf } from '../../engine/objects/pack/format.js';
import { type PackedContent, PackRows } from '../../engine/objects/pack/rows.js';
import { encodeTable, readFooter, readTable } from '../../engine/objects/pack/table.js';

const SALT = Buffer.from('sixteen of salt!');

const sha512 = (text: string): string => createHash('sha512').update(text).digest('hex');

/** Contents as a writer lays them out. */
function laidOut(sizes: readonly number[], base: number): { contents: PackedContent[]; end: number } {
  let end = base;
  const contents = sizes.map((size, i) => {
    const offset = startOf(end, size);
    end = offset + extentOf(size);
    return { sha512: sha512(`${i}`), offset, size };
  });
  return { contents, end: roundUp(end, BLOCK) };
}

const sizes = fc.array(fc.oneof(fc.nat(2000), fc.nat(200_000), fc.constant(65_536)), { maxLength: 60 });

test('a table says what was put into it', () => {
  fc.assert(
    fc.property(sizes, fc.nat(50), (all, blocks) => {
      const base = BLOCK * (1 + blocks);
      const { contents, end } = laidOut(all, base);
      const table = encodeTable(PackRows.of(contents), { offset: end, before: base, durable: BLOCK, salt: SALT });
      assert.equal(table.length % BLOCK, 0);
      const footer = readFooter(table.subarray(-BLOCK), end + table.length);
      assert.deepEqual(footer, { rows: all.length, offset: end, before: base, durable: BLOCK });
      assert.deepEqual(readTable(table, footer as NonNullable<typeof footer>, SALT), contents);
    }),
  );
});

test('a table with any byte changed is none', () => {
  const { contents, end } = laidOut([10, 70_000, 0, 512], BLOCK);
  const table = encodeTable(PackRows.of(contents), { offset: end, before: BLOCK, durable: BLOCK, salt: SALT });
  fc.assert(
    fc.property(fc.nat(table.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = Buffer.from(table);
      changed[at] = (changed[at] as number) ^ change;
      const footer = readFooter(changed.subarray(-BLOCK), end + changed.length);
      assert.equal(footer === undefined ? undefined : readTable(changed, footer, SALT), undefined);
    }),
    { numRuns: 300 },
  );
});

test('a table whose contents overlap, or lie outside, is none', () => {
  const bad: PackedContent[][] = [
    [
      { sha512: sha512('a'), offset: BLOCK, size: 600 },
      { sha512: sha512('b'), offset: BLOCK + 512, size: 10 },
    ],
    [{ sha512: sha512('a'), offset: 0, size: 10 }],
    [{ sha512: sha512('a'), offset: BLOCK, size: 5000 }],
    [{ sha512: sha512('a'), offset: 1 << 30, size: 10 }],
  ];
  for (const contents of bad) {
    const table = encodeTable(PackRows.of(contents), { offset: 2 * BLOCK, before: BLOCK, durable: BLOCK, salt: SALT });
    const footer = readFooter(table.subarray(-BLOCK), 2 * BLOCK + table.length);
    assert.equal(readTable(table, footer as NonNullable<typeof footer>, SALT), undefined);
  }
});

test('a footer counts only at the place that it speaks of', () => {
  const table = encodeTable(PackRows.of([]), { offset: 2 * BLOCK, before: BLOCK, durable: BLOCK, salt: SALT });
  assert.notEqual(readFooter(table, 3 * BLOCK), undefined);
  assert.equal(readFooter(table, 4 * BLOCK), undefined);
  assert.equal(readFooter(Buffer.alloc(BLOCK), 3 * BLOCK), undefined);
  assert.equal(readFooter(Buffer.alloc(3), 3 * BLOCK), undefined);
});

test('a pack says which it is', () => {
  assert.deepEqual(readPackHead(packHead({ id: 77, salt: SALT })), { id: 77, salt: SALT });
  assert.equal(readPackHead(Buffer.alloc(BLOCK)), undefined);
  assert.equal(readPackHead(packHead({ id: 1, salt: SALT }).subarray(0, 100)), undefined);
  assert.equal(idOfPackFile(packFileName(0xabc)), 0xabc);
  assert.equal(idOfPackFile('abc.pack'), undefined);
});
