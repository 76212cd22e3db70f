/** Copies on a disk that becomes full while they are made: it takes a part of a write, and says so to the next. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '../../engine/core/errors.js';
import { copyBytes } from '../../engine/disk/copy-file.js';
import { copyRange } from '../../engine/disk/file-ranges.js';
import { createMount } from '../../engine/disk/mount.js';
import { cannotMount, mountingDirectory } from '../fixtures/mounting.js';

const PAGE = 4096;
const PAGES = 64;
/** Its last bytes come after a hole, in one write with zeros that end where the disk does. */
const SIZE = 100_000;
const END = Buffer.from('behind a hole');

test('a copy fails or is whole, however much room there is', { skip: cannotMount() }, (t) => {
  const dir = mountingDirectory(t);
  const source = join(dir, 'source');
  fs.writeFileSync(source, '');
  fs.truncateSync(source, SIZE - END.length);
  fs.appendFileSync(source, END);
  const bytes = fs.readFileSync(source);
  const disk = join(dir, 'disk');
  fs.mkdirSync(disk);
  createMount({ type: 'tmpfs', options: [['size', `${PAGES * PAGE}`]] }).attach(disk);
  const copy = join(disk, 'copy');
  const ways: Record<string, () => void> = {
    'around holes': () => copyBytes(source, copy),
    'a part': () => {
      const [from, to] = [fs.openSync(source, 'r'), fs.openSync(copy, 'wx')];
      try {
        assert.equal(copyRange(from, { offset: 0, length: SIZE }, to), SIZE);
      } finally {
        fs.closeSync(from);
        fs.closeSync(to);
      }
    },
  };
  for (const [way, make] of Object.entries(ways)) {
    const ends = { whole: 0, failed: 0 };
    for (let room = 0; room < SIZE / PAGE + 2; room++) {
      fs.writeFileSync(join(disk, 'filler'), Buffer.alloc((PAGES - room) * PAGE - PAGE));
      try {
        make();
        assert.ok(fs.readFileSync(copy).equals(bytes), `${way}, with room for ${room} pages`);
        ends.whole++;
      } catch (error) {
        if (!hasCode(error, 'ENOSPC')) throw error;
        ends.failed++;
      }
      fs.rmSync(copy, { force: true });
      fs.rmSync(join(disk, 'filler'));
    }
    assert.ok(ends.whole > 0 && ends.failed > 0, `${way}: ${JSON.stringify(ends)}`);
  }
});
