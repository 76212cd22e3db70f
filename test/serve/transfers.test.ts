/** Transfers: slow clients hold up nobody, what is made anew is made once, and gc takes nothing that is being sent. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as http from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { tar } from '../fixtures/archive.js';
import { digestOf, ociLayout } from '../fixtures/oci.js';
import { noise, Served } from '../fixtures/served.js';

const SLOW = 60;
/** More than the system's buffers hold, so that who does not read stops the sender. */
const LAYER = tar([{ name: 'large', content: noise(12_000_000) }]);

let served: Served;
const digest = digestOf(LAYER);

before(async () => {
  served = await Served.start({ write: true });
  ociLayout(join(served.dir, 'layout'), [{ ref: 'l', layers: [LAYER], compress: 'gzip' }]);
  await served.store.import(`${join(served.dir, 'layout')}:l`, { name: 'large:1' });
});
after(() => served.stop());

/** Begins to read, and stops. */
function begin(path: string): Promise<{ response: http.IncomingMessage; request: http.ClientRequest }> {
  return new Promise((resolve, reject) => {
    const port = served.host.split(':')[1];
    const request = http.get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.pause();
      resolve({ response, request });
    });
    request.on('error', reject);
  });
}

const made = async (): Promise<number> =>
  Number(/^cairn_made_bytes (\d+)$/m.exec((await served.ask('/metrics')).body.toString())?.[1]);

test('many slow clients hold up neither a fast one nor gc, and get all bytes in the end', async () => {
  const path = `/v2/large/blobs/${digest}`;
  const slow = await Promise.all(Array.from({ length: SLOW }, () => begin(path)));
  const fast = await served.ask(path);
  assert.equal(digestOf(fast.body), digest);
  // Made once, for all of them.
  assert.equal(await made(), LAYER.length);
  const { work } = await served.json<{ work: { what: string }[] }>('/api/v1/work');
  assert.equal(work.filter(({ what }) => what === 'sending').length, SLOW);
  // Nothing of the image is left when they read on.
  await served.store.rm(['large:1']);
  const { removed } = await served.store.gc({ graceMs: 0 });
  assert.equal(removed.images, 0);
  assert.equal((await served.store.counts()).objects, 0);
  assert.equal((await served.ask(path)).status, 404);
  const [one, ...others] = slow;
  assert.equal(digestOf(await buffer((one as (typeof slow)[number]).response)), digest);
  for (const { request } of others) request.destroy();
  const idle = async (): Promise<boolean> => (await served.json<{ work: object[] }>('/api/v1/work')).work.length === 0;
  for (let tries = 0; tries < 200 && !(await idle()); tries++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(await idle());
});

test('a kept archive that is being sent survives its image', async () => {
  const layout = join(served.dir, 'layout');
  const { key } = await served.store.import(`${layout}:l`, { name: 'large:2', keepArchive: true });
  const manifest = await served.json<{ layers: { digest: string }[] }>('/v2/large/manifests/2');
  const archive = manifest.layers[0]?.digest as string;
  const { response } = await begin(`/v2/large/blobs/${archive}`);
  await served.store.rm([key]);
  assert.equal((await served.store.counts()).blobs, 0);
  assert.equal(digestOf(await buffer(response)), archive);
});

test('what is made anew lies in staging, and goes with the server', async () => {
  const layout = join(served.dir, 'layout');
  await served.store.import(`${layout}:l`, { name: 'large:3' });
  const other = await Served.start({}, async () => served.store);
  assert.equal((await other.ask(`/v2/large/blobs/${digest}`, { headers: { range: 'bytes=0-9' } })).body.length, 10);
  const large = (): number =>
    (fs.readdirSync(join(served.dir, 'store/staging'), { recursive: true, encoding: 'utf8' }) as string[])
      .map((name) => fs.statSync(join(served.dir, 'store/staging', name)))
      .filter((stat) => stat.size === LAYER.length).length;
  const before = large();
  await other.server.close();
  assert.equal(large(), before - 1);
  fs.rmSync(other.dir, { recursive: true, force: true });
});

test('a server that ends lets those finish who are being sent something', async () => {
  const other = await Served.start({}, async () => served.store);
  const port = Number(other.host.split(':')[1]);
  const response = await new Promise<http.IncomingMessage>((resolve) => {
    http.get({ host: '127.0.0.1', port, path: `/v2/large/blobs/${digest}`, agent: false }, (got) => {
      got.pause();
      resolve(got);
    });
  });
  const listener = await new Promise<http.IncomingMessage>((resolve) => {
    http.get({ host: '127.0.0.1', port, path: '/api/v1/events', agent: false }, resolve);
  });
  const told = buffer(listener);
  const closing = other.server.close();
  assert.match((await told).toString(), /^retry: /);
  assert.equal(digestOf(await buffer(response)), digest);
  await closing;
  await other.server.closed;
  await assert.rejects(other.ask('/healthz'));
  fs.rmSync(other.dir, { recursive: true, force: true });
});
