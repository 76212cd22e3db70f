/** A merged tree as an archive, when its reader gives up. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { fileBytes } from '../../engine/disk/file-bytes.js';
import type { ShardRow } from '../../engine/plan/shard.js';
import { packFiles } from '../../workers/export/pack-files.js';
import { packTree } from '../../workers/pack/pack-tree.js';
import { TestStore } from '../fixtures/store.js';

const SIZE = 16 << 20;

const CONTENT = Buffer.alloc(SIZE);

function row(path: string): ShardRow {
  const owner = { uid: 0, gid: 0, sec: 0, nsec: 0, devMajor: 0, devMinor: 0, xattrs: [] };
  return { type: 'file', path, source: hash('sha512', CONTENT), mode: 0o644, ...owner };
}

test('an archive that is given up leaves no file open', { skip: process.platform !== 'linux' }, async (t) => {
  const s = new TestStore(t);
  const path = s.write('large', CONTENT);
  const openFiles = (): number =>
    fs.readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return fs.readlinkSync(`/proc/self/fd/${fd}`) === path;
      } catch {
        return false;
      }
    }).length;
  const archives = {
    'a tree': () =>
      packTree({
        rows: [row('a'), row('b')],
        sizes: Float64Array.of(SIZE, SIZE),
        groups: ['', ''],
        contentOf: (_row, size) => fileBytes(path, { size, what: 'an object' }),
      }),
    files: () =>
      packFiles([
        ['a', path],
        ['b', path],
      ]),
  };
  for (const [what, archive] of Object.entries(archives)) {
    for (const chunks of [0, 1, 3, 20]) {
      await t.test(`${what}, after ${chunks} chunks`, async () => {
        let left = chunks;
        for await (const _chunk of archive()) if (left-- <= 0) break;
        for (let i = 0; i < 40 && openFiles() > 0; i++) await new Promise((resolve) => setTimeout(resolve, 50));
        assert.equal(openFiles(), 0);
      });
    }
  }
});
