/** Which bytes fetches and pushes move, counted by the registry: as few as can be. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Fetched, FetchOptions, Pushed } from '../../engine/fetch/index.js';
import { openStore, type Store } from '../../engine/store.js';
import { tar } from '../fixtures/archive.js';
import { cairn, type Ran, type RunOptions, temporaryDirectory } from '../fixtures/cli.js';
import { setEnvironment } from '../fixtures/environment.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { blobPath, layoutOfBlobs } from '../fixtures/oci.js';
import { type Exchange, TestRegistry } from '../fixtures/registry-server.js';

keepThreads();

const BASE = tar([{ name: 'base', content: randomBytes(300_000) }]);
const APP = tar([{ name: 'app', content: randomBytes(100_000) }]);
const OTHER = tar([{ name: 'other', content: randomBytes(50_000) }]);

class World {
  readonly dir: string;
  readonly registry: TestRegistry;
  readonly store: Store;
  notices: string[] = [];

  private constructor(dir: string, registry: TestRegistry, store: Store) {
    this.dir = dir;
    this.registry = registry;
    this.store = store;
  }

  static async of(t: TestContext): Promise<World> {
    const dir = temporaryDirectory(t);
    setEnvironment(t, environment(dir));
    const notices: string[] = [];
    const store = await openStore({ dir: join(dir, 'store'), workers: 2, onNotice: (notice) => notices.push(notice) });
    t.after(() => store.close());
    const world = new World(dir, await TestRegistry.start(t), store);
    world.notices = notices;
    return world;
  }

  ref(repository: string): string {
    return `docker://${this.registry.host}/${repository}:1`;
  }

  /** Puts an image on the shelf. @returns its digest, and the bytes of each layer there */
  hold(repository: string, ...layers: Buffer[]): { digest: string; sizes: number[] } {
    const dir = join(this.dir, repository.replaceAll('/', '-'));
    const { manifest, layers: own } = this.registry.holdImage(dir, repository, '1', { layers, compress: 'gzip' });
    return { digest: manifest, sizes: own.map((digest) => fs.statSync(blobPath(dir, digest)).size) };
  }

  async fetch(repository: string, options: FetchOptions = {}): Promise<Fetched> {
    const [fetched] = await this.store.fetch([this.ref(repository)], options);
    assert.ok(fetched !== undefined && !('error' in fetched));
    return fetched;
  }

  push(image: string, repository: string): Promise<Pushed> {
    return this.store.push(image, this.ref(repository));
  }

  /** Another process with the same store. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return cairn(args, { store: join(this.dir, 'store'), ...options });
  }

  get partials(): string[] {
    const dir = join(this.dir, 'store', 'fetching');
    return fs.existsSync(dir) ? fs.readdirSync(dir) : [];
  }
}

/** Keeps what the user has set out of the tests. */
function environment(dir: string): Record<string, string> {
  return { HOME: dir, XDG_RUNTIME_DIR: dir, CAIRN_AUTH_DIRS: dir };
}

test('of an image whose base is here only the other layers come', async (t) => {
  const world = await World.of(t);
  const base = world.hold('base', BASE);
  const app = world.hold('team/app', BASE, APP);
  assert.equal((await world.fetch('base')).downloadedBytes, base.sizes[0]);
  world.registry.moved.out = 0;
  const fetched = await world.fetch('team/app');
  assert.equal(fetched.digest, app.digest);
  assert.equal(world.registry.moved.out - configBytes(world, app.digest), app.sizes[1]);
  assert.deepEqual([fetched.downloadedBytes, fetched.resumedBytes], [app.sizes[1], 0]);
  world.registry.moved.out = 0;
  const again = await world.fetch('team/app');
  assert.deepEqual([again.existed, again.downloadedBytes], [true, 0]);
  assert.equal(world.registry.moved.out, configBytes(world, app.digest));
  assert.deepEqual(world.partials, []);
});

/** Bytes of the configuration, which is a blob as well. */
function configBytes({ registry }: World, manifest: string): number {
  const document = [...registry.manifests].find(([name]) => name.endsWith(` ${manifest}`))?.[1];
  return JSON.parse(`${document?.bytes}`).config.size;
}

test('a push sends what the registry lacks, and takes the rest from where it is', async (t) => {
  const world = await World.of(t);
  const { registry } = world;
  const base = world.hold('base', BASE);
  const app = world.hold('app', BASE, APP);
  const config = configBytes(world, app.digest);
  for (const repository of ['base', 'app']) await world.fetch(repository);
  registry.moved.in = 0;
  const first = await world.push(app.digest, 'copy/app');
  assert.deepEqual(first, { ...first, digest: app.digest, original: true });
  assert.equal(first.mountedBytes, sum(app.sizes), 'both layers are in a repository that the image came from');
  assert.equal(first.pushedBytes, config);
  assert.equal(registry.moved.in, config);
  const again = await world.push(app.digest, 'copy/app');
  assert.deepEqual([again.pushedBytes, again.mountedBytes], [0, 0]);
  assert.equal(again.presentBytes, config + sum(app.sizes));
  assert.equal(registry.moved.in, config);

  const target = await World.of(t);
  const to = `docker://${target.registry.host}/new/app:1`;
  const pushed = await world.store.push(base.digest, to);
  assert.equal(pushed.pushedBytes, (base.sizes[0] as number) + configBytes(world, base.digest));
  target.registry.moved.in = 0;
  const onTop = await world.store.push(app.digest, to);
  assert.deepEqual([onTop.pushedBytes, onTop.presentBytes], [config + (app.sizes[1] as number), base.sizes[0]]);
  assert.equal(target.registry.moved.in, onTop.pushedBytes);
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}

test('an image without its archives is pushed with others, and says so', async (t) => {
  const world = await World.of(t);
  // Nobody compresses like this by default.
  const dir = layoutOfBlobs(join(world.dir, 'layout'), 'app:1', [gzipSync(BASE, { level: 0 })]);
  const { manifests } = JSON.parse(fs.readFileSync(join(dir, 'index.json'), 'utf8'));
  const { digest } = manifests[0];
  for (const name of fs.readdirSync(join(dir, 'blobs', 'sha256'))) {
    const bytes = fs.readFileSync(join(dir, 'blobs', 'sha256', name));
    if (digest.endsWith(name)) world.registry.say('app', '1', bytes);
    else world.registry.put('app', `sha256:${name}`, bytes);
  }
  await world.fetch('app', { keepArchive: false });
  const pushed = await world.push(digest, 'copy');
  assert.equal(pushed.original, false);
  assert.notEqual(pushed.digest, digest);
  assert.ok(pushed.pushedBytes > 0);
  const other = new Map([...world.registry.manifests].filter(([name]) => name.startsWith('copy ')));
  assert.ok(other.has(`copy ${pushed.digest}`));
});

test('archives that were not kept come again on request, and then they are', async (t) => {
  const world = await World.of(t);
  const { digest, sizes } = world.hold('app', BASE, APP);
  await world.fetch('app', { keepArchive: false });
  assert.equal((await world.fetch('app')).downloadedBytes, 0);
  const kept = await Promise.all([
    world.fetch('app', { keepArchive: true }),
    world.fetch('app', { keepArchive: true }),
  ]);
  assert.equal(sum(kept.map(({ downloadedBytes }) => downloadedBytes)), sum(sizes));
  assert.deepEqual(await world.push(digest, 'copy').then((pushed) => [pushed.digest, pushed.original]), [digest, true]);
  assert.deepEqual(world.partials, []);
});

test('several processes that fetch one image, and several images of one process, move bytes once', async (t) => {
  const world = await World.of(t);
  const { digest } = world.hold('app', BASE, APP);
  const others = world.hold('other', BASE, APP, OTHER);
  const refs = [world.ref('app'), world.ref('other')];
  const ran = await Promise.all([0, 1, 2, 3].map(() => world.run(['fetch', '--json', ...refs])));
  const results = ran.map((each) => (each.code === 0 ? each.json<Fetched[]>() : assert.fail(each.stderr)));
  for (const [app, other] of results) assert.deepEqual([app?.digest, other?.digest], [digest, others.digest]);
  const moved = sum(results.flat().map(({ downloadedBytes }) => downloadedBytes));
  assert.equal(moved, sum(others.sizes));
  const configs = results.length * (configBytes(world, digest) + configBytes(world, others.digest));
  assert.equal(world.registry.moved.out, moved + configs);
  assert.deepEqual(world.partials, []);
});

test('an image of many layers comes, however many workers read them', async (t) => {
  const world = await World.of(t);
  const layers = Array.from({ length: 16 }, (_none, i) => tar([{ name: `f${i}`, content: `${i}` }]));
  const { digest } = world.hold('app', ...layers);
  const ran = await world.run(['fetch', '--json', '--workers', '8', world.ref('app')]);
  assert.equal(ran.json<Fetched[]>()[0]?.digest, digest, ran.stderr);
});

/** Gives all but the last tenth of a blob, and then nothing. */
function stalling(bytes: Buffer): { override: (exchange: Exchange) => void; given: number } {
  const given = Math.floor(bytes.length * 0.9);
  const override = ({ response }: Exchange): void => {
    response.writeHead(200, { 'content-length': `${bytes.length}` }).write(bytes.subarray(0, given));
  };
  return { override, given };
}

/** Kills a fetch once a partial file has so many bytes. */
async function killAt(world: World, bytes: number): Promise<void> {
  let child: ChildProcess | undefined;
  const running = world.run(['fetch', world.ref('app')], { onStart: (started) => (child = started) });
  const size = (): number =>
    sum(world.partials.map((name) => fs.statSync(join(world.dir, 'store', 'fetching', name)).size));
  while (size() < bytes && child?.exitCode === null) await sleep(20);
  child?.kill('SIGKILL');
  assert.equal((await running).code, null);
}

test('a fetch that was killed at nine tenths brings the last one when it is run again', async (t) => {
  const world = await World.of(t);
  const layer = tar([{ name: 'big', content: randomBytes(4_000_000) }]);
  const dir = join(world.dir, 'layout');
  const { manifest, layers } = world.registry.holdImage(dir, 'app', '1', { layers: [layer] });
  const path = `/v2/app/blobs/${layers[0]}`;
  const { override, given } = stalling(layer);
  world.registry.overrides.set(path, override);
  await killAt(world, given);
  for await (const { name } of world.store.images()) assert.fail(name);
  world.registry.overrides.clear();
  world.registry.moved.out = 0;
  const fetched = await world.fetch('app');
  assert.equal(fetched.digest, manifest);
  assert.deepEqual([fetched.downloadedBytes, fetched.resumedBytes], [layer.length - given, given]);
  assert.ok(world.registry.moved.out < layer.length * 0.15);
  assert.deepEqual(world.partials, []);
});

test('a beginning that is not that of the blob is told of, and the blob fetched whole', async (t) => {
  const world = await World.of(t);
  const { digest } = world.hold('app', BASE);
  const bytes = gzipSync(BASE);
  const name = createHash('sha256').update(bytes).digest('hex');
  const write = (content: Buffer): void => {
    fs.mkdirSync(join(world.dir, 'store', 'fetching'), { recursive: true });
    fs.writeFileSync(join(world.dir, 'store', 'fetching', name), content);
  };
  for (const wrong of [randomBytes(1000), Buffer.concat([bytes.subarray(0, 1000), Buffer.alloc(5000)])]) {
    write(wrong);
    const fetched = await world.fetch('app');
    assert.equal(fetched.digest, digest);
    assert.deepEqual([fetched.downloadedBytes, fetched.resumedBytes], [bytes.length, 0]);
    assert.match(world.notices.splice(0).join('\n'), /an earlier fetch left of it is damaged/);
    assert.deepEqual(world.partials, []);
    await world.store.rm([digest]);
    await world.store.gc({ graceMs: 0 });
  }
});

test('the memory of a fetch does not depend on the size of a layer', async (t) => {
  const world = await World.of(t);
  const hook = new URL('../fixtures/peak-memory.js', import.meta.url).href;
  const peakOf = async (megabytes: number): Promise<number> => {
    const repository = `size${megabytes}`;
    const part = randomBytes(2 ** 20);
    const layer = tar([{ name: repository, content: Buffer.concat(Array.from({ length: megabytes }, () => part)) }]);
    world.registry.hold(join(world.dir, repository), repository, '1', { layers: [layer] });
    const file = join(world.dir, 'peak');
    const env = { NODE_OPTIONS: `--import=${hook}`, PEAK_MEMORY: file };
    assert.equal((await world.run(['fetch', world.ref(repository)], { env })).code, 0);
    return Number(fs.readFileSync(file, 'utf8'));
  };
  const peak = await peakOf(60);
  t.diagnostic(`${Math.round(peak / 1e6)} MB for a layer of 60 MB`);
  assert.ok(peak < 250e6, `${peak}`);
});
