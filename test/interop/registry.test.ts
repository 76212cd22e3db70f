/**
 * Debian's registry between cairn, skopeo and podman: what one pushes the others pull, with the same digest. A test
 * whose peer is missing is skipped and says so.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import type { Fetched, Pushed } from '../../engine/fetch/index.js';
import { tar } from '../fixtures/archive.js';
import { cairn, temporaryDirectory } from '../fixtures/cli.js';
import { PASSWORD, startDockerRegistry, startGate, USER } from '../fixtures/docker-registry.js';
import { blobPath, type OciImageSpec, ociLayout, type WrittenImage } from '../fixtures/oci.js';
import { missing } from '../fixtures/peers.js';

const BASE = tar([
  { name: './', flag: '5' },
  { name: 'base', content: randomBytes(200_000) },
]);
const APP = tar([
  { name: './', flag: '5' },
  { name: 'app', content: randomBytes(100_000) },
]);

class World {
  readonly dir: string;
  readonly host: string;

  constructor(dir: string, host: string) {
    this.dir = dir;
    this.host = host;
  }

  static async of(t: TestContext, auth: 'none' | 'htpasswd' | 'token'): Promise<World> {
    const dir = temporaryDirectory(t);
    return new World(dir, await startDockerRegistry(t, dir, auth));
  }

  get env(): Record<string, string> {
    return { HOME: this.dir, XDG_RUNTIME_DIR: join(this.dir, 'run'), CAIRN_AUTH_DIRS: join(this.dir, 'none') };
  }

  /** A program that must succeed. It runs beside this process, which has the token server. */
  async peer(program: string, ...args: string[]): Promise<string> {
    const env = { ...process.env, ...this.env, TMPDIR: this.dir };
    return (await promisify(execFile)(program, args, { env, timeout: 60_000 })).stdout;
  }

  /** Writes an image, and has skopeo push it. */
  async skopeoPushes(repository: string, layers: OciImageSpec['layers']): Promise<WrittenImage> {
    const layout = join(this.dir, repository.replaceAll('/', '-'));
    const [image] = ociLayout(layout, [{ ref: '1', layers, compress: 'gzip' }]);
    await this.peer(
      'skopeo',
      'copy',
      '-q',
      '--dest-tls-verify=false',
      `oci:${layout}:1`,
      `docker://${this.host}/${repository}:1`,
    );
    return image as WrittenImage;
  }

  async seenBySkopeo(reference: string): Promise<string> {
    return JSON.parse(await this.peer('skopeo', 'inspect', '--tls-verify=false', `docker://${reference}`)).Digest;
  }

  async pulledByPodman(reference: string): Promise<string> {
    const own = [
      '--root',
      join(this.dir, 'podman'),
      '--runroot',
      join(this.dir, 'podman-run'),
      '--storage-driver',
      'vfs',
    ];
    await this.peer('podman', ...own, 'pull', '-q', '--tls-verify=false', reference);
    return (await this.peer('podman', ...own, 'image', 'inspect', '--format', '{{.Digest}}', reference)).trim();
  }

  async json<T>(args: readonly string[], input?: string): Promise<T> {
    const given = input === undefined ? {} : { input: Buffer.from(input) };
    const ran = await cairn([...args, '--json'], { store: join(this.dir, 'store'), env: this.env, ...given });
    assert.equal(ran.code, 0, `cairn ${args.join(' ')}: ${ran.stderr}`);
    return ran.json<T & never>();
  }

  async fetch(repository: string, host = this.host): Promise<Fetched> {
    return (await this.json<Fetched[]>(['fetch', `docker://${host}/${repository}:1`]))[0] as Fetched;
  }

  push(image: string, repository: string, host = this.host): Promise<Pushed> {
    return this.json(['push', image, `docker://${host}/${repository}:1`]);
  }

  sizeOf(repository: string, digest: string | undefined): number {
    return fs.statSync(blobPath(join(this.dir, repository.replaceAll('/', '-')), digest as string)).size;
  }
}

for (const auth of ['htpasswd', 'token'] as const) {
  const programs = ['docker-registry', 'skopeo', 'podman', ...(auth === 'token' ? ['openssl'] : [])];
  test(`what skopeo pushed is fetched, pushed elsewhere, and pulled by others: ${auth}`, {
    skip: missing(...programs),
  }, async (t) => {
    const world = await World.of(t, auth);
    await world.json(['login', '-u', USER, '--password-stdin', world.host], PASSWORD);
    const base = await world.skopeoPushes('team/base', [BASE]);
    const app = await world.skopeoPushes('team/app', [BASE, APP]);
    const [, appBytes = 0] = app.layers.map((digest) => world.sizeOf('team/app', digest));

    assert.equal((await world.fetch('team/base')).digest, base.manifest);
    const fetched = await world.fetch('team/app');
    assert.deepEqual([fetched.digest, fetched.downloadedBytes], [app.manifest, appBytes]);

    const pushed = await world.push(app.manifest, 'copies/app');
    assert.deepEqual([pushed.digest, pushed.original], [app.manifest, true]);
    assert.equal(pushed.mountedBytes, world.sizeOf('team/app', app.layers[0]) + appBytes);
    assert.equal(pushed.pushedBytes, world.sizeOf('team/app', app.config));
    const again = await world.push(app.manifest, 'copies/app');
    assert.deepEqual([again.pushedBytes, again.mountedBytes], [0, 0]);

    const copy = `${world.host}/copies/app:1`;
    assert.equal(await world.seenBySkopeo(copy), app.manifest);
    assert.equal(await world.pulledByPodman(copy), app.manifest);
  });
}

test('images of Docker, and lists of platforms, come through as they are', {
  skip: missing('docker-registry', 'skopeo'),
}, async (t) => {
  const world = await World.of(t, 'none');
  const { manifest } = await world.skopeoPushes('app', [BASE, APP]);
  const [from, to] = [`docker://${world.host}/app:1`, `docker://${world.host}/docker:1`];
  await world.peer(
    'skopeo',
    'copy',
    '-q',
    '--format',
    'v2s2',
    '--src-tls-verify=false',
    '--dest-tls-verify=false',
    from,
    to,
  );
  const docker = await world.seenBySkopeo(`${world.host}/docker:1`);
  assert.notEqual(docker, manifest);
  const fetched = await world.fetch('docker');
  assert.equal(fetched.digest, docker);
  const pushed = await world.push(docker, 'again');
  assert.deepEqual([pushed.digest, await world.seenBySkopeo(`${world.host}/again:1`)], [docker, docker]);

  const layout = join(world.dir, 'list');
  const platforms = ['amd64', 'arm64'].map((architecture) => ({ os: 'linux', architecture }));
  const written = ociLayout(
    layout,
    platforms.map((platform) => ({
      ref: '1',
      platform,
      layers: [tar([{ name: 'file', content: platform.architecture }])],
    })),
  );
  await world.peer(
    'skopeo',
    'copy',
    '-q',
    '--all',
    '--preserve-digests',
    '--dest-tls-verify=false',
    `oci:${layout}:1`,
    `docker://${world.host}/list:1`,
  );
  for (const [i, { architecture }] of platforms.entries()) {
    const args = ['fetch', '--platform', `linux/${architecture}`, `docker://${world.host}/list:1`];
    const [image] = await world.json<Fetched[]>(args);
    assert.deepEqual([image?.digest, image?.arch], [written[i]?.manifest, architecture]);
  }
});

test('a real registry gives the rest of a blob, and takes one in pieces', {
  skip: missing('docker-registry', 'skopeo'),
}, async (t) => {
  const world = await World.of(t, 'none');
  const big = tar([{ name: 'big', content: randomBytes(10 * 2 ** 20) }]);
  const { manifest, layers } = await world.skopeoPushes('app', [big]);
  const bytes = fs.readFileSync(blobPath(join(world.dir, 'app'), layers[0] as string));
  const fetching = join(world.dir, 'store', 'fetching');
  await world.json(['put', join(world.dir, 'config.yml')]);
  fs.mkdirSync(fetching);
  fs.writeFileSync(join(fetching, createHash('sha256').update(bytes).digest('hex')), bytes.subarray(0, 9 * 2 ** 20));
  const fetched = await world.fetch('app');
  assert.deepEqual([fetched.digest, fetched.resumedBytes], [manifest, 9 * 2 ** 20]);
  assert.equal(fetched.downloadedBytes, bytes.length - 9 * 2 ** 20);

  const other = temporaryDirectory(t);
  const registry = await startDockerRegistry(t, other);
  const gate = await startGate(t, registry, 9 * 2 ** 20);
  assert.equal((await world.push(manifest, 'app', gate)).digest, manifest);
  assert.equal(await world.seenBySkopeo(`${registry}/app:1`), manifest);
});
