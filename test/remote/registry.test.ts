/** One repository of a registry: lists that do not end, and uploads to registries that fail. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { MAX_TAG_PAGES, MAX_TAGS } from '../../engine/core/limits.js';
import { HttpClient } from '../../engine/remote/http.js';
import { type Outgoing, Repository } from '../../engine/remote/registry.js';
import { type Handler, TestServer } from '../fixtures/https-server.js';
import { digestOf } from '../fixtures/oci.js';

const QUICK = { retries: 1, firstPauseMs: 1, longestPauseMs: 1000 };
const MOST = 2 ** 22;
const BODY = Buffer.alloc(20 * 2 ** 20, 'layer');

async function repositoryOf(t: TestContext): Promise<{ server: TestServer; repository: Repository }> {
  const server = await TestServer.start(t);
  const http = new HttpClient({ userAgent: 'cairn/test', retry: QUICK });
  t.after(() => http.close());
  return { server, repository: new Repository({ http, base: new URL(server.url()), name: 'app' }) };
}

async function tagsOf(repository: Repository): Promise<string[]> {
  const tags: string[] = [];
  for await (const tag of repository.tags(MOST)) tags.push(tag);
  return tags;
}

/** Answers each page with a link to another one. */
function endless(tags: readonly string[]): Handler {
  let page = 0;
  return (_request, response) => {
    response.writeHead(200, { link: `</v2/app/tags/list?page=${++page}>; rel="next"` });
    response.end(JSON.stringify({ name: 'app', tags }));
  };
}

test('tags come page by page, and no page is taken from another host', async (t) => {
  const { server, repository } = await repositoryOf(t);
  const next = (link: string): Record<string, string> => ({ link: `<${link}>; rel="next"` });
  server
    .serve('/v2/app/tags/list', { body: '{"tags":["a","b"]}', headers: next('/v2/app/tags/list?last=b') })
    .serve('/v2/app/tags/list?last=b', { body: '{"tags":["c"]}', headers: next('https://example.com/v2/') });
  assert.deepEqual(await tagsOf(repository), ['a', 'b', 'c']);
  server.serve('/v2/app/tags/list', '{"tags":null}');
  assert.deepEqual(await tagsOf(repository), []);
});

test('a list of tags without an end is given up', async (t) => {
  const { server, repository } = await repositoryOf(t);
  server.serve('/v2/app/tags/list', endless(Array.from({ length: 20_000 }, (_none, i) => `t${i}`)));
  await assert.rejects(tagsOf(repository), { code: 'ERR_LIMIT', message: new RegExp(`more than ${MAX_TAGS} tags`) });
  server.serve('/v2/app/tags/list', endless([]));
  await assert.rejects(tagsOf(repository), { code: 'ERR_LIMIT', message: new RegExp(`${MAX_TAG_PAGES} pages`) });
  server.serve('/v2/app/tags/list', { body: '{"tags":["x"],', fault: 'endless' });
  await assert.rejects(tagsOf(repository), { code: 'ERR_LIMIT', message: /sends more than/ });
});

/** Takes an upload as registries do, and keeps what it took. */
class Uploads {
  taken = Buffer.alloc(0);
  isDone = false;
  readonly requests: string[] = [];
  #failures: ((response: Parameters<Handler>[1]) => void)[] = [];

  constructor(server: TestServer) {
    const location = { location: '/v2/app/blobs/uploads/1?state=x' };
    server
      .serve('/v2/app/blobs/uploads/', (_request, response) => response.writeHead(202, location).end())
      .serve('/v2/app/blobs/uploads/1', (request, response, body) => {
        this.requests.push(`${request.method} ${body.length}`);
        const fails = request.method === 'GET' ? undefined : this.#failures.shift();
        if (fails !== undefined) return fails(response);
        const isRead = request.method === 'GET';
        if (!isRead) this.taken = Buffer.concat([this.taken, body]);
        if (request.method === 'PUT') this.isDone = true;
        const range = { range: `0-${Math.max(0, this.taken.length - 1)}` };
        return response.writeHead(request.method === 'PUT' ? 201 : isRead ? 204 : 202, { ...location, ...range }).end();
      });
  }

  failing(...failures: ((response: Parameters<Handler>[1]) => void)[]): this {
    this.#failures = failures;
    return this;
  }
}

function outgoing(): Outgoing {
  return { digest: digestOf(BODY), size: BODY.length, open: (from, to) => Readable.from([BODY.subarray(from, to)]) };
}

test('a blob goes in one piece, and in several where the registry wants no more at a time', async (t) => {
  const { server, repository } = await repositoryOf(t);
  const whole = new Uploads(server);
  await repository.upload(outgoing());
  assert.ok(whole.isDone);
  assert.deepEqual(whole.taken, BODY);
  assert.deepEqual(whole.requests, [`PUT ${BODY.length}`]);
  const pieces = new Uploads(server).failing((response) => response.writeHead(413).end());
  await repository.upload(outgoing());
  assert.ok(pieces.isDone);
  assert.deepEqual(pieces.taken, BODY);
  assert.deepEqual(pieces.requests.slice(1), [
    'GET 0',
    ...['PATCH 8388608', 'PATCH 8388608', 'PATCH 4194304', 'PUT 0'],
  ]);
});

test('an upload that breaks, or meets a registry in trouble, goes on in pieces', async (t) => {
  const { server, repository } = await repositoryOf(t);
  for (const fails of [
    (response: Parameters<Handler>[1]): void => void response.socket?.destroy(),
    (response: Parameters<Handler>[1]): void => void response.writeHead(503).end(),
  ]) {
    const uploads = new Uploads(server).failing(fails);
    await repository.upload(outgoing());
    assert.ok(uploads.isDone);
    assert.deepEqual(uploads.taken, BODY);
  }
});

test('an upload is sent nowhere else, and a refusal is final', async (t) => {
  const { server, repository } = await repositoryOf(t);
  server.serve('/v2/app/blobs/uploads/', { status: 202, headers: { location: 'https://example.com/upload' } });
  await assert.rejects(repository.upload(outgoing()), { code: 'ERR_HTTP', message: /to another host, example\.com/ });
  const uploads = new Uploads(server).failing((response) => response.writeHead(400).end());
  await assert.rejects(repository.upload(outgoing()), { code: 'ERR_HTTP' });
  assert.equal(uploads.requests.length, 1);
});

test('a registry that stores a manifest under another digest is told of', async (t) => {
  const { server, repository } = await repositoryOf(t);
  const bytes = Buffer.from('{}');
  const headers = { 'docker-content-digest': `sha256:${'0'.repeat(64)}` };
  server.serve('/v2/app/manifests/1', { status: 201, headers });
  const manifest = { bytes, digest: digestOf(bytes), mediaType: 'application/json' };
  await assert.rejects(repository.putManifest('1', manifest), { code: 'ERR_DIGEST_MISMATCH' });
});
