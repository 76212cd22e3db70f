/** One repository of a registry: lists that do not end, and uploads to registries that fail. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { HttpClient, type HttpResponse } from '../../engine/remote/http.js';
import { Repository } from '../../engine/remote/registry.js';
import { type Outgoing, type UploadTarget, uploadBlob, uploadLocation } from '../../engine/remote/upload.js';
import { QUICK } from '../fixtures/fetch-quickly.js';
import { type Handler, TestServer } from '../fixtures/https-server.js';
import { digestOf } from '../fixtures/oci.js';

const MOST = 2 ** 22;
const BODY = Buffer.alloc(20 * 2 ** 20, 'layer');

interface World {
  server: TestServer;
  http: HttpClient;
  repository: Repository;
}

async function repositoryOf(t: TestContext): Promise<World> {
  const server = await TestServer.start(t);
  const http = new HttpClient({ userAgent: 'cairn/test', retry: QUICK });
  t.after(() => http.close());
  return { server, http, repository: new Repository({ http, base: new URL(server.url()), name: 'app' }) };
}

const LISTED = '/v2/app/referrers/sha256:1';

/** Answers each page with a link to another one. */
function endless(manifests: readonly object[]): Handler {
  let page = 0;
  return (_request, response) => {
    response.writeHead(200, { link: `<${LISTED}?page=${++page}>; rel="next"` });
    response.end(JSON.stringify({ manifests }));
  };
}

test('referrers come page by page, and no page is taken from another host', async (t) => {
  const { server, repository } = await repositoryOf(t);
  const next = (link: string): Record<string, string> => ({ link: `<${link}>; rel="next"` });
  server
    .serve(LISTED, { body: '{"manifests":[1,2]}', headers: next(`${LISTED}?last=2`) })
    .serve(`${LISTED}?last=2`, { body: '{"manifests":[3]}', headers: next('https://example.com/v2/') });
  assert.deepEqual(await repository.referrers('sha256:1', MOST), [1, 2, 3]);
  server.serve(LISTED, '{"manifests":null}');
  assert.deepEqual(await repository.referrers('sha256:1', MOST), []);
});

test('a registry that knows no referrers says so in many ways, and its tag may be none', async (t) => {
  const { server, repository } = await repositoryOf(t);
  const digest = `sha256:${'1'.repeat(64)}`;
  const tag = `/v2/app/manifests/sha256-${'1'.repeat(64)}`;
  server.serve(tag, '{"manifests":[1]}');
  for (const status of [400, 404, 405, 406, 501]) {
    server.serve(`/v2/app/referrers/${digest}`, { status });
    assert.deepEqual(await repository.referrers(digest, MOST), [1]);
  }
  server.serve(`/v2/app/referrers/${digest}`, {
    body: '<html>',
    headers: { 'content-type': 'Text/HTML; charset=utf-8' },
  });
  assert.deepEqual(await repository.referrers(digest, MOST), [1]);
  server.serve(tag, { status: 404 });
  assert.deepEqual(await repository.referrers(digest, MOST), []);
  // Registries that take such a tag for the digest give the image itself.
  const index = Buffer.from('{"manifests":[2]}');
  const own = digestOf(index);
  server.serve(`/v2/app/referrers/${own}`, { status: 404 }).serve(`/v2/app/manifests/${own.replace(':', '-')}`, index);
  assert.deepEqual(await repository.referrers(own, MOST), []);
});

test('a list of referrers without an end is given up', async (t) => {
  const { server, repository } = await repositoryOf(t);
  const refused = (message: RegExp) =>
    assert.rejects(repository.referrers('sha256:1', MOST), { code: 'ERR_LIMIT', message });
  server.serve(LISTED, endless(Array.from({ length: 20_000 }, () => ({}))));
  await refused(/more than 32768 referrers/);
  server.serve(LISTED, `{"manifests":[${'0,'.repeat(500_000)}0]}`);
  await refused(/more than 32768 referrers/);
  server.serve(LISTED, endless([]));
  await refused(/more than 100 pages/);
  server.serve(LISTED, { body: '{"manifests":[1],', fault: 'endless' });
  await refused(/sends more than/);
});

type Answering = Parameters<Handler>[1];

/** Takes an upload as registries do, and keeps what it took. */
class Uploads {
  taken = Buffer.alloc(0);
  isDone = false;
  readonly requests: string[] = [];
  /** What becomes of the next requests that bring bytes. */
  #next: ((response: Answering, body: Buffer, request: Parameters<Handler>[0]) => void)[] = [];
  /** The location of the next request: it is another one each time. */
  #state = 0;

  constructor(server: TestServer, headers: Record<string, string> = {}) {
    server
      .serve('/v2/app/blobs/uploads/', (_request, response) => {
        this.requests.push('POST');
        this.taken = Buffer.alloc(0);
        response.writeHead(202, { ...headers, location: this.#location() }).end();
      })
      .serve('/v2/app/blobs/uploads/1', (request, response, body) => {
        this.requests.push(`${request.method} ${body.length}`);
        const isSigned = request.url?.includes('?sig=a%20b~%2B*&') === true;
        if (!isSigned || !request.url?.includes(`state=${this.#state}`)) return response.writeHead(400).end();
        const next = request.method === 'GET' ? undefined : this.#next.shift();
        if (next !== undefined) return next(response, body, request);
        return this.take(response, body, request.method);
      });
    server.serve(`/v2/app/blobs/${digestOf(BODY)}`, (_request, response) =>
      response.writeHead(this.isDone ? 200 : 404).end(),
    );
  }

  /** Takes bytes, and says how many there are. */
  take(response: Answering, body: Buffer, method = 'PATCH', status = method === 'GET' ? 204 : 202, told = -1): void {
    this.taken = Buffer.concat([this.taken, body]);
    if (method === 'PUT') this.isDone = true;
    const range = `0-${Math.max(0, (told < 0 ? this.taken.length : told) - 1)}`;
    response.writeHead(method === 'PUT' ? 201 : status, { location: this.#location(), range }).end();
  }

  answering(...next: ((response: Answering, body: Buffer) => void)[]): this {
    this.#next = next;
    return this;
  }

  #location(): string {
    return `/v2/app/blobs/uploads/1?sig=a%20b~%2B*&state=${++this.#state}`;
  }
}

const says =
  (status: number) =>
  (response: Answering): void =>
    void response.writeHead(status).end();
const breaks = (response: Answering): void => void response.socket?.destroy();

function outgoing(body = BODY): Outgoing {
  return { digest: digestOf(body), size: body.length, open: (from, to) => Readable.from([body.subarray(from, to)]) };
}

test('a blob goes in one piece, and in several where the registry wants no more at a time', async (t) => {
  const { server, repository } = await repositoryOf(t);
  const whole = new Uploads(server);
  await repository.upload(outgoing());
  assert.ok(whole.isDone);
  assert.ok(whole.taken.equals(BODY));
  assert.deepEqual(whole.requests, ['POST', `PUT ${BODY.length}`]);
  const pieces = new Uploads(server).answering(says(413));
  await repository.upload(outgoing());
  assert.ok(pieces.isDone);
  assert.ok(pieces.taken.equals(BODY));
  assert.deepEqual(pieces.requests.slice(2), [
    'GET 0',
    ...['PATCH 8388608', 'PATCH 8388608', 'PATCH 4194304', 'PUT 0'],
  ]);
});

test('pieces are as small, and as large, as the registry wants them', async (t) => {
  const { server, repository } = await repositoryOf(t);
  const smaller = new Uploads(server).answering(says(413), says(413));
  await repository.upload(outgoing());
  assert.ok(smaller.taken.equals(BODY));
  assert.deepEqual(smaller.requests.slice(4, 6), ['GET 0', 'PATCH 4194304']);
  const larger = new Uploads(server, { 'oci-chunk-min-length': `${10 * 2 ** 20}` }).answering(says(413));
  await repository.upload(outgoing());
  assert.ok(larger.taken.equals(BODY));
  assert.deepEqual(larger.requests.slice(2), ['GET 0', 'PATCH 10485760', 'PATCH 10485760', 'PUT 0']);
});

test('an upload that breaks, or meets a registry in trouble, goes on from where the registry stands', async (t) => {
  const { server, http } = await repositoryOf(t);
  const small = BODY.subarray(0, 20_000);
  const target: UploadTarget = {
    shown: 'registry/app',
    uploads: new URL(server.url('/v2/app/blobs/uploads/')),
    send: (request) => http.request(request),
    has: async () => uploads.isDone,
    retry: QUICK,
    signal: undefined,
    piece: 8000,
  };
  const half = (response: Answering, body: Buffer): void => uploads.take(response, body.subarray(0, body.length / 2));
  const lost = (response: Answering, body: Buffer): void => {
    uploads.taken = Buffer.concat([uploads.taken, body]);
    response.socket?.destroy();
  };
  const taken = (response: Answering, body: Buffer): void => uploads.take(response, body);
  const quietly = (response: Answering, body: Buffer): void => uploads.take(response, body, 'PATCH', 204);
  /** As if each piece were the first. */
  const lagging = (response: Answering, body: Buffer): void => uploads.take(response, body, 'PATCH', 202, body.length);
  /** Bytes are missing from the middle: the registry had less than it said. */
  const missing = (response: Answering): void => {
    uploads.taken = Buffer.alloc(0);
    says(400)(response);
  };
  let uploads = new Uploads(server);
  for (const next of [
    [breaks],
    [says(503)],
    [breaks, breaks],
    [breaks, taken, breaks, taken, says(502)],
    [breaks, half, half, half],
    [breaks, quietly, quietly],
    [breaks, lost, lost],
    [breaks, lagging, lagging, lagging],
    [breaks, taken, breaks, taken, taken, missing],
    [says(413), says(416), taken, says(416)],
    [breaks, taken, says(404)],
    [breaks, taken, taken, taken, says(500)],
  ]) {
    uploads = new Uploads(server).answering(...next);
    await uploadBlob(target, outgoing(small)).catch((error) => assert.fail(`${error} ${uploads.requests}`));
    assert.ok(uploads.isDone, uploads.requests.join());
    assert.ok(uploads.taken.equals(small), uploads.requests.join());
  }
});

test('an upload that is done though its answer was lost is done', async (t) => {
  const { server, repository } = await repositoryOf(t);
  const uploads = new Uploads(server).answering((response) => {
    uploads.isDone = true;
    breaks(response);
  });
  await repository.upload(outgoing());
  assert.deepEqual(uploads.requests, ['POST', `PUT ${BODY.length}`]);
});

test('a registry that forgets an upload again and again is given up', async (t) => {
  const { server, repository } = await repositoryOf(t);
  const uploads = new Uploads(server).answering(...Array.from({ length: 9 }, () => says(404)));
  await assert.rejects(repository.upload(outgoing()), { code: 'ERR_NOT_FOUND' });
  assert.deepEqual(uploads.isDone, false);
});

test('an upload is sent nowhere else, and a refusal is final', async (t) => {
  const { server, repository } = await repositoryOf(t);
  server.serve('/v2/app/blobs/uploads/', { status: 202, headers: { location: 'https://example.com/upload' } });
  await assert.rejects(repository.upload(outgoing()), { code: 'ERR_HTTP', message: /to another host, example\.com/ });
  server.serve('/v2/app/blobs/uploads/', { status: 202 });
  await assert.rejects(repository.upload(outgoing()), { code: 'ERR_HTTP', message: /does not say where/ });
  for (const status of [400, 403]) {
    const uploads = new Uploads(server).answering(says(status));
    await assert.rejects(repository.upload(outgoing()), { code: status === 400 ? 'ERR_HTTP' : 'ERR_UNAUTHORIZED' });
    assert.equal(uploads.requests.length, 2);
  }
});

test('where an upload goes on may be said in part, and by the plain name of a registry behind a proxy', () => {
  const uploads = new URL('https://r.example:8443/v2/app/blobs/uploads/');
  const at = (location: string | undefined): string => {
    const headers: Record<string, string> = location === undefined ? {} : { location };
    const response = { headers, url: uploads } as unknown as HttpResponse;
    return uploadLocation(response, { uploads, shown: 'r.example:8443/app' }, new URL('/before', uploads)).href;
  };
  assert.equal(at(undefined), 'https://r.example:8443/before');
  assert.equal(at('/v2/x?state=a%20b'), 'https://r.example:8443/v2/x?state=a%20b');
  assert.equal(at('one'), 'https://r.example:8443/v2/app/blobs/uploads/one');
  assert.equal(at('http://r.example:8443/v2/x'), 'https://r.example:8443/v2/x');
  const usual = { headers: { location: 'http://r.example:443/v2/x' }, url: new URL('https://r.example/v2/') };
  const onUsual = { uploads: usual.url, shown: 'r.example/app' };
  assert.equal(uploadLocation(usual as unknown as HttpResponse, onUsual).href, 'https://r.example/v2/x');
  for (const elsewhere of ['https://r.example/x', 'https://other.example:8443/x', 'ftp://r.example:8443/', 'http://['])
    assert.throws(() => at(elsewhere), { code: 'ERR_HTTP' }, elsewhere);
});

test('a registry that stores a manifest under another digest is told of', async (t) => {
  const { server, repository } = await repositoryOf(t);
  const bytes = Buffer.from('{}');
  const headers = { 'docker-content-digest': `sha256:${'0'.repeat(64)}` };
  server.serve('/v2/app/manifests/1', { status: 201, headers });
  const manifest = { bytes, digest: digestOf(bytes), mediaType: 'application/json' };
  await assert.rejects(repository.putManifest('1', manifest), { code: 'ERR_DIGEST_MISMATCH' });
});
