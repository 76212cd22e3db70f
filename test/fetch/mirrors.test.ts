/** Fetching by way of mirrors, aliases and blocks, as `registries.conf` sets them. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { tar } from '../fixtures/archive.js';
import { makeAuthority } from '../fixtures/certificates.js';
import { cairn, type Ran, temporaryDirectory } from '../fixtures/cli.js';
import { proxyTo, TestServer } from '../fixtures/https-server.js';
import { TestRegistry } from '../fixtures/registry-server.js';

const IMAGE = { layers: [tar([{ name: 'hello', content: 'hello' }])] };
/** Nobody listens there. */
const DEAD = '127.0.0.1:1';

interface Fetched {
  digest: string;
  url: string;
  names: string[];
}

class World {
  readonly dir: string;

  constructor(t: TestContext) {
    this.dir = temporaryDirectory(t);
  }

  hold(registry: TestRegistry, repository: string, tag = '1', image = IMAGE): string {
    return registry.hold(join(this.dir, `${registry.host}-${repository.replaceAll('/', '-')}`), repository, tag, image);
  }

  async run(conf: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const file = join(this.dir, 'registries.conf');
    fs.writeFileSync(file, conf);
    const own = {
      HOME: this.dir,
      XDG_RUNTIME_DIR: this.dir,
      CAIRN_AUTH_DIRS: this.dir,
      CONTAINERS_REGISTRIES_CONF: file,
    };
    return cairn(args, { store: join(this.dir, 'store'), env: { ...own, ...env } });
  }

  async fetch(conf: string, ref: string): Promise<Fetched> {
    const ran = await this.run(conf, ['fetch', '--json', ref]);
    assert.equal(ran.code, 0, ran.stderr);
    return ran.json<Fetched[]>()[0] as Fetched;
  }
}

const mirrored = (prefix: string, location: string, ...mirrors: string[]): string =>
  `[[registry]]\nprefix = "${prefix}"\nlocation = "${location}"\n${mirrors.map((each) => `[[registry.mirror]]\nlocation = "${each}"\n`).join('')}`;

test('the first mirror that has the image gives all of it, under the name that was asked for', async (t) => {
  const world = new World(t);
  const [lacks, has, primary] = await Promise.all([
    TestRegistry.start(t),
    TestRegistry.start(t),
    TestRegistry.start(t),
  ]);
  const digest = world.hold(has, 'cache/app');
  const conf = mirrored('r.example/team', `${primary.host}/team`, `${DEAD}/x`, `${lacks.host}/y`, `${has.host}/cache`);
  const fetched = await world.fetch(conf, 'docker://r.example/team/app:1');
  assert.equal(fetched.digest, digest);
  assert.deepEqual(fetched.names, ['r.example/team/app:1']);
  assert.equal(fetched.url, `docker://${has.host}/cache/app:1@${digest}`);
  assert.ok(lacks.asked.some(({ path }) => path === '/v2/y/app/manifests/1'));
  assert.deepEqual(primary.asked, []);
});

test('the registry itself is asked after the mirrors, and all that failed is told', async (t) => {
  const world = new World(t);
  const [mirror, primary] = await Promise.all([TestRegistry.start(t), TestRegistry.start(t)]);
  const digest = world.hold(primary, 'moved/app');
  const conf = mirrored('r.example/team', `${primary.host}/moved`, `${mirror.host}/cache`);
  assert.equal((await world.fetch(conf, 'docker://r.example/team/app:1')).digest, digest);
  const failed = await world.run(conf, ['fetch', '--json', 'docker://r.example/team/none:1']);
  assert.equal(failed.error().code, 'ERR_NOT_FOUND');
  for (const { host } of [mirror, primary]) assert.ok(failed.error().message.includes(host), failed.stderr);
});

test('a mirror with another image under a digest is passed over', async (t) => {
  const world = new World(t);
  const [mirror, primary] = await Promise.all([TestRegistry.start(t), TestRegistry.start(t)]);
  const digest = world.hold(primary, 'app');
  const other = world.hold(mirror, 'app', '1', { layers: [tar([{ name: 'other', content: 'x' }])] });
  const lie = mirror.manifests.get(`app ${other}`);
  if (lie !== undefined) mirror.manifests.set(`app ${digest}`, lie);
  const conf = mirrored(primary.host, primary.host, mirror.host);
  const fetched = await world.fetch(conf, `docker://${primary.host}/app@${digest}`);
  assert.equal(fetched.digest, digest);
  assert.ok(fetched.url.includes(primary.host));
});

test('what is blocked is not asked for, nor pushed', async (t) => {
  const world = new World(t);
  const registry = await TestRegistry.start(t);
  const digest = world.hold(registry, 'app');
  await world.fetch('', `docker://${registry.host}/app:1`);
  registry.asked.length = 0;
  const conf = `[[registry]]\nlocation = "${registry.host}/app"\nblocked = true\n`;
  for (const args of [['fetch'], ['push', digest]]) {
    const ran = await world.run(conf, [...args, '--json', `docker://${registry.host}/app:1`]);
    assert.equal(ran.code, 1);
    assert.equal(ran.error().code, 'ERR_POLICY');
  }
  assert.deepEqual(registry.asked, []);
});

test('a short name is fetched by its alias, or where it is found first', async (t) => {
  const world = new World(t);
  const [lacks, has] = await Promise.all([TestRegistry.start(t), TestRegistry.start(t)]);
  const digest = world.hold(has, 'team/app');
  const byAlias = await world.fetch(`[aliases]\napp = "${has.host}/team/app"\n`, 'docker://app:1');
  assert.deepEqual(byAlias.names, [`${has.host}/team/app:1`]);
  const bySearch = await world.fetch(
    `unqualified-search-registries = ["${lacks.host}", "${has.host}"]\n`,
    'docker://team/app:1',
  );
  assert.equal(bySearch.digest, digest);
  const here = await world.run(`[aliases]\napp = "${has.host}/team/app"\n`, [
    'fetch',
    '--json',
    '--pull',
    'never',
    'docker://app:1',
  ]);
  assert.equal(here.json<Fetched[]>()[0]?.digest, digest);
});

test('a registry that is set as insecure is asked whatever its certificate, and no other is', async (t) => {
  const world = new World(t);
  const server = await TestServer.start(t, { authority: makeAuthority(), names: ['r.example'] });
  const { env } = await proxyTo(t, server.port);
  const strict = await world.run('', ['fetch', '--json', 'docker://r.example/app:1'], env);
  assert.equal(strict.error().code, 'ERR_TLS');
  const conf = '[[registry]]\nlocation = "r.example"\ninsecure = true\n';
  const lax = await world.run(conf, ['fetch', '--json', 'docker://r.example/app:1'], env);
  assert.equal(lax.error().code, 'ERR_NOT_FOUND');
  assert.ok(server.paths.includes('/v2/app/manifests/1'));
});

test('a file that breaks a rule ends the fetch, with its path', async (t) => {
  const world = new World(t);
  const ran = await world.run('[[registry]]\nlocation = "https://x"\n', [
    'fetch',
    '--json',
    'docker://r.example/app:1',
  ]);
  assert.equal(ran.error().code, 'ERR_CONFIG');
  assert.equal(ran.error().path, join(world.dir, 'registries.conf'));
});
