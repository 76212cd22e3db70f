/** HTTP against servers that fail. Pauses between tries are short here. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { brotliCompressSync, deflateSync } from 'node:zlib';
import { type CairnError, type ErrorCode, isCairnError } from '../../engine/core/errors.js';
import { HttpClient, type HttpOptions, type HttpRequest } from '../../engine/remote/http.js';
import { makeAuthority } from '../fixtures/certificates.js';
import { setEnvironment } from '../fixtures/environment.js';
import { proxyTo, TestServer } from '../fixtures/https-server.js';

const QUICK = { retries: 2, firstPauseMs: 1, longestPauseMs: 2000 };
const AUTHORITY = makeAuthority();

function clientOf(t: TestContext, options: Partial<HttpOptions> = {}): HttpClient {
  const client = new HttpClient({ userAgent: 'cairn/test', retry: QUICK, ...options });
  t.after(() => client.close());
  return client;
}

async function refusal(work: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<CairnError> {
  const error = await work.then(
    () => assert.fail('it succeeded'),
    (thrown: unknown) => thrown,
  );
  assert.ok(isCairnError(error, code), `${error}`);
  assert.match(error.message, message);
  return error;
}

async function read(client: HttpClient, request: HttpRequest, most = 2 ** 20): Promise<string> {
  return (await (await client.request(request)).bytes(most)).toString();
}

test('a request says who asks, and asks for bytes as they are', async (t) => {
  const server = (await TestServer.start(t)).serve('/a', 'hello');
  assert.equal(await read(clientOf(t), { url: server.url('/a?x=1') }), 'hello');
  const [asked] = server.asked;
  assert.equal(asked?.headers['user-agent'], 'cairn/test');
  assert.equal(asked?.headers['accept-encoding'], 'identity');
  assert.equal(asked?.path, '/a?x=1');
});

test('redirects are followed, and the last address is told', async (t) => {
  const server = await TestServer.start(t);
  for (const [i, status] of [301, 302, 303, 307, 308].entries())
    server.serve(`/${i}`, { status, headers: { location: `${i + 1}` }, body: 'moved' });
  server.serve('/5', 'here');
  const response = await clientOf(t).request({ url: server.url('/0') });
  assert.equal(response.url.href, server.url('/5'));
  assert.equal((await response.bytes(10)).toString(), 'here');
});

test('a redirect with a long body does not disturb what comes after it', async (t) => {
  const server = (await TestServer.start(t))
    .serve('/a', { status: 302, headers: { location: '/b' }, body: Buffer.alloc(2 ** 20) })
    .serve('/b', 'here');
  assert.equal(await read(clientOf(t), { url: server.url('/a') }), 'here');
});

test('a redirect is not followed without an end, nor to what is no URL or another scheme', async (t) => {
  const server = (await TestServer.start(t))
    .serve('/loop', { fault: 'loop' })
    .serve('/bad', { status: 302, headers: { location: 'http://[' } })
    .serve('/file', { status: 302, headers: { location: 'file:///etc/passwd' } });
  const client = clientOf(t);
  await refusal(client.request({ url: server.url('/loop') }), 'ERR_HTTP', /redirects more than 10 times/);
  assert.equal(server.asked.length, 11);
  await refusal(client.request({ url: server.url('/bad') }), 'ERR_HTTP', /redirects to what is no URL/);
  await refusal(client.request({ url: server.url('/file') }), 'ERR_HTTP', /only https and http are spoken/);
});

test('credentials stay with the host that they are for', async (t) => {
  const other = (await TestServer.start(t)).serve('/there', 'there');
  const server = (await TestServer.start(t))
    .serve('/away', { status: 307, headers: { location: other.url('/there', 'localhost') } })
    .serve('/near', { status: 307, headers: { location: '/here' } })
    .serve('/here', 'here');
  const headers = { authorization: 'Basic c2VjcmV0', cookie: 'secret', accept: 'text/html' };
  const client = clientOf(t);
  await read(client, { url: server.url('/away'), headers });
  assert.equal(server.asked[0]?.headers.authorization, headers.authorization);
  assert.equal(other.asked[0]?.headers.authorization, undefined);
  assert.equal(other.asked[0]?.headers.cookie, undefined);
  assert.equal(other.asked[0]?.headers.accept, 'text/html');
  await read(client, { url: server.url('/near'), headers });
  assert.equal(server.asked.at(-1)?.headers.authorization, headers.authorization);
});

test('each host on the way gets its own credentials', async (t) => {
  const other = (await TestServer.start(t)).serve('/there', 'there');
  const server = (await TestServer.start(t)).serve('/away', {
    status: 302,
    headers: { location: other.url('/there', 'localhost') },
  });
  const authorize = ({ hostname }: URL): string => `Bearer for-${hostname}`;
  await read(clientOf(t, { authorize }), { url: server.url('/away') });
  assert.equal(server.asked[0]?.headers.authorization, 'Bearer for-127.0.0.1');
  assert.equal(other.asked[0]?.headers.authorization, 'Bearer for-localhost');
});

test('what passes is tried again, after the pause that the server asks for', async (t) => {
  const server = await TestServer.start(t);
  const client = clientOf(t);
  const late = { status: 429, headers: { 'retry-after': '0' } };
  server.serve('/429', late, { status: 503 }, 'now').serve('/reset', { fault: 'reset' }, 'now');
  assert.equal(await read(client, { url: server.url('/429') }), 'now');
  assert.equal(await read(client, { url: server.url('/reset') }), 'now');
  assert.equal(server.asked.length, 5);
});

test('it gives up after some tries, and at once where the pause would be too long', async (t) => {
  const server = await TestServer.start(t);
  const client = clientOf(t);
  server.serve('/always', { status: 500 }).serve('/tomorrow', { status: 429, headers: { 'retry-after': '86400' } });
  await refusal(client.request({ url: server.url('/always') }), 'ERR_HTTP', /answers 500$/);
  assert.equal(server.asked.length, 3);
  await refusal(client.request({ url: server.url('/tomorrow') }), 'ERR_HTTP', /answers 429$/);
  assert.equal(server.asked.length, 4);
  await refusal(client.request({ url: server.url('/always'), retries: 0 }), 'ERR_HTTP', /answers 500$/);
  assert.equal(server.asked.length, 5);
});

test('an answer that is final is not asked for again', async (t) => {
  const server = await TestServer.start(t);
  const client = clientOf(t);
  const cases: readonly [status: number, code: ErrorCode, message: RegExp][] = [
    [400, 'ERR_HTTP', /answers 400: BAD, not so$/],
    [401, 'ERR_UNAUTHORIZED', /wants credentials, or other ones \(401\)/],
    [403, 'ERR_UNAUTHORIZED', /refuses this \(403\)/],
    [404, 'ERR_NOT_FOUND', /answers 404/],
    [416, 'ERR_HTTP', /answers 416/],
    [304, 'ERR_HTTP', /answers 304/],
  ];
  for (const [status, code, message] of cases) {
    const body = status === 304 ? '' : JSON.stringify({ errors: [{ code: 'BAD', message: 'not so' }] });
    server.serve(`/${status}`, { status, body });
    const error = await refusal(client.request({ url: server.url(`/${status}?token=secret`) }), code, message);
    assert.equal(error.found, `${status}`);
    assert.doesNotMatch(error.message, /secret/);
  }
  assert.equal(server.asked.length, cases.length);
  const taken = await client.request({ url: server.url('/416'), accept: [416] });
  assert.equal(taken.status, 416);
  taken.body.destroy();
});

test('a body has an end, and is whole', async (t) => {
  const server = (await TestServer.start(t))
    .serve('/endless', { fault: 'endless' })
    .serve('/cut', { fault: 'cut', body: 'x'.repeat(10_000) })
    .serve('/short', { fault: 'short', body: 'x'.repeat(100) })
    .serve('/long', { fault: 'long', body: '12345' })
    .serve('/slow', { fault: 'slow', body: 'x'.repeat(100) });
  const client = clientOf(t);
  await refusal(read(client, { url: server.url('/endless') }), 'ERR_LIMIT', /sends more than 1048576 bytes/);
  await refusal(read(client, { url: server.url('/cut') }), 'ERR_NETWORK', /the connection broke/);
  await refusal(read(client, { url: server.url('/short') }), 'ERR_NETWORK', /the connection broke/);
  assert.equal(await read(client, { url: server.url('/long') }), '1234', 'what was announced');
  assert.equal((await read(client, { url: server.url('/slow') })).length, 100);
});

test('a body that nobody reads is let go', async (t) => {
  const server = (await TestServer.start(t)).serve('/endless', { fault: 'endless' });
  const { body } = await clientOf(t).request({ url: server.url('/endless') });
  body.destroy();
  await new Promise((resolve) => body.once('close', resolve));
});

test('compressed documents are read, bombs among them are not', async (t) => {
  const server = (await TestServer.start(t))
    .serve('/gzip', { fault: 'gzip', body: 'hello' })
    .serve('/bomb', { fault: 'gzip', body: Buffer.alloc(2 ** 22) })
    .serve('/lie', { headers: { 'content-encoding': 'gzip' }, body: 'hello' })
    .serve('/brotli', { headers: { 'content-encoding': 'BR' }, body: brotliCompressSync('hello') })
    .serve('/brotli-bomb', { headers: { 'content-encoding': 'br' }, body: brotliCompressSync(Buffer.alloc(2 ** 22)) })
    .serve('/deflate', { headers: { 'content-encoding': 'deflate' }, body: deflateSync('hello') })
    .serve('/as-it-is', { headers: { 'content-encoding': 'identity' }, body: 'hello' })
    .serve('/unknown', { headers: { 'content-encoding': 'compress' }, body: 'hello' })
    .serve('/transfer', { fault: 'transfer gzip', body: 'hello' });
  const client = clientOf(t);
  for (const path of ['/gzip', '/brotli', '/deflate', '/as-it-is'])
    assert.equal(await read(client, { url: server.url(path) }), 'hello');
  for (const path of ['/bomb', '/brotli-bomb'])
    await refusal(read(client, { url: server.url(path) }), 'ERR_LIMIT', /sends more than 1048576 bytes/);
  await refusal(read(client, { url: server.url('/unknown') }), 'ERR_HTTP', /in the content coding compress/);
  await refusal(read(client, { url: server.url('/lie') }), 'ERR_HTTP', /no gzip though it says so/);
  await refusal(read(client, { url: server.url('/transfer') }), 'ERR_HTTP', /transfer coding gzip/);
});

test('silence has an end', async (t) => {
  const server = (await TestServer.start(t))
    .serve('/silent', { fault: 'silent' })
    .serve('/stalled', { fault: 'stalled', body: 'x'.repeat(100) });
  const client = clientOf(t, { silenceMs: 50, retry: { retries: 0 } });
  await refusal(read(client, { url: server.url('/silent') }), 'ERR_NETWORK', /the server does not answer/);
  await refusal(read(client, { url: server.url('/stalled') }), 'ERR_NETWORK', /the server has stopped sending/);
});

test('a caller can cancel, while it waits for an answer, for bytes and for the next try', async (t) => {
  const server = (await TestServer.start(t))
    .serve('/silent', { fault: 'silent' })
    .serve('/stalled', { fault: 'stalled', body: 'x'.repeat(100) })
    .serve('/later', { status: 503, headers: { 'retry-after': '1' } });
  const client = clientOf(t);
  for (const path of ['/silent', '/stalled', '/later']) {
    const controller = new AbortController();
    const reading = read(client, { url: server.url(path), signal: controller.signal });
    const before = server.asked.length;
    while (server.asked.length === before) await new Promise((resolve) => setTimeout(resolve, 1));
    controller.abort();
    await refusal(reading, 'ERR_ABORTED', /cancelled/);
  }
});

test('a stream is sent once, bytes as often as it takes', async (t) => {
  const { Readable } = await import('node:stream');
  const server = (await TestServer.start(t))
    .serve('/bytes', { status: 500 }, { status: 201 })
    .serve('/stream', { status: 500 });
  const client = clientOf(t);
  const post = { method: 'POST', accept: [201] } as const;
  await read(client, { ...post, url: server.url('/bytes'), body: Buffer.from('hello') });
  assert.deepEqual(
    server.asked.map(({ body }) => body.toString()),
    ['hello', 'hello'],
  );
  const stream = Readable.from([Buffer.from('hello')]);
  await refusal(client.request({ ...post, url: server.url('/stream'), body: stream }), 'ERR_HTTP', /answers 500/);
  assert.equal(server.asked.length, 3);
});

test('a server must prove who it is', async (t) => {
  const good = (await TestServer.start(t, { authority: AUTHORITY })).serve('/', 'hello');
  const trusting = { ca: [AUTHORITY.cert] };
  assert.equal(await read(clientOf(t, trusting), { url: good.url() }), 'hello');
  await refusal(clientOf(t).request({ url: good.url() }), 'ERR_TLS', /certificate/);
  assert.equal(await read(clientOf(t, { anyCertificate: true }), { url: good.url() }), 'hello');
  const long = (days: number): Date => new Date(Date.now() + days * 86_400_000);
  const expired = AUTHORITY.issue(['127.0.0.1'], { from: long(-2), until: long(-1) });
  const foreign = AUTHORITY.issue(['example.com']);
  for (const [identity, message] of [
    [expired, /expired/],
    [foreign, /does not match|altnames/],
  ] as const) {
    const server = (await TestServer.start(t, { identity })).serve('/', 'hello');
    await refusal(clientOf(t, trusting).request({ url: server.url() }), 'ERR_TLS', message);
    assert.deepEqual(server.asked, [], 'not tried again, and told nothing');
  }
});

test('what speaks no TLS is no https, and nobody is a network error', async (t) => {
  const plain = await TestServer.start(t);
  await refusal(clientOf(t).request({ url: `https://${plain.host}/` }), 'ERR_TLS', /https:\/\/127\.0\.0\.1/);
  const gone = clientOf(t, { retry: { retries: 1, firstPauseMs: 1 } });
  const error = await refusal(gone.request({ url: 'http://127.0.0.1:1/x' }), 'ERR_NETWORK', /nobody listens there/);
  assert.equal(error.errno, 'ECONNREFUSED');
});

test('plain HTTP goes to this machine only, unless it is allowed', async (t) => {
  const server = (await TestServer.start(t)).serve('/', 'hello');
  const client = clientOf(t);
  assert.equal(await read(client, { url: server.url('/', 'localhost') }), 'hello');
  await refusal(client.request({ url: 'http://example.com/' }), 'ERR_TLS', /--insecure-options http/);
  await refusal(client.request({ url: 'ftp://example.com/' }), 'ERR_HTTP', /only https and http/);
  const moved = (await TestServer.start(t)).serve('/', { status: 302, headers: { location: 'http://example.com/' } });
  await refusal(client.request({ url: moved.url() }), 'ERR_TLS', /http:\/\/example\.com/);
});

test('another host cannot redirect to this machine', async (t) => {
  const server = await TestServer.start(t, { authority: AUTHORITY, names: ['example.com'] });
  const here = (await TestServer.start(t)).serve('/', 'secret');
  setEnvironment(t, (await proxyTo(t, server.port)).env);
  const client = clientOf(t, { ca: [AUTHORITY.cert], plainHttp: true });
  for (const host of ['127.0.0.1', 'localhost', 'a.localhost.', '0', '2130706433', '[::1]', '[::ffff:127.0.0.1]']) {
    server.serve('/x', { status: 307, headers: { location: here.url('/', host) } });
    await refusal(client.request({ url: 'https://example.com/x' }), 'ERR_HTTP', /redirects to this machine/);
  }
  assert.deepEqual(here.asked, []);
  const near = (await TestServer.start(t)).serve('/', { status: 307, headers: { location: here.url() } });
  assert.equal(await read(client, { url: near.url() }), 'secret');
});

test('a proxy of the environment leads to other hosts, and does not see what TLS hides', async (t) => {
  const server = await TestServer.start(t, { authority: AUTHORITY, names: ['example.com'] });
  server.serve('/x', 'hello');
  const proxy = await proxyTo(t, server.port);
  setEnvironment(t, proxy.env);
  const client = clientOf(t, { ca: [AUTHORITY.cert] });
  assert.equal(await read(client, { url: 'https://example.com/x' }), 'hello');
  assert.equal(await read(client, { url: 'https://example.com/x' }), 'hello');
  const tunnels = proxy.tunnels.length;
  assert.deepEqual(new Set(proxy.tunnels), new Set(['example.com:443']));
  assert.equal(await read(client, { url: server.url('/x') }), 'hello', 'not through the proxy');
  assert.equal(proxy.tunnels.length, tunnels);
  await refusal(client.request({ url: 'https://example.org/x' }), 'ERR_TLS', /altnames|does not match/);
});
