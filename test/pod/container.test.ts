/** Containers that no runtime ever starts. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { placesOfRun } from '../../engine/disk/layout.js';
import { Container } from '../../engine/pod/run/container.js';
import { Watch } from '../../engine/pod/run/watch.js';
import { temporaryDirectory } from '../fixtures/cli.js';

test('a runtime that is gone, or ends without a word, is no exit code of the app', async (t) => {
  const dir = temporaryDirectory(t);
  const lock = fs.openSync(join(dir, 'lock'), 'w');
  const out = fs.openSync('/dev/null', 'w');
  t.after(() => {
    for (const fd of [lock, out]) fs.closeSync(fd);
  });
  const places = placesOfRun(dir);
  for (const [path, code] of [
    [join(dir, 'gone'), 127],
    ['/bin/false', 1],
  ] as const) {
    const runtime = { path, options: [] };
    const watch = new Watch({ runtime, places, lock, ids: ['cairn-none'] });
    const container = new Container(
      { runtime, places, watch },
      { id: 'cairn-none', label: '0', title: 'app a', bundle: dir, stdio: ['ignore', out, out] },
    );
    await assert.rejects(container.run(), {
      code: 'ERR_RUNTIME',
      message: `app a: the runtime ended with ${code} before it began`,
    });
    watch.end();
  }
});
