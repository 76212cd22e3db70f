/** Files that are read a piece ahead, into buffers that come round again. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { after, test } from 'node:test';
import { hasCode } from '../../engine/core/errors.js';
import { readAhead } from '../../engine/disk/read-ahead.js';
import { temporaryDirectory } from '../fixtures/cli.js';

const path = `${temporaryDirectory({ after })}/file`;
const bytes = Buffer.from(Array.from({ length: 1000 }, (_each, i) => i % 251));
fs.writeFileSync(path, bytes);

const isClosed = (fd: number): boolean => {
  try {
    fs.fstatSync(fd);
    return false;
  } catch (error) {
    return hasCode(error, 'EBADF');
  }
};

test('a part comes in pieces, and each stays until the second one after it is asked for', async () => {
  for (const [start, end, length] of [
    [0, 1000, 7],
    [3, 900, 64],
    [10, 10, 5],
    [0, 5000, 300],
  ] as const) {
    const fd = fs.openSync(path, 'r');
    const read: Buffer[] = [];
    let before: Buffer | undefined;
    for await (const piece of readAhead(fd, { start, end }, length)) {
      await new Promise((done) => setImmediate(done));
      if (before !== undefined) assert.ok(before.equals(read.at(-1) as Buffer));
      read.push(Buffer.from(piece));
      before = piece;
    }
    assert.ok(Buffer.concat(read).equals(bytes.subarray(start, end)));
    assert.ok(isClosed(fd));
  }
});

test('the file is closed for whoever stops, and an error of reading comes to whoever takes', async () => {
  const fd = fs.openSync(path, 'r');
  for await (const _piece of readAhead(fd, { start: 0, end: 1000 }, 10)) break;
  assert.ok(isClosed(fd));
  const unreadable = fs.openSync(path, 'a');
  await assert.rejects(readAhead(unreadable, { start: 0, end: 1000 }, 10).next(), { code: 'EBADF' });
  assert.ok(isClosed(unreadable));
});
