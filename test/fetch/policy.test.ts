/** Images of registries against `policy.json`: what is accepted, what is refused, and what is asked for before that. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ErrorCode } from '../../engine/core/errors.js';
import { openStore } from '../../engine/store.js';
import { readImageKey } from '../../engine/trust/public-key.js';
import { aci, tar } from '../fixtures/archive.js';
import { cairn, type Ran, temporaryDirectory } from '../fixtures/cli.js';
import { type PayloadOptions, payloadOf, pemOf, putSignatures, SigningKey } from '../fixtures/cosign.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { digestOf, HOST, MEDIA } from '../fixtures/oci.js';
import { TestRegistry } from '../fixtures/registry-server.js';

keepThreads();

const KEY = new SigningKey();
const OTHER = new SigningKey();
const IMAGE = { layers: [tar([{ name: 'hello', content: 'hello' }])] };
const REPOSITORY = { type: 'matchRepository' };

interface Fetched {
  key: string;
  digest: string;
  url: string;
  existed: boolean;
  signature: { key: string; by: string; at: string } | null;
}

class World {
  readonly dir: string;
  readonly store: string;
  readonly keyFile: string;
  readonly conf: string;
  readonly registry: TestRegistry;

  static async make(t: TestContext): Promise<World> {
    return new World(temporaryDirectory(t), await TestRegistry.start(t));
  }

  private constructor(dir: string, registry: TestRegistry) {
    this.dir = dir;
    this.store = join(dir, 'store');
    this.keyFile = join(dir, 'cosign.pub');
    this.conf = join(dir, 'registries.conf');
    this.registry = registry;
    fs.writeFileSync(this.conf, '');
    fs.writeFileSync(this.keyFile, pemOf(KEY));
    fs.mkdirSync(join(dir, '.config/containers'), { recursive: true });
    this.policy({ default: [this.rule()] });
  }

  rule(signedIdentity: object = REPOSITORY): object {
    return { type: 'sigstoreSigned', keyPath: this.keyFile, signedIdentity };
  }

  policy(policy: object): void {
    fs.writeFileSync(join(this.dir, '.config/containers/policy.json'), JSON.stringify(policy));
  }

  hold(repository: string): string {
    return this.registry.hold(join(this.dir, repository.replaceAll('/', '-')), repository, '1', IMAGE);
  }

  ref(repository: string): string {
    return `${this.registry.host}/${repository}:1`;
  }

  /** Signs an image of the registry. */
  sign(
    repository: string,
    digest: string,
    given: Partial<PayloadOptions> & { key?: SigningKey; form?: 'tag' | 'referrer' },
  ) {
    const { key = KEY, form = 'tag', ...options } = given;
    const payload = payloadOf({ digest, reference: `${this.registry.host}/${repository}`, ...options });
    putSignatures(this.registry, { repository, digest, form }, [key.sign(payload)]);
  }

  run(args: readonly string[]): Promise<Ran> {
    const own = { HOME: this.dir, XDG_RUNTIME_DIR: this.dir, CAIRN_AUTH_DIRS: this.dir };
    return cairn(args, { store: this.store, env: { ...own, CONTAINERS_REGISTRIES_CONF: this.conf } });
  }

  async fetch(ref: string, ...args: string[]): Promise<Fetched> {
    const ran = await this.run(['fetch', '--json', `docker://${ref}`, ...args]);
    assert.equal(ran.code, 0, ran.stderr);
    return ran.json<Fetched[]>()[0] as Fetched;
  }

  /** Fetches what must be refused, each image for its own reason. */
  async refused(...images: readonly (readonly [ref: string, code: ErrorCode, message: RegExp])[]): Promise<void> {
    const ran = await this.run(['fetch', '--json', '--keep-going', ...images.map(([ref]) => `docker://${ref}`)]);
    assert.equal(ran.code, 1, ran.stderr);
    for (const [i, { error }] of ran.json<{ error?: { code: string; message: string } }[]>().entries()) {
      const [ref, code, message] = images[i] as (typeof images)[number];
      assert.equal(error?.code, code, `${ref}: ${error?.message}`);
      assert.match(error.message, message);
    }
  }

  /** What was asked of the registry, without the question whether it is one. */
  get asked(): string[] {
    return this.registry.asked.map(({ path }) => path).filter((path) => path !== '/v2/');
  }

  /** Nothing of an image is here, neither visible nor on its way. */
  async isEmpty(): Promise<void> {
    assert.deepEqual((await this.run(['ls', '--json'])).json(), []);
    for (const place of ['staging', 'fetching', 'blobs/sha512', 'objects'])
      assert.deepEqual(fs.existsSync(join(this.store, place)) ? filesBelow(join(this.store, place)) : [], [], place);
  }
}

function filesBelow(dir: string): string[] {
  const entries = fs.readdirSync(dir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.lock')).map(({ name }) => name);
}

test('what the right key has signed is taken, from either place, and what was verified is told and kept', async (t) => {
  const world = await World.make(t);
  const digest = world.hold('team/app');
  for (const form of ['referrer', 'tag'] as const) {
    world.registry.referrers.clear();
    world.sign('team/app', digest, { form });
    const before = Date.now();
    const { key, signature, existed } = await world.fetch(world.ref('team/app'));
    assert.equal(existed, form === 'tag');
    const { fingerprint } = readImageKey(Buffer.from(pemOf(KEY)), '');
    assert.deepEqual({ ...signature, at: '' }, { key: fingerprint, by: world.keyFile, at: '' });
    const at = Date.parse(signature?.at ?? '');
    assert.ok(before <= at && at <= Date.now());
    const inspected = (await world.run(['inspect', '--json', key])).json<{ signature: object }>();
    assert.deepEqual(inspected.signature, signature);
  }
  const here = await world.fetch(world.ref('team/app'), '--pull', 'missing');
  assert.equal(here.signature?.by, world.keyFile);
});

test('what is not signed as it must be is refused, before a blob of it is asked for', async (t) => {
  const world = await World.make(t);
  const exact = { type: 'matchRepoDigestOrExact' };
  const cases: readonly [
    name: string,
    sign: (name: string, digest: string) => void,
    code: ErrorCode,
    message: RegExp,
    identity?: object,
  ][] = [
    ['unsigned', () => {}, 'ERR_NO_SIGNATURE', /must be signed, and is not/],
    ['other-key', (name, digest) => world.sign(name, digest, { key: OTHER }), 'ERR_UNTRUSTED_KEY', /cosign\.pub/],
    [
      'other-key-refers',
      (name, digest) => world.sign(name, digest, { key: OTHER, form: 'referrer' }),
      'ERR_UNTRUSTED_KEY',
      /cosign\.pub/,
    ],
    [
      'other-digest',
      (name, digest) => {
        const payload = payloadOf({ digest: digestOf(Buffer.from('other')), reference: world.ref(name) });
        putSignatures(world.registry, { repository: name, digest }, [KEY.sign(payload)]);
      },
      'ERR_BAD_SIGNATURE',
      /one of another image/,
    ],
    [
      'other-name',
      (name, digest) => world.sign(name, digest, { reference: world.ref('else') }),
      'ERR_POLICY',
      /it is one of .*\/else:1/,
    ],
    [
      'other-tag',
      (name, digest) => world.sign(name, digest, { reference: `${world.registry.host}/${name}:2` }),
      'ERR_POLICY',
      /other-tag:2; matchRepoDigestOrExact wants/,
      exact,
    ],
  ];
  const docker: Record<string, object[]> = {};
  const own: string[] = [];
  for (const [name, sign, _code, _message, identity] of cases) {
    docker[`${world.registry.host}/${name}`] = [world.rule(identity)];
    sign(name, world.hold(name));
    const { config, layers } = JSON.parse(world.registry.manifests.get(`${name} 1`)?.bytes.toString() ?? '');
    for (const { digest } of [config, ...layers]) own.push(`/v2/${name}/blobs/${digest}`);
  }
  world.policy({ default: [{ type: 'reject' }], transports: { docker } });
  await world.refused(...cases.map(([name, _sign, code, message]) => [world.ref(name), code, message] as const));
  assert.deepEqual(
    world.asked.filter((path) => own.includes(path)),
    [],
  );
  await world.isEmpty();
});

test('what the policy rejects is not asked for at all, and an exception is taken', async (t) => {
  const world = await World.make(t);
  for (const name of ['team/app', 'other/app', 'team/bad']) world.hold(name);
  const { host } = world.registry;
  const accept = [{ type: 'insecureAcceptAnything' }];
  world.policy({
    default: [{ type: 'reject' }],
    transports: { docker: { [`${host}/team`]: accept, [`${host}/team/bad`]: [{ type: 'reject' }] } },
  });
  await world.refused(
    [world.ref('other/app'), 'ERR_POLICY', /rejects/],
    [world.ref('team/bad'), 'ERR_POLICY', /rejects/],
  );
  assert.deepEqual(world.registry.asked, []);
  await world.isEmpty();
  const { signature } = await world.fetch(world.ref('team/app'));
  assert.equal(signature, null);
  assert.ok(!world.asked.some((path) => path.includes('.sig') || path.includes('referrers')));
});

test('what cannot be judged is refused, and so is a policy that breaks a rule', async (t) => {
  const world = await World.make(t);
  world.hold('app');
  world.policy({ default: [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/key.gpg' }] });
  await world.refused([world.ref('app'), 'ERR_UNSUPPORTED', /simple signing/]);
  world.policy({ default: [{ type: 'accept' }] });
  await world.refused([world.ref('app'), 'ERR_CONFIG', /accept/]);
  assert.deepEqual(world.registry.asked, []);
});

test('who signs an index signs what is in it, and who signs one of its manifests that one', async (t) => {
  const world = await World.make(t);
  const manifest = world.hold('app');
  const size = world.registry.manifests.get(`app ${manifest}`)?.bytes.length;
  const elsewhere = { ...HOST, architecture: HOST.architecture === 'arm64' ? 'amd64' : 'arm64' };
  // Nobody has the manifest of the other platform: it is not asked for.
  const manifests = [
    { mediaType: MEDIA.manifest, digest: digestOf(Buffer.from('other')), size: 100, platform: elsewhere },
    { mediaType: MEDIA.manifest, digest: manifest, size, platform: HOST },
  ];
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.index, manifests }));
  const index = world.registry.putManifest('app', 'all', bytes, 'index');
  const ref = `${world.registry.host}/app:all`;
  await world.refused([ref, 'ERR_NO_SIGNATURE', /must be signed/]);
  world.sign('app', index, {});
  assert.equal((await world.fetch(ref)).digest, manifest);
  world.registry.manifests.delete(`app ${index.replace(':', '-')}.sig`);
  world.sign('app', manifest, {});
  assert.equal((await world.fetch(ref)).signature?.by, world.keyFile);
  assert.ok(!world.asked.some((path) => path.includes(digestOf(Buffer.from('other')))));
});

test('signatures come from the mirror that the image came from, and the name is the one that was asked for', async (t) => {
  const world = await World.make(t);
  const digest = world.hold('cache/app');
  fs.writeFileSync(
    world.conf,
    `[[registry]]\nprefix = "r.example/team"\nlocation = "127.0.0.1:1/team"\n` +
      `[[registry.mirror]]\nlocation = "${world.registry.host}/cache"\n`,
  );
  world.policy({
    default: [{ type: 'reject' }],
    transports: { docker: { 'r.example/team': [world.rule()] } },
  });
  const fetch = (): Promise<Ran> => world.run(['fetch', '--json', 'docker://r.example/team/app:1']);
  world.sign('cache/app', digest, {});
  assert.equal((await fetch()).error().code, 'ERR_POLICY');
  world.sign('cache/app', digest, { reference: 'r.example/team/app' });
  const [fetched] = (await fetch()).json<[Fetched]>();
  assert.equal(fetched.url, `docker://${world.registry.host}/cache/app:1@${digest}`);
  assert.equal(fetched.signature?.by, world.keyFile);
});

test('an ACI of a remote is an image of a registry as others are', async (t) => {
  const world = await World.make(t);
  fs.writeFileSync(join(world.dir, 'app.aci'), aci({ name: 'example.com/app' }, [{ name: 'f', content: 'f' }]));
  await world.run(['import', join(world.dir, 'app.aci')]);
  const remote = `docker://${world.registry.host}/all`;
  const [pushed] = (await world.run(['push', '--all', '--json', remote])).json<[{ digest: string }]>();
  fs.rmSync(world.store, { recursive: true });
  const render = (): Promise<Ran> => world.run(['--remote', remote, 'render', 'example.com/app']);
  const refused = await render();
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /must be signed, and is not/);
  await world.isEmpty();
  world.sign('all/example.com/app', pushed.digest, {});
  const taken = await render();
  assert.equal(taken.code, 0, taken.stderr);
  const inspected = (await world.run(['inspect', '--json', 'example.com/app'])).json<Fetched>();
  assert.equal(inspected.signature?.by, world.keyFile);
});

test('on request the policy is left out, and that is said', async (t) => {
  const world = await World.make(t);
  world.policy({ default: [{ type: 'reject' }] });
  world.hold('app');
  const { HOME } = process.env;
  process.env['HOME'] = world.dir;
  const notices: string[] = [];
  try {
    await using store = await openStore({ dir: world.store, workers: 1, onNotice: (message) => notices.push(message) });
    await assert.rejects(store.fetch([`docker://${world.ref('app')}`]), { code: 'ERR_POLICY' });
    const [fetched] = await store.fetch([`docker://${world.ref('app')}`], { insecure: ['image'] });
    assert.equal(fetched !== undefined && 'signature' in fetched ? fetched.signature : undefined, null);
  } finally {
    if (HOME === undefined) delete process.env['HOME'];
    else process.env['HOME'] = HOME;
  }
  assert.deepEqual(notices, ['signatures of images are not checked, nor is the policy']);
});
