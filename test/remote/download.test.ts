/** Downloads against servers that fail and lie. Pauses between tries are short here. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { isCairnError } from '../../engine/core/errors.js';
import { type Downloaded, type DownloadRequest, download } from '../../engine/remote/download.js';
import { HttpClient } from '../../engine/remote/http.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { type Answer, type Handler, TestServer } from '../fixtures/https-server.js';

const QUICK = { retries: 2, firstPauseMs: 1, longestPauseMs: 2000 };
const BODY = Buffer.from(Array.from({ length: 100_000 }, (_none, i) => (i * 7919) >> 3));

class World {
  readonly server: TestServer;
  readonly into: string;
  readonly #client: HttpClient;

  private constructor(t: TestContext, server: TestServer) {
    this.server = server;
    this.into = join(temporaryDirectory(t), 'file');
    this.#client = new HttpClient({ userAgent: 'cairn/test', retry: QUICK });
    t.after(() => this.#client.close());
  }

  static async of(t: TestContext, ...answers: (Answer | Handler | Buffer)[]): Promise<World> {
    return new World(t, (await TestServer.start(t)).serve('/blob', ...answers));
  }

  get bytes(): Buffer {
    return fs.readFileSync(this.into);
  }

  get ranges(): (string | undefined)[] {
    return this.server.asked.map(({ headers }) => headers.range);
  }

  get(more: Partial<DownloadRequest> = { size: BODY.length }): Promise<Downloaded> {
    const request = { url: this.server.url('/blob'), into: this.into, most: 2 ** 20, retry: QUICK, ...more };
    return download(this.#client, request);
  }
}

const ignoringRanges: Handler = (_request, response) => {
  response.writeHead(200).end(BODY);
};

test('a connection that breaks is taken up where it broke', async (t) => {
  const cut = { body: BODY, fault: 'cut', after: 70_000 } as const;
  const world = await World.of(t, cut, BODY);
  const got = await world.get();
  assert.deepEqual(world.bytes, BODY);
  assert.deepEqual(got, { size: BODY.length, downloadedBytes: BODY.length, resumedBytes: 0 });
  assert.match(world.ranges[1] ?? '', /^bytes=\d+-$/);
});

test('a server that is gone in the middle is given up after the tries of one request', async (t) => {
  const world = await World.of(t, { body: BODY, fault: 'cut', after: 70_000 }, { fault: 'reset' });
  await assert.rejects(world.get(), { code: 'ERR_NETWORK', message: /connection broke/ });
  assert.equal(world.server.asked.length, 1 + (1 + QUICK.retries));
  assert.deepEqual(world.bytes, BODY.subarray(0, world.bytes.length));
});

test('what an earlier attempt left is not asked for again', async (t) => {
  const world = await World.of(t, BODY);
  fs.writeFileSync(world.into, BODY.subarray(0, 90_000));
  assert.deepEqual(await world.get(), { size: BODY.length, downloadedBytes: 10_000, resumedBytes: 90_000 });
  assert.deepEqual(world.ranges, ['bytes=90000-']);
  assert.deepEqual(world.bytes, BODY);
});

test('a file that is whole is not asked for at all, and one that is too long is begun anew', async (t) => {
  const world = await World.of(t, BODY);
  fs.writeFileSync(world.into, BODY);
  assert.deepEqual(await world.get(), { size: BODY.length, downloadedBytes: 0, resumedBytes: BODY.length });
  assert.deepEqual(world.server.asked, []);
  fs.writeFileSync(world.into, Buffer.concat([BODY, BODY]));
  await world.get();
  assert.deepEqual(world.bytes, BODY);
});

test('a server without ranges gives everything, of which the beginning is passed over', async (t) => {
  const world = await World.of(t, ignoringRanges);
  fs.writeFileSync(world.into, BODY.subarray(0, 90_000));
  assert.equal((await world.get()).downloadedBytes, BODY.length);
  assert.deepEqual(world.bytes, BODY);
});

test('bytes that come again and again are no progress', async (t) => {
  const endsEarly: Handler = (_request, response) => {
    response.writeHead(200, { connection: 'close' });
    response.write(BODY.subarray(0, 60_000), () => response.end());
  };
  const world = await World.of(t, endsEarly);
  await assert.rejects(world.get(), { code: 'ERR_NETWORK', message: /60000 of 100000 bytes came/ });
  assert.equal(world.server.asked.length, 1 + QUICK.retries);
});

test('a blob of another size than was promised is refused before its bytes come', async (t) => {
  for (const size of [BODY.length - 1, BODY.length + 1]) {
    for (const here of [0, 50_000]) {
      const world = await World.of(t, BODY);
      fs.writeFileSync(world.into, BODY.subarray(0, here));
      await assert.rejects(world.get({ size }), { code: 'ERR_DIGEST_MISMATCH', message: /has 100000 bytes, not the/ });
      assert.equal(world.server.asked.length, 1);
      assert.equal(world.bytes.length, here);
    }
  }
});

test('no more bytes are taken than were promised, or allowed', async (t) => {
  const endless = { body: BODY, fault: 'endless' } as const;
  const promised = await World.of(t, endless);
  await assert.rejects(promised.get({ size: 250_000 }), { code: 'ERR_DIGEST_MISMATCH', message: /more than/ });
  assert.ok(promised.bytes.length <= 250_000);
  const allowed = await World.of(t, endless);
  await assert.rejects(allowed.get({ most: 250_000 }), { code: 'ERR_LIMIT' });
  assert.ok(allowed.bytes.length <= 250_000);
});

test('a server that cannot give the rest is asked for everything, and a reader keeps what it has', async (t) => {
  const noRanges: Handler = (request, response) => {
    if (request.headers.range === undefined) ignoringRanges(request, response, BODY);
    else response.writeHead(416).end();
  };
  const world = await World.of(t, noRanges);
  fs.writeFileSync(world.into, BODY.subarray(0, 50_000));
  const lengths: number[] = [];
  await world.get({ size: BODY.length, onBytes: (length) => lengths.push(length) });
  assert.deepEqual(world.bytes, BODY);
  assert.deepEqual(
    lengths,
    lengths.toSorted((a, b) => a - b),
  );
  fs.writeFileSync(world.into, Buffer.alloc(50_000));
  await world.get({});
  assert.deepEqual(world.bytes, BODY);
});

test('another range than was asked for is refused', async (t) => {
  const other: Handler = (_request, response) => {
    response.writeHead(206, { 'content-range': `bytes 0-9/${BODY.length}` }).end(BODY.subarray(0, 10));
  };
  const world = await World.of(t, other);
  fs.writeFileSync(world.into, BODY.subarray(0, 50_000));
  await assert.rejects(world.get(), { code: 'ERR_HTTP', message: /another range/ });
});

test('what may have changed is begun anew, unless the server says that it has not', async (t) => {
  const world = await World.of(t, BODY);
  fs.writeFileSync(world.into, Buffer.alloc(50_000));
  await world.get({ validator: '"of another state"' });
  assert.deepEqual(world.bytes, BODY);
  const unknown = await World.of(t, ignoringRanges);
  fs.writeFileSync(unknown.into, Buffer.alloc(50_000));
  await unknown.get({});
  assert.deepEqual(unknown.bytes, BODY);
});

test('property: wherever connections break, and whatever was there, the bytes are those of the server', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(BODY.length),
      fc.array(fc.record({ after: fc.nat(BODY.length), hasRanges: fc.boolean() }), { maxLength: QUICK.retries }),
      async (here, breaks) => {
        const cuts = breaks.map(({ after, hasRanges }): Answer | Handler => {
          if (!hasRanges) return { body: BODY, fault: 'cut', after };
          return (request, response) => {
            const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
            const range = { 'content-range': `bytes ${from}-${BODY.length - 1}/${BODY.length}` };
            response.writeHead(from === 0 ? 200 : 206, { 'content-length': `${BODY.length - from}`, ...range });
            response.write(BODY.subarray(from, from + after), () => response.socket?.destroy());
          };
        });
        const world = await World.of(t, ...cuts, BODY);
        fs.writeFileSync(world.into, BODY.subarray(0, here));
        await world.get();
        assert.deepEqual(world.bytes, BODY);
      },
    ),
    { numRuns: 30 },
  );
});

/** Sends bytes in a coding, whatever it was asked for. */
function coded(coding: string, bytes: Buffer, headers: Record<string, string> = {}): Handler {
  return (_request, response) => {
    response.writeHead(200, { 'content-encoding': coding, etag: '"same"', ...headers }).end(bytes);
  };
}

const PLAIN = Buffer.from('a plain archive '.repeat(5000));
const PACKED = gzipSync(PLAIN);

test('a file is what was compressed on its way, unless the way is all that is said of a compressed one', async (t) => {
  const again = gzipSync(PACKED);
  const cases: [coding: string, sent: Buffer, file: Buffer][] = [
    ['gzip', again, PACKED],
    ['x-gzip', again, PACKED],
    ['br', brotliCompressSync(PACKED), PACKED],
    ['br', brotliCompressSync(PLAIN), PLAIN],
    ['deflate', deflateSync(PLAIN), PLAIN],
    // Apache labels files so by their names.
    ['x-gzip', PACKED, PACKED],
    ['gzip', PACKED, PACKED],
    ['identity', PACKED, PACKED],
  ];
  for (const [coding, sent, file] of cases) {
    const world = await World.of(t, coded(coding, sent));
    const got = await world.get({});
    assert.deepEqual([got.size, got.downloadedBytes], [file.length, sent.length], coding);
    assert.ok(world.bytes.equals(file), coding);
  }
});

test('of a file whose size is known, the size tells whether it is coded', async (t) => {
  const length = (bytes: Buffer): Record<string, string> => ({ 'content-length': `${bytes.length}` });
  const coat = gzipSync(PLAIN);
  for (const [sent, file] of [
    [PACKED, PACKED],
    [coat, PLAIN],
    [gzipSync(PACKED), PACKED],
  ] as const) {
    const world = await World.of(t, coded('gzip', sent, length(sent)));
    await world.get({ size: file.length });
    assert.ok(world.bytes.equals(file));
  }
  const world = await World.of(t, coded('gzip', coat, length(coat)));
  await assert.rejects(world.get({ size: PLAIN.length - 1 }), { code: 'ERR_DIGEST_MISMATCH', message: /sends more/ });
});

test('what is coded begins anew after a break, and a range of it is none', async (t) => {
  const again = gzipSync(PACKED);
  const cut: Handler = (_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': again.length, etag: '"same"' });
    response.write(again.subarray(0, again.length / 2), () => response.socket?.destroy());
  };
  const world = await World.of(t, cut, coded('gzip', again));
  await world.get({});
  assert.ok(world.bytes.equals(PACKED));
  assert.deepEqual(world.ranges, [undefined, undefined]);
  const range: Handler = (_request, response) => {
    const headers = { 'content-encoding': 'gzip', 'content-range': `bytes 10-${again.length - 1}/${again.length}` };
    response.writeHead(206, headers).end(again.subarray(10));
  };
  const ranged = await World.of(t, { body: PACKED, fault: 'cut', after: 10 }, range, coded('gzip', again));
  await ranged.get({});
  assert.ok(ranged.bytes.equals(PACKED));
  assert.deepEqual(ranged.ranges, [undefined, 'bytes=10-', undefined]);
});

test('a coding that is a lie, a bomb, unknown, or without an end is an error', async (t) => {
  const bomb = gzipSync(gzipSync(Buffer.alloc(2 ** 22, randomBytes(2 ** 12))));
  const cases: [Handler | Answer, code: string, RegExp][] = [
    [coded('gzip', PLAIN), 'ERR_HTTP', /no gzip though it says so/],
    [coded('br', PACKED), 'ERR_HTTP', /no br though it says so/],
    [coded('gzip', gzipSync(PACKED).subarray(0, -20)), 'ERR_HTTP', /no gzip though it says so/],
    [coded('compress', PLAIN), 'ERR_HTTP', /in the content coding compress/],
    [coded('gzip, gzip', bomb), 'ERR_HTTP', /in the content coding gzip, gzip/],
    [coded('br', brotliCompressSync(Buffer.alloc(2 ** 22))), 'ERR_LIMIT', /sends more than 1048576 bytes/],
    [{ body: gzipSync(PACKED), fault: 'endless', headers: { 'content-encoding': 'gzip' } }, 'ERR_LIMIT', /./],
    [
      { body: gzipSync('endless '.repeat(1000)), fault: 'endless', headers: { 'content-encoding': 'gzip' } },
      'ERR_LIMIT',
      /./,
    ],
  ];
  for (const [answer, code, message] of cases) {
    const world = await World.of(t, answer);
    await assert.rejects(world.get({}), { code, message });
  }
});

test('a caller can cancel, and what came stays', async (t) => {
  const world = await World.of(t, { body: BODY, fault: 'stalled', after: 40_000 });
  const stop = new AbortController();
  const getting = world.get({
    size: BODY.length,
    signal: stop.signal,
    onBytes: (length) => {
      if (length === 40_000) stop.abort();
    },
  });
  await assert.rejects(getting, (error) => isCairnError(error, 'ERR_ABORTED'));
  assert.deepEqual(world.bytes, BODY.subarray(0, 40_000));
});
