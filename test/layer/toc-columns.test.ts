/** The columns of a table of contents: which are compressed, and what is no column. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { MAX_PACKED_COLUMN } from '../../engine/core/limits.js';
import { decodeToc, encodeToc, type TocEntry } from '../../engine/layer/toc.js';
import { ColumnReader, joinColumns } from '../../engine/layer/toc-columns.js';

const MAGIC = Buffer.from('cairn-toc 2\n');

function lengths(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(8 * numbers.length);
  for (const [i, number] of numbers.entries()) bytes.writeDoubleLE(number, 8 * i);
  return bytes;
}

/** One column as a table of contents of version 2 has it. */
const columnOf = (length: number, stored: Buffer): Buffer => Buffer.concat([lengths(length, stored.length), stored]);

const read = (...columns: Buffer[]): Buffer => new ColumnReader(Buffer.concat([MAGIC, ...columns])).next();

test('a column is compressed where that makes it smaller', () => {
  const text = Buffer.from('usr/share/doc/'.repeat(1000));
  const random = randomBytes(1000);
  for (const [what, column, isSmaller] of [
    ['a text', { bytes: text }, true],
    ['what is said to be random', { bytes: text, isRandom: true }, false],
    ['random bytes', { bytes: random }, false],
    ['nothing', { bytes: Buffer.alloc(0) }, false],
    ['more than is unpacked again', { bytes: Buffer.alloc(MAX_PACKED_COLUMN + 1) }, false],
  ] as const) {
    const joined = joinColumns([column], 2);
    const asItIs = MAGIC.length + 16 + column.bytes.length;
    assert.equal(joined.length < asItIs, isSmaller, what);
    assert.ok(joined.length <= asItIs, what);
    assert.ok(new ColumnReader(joined).next().equals(column.bytes), what);
    assert.equal(joinColumns([column], 1).length, MAGIC.length + 8 + column.bytes.length, what);
  }
});

test('a column that is not what it says is damage', () => {
  const packed = deflateRawSync(Buffer.alloc(1000, 'a'));
  assert.deepEqual(read(columnOf(1000, packed)), Buffer.alloc(1000, 'a'));
  for (const [what, column] of Object.entries({
    'it unpacks to more than it says': columnOf(999, packed),
    'it unpacks to less than it says': columnOf(1001, packed),
    'it says that it is smaller unpacked': columnOf(packed.length - 1, packed),
    'it is cut short': columnOf(1000, packed).subarray(0, -1),
    'its packed bytes are cut short': columnOf(1000, packed.subarray(0, -2)),
    'its packed bytes are none': columnOf(1000, Buffer.from('none')),
    'it has no length': lengths(1000).subarray(0, 7),
    'it has one length': lengths(1000),
  })) {
    assert.throws(() => read(column), { code: 'ERR_DAMAGED' }, what);
  }
});

test('a few bytes do not fill the memory', () => {
  const bomb = deflateRawSync(Buffer.alloc(MAX_PACKED_COLUMN + 1));
  for (const length of [MAX_PACKED_COLUMN, MAX_PACKED_COLUMN + 1, 2 ** 40]) {
    assert.throws(() => read(columnOf(length, bomb)), { code: 'ERR_DAMAGED' }, `${length}`);
  }
  // One entry, and millions of paths for it.
  const [rows, keys, , links, notes] = columnsOf(encodeToc([ENTRY]));
  const paths = columnOf(MAX_PACKED_COLUMN, deflateRawSync(Buffer.alloc(MAX_PACKED_COLUMN)));
  const hostile = Buffer.concat([MAGIC, rows, keys, paths, links, notes].map((each) => each as Buffer));
  assert.throws(() => decodeToc(hostile), { code: 'ERR_DAMAGED', message: /columns differ/ });
});

const ENTRY: TocEntry = {
  path: 'a',
  type: 'dir',
  mode: 0o755,
  uid: 0,
  gid: 0,
  sec: 0,
  nsec: 0,
  size: 0,
  key: '',
  link: '',
  devMajor: 0,
  devMinor: 0,
  xattrs: [],
};

/** Cuts a table of contents of version 2 between its columns. */
function columnsOf(toc: Buffer): Buffer[] {
  const columns: Buffer[] = [];
  for (let at = MAGIC.length; at < toc.length; ) {
    const end = at + 16 + toc.readDoubleLE(at + 8);
    columns.push(toc.subarray(at, end));
    at = end;
  }
  return columns;
}
