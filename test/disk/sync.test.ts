/** When a sync begins, and who learns that it failed. A program of the test takes the place of the system call. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '../fixtures/cli.js';

const DURABLE = fileURLToPath(new URL('../../engine/disk/durable.js', import.meta.url));
const MOST_MS = 20_000;

/**
 * Runs a script that has a `disk`. `sync` is this shell script, in a directory that both share.
 * @returns what the script prints
 */
function withDisk(t: TestContext, sync: string, script: string): string {
  const dir = temporaryDirectory(t);
  fs.writeFileSync(join(dir, 'sync'), `#!/bin/sh\ncd '${dir}'\n${sync}\n`, { mode: 0o755 });
  const source = `import * as fs from 'node:fs';
const { Disk } = await import(${JSON.stringify(DURABLE)});
const disk = new Disk('.');
${script}
await disk.close();`;
  const env = { ...process.env, CAIRN_NO_FFI: '1', PATH: `${dir}:${process.env['PATH']}` };
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', source], { cwd: dir, env, encoding: 'utf8' });
  assert.equal(ran.status, 0, ran.stderr);
  return ran.stdout;
}

/** Keeps the thread until a file is there. */
const UNTIL = `const until = (name) => {
  const end = Date.now() + ${MOST_MS};
  while (!fs.existsSync(name) && Date.now() < end);
  return fs.existsSync(name);
};`;

test('the disk is at work while the thread that asked for it is kept busy', (t) => {
  const script = `${UNTIL}
const written = disk.sync();
process.stdout.write(String(until('begun')));
await written;`;
  assert.equal(withDisk(t, 'touch begun', script), 'true');
});

test('also where it is at work already, and both must succeed', (t) => {
  // The first fails once the second has ended well: whoever asks second must hear of it all the same.
  const sync = `if mkdir first 2>/dev/null; then while [ ! -e second ]; do sleep 0.01; done; exit 1; fi
touch second`;
  const script = `${UNTIL}
disk.writeBehind();
until('first');
const written = disk.sync();
const begun = until('second');
const again = await written.then(() => disk.sync(), (error) => [error.code, disk.sync().catch(({ code }) => code)]);
process.stdout.write(JSON.stringify([begun, again[0], await again[1]]));
await Promise.resolve();`;
  const [begun, ...codes] = JSON.parse(withDisk(t, sync, script)) as [boolean, string, string];
  assert.equal(begun, true);
  assert.deepEqual(codes, ['ERR_IO', 'ERR_IO']);
});
