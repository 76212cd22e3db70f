/** Fetching from and pushing to registries that want credentials, as users do it. No output shows a credential. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { tar } from '../fixtures/archive.js';
import { cairn, type Ran, temporaryDirectory } from '../fixtures/cli.js';
import { type RegistryOptions, TestRegistry } from '../fixtures/registry-server.js';

const PASSWORD = 'hunter2:correct-horse';
const WRONG = 'wrong-battery-staple';
const REFRESH = 'refresh-token-of-me';
/** As they are, and as they are written in files and headers. */
const SECRETS = [PASSWORD, WRONG, REFRESH].flatMap((secret) => [
  secret,
  Buffer.from(`me:${secret}`).toString('base64'),
  Buffer.from(secret).toString('base64'),
]);
const IMAGE = { layers: [tar([{ name: 'hello', content: 'hello' }])], compress: 'gzip' } as const;

/** Runs the program with one file of credentials, and looks for secrets in all that it prints. */
class World {
  readonly dir: string;
  readonly registry: TestRegistry;
  readonly digest: string;

  constructor(dir: string, registry: TestRegistry) {
    this.dir = dir;
    this.registry = registry;
    this.digest = registry.hold(join(dir, 'layout'), 'team/app', '1', IMAGE);
  }

  get ref(): string {
    return `docker://${this.registry.host}/team/app:1`;
  }

  login(password: string, mode = 0o600): this {
    const auth = Buffer.from(`me:${password}`).toString('base64');
    return this.auth({ auths: { [this.registry.host]: { auth } } }, mode);
  }

  auth(content: object | string, mode = 0o600): this {
    const path = join(this.dir, 'auth.json');
    fs.writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    fs.chmodSync(path, mode);
    return this;
  }

  async run(...args: string[]): Promise<Ran> {
    const env = {
      HOME: this.dir,
      REGISTRY_AUTH_FILE: join(this.dir, 'auth.json'),
      CAIRN_AUTH_DIRS: join(this.dir, 'auth.d'),
    };
    const ran = await cairn(args, { store: join(this.dir, 'store'), env });
    const output = ran.stdout.toString() + ran.stderr;
    const { tokenRequests } = this.registry;
    for (const secret of [...SECRETS, ...(tokenRequests.length === 0 ? [] : ['Bearer t'])])
      assert.ok(!output.includes(secret), `${args.join(' ')} shows ${secret}: ${output}`);
    return ran;
  }
}

async function worldOf(t: TestContext, options: RegistryOptions): Promise<World> {
  const users = { me: PASSWORD };
  return new World(temporaryDirectory(t), await TestRegistry.start(t, { users, identityToken: REFRESH, ...options }));
}

for (const auth of ['basic', 'token'] as const) {
  test(`an image is fetched and pushed with a password (${auth})`, async (t) => {
    const world = (await worldOf(t, { auth })).login(PASSWORD);
    const fetched = await world.run('fetch', '--json', '--verbose', world.ref);
    assert.equal(fetched.code, 0, fetched.stderr);
    assert.equal(fetched.json<{ digest: string }[]>()[0]?.digest, world.digest);
    const target = `docker://${world.registry.host}/other/app:2`;
    const pushed = await world.run('push', '--json', '--verbose', world.digest, target);
    assert.equal(pushed.code, 0, pushed.stderr);
    assert.equal(pushed.json<{ digest: string }>().digest, world.digest);
    assert.ok(world.registry.manifests.has('other/app 2'));
  });

  test(`a wrong password is told without being shown (${auth})`, async (t) => {
    const world = (await worldOf(t, { auth })).login(WRONG);
    for (const flags of [['--json'], ['--verbose'], ['--json', '--verbose'], ['--keep-going']]) {
      const ran = await world.run('fetch', ...flags, world.ref);
      assert.equal(ran.code, 1);
      assert.ok(ran.stderr.includes(`cairn login ${world.registry.host}`), ran.stderr);
      assert.match(ran.stderr, /auth\.json/);
      if (flags.includes('--json')) assert.equal(ran.error().code, 'ERR_UNAUTHORIZED');
    }
  });
}

test('an identity token is exchanged, and shown nowhere', async (t) => {
  const world = await worldOf(t, { auth: 'token' });
  world.auth({ auths: { [world.registry.host]: { identitytoken: REFRESH } } });
  assert.equal((await world.run('fetch', '--verbose', world.ref)).code, 0);
  world.auth({ auths: { [world.registry.host]: { identitytoken: WRONG } } });
  assert.equal((await world.run('fetch', '--json', '--verbose', world.ref)).error().code, 'ERR_UNAUTHORIZED');
});

test('a damaged file of credentials is named, and not quoted', async (t) => {
  const world = await worldOf(t, { auth: 'basic' });
  for (const content of [
    `{"auths": {"${WRONG}`,
    `"${WRONG}"`,
    `{"auths": {"${world.registry.host}": {"auth": "${WRONG}"}}}`,
  ]) {
    const error = (await world.auth(content).run('fetch', '--json', '--verbose', world.ref)).error();
    assert.equal(error.code, 'ERR_CONFIG');
    assert.equal(error.path, join(world.dir, 'auth.json'));
  }
});

test('a file of credentials that others may read is warned of, once', async (t) => {
  const world = (await worldOf(t, { auth: 'basic' })).login(PASSWORD, 0o644);
  const ran = await world.run('fetch', world.ref, `docker://${world.registry.host}/team/app@${world.digest}`);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(ran.stderr.match(/others may read it/g)?.length, 1);
});

test('--authfile comes before the environment, for fetches and for pushes', async (t) => {
  const world = (await worldOf(t, { auth: 'basic' })).login(PASSWORD);
  const own = join(world.dir, 'own.json');
  fs.renameSync(join(world.dir, 'auth.json'), own);
  world.login(WRONG);
  assert.equal((await world.run('fetch', '--authfile', own, world.ref)).code, 0);
  const target = `docker://${world.registry.host}/team/app:2`;
  assert.equal((await world.run('push', '--authfile', own, world.digest, target)).code, 0);
  assert.equal((await world.run('push', world.digest, target)).code, 1);
  const none = await world.run('fetch', '--json', '--authfile', join(world.dir, 'none'), world.ref);
  assert.equal(none.error().code, 'ERR_NOT_FOUND');
});

test('nothing in the store holds a credential', async (t) => {
  const world = (await worldOf(t, { auth: 'token' })).login(PASSWORD);
  assert.equal((await world.run('fetch', world.ref)).code, 0);
  for (const name of fs.readdirSync(join(world.dir, 'store'), { recursive: true, encoding: 'utf8' })) {
    const path = join(world.dir, 'store', name);
    if (!fs.lstatSync(path).isFile()) continue;
    const bytes = fs.readFileSync(path);
    for (const secret of SECRETS) assert.ok(!bytes.includes(secret), path);
  }
});
