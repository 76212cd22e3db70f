/** Measures the memory of a fetch whose layers are far larger than it may be, as they are and compressed. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { withScratch } from '../../bench/inputs/scratch.js';
import { finish } from '../faults/report.js';
import { END, header } from '../fixtures/archive.js';
import { cairn } from '../fixtures/cli.js';
import { configOf, digestOf, MEDIA, manifestOf } from '../fixtures/oci.js';
import { TestRegistry } from '../fixtures/registry-server.js';

const MEGABYTES = 500;
const MOST = 300e6;
const PART = randomBytes(2 ** 20);

function* layer(): Generator<Buffer> {
  yield header({ name: 'big', size: MEGABYTES * PART.length });
  for (let i = 0; i < MEGABYTES; i++) yield PART;
  yield END;
}

interface Layer {
  digest: string;
  diffId: string;
  size: number;
  mediaType: string;
}

/** Writes the layer to a file. Compressed, it is hardly smaller: the parts are too far from each other. */
async function write(path: string, compress: boolean): Promise<Layer> {
  const plain = createHash('sha256');
  const source = Readable.from(layer()).on('data', (part: Buffer) => plain.update(part));
  const packing = compress ? [createGzip({ level: 1 })] : [];
  await pipeline([source, ...packing, fs.createWriteStream(path)]);
  const packed = createHash('sha256');
  for await (const part of fs.createReadStream(path)) packed.update(part);
  return {
    digest: `sha256:${packed.digest('hex')}`,
    diffId: `sha256:${plain.digest('hex')}`,
    size: fs.statSync(path).size,
    mediaType: compress ? MEDIA.gzipLayer : MEDIA.layer,
  };
}

async function peakOf(dir: string, compress: boolean): Promise<number> {
  const path = join(dir, 'layer');
  const { diffId, ...descriptor } = await write(path, compress);
  const ends: (() => void)[] = [];
  const registry = await TestRegistry.start({ after: (end: () => void) => ends.push(end) } as never);
  const config = Buffer.from(
    JSON.stringify({ ...configOf({ layers: [] }), rootfs: { type: 'layers', diff_ids: [diffId] } }),
  );
  registry.put('app', digestOf(config), config);
  const about = { mediaType: MEDIA.config, digest: digestOf(config), size: config.length };
  registry.say('app', '1', manifestOf(about, [descriptor]));
  registry.overrides.set(`/v2/app/blobs/${descriptor.digest}`, ({ response }) => {
    response.writeHead(200, { 'content-length': `${descriptor.size}` });
    fs.createReadStream(path).pipe(response);
  });
  const hook = new URL('../fixtures/peak-memory.js', import.meta.url).href;
  const peak = join(dir, 'peak');
  const env = { HOME: dir, XDG_RUNTIME_DIR: dir, NODE_OPTIONS: `--import=${hook}`, PEAK_MEMORY: peak };
  const ran = await cairn(['fetch', `docker://${registry.host}/app:1`], { store: join(dir, 'store'), env });
  for (const end of ends) end();
  assert.equal(ran.code, 0, ran.stderr);
  return Number(fs.readFileSync(peak, 'utf8'));
}

const peaks: Record<string, number> = {};
for (const [what, compress] of [
  ['plain', false],
  ['gzip', true],
] as const)
  peaks[what] = await withScratch(tmpdir(), 'cairn-test-', (dir) => peakOf(dir, compress));
finish({
  name: 'fetch-memory',
  figures: {
    'MB a layer': MEGABYTES,
    ...Object.fromEntries(
      Object.entries(peaks).map(([what, bytes]) => [`MB at most (${what})`, Math.round(bytes / 1e6)]),
    ),
  },
  wrong: Object.entries(peaks)
    .filter(([, bytes]) => bytes > MOST)
    .map(([what, bytes]) => `${what}: ${bytes} bytes of memory`),
});
