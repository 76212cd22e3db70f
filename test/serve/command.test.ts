/** `cairn serve` as a program: what it says, how it ends, what it refuses. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { cairn, type Ran } from '../fixtures/cli.js';
import { askAt } from '../fixtures/served.js';
import { TestStore } from '../fixtures/store.js';

/** Runs a server until `use` is done with it, then ends it by a signal. */
async function during(
  s: TestStore,
  args: readonly string[],
  signal: NodeJS.Signals,
  use: (said: string) => Promise<void>,
): Promise<Ran> {
  let child: ChildProcess | undefined;
  let said = '';
  let isUp = (): void => {};
  const up = new Promise<void>((resolve) => {
    isUp = resolve;
  });
  const onStart = (started: ChildProcess): void => {
    child = started;
    started.stderr?.on('data', (chunk) => {
      said += chunk;
      if (/listening at \S+.*\n/.test(said)) isUp();
    });
    started.on('exit', isUp);
  };
  const ran = cairn(['serve', ...args], { store: s.store, onStart });
  await up;
  try {
    await use(/listening at (\S+)/.exec(said)?.[1]?.replace(/,$/, '') ?? '');
  } finally {
    child?.kill(signal);
  }
  return ran;
}

test('it says where it listens, reads alone, and ends well by a signal', async (t) => {
  const s = new TestStore(t);
  await s.ok(['import', s.aci('a.aci', { name: 'example.com/a' }, [{ name: 'f', content: 'a' }])]);
  const index = (): string => fs.readFileSync(`${s.store}/index/data.mdb`).toString('base64');
  const before = index();
  const ran = await during(s, ['--listen', '127.0.0.1:0', '--json'], 'SIGTERM', async (url) => {
    const { port } = new URL(url);
    const to = { host: '127.0.0.1', port: Number(port) };
    assert.equal((await askAt(to, '/api/v1/images/example.com%2Fa')).status, 200);
    assert.equal((await askAt(to, '/v2/example.com/a/manifests/latest')).status, 200);
    assert.match((await askAt(to, '/')).body.toString(), /example\.com\/a/);
    assert.equal((await askAt(to, '/api/v1/gc', { method: 'POST' })).status, 404);
  });
  assert.equal(ran.code, 0, ran.stderr);
  const { listening, write } = JSON.parse(ran.stdout.toString()) as { listening: string; write: boolean };
  assert.match(listening, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal(write, false);
  assert.equal(index(), before);
  assert.deepEqual(fs.readdirSync(`${s.store}/staging`), []);
});

test('at a socket, with leave to write, it ends by Ctrl-C as well', async (t) => {
  const s = new TestStore(t);
  await s.ok(['import', s.aci('a.aci', { name: 'example.com/a' })]);
  const socketPath = s.path('s');
  const ran = await during(s, ['--listen', `unix:${socketPath}`, '--write'], 'SIGINT', async () => {
    assert.equal((await askAt({ socketPath }, '/api/v1/images/example.com%2Fa/pin', { method: 'PUT' })).status, 200);
  });
  assert.deepEqual([ran.code, ran.stdout.toString()], [0, '']);
  assert.equal(ran.stderr, `cairn: listening at unix:${socketPath}, requests may write\n`);
  assert.ok(!fs.existsSync(socketPath));
  assert.equal((await s.json<{ pinned: boolean }>(['inspect', 'example.com/a'])).pinned, true);
});

test('what cannot be served is said', async (t) => {
  const s = new TestStore(t);
  await s.refused(['serve'], 'ERR_NOT_FOUND', 3);
  await s.ok(['import', s.aci('a.aci', { name: 'example.com/a' })]);
  await s.refused(['serve', '--listen', '0.0.0.0:0'], 'ERR_USAGE', 2);
  await s.refused(['serve', '--listen', 'nonsense'], 'ERR_USAGE', 2);
  await s.refused(['serve', '--token-file', s.path('none')], 'ERR_IO', 1);
});
