/** Placing what two do at the same time: the first keeps its copy, the other goes on as if nothing had been. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { moveIntoFreePlace } from '../../engine/disk/durable.js';
import { temporaryDirectory } from '../fixtures/cli.js';

test('the directory and what belongs into it come from another, between two of our steps', (t) => {
  const dir = temporaryDirectory(t);
  const ours = join(dir, 'ours');
  const to = join(dir, 'shard', 'blob');
  fs.writeFileSync(ours, 'ours');
  const { mkdirSync } = fs;
  t.after(() => {
    fs.mkdirSync = mkdirSync;
    syncBuiltinESMExports();
  });
  fs.mkdirSync = ((path: fs.PathLike, options?: fs.MakeDirectoryOptions) => {
    assert.equal(path, dirname(to));
    mkdirSync(path);
    fs.writeFileSync(to, 'theirs');
    return mkdirSync(path, options);
  }) as typeof fs.mkdirSync;
  syncBuiltinESMExports();

  assert.equal(moveIntoFreePlace(ours, to), false);
  assert.equal(fs.readFileSync(to, 'utf8'), 'theirs');
  assert.equal(fs.readFileSync(ours, 'utf8'), 'ours');
});
