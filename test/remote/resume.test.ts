/** Downloads that go on where they were: only behind bytes of the same state, and not for ever. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Downloaded, download, validatorOf } from '../../engine/remote/download.js';
import { HttpClient } from '../../engine/remote/http.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { type Answer, type Handler, TestServer } from '../fixtures/https-server.js';

const BODY = randomBytes(100_000);
const MOST = 2 ** 20;

interface World {
  server: TestServer;
  into: string;
  get: (options?: { validator?: string; size?: number }) => Promise<Downloaded>;
}

/** @param there bytes that the file has */
async function worldOf(t: TestContext, there: Buffer, ...answers: (Answer | Handler | Buffer)[]): Promise<World> {
  const server = (await TestServer.start(t)).serve('/x', ...answers);
  const http = new HttpClient({ userAgent: 'cairn/test', retry: { retries: 3, firstPauseMs: 1 } });
  t.after(() => http.close());
  const into = join(temporaryDirectory(t), 'x');
  fs.writeFileSync(into, there);
  return {
    server,
    into,
    get: (options = {}) => download(http, { url: server.url('/x'), into, most: MOST, ...options }),
  };
}

const tagged: Answer = { body: BODY, headers: { etag: '"one"' } };

test('bytes of the same state are gone on with, all others are taken anew', async (t) => {
  const half = BODY.subarray(0, 50_000);
  const other = randomBytes(50_000);
  const cases: [string, Buffer, string | undefined, number, (string | undefined)[]][] = [
    ['the same', half, '"one"', half.length, ['bytes=50000-']],
    ['another', other, '"two"', BODY.length, ['bytes=50000-']],
    ['nobody knows', other, undefined, BODY.length, [undefined]],
    ['all', BODY, '"one"', 0, ['bytes=100000-']],
    ['more than all', Buffer.concat([BODY, other]), '"one"', BODY.length, ['bytes=150000-', undefined]],
    ['as much of another', randomBytes(BODY.length), '"two"', BODY.length, ['bytes=100000-']],
  ];
  for (const [name, there, validator, moved, ranges] of cases) {
    const { server, into, get } = await worldOf(t, there, tagged);
    const { size, downloadedBytes, resumedBytes } = await get(validator === undefined ? {} : { validator });
    const all = [size, downloadedBytes, resumedBytes];
    assert.deepEqual(all, [BODY.length, moved, BODY.length - moved], name);
    assert.deepEqual(fs.readFileSync(into), BODY, name);
    assert.deepEqual(
      server.asked.map(({ headers }) => headers.range),
      ranges,
      name,
    );
  }
});

test('a server that never gets further than before is given up, one that does is not', async (t) => {
  const stuck = await worldOf(t, Buffer.alloc(0), { ...tagged, fault: 'cut', after: 50_000 });
  await assert.rejects(stuck.get(), { code: 'ERR_NETWORK' });
  assert.equal(stuck.server.asked.length, 4);
  const short = await worldOf(t, Buffer.alloc(0), { ...tagged, fault: 'short' });
  await assert.rejects(short.get(), { code: 'ERR_NETWORK' });
  const steps = Array.from({ length: 8 }, (_none, i): Answer => ({ ...tagged, fault: 'cut', after: 10_000 * (i + 1) }));
  const slow = await worldOf(t, Buffer.alloc(0), ...steps, tagged);
  assert.equal((await slow.get()).size, BODY.length);
  assert.deepEqual(fs.readFileSync(slow.into), BODY);
});

test('what comes after a break must be of the state that came before it', async (t) => {
  const other = randomBytes(120_000);
  const changed = await worldOf(
    t,
    Buffer.alloc(0),
    { ...tagged, fault: 'cut' },
    { body: other, headers: { etag: '"two"' } },
  );
  assert.equal((await changed.get()).size, other.length);
  assert.deepEqual(fs.readFileSync(changed.into), other);
  const untagged: Handler = (_request, response) => response.end(BODY);
  const broken: Handler = (_request, response) => {
    response.writeHead(200, { 'content-length': BODY.length });
    response.write(BODY.subarray(0, 50_000), () => response.socket?.destroy());
  };
  const anew = await worldOf(t, Buffer.alloc(0), broken, untagged);
  await anew.get();
  assert.deepEqual(
    anew.server.asked.map(({ headers }) => headers.range),
    [undefined, undefined],
  );
  assert.deepEqual(fs.readFileSync(anew.into), BODY);
});

test('what has a digest needs no validator', async (t) => {
  const { server, into, get } = await worldOf(t, BODY.subarray(0, 50_000), tagged);
  assert.equal((await get({ size: BODY.length })).downloadedBytes, 50_000);
  assert.deepEqual(fs.readFileSync(into), BODY);
  assert.equal(server.asked[0]?.headers['if-range'], undefined);
});

test('validators are strong', () => {
  const date = 'Sun, 29 Nov 2026 10:00:10 GMT';
  const cases: [Record<string, string>, string | undefined][] = [
    [{ etag: '"x"' }, '"x"'],
    [{ etag: 'W/"x"' }, undefined],
    [{ etag: 'x' }, undefined],
    [{ 'last-modified': 'Sun, 29 Nov 2026 10:00:00 GMT', date }, 'Sun, 29 Nov 2026 10:00:00 GMT'],
    [{ 'last-modified': date, date }, undefined],
    [{ 'last-modified': date }, undefined],
    [{ 'last-modified': 'yesterday', date }, undefined],
    [{}, undefined],
  ];
  for (const [headers, validator] of cases) assert.equal(validatorOf(headers), validator, JSON.stringify(headers));
});
