/**
 * A served store of ten thousand images, and two hundred slow clients: none of ten thousand events is missed, all
 * images are listed within a second, a fast client is hardly slower for the slow ones, and memory stays flat.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import type * as http from 'node:http';
import { join } from 'node:path';
import { openStore } from '../../engine/store.js';
import { fastScratch } from '../faults/fast.js';
import { finish } from '../faults/report.js';
import { aci, tar } from '../fixtures/archive.js';
import { ociLayout } from '../fixtures/oci.js';
import { type Child, startServer } from '../fixtures/serve-child.js';
import { noise } from '../fixtures/served.js';

const COUNT = Number(process.argv[2] ?? 10_000);
const BATCH = 500;
const SLOW = 200;
const ROUNDS = 7;
const MB = 2 ** 20;
/** More than the system's buffers hold. */
const LAYER = tar([{ name: 'large', content: noise(32 * MB) }]);

const wrong: string[] = [];
const figures: Record<string, number> = {};

await fastScratch(async (dir) => {
  const path = join(dir, 'store');
  await (await openStore({ dir: path, workers: 1 })).close();
  const server = await startServer(path);
  try {
    figures['events told'] = await eventsWhile(server, () => importMany(path, dir));
    if (figures['events told'] !== COUNT) wrong.push(`${figures['events told']} of ${COUNT} events were told`);
    await listAll(server);
    await fairness(server, path, dir);
  } finally {
    await server.stop();
  }
});
finish({ name: 'serve', figures, wrong });

async function importMany(path: string, dir: string): Promise<void> {
  const store = await openStore({ dir: path, workers: 2 });
  for (let from = 0; from < COUNT; from += BATCH) {
    const files = Array.from({ length: Math.min(BATCH, COUNT - from) }, (_none, i) => {
      const file = join(dir, `${i}.aci`);
      const name = `example.com/image-${from + i}`;
      fs.writeFileSync(file, aci({ name, labels: { version: '1' } }, [{ name: 'f', content: name }]));
      return file;
    });
    await store.importAll(files);
  }
  await store.close();
}

/** @returns how many events of imports came, each once and in order */
async function eventsWhile(server: Child, work: () => Promise<void>): Promise<number> {
  const ids: number[] = [];
  let rest = '';
  const stream = await server.open('/api/v1/events');
  stream.on('data', (chunk) => {
    const parts = `${rest}${chunk}`.split('\n\n');
    rest = parts.pop() as string;
    for (const part of parts) {
      const id = /^id: (\d+)\nevent: imported$/m.exec(part)?.[1];
      if (id !== undefined) ids.push(Number(id));
    }
  });
  await work();
  for (let tries = 0; tries < 100 && ids.length < COUNT; tries++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  stream.destroy();
  if (ids.some((id, i) => i > 0 && id !== (ids[i - 1] as number) + 1)) wrong.push('events came out of order');
  return ids.length;
}

async function listAll(server: Child): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const begun = performance.now();
    const { images } = JSON.parse((await server.get(`/api/v1/images?limit=${COUNT}`)).toString()) as {
      images: object[];
    };
    times.push(performance.now() - begun);
    if (images.length !== COUNT) wrong.push(`${images.length} of ${COUNT} images were listed`);
  }
  figures['ms to list all'] = Math.round(median(times));
  if (median(times) > 1000) wrong.push('listing all images took more than a second');
  const before = await server.memory();
  for (let round = 0; round < 20; round++) await server.get(`/api/v1/images?limit=${COUNT}`);
  figures['MB more after 20 lists'] = Math.round(((await server.memory()) - before) / MB);
  if ((figures['MB more after 20 lists'] as number) > 100) wrong.push('lists are kept in memory');
}

async function fairness(server: Child, path: string, dir: string): Promise<void> {
  const store = await openStore({ dir: path, workers: 2 });
  ociLayout(join(dir, 'layout'), [{ ref: 'l', layers: [LAYER], compress: 'gzip' }]);
  await store.import(`${join(dir, 'layout')}:l`, { name: 'large:1' });
  await store.close();
  const digest = createHash('sha256').update(LAYER).digest('hex');
  const blob = `/v2/large/blobs/sha256:${digest}`;
  const fast = async (): Promise<number> => {
    const begun = performance.now();
    const bytes = await server.get(blob);
    if (createHash('sha256').update(bytes).digest('hex') !== digest) wrong.push('wrong bytes were sent');
    return performance.now() - begun;
  };
  const rounds = async (): Promise<number> => {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) times.push(await fast());
    return median(times);
  };
  await fast();
  const alone = await rounds();
  const before = await server.memory();
  const slow = await Promise.all(Array.from({ length: SLOW }, () => server.open(blob)));
  for (const each of slow) trickle(each);
  const beside = await rounds();
  figures['slow clients'] = SLOW;
  figures['% of the time alone'] = Math.round((100 * beside) / alone);
  if (beside > 1.5 * alone) wrong.push('slow clients slow down a fast one');
  figures['MB more for slow clients'] = Math.round(((await server.memory()) - before) / MB);
  if ((figures['MB more for slow clients'] as number) > SLOW) wrong.push('slow clients cost more than 1 MB each');
  for (const each of slow) each.destroy();
}

/** Reads a little, now and then. */
function trickle(response: http.IncomingMessage): void {
  const timer = setInterval(() => response.read(16 * 1024), 100);
  response.on('close', () => clearInterval(timer));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}
