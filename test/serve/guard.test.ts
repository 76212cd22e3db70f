/** Who is let in, and where a server listens. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as http from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isCairnError } from '../../engine/core/errors.js';
import { isLoopback, parseAddress } from '../../engine/serve/http/address.js';
import { serve } from '../../engine/serve/index.js';
import { askAt, Served } from '../fixtures/served.js';

const TOKEN = 'a-token-of-32-characters-or-more';
const OTHER = 'another-token-with-words-in-it-1';

let served: Served;
let tokenFile: string;
let guarded: Awaited<ReturnType<typeof serve>>;

before(async () => {
  served = await Served.start();
  tokenFile = join(served.dir, 'tokens');
  fs.writeFileSync(tokenFile, `# who may come in\n${TOKEN}\n\n${OTHER}\n`, { mode: 0o600 });
  guarded = await serve(served.store, { listen: '127.0.0.1:0', tokenFile });
});
after(async () => {
  await guarded.close();
  await served.stop();
});

const isUsage = (error: unknown): boolean => isCairnError(error, 'ERR_USAGE');

test('addresses are read, and only those of this machine are its own', () => {
  assert.deepEqual(parseAddress('127.0.0.1:80'), { kind: 'tcp', host: '127.0.0.1', port: 80 });
  assert.deepEqual(parseAddress('[::1]:0'), { kind: 'tcp', host: '::1', port: 0 });
  assert.deepEqual(parseAddress('unix:/run/x.sock'), { kind: 'unix', path: '/run/x.sock' });
  const bad = ['', '80', ':80', '127.0.0.1', '127.0.0.1:65536', '127.0.0.1:-1', '::1:80', '[::g]:80', '[1.2.3.4]:80'];
  for (const text of [...bad, 'a b:80', 'unix:', `unix:/${'a'.repeat(200)}`, 'http://a:80'])
    assert.throws(() => parseAddress(text), isUsage, text);
  for (const host of ['127.0.0.1', '127.8.9.1', '::1', 'localhost', 'LOCALHOST']) assert.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '128.0.0.1', 'localhost.example.com', '127.0.0.1.example.com', 'x'])
    assert.ok(!isLoopback(host), host);
});

test('an address that other machines reach needs a token', async () => {
  for (const listen of ['0.0.0.0:0', '[::]:0', 'some.example.com:0'])
    await assert.rejects(
      serve(served.store, { listen }),
      (error: Error) => isUsage(error) && /--token-file/.test(error.message),
    );
});

test('a file of tokens must be secret, and have good ones', async () => {
  const cases: [text: string, mode: number, why: RegExp][] = [
    [TOKEN, 0o644, /others may read it \(mode 0644\)/],
    ['', 0o600, /no token/],
    ['# nothing\n', 0o600, /no token/],
    ['short', 0o600, /at least 16/],
    ['with spaces in the middle of it', 0o600, /without spaces/],
  ];
  for (const [text, mode, why] of cases) {
    const file = join(served.dir, 'bad-tokens');
    fs.rmSync(file, { force: true });
    fs.writeFileSync(file, text);
    fs.chmodSync(file, mode);
    await assert.rejects(
      serve(served.store, { listen: '127.0.0.1:0', tokenFile: file }),
      (error: Error) => isUsage(error) && why.test(error.message),
      text,
    );
  }
  await assert.rejects(serve(served.store, { listen: '127.0.0.1:0', tokenFile: '/nonexistent' }), (error) =>
    isCairnError(error, 'ERR_IO'),
  );
});

test('with tokens, whoever sends one is let in, as Bearer or as anybody with it for a password', async () => {
  const port = Number(new URL(guarded.url).port);
  const ask = (path: string, authorization?: string) =>
    askAt({ host: '127.0.0.1', port }, path, authorization === undefined ? {} : { headers: { authorization } });
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  for (const path of [
    '/',
    '/api/v1/images',
    '/metrics',
    '/v2/',
    '/api/v1/events',
    '/page/style.css',
    '/nothing',
    '/%',
    '/v2/%zz',
  ]) {
    const refused = await ask(path);
    assert.equal(refused.status, 401, path);
    assert.match(refused.headers['www-authenticate'] as string, /^Basic realm="cairn"/);
  }
  const { errors } = (await ask('/v2/')).json<{ errors: { code: string }[] }>();
  assert.equal(errors[0]?.code, 'UNAUTHORIZED');
  const good = [`Bearer ${TOKEN}`, `bearer ${OTHER}`, basic(`me:${TOKEN}`), basic(`:${OTHER}`)];
  for (const each of good) assert.equal((await ask('/v2/', each)).status, 200, each);
  const bad = [
    `Bearer ${TOKEN}x`,
    'Bearer',
    `Bearer ${TOKEN.slice(1)}`,
    TOKEN,
    basic(TOKEN),
    basic(`${TOKEN}:`),
    basic(`me:${TOKEN}:`),
    `Digest ${TOKEN}`,
    'Basic %%%',
  ];
  for (const each of bad) assert.equal((await ask('/v2/', each)).status, 401, each);
  assert.equal((await ask('/healthz')).status, 200);
  assert.equal((await ask('/healthz?x=1')).status, 401);
});

test('names that are turned to this machine, and pages of other servers, get nothing', async () => {
  const { host } = served;
  const cases: [headers: http.OutgoingHttpHeaders, status: number][] = [
    [{}, 200],
    [{ host: 'localhost' }, 200],
    [{ host: `localhost:${host.split(':')[1]}` }, 200],
    [{ host: '[::1]:1' }, 200],
    [{ host: 'evil.example.com' }, 421],
    [{ host: `evil.example.com:${host.split(':')[1]}` }, 421],
    [{ host: '127.0.0.1.example.com' }, 421],
    [{ host: 'a@127.0.0.1' }, 421],
    [{ origin: `http://${host}` }, 200],
    [{ origin: 'http://evil.example.com' }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'same-origin' }, 200],
    [{ 'sec-fetch-site': 'none' }, 200],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }, 403],
    [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }, 200],
    [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }, 403],
  ];
  for (const [headers, status] of cases) {
    const answer = await served.ask('/api/v1/images', { headers });
    assert.equal(answer.status, status, JSON.stringify(headers));
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
  }
  const preflight = await served.ask('/api/v1/gc', { method: 'OPTIONS', headers: { origin: `http://${host}` } });
  assert.equal(preflight.status, 404);
});

test('a socket is its owner’s alone, is taken over from the dead, and goes with its server', async () => {
  const socketPath = join(served.dir, 'serve.sock');
  const first = await serve(served.store, { listen: `unix:${socketPath}` });
  assert.equal(fs.statSync(socketPath).mode & 0o777, 0o600);
  assert.equal((await askAt({ socketPath }, '/healthz')).status, 200);
  assert.equal((await askAt({ socketPath }, '/healthz', { headers: { host: 'anything' } })).status, 200);
  await assert.rejects(serve(served.store, { listen: `unix:${socketPath}` }), (error) =>
    isCairnError(error, 'ERR_EXISTS'),
  );
  await first.close();
  assert.ok(!fs.existsSync(socketPath));
  // A server that was killed left its socket.
  const dead = http.createServer();
  await new Promise<void>((resolve) => dead.listen(socketPath, resolve));
  fs.linkSync(socketPath, `${socketPath}.kept`);
  await new Promise((resolve) => dead.close(resolve));
  fs.renameSync(`${socketPath}.kept`, socketPath);
  const second = await serve(served.store, { listen: `unix:${socketPath}` });
  assert.equal((await askAt({ socketPath }, '/healthz')).status, 200);
  await second.close();
  fs.writeFileSync(socketPath, 'a file of somebody');
  await assert.rejects(serve(served.store, { listen: `unix:${socketPath}` }), (error) =>
    isCairnError(error, 'ERR_EXISTS'),
  );
  assert.equal(fs.readFileSync(socketPath, 'utf8'), 'a file of somebody');
});

test('an address that is taken is said to be', async () => {
  await assert.rejects(serve(served.store, { listen: served.host }), (error) => isCairnError(error, 'ERR_EXISTS'));
});

test('what is too large or no HTTP ends a connection, not the server', async () => {
  const [, port] = served.host.split(':');
  const say = (text: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(Number(port), '127.0.0.1');
      let said = '';
      socket.on('data', (chunk) => {
        said += chunk;
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(said.split('\r\n')[0] as string));
      socket.write(text);
      socket.setTimeout(5000, () => socket.destroy());
    });
  const line = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n';
  assert.match(await say(`${line}\r\n`), / 200 /);
  assert.match(await say(`${line}x: ${'a'.repeat(40_000)}\r\n\r\n`), / 431 /);
  assert.match(await say('GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n'), / 400 /);
  assert.match(await say('nonsense\r\n\r\n'), / 400 /);
  assert.match(await say(`${line}Host: localhost\r\n\r\n`), / (?:200|400) /);
  assert.match(
    await say('GET http://evil.example.com/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    / (?:404|200|400) /,
  );
  assert.equal((await served.ask('/healthz')).status, 200);
});
