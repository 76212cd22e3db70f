/**
 * Registries that lie and fail. Each lie is an error with a code; no image is listed, nothing stays in staging, and no
 * error shows a credential.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type ErrorCode, isCairnError } from '../../engine/core/errors.js';
import type { Fetched } from '../../engine/fetch/options.js';
import { openStore, type Store } from '../../engine/store.js';
import { tar } from '../fixtures/archive.js';
import { makeAuthority } from '../fixtures/certificates.js';
import { cairn, temporaryDirectory } from '../fixtures/cli.js';
import { setEnvironment } from '../fixtures/environment.js';
import { fetchQuickly, QUICK } from '../fixtures/fetch-quickly.js';
import { proxyTo, TestServer, trusting } from '../fixtures/https-server.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { configOf, type Descriptor, digestOf, HOST, indexOf, MEDIA, manifestOf } from '../fixtures/oci.js';
import { type Exchange, TestRegistry } from '../fixtures/registry-server.js';

keepThreads();

const PASSWORD = 'hunter2-correct-horse';
const BASIC = Buffer.from(`me:${PASSWORD}`).toString('base64');
const SECRETS = [PASSWORD, BASIC];
const LAYER = tar([{ name: 'file', content: randomBytes(20_000) }]);

class World {
  readonly dir: string;
  readonly registry: TestRegistry;
  readonly store: Store;
  readonly notices: string[];

  private constructor(dir: string, registry: TestRegistry, { store, notices }: { store: Store; notices: string[] }) {
    this.dir = dir;
    this.registry = registry;
    this.store = store;
    this.notices = notices;
  }

  static async of(t: TestContext, auth: 'basic' | 'none' = 'basic'): Promise<World> {
    const dir = temporaryDirectory(t);
    const registry = await TestRegistry.start(t, { auth, users: { me: PASSWORD } });
    const authfile = join(dir, 'auth.json');
    fs.writeFileSync(authfile, JSON.stringify({ auths: { [registry.host]: { auth: BASIC } } }), { mode: 0o600 });
    setEnvironment(t, {
      HOME: dir,
      XDG_RUNTIME_DIR: dir,
      CAIRN_AUTH_DIRS: join(dir, 'none'),
      REGISTRY_AUTH_FILE: authfile,
    });
    const notices: string[] = [];
    const store = await openStore({ dir: join(dir, 'store'), workers: 2, onNotice: (notice) => notices.push(notice) });
    t.after(() => store.close());
    return new World(dir, registry, { store, notices });
  }

  /** An image of one layer on the shelf, whose documents may be changed. */
  image(): Image {
    const config = Buffer.from(JSON.stringify(configOf({ layers: [LAYER] })));
    const [configBlob, layer] = [this.blob(config, MEDIA.config), this.blob(LAYER, MEDIA.layer)];
    const manifest = manifestOf(configBlob, [layer]);
    return { config: configBlob, layer, manifest, digest: this.registry.say('app', '1', manifest) };
  }

  blob(bytes: Buffer, mediaType: string): Descriptor {
    const digest = digestOf(bytes);
    this.registry.put('app', digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  override(path: string, answer: (exchange: Exchange) => void): void {
    this.registry.overrides.set(`/v2/app/${path}`, answer);
  }

  async fetch(reference = ':1'): Promise<Fetched> {
    const [fetched] = await fetchQuickly(this.store, [`docker://${this.registry.host}/app${reference}`]);
    return fetched as Fetched;
  }

  /** Fetches what must not be fetched, and looks at what it leaves. */
  async refused(codes: ErrorCode | readonly ErrorCode[], message: RegExp, reference = ':1'): Promise<void> {
    const error = await this.fetch(reference).then(
      () => assert.fail('it was fetched'),
      (thrown: unknown) => thrown,
    );
    assert.ok(isCairnError(error, ...[codes].flat()), inspect(error));
    assert.match(error.message, message);
    const said = [JSON.stringify(error), inspect(error, { depth: 9, showHidden: true }), ...this.notices.splice(0)];
    for (const secret of SECRETS) assert.ok(!said.join('\n').includes(secret), said.join('\n'));
    for await (const { name } of this.store.images()) assert.fail(name);
    assert.deepEqual(this.stagedFiles(), []);
    const fetching = join(this.dir, 'store', 'fetching');
    const partials = fs.existsSync(fetching) ? fs.readdirSync(fetching) : [];
    assert.deepEqual(partials, []);
  }

  stagedFiles(): string[] {
    const staging = join(this.dir, 'store', 'staging');
    const names = fs.readdirSync(staging, { recursive: true, encoding: 'utf8' });
    return names.filter((name) => !/^[0-9a-f-]+(?:\/lock)?$/.test(name));
  }
}

interface Image {
  config: Descriptor;
  layer: Descriptor;
  manifest: Record<string, unknown>;
  digest: string;
}

const respond =
  (status: number, headers: Record<string, string>, body: Buffer | string = '') =>
  ({ response }: Exchange): void => {
    response.writeHead(status, headers).end(body);
  };

const endless = ({ response }: Exchange, part = Buffer.alloc(64 * 1024, ' ')): void => {
  const more = (): void => {
    while (!response.destroyed && response.write(part));
  };
  response.writeHead(200).on('drain', more);
  more();
};

test('bytes that are not those of their digest, or not as many, are refused', async (t) => {
  const world = await World.of(t);
  const { digest, config, layer, manifest } = world.image();
  const { registry } = world;

  world.override(`manifests/${digest}`, respond(200, { 'content-type': MEDIA.manifest }, '{"schemaVersion":2}'));
  await world.refused('ERR_DIGEST_MISMATCH', /expected sha256:/, `@${digest}`);
  registry.overrides.clear();

  registry.put('app', layer.digest, Buffer.alloc(LAYER.length));
  await world.refused('ERR_DIGEST_MISMATCH', /expected sha256:/);
  const flipped = Buffer.from(LAYER);
  flipped.writeUInt8(flipped.readUInt8(5000) ^ 1, 5000);
  registry.put('app', layer.digest, flipped);
  await world.refused('ERR_DIGEST_MISMATCH', /expected sha256:/);
  for (const bytes of [LAYER.subarray(0, -512), Buffer.concat([LAYER, Buffer.alloc(512)]), Buffer.alloc(0)]) {
    registry.put('app', layer.digest, bytes);
    await world.refused('ERR_DIGEST_MISMATCH', /bytes, not the \d+ that it should have/);
  }
  world.override(`blobs/${layer.digest}`, endless);
  await world.refused('ERR_DIGEST_MISMATCH', /sends more than the \d+ bytes/);
  registry.overrides.clear();
  registry.put('app', layer.digest, LAYER);

  registry.put('app', config.digest, Buffer.from('{}'));
  await world.refused('ERR_DIGEST_MISMATCH', /expected sha256:/);
  world.image();
  for (const [which, size] of [
    ['config', config.size + 1],
    ['layer', layer.size - 1],
  ] as const) {
    const wrong = manifestOf({ ...config, ...(which === 'config' ? { size } : {}) }, [
      { ...layer, ...(which === 'layer' ? { size } : {}) },
    ]);
    registry.say('app', '1', wrong);
    await world.refused('ERR_DIGEST_MISMATCH', /bytes/);
  }
  const packed = world.blob(gzipSync(tar([{ name: 'other', content: 'x' }])), MEDIA.gzipLayer);
  registry.say('app', '1', manifestOf(config, [packed]));
  await world.refused('ERR_DIGEST_MISMATCH', /diffID/);

  registry.say('app', '1', manifest);
  assert.equal((await world.fetch()).source, `docker://${registry.host}/app:1`);
});

test('documents that are not what they say, or have no end, are refused', async (t) => {
  const world = await World.of(t);
  const { digest, config, layer, manifest } = world.image();
  const { registry } = world;
  const say = (document: Buffer | object, mediaType?: string): string => registry.say('app', '1', document, mediaType);

  world.override('manifests/1', endless);
  await world.refused('ERR_LIMIT', /sends more than \d+ bytes/);
  registry.overrides.clear();
  world.override(`blobs/${config.digest}`, endless);
  await world.refused('ERR_LIMIT', /sends more than \d+ bytes/);
  registry.overrides.clear();

  const layers = `${JSON.stringify(layer)},`.repeat(1000);
  world.override('manifests/1', (exchange) => endless(exchange, Buffer.from(layers)));
  await world.refused('ERR_LIMIT', /sends more than \d+ bytes/);
  registry.overrides.clear();
  const many = (count: number): object =>
    manifestOf(
      config,
      Array.from({ length: count }, () => layer),
    );
  for (const count of [501, 5000]) {
    say(many(count));
    await world.refused('ERR_LIMIT', new RegExp(`${count} layers`));
  }
  for (const [count, code, message] of [
    [30_000, 'ERR_BAD_MANIFEST', /not a media type/],
    [40_000, 'ERR_BAD_MANIFEST', /has 40000 items, more than 32768/],
    [1_000_000, 'ERR_BAD_ARCHIVE', /more than 262144 objects/],
  ] as const) {
    const layers = `"layers":[${'{},'.repeat(count - 1)}{}]`;
    say(Buffer.from(JSON.stringify(manifest).replace(/"layers":\[.*\]/, layers)));
    await world.refused(code, message);
  }

  for (const [document, mediaType, code] of [
    [manifest, 'text/html', 'ERR_UNSUPPORTED'],
    [manifest, MEDIA.index, 'ERR_BAD_ARCHIVE'],
    [manifest, 'application/vnd.docker.distribution.manifest.v1+json', 'ERR_UNSUPPORTED'],
    [{ ...manifest, mediaType: MEDIA.index }, MEDIA.manifest, 'ERR_BAD_ARCHIVE'],
    [{ ...manifest, manifests: [] }, MEDIA.manifest, 'ERR_BAD_ARCHIVE'],
    [Buffer.from('<html>'), MEDIA.manifest, 'ERR_BAD_MANIFEST'],
    [{}, MEDIA.manifest, 'ERR_BAD_MANIFEST'],
    [manifestOf(config, [{ ...layer, mediaType: 'text/plain' }]), MEDIA.manifest, 'ERR_BAD_ARCHIVE'],
    [manifestOf(config, [{ ...layer, mediaType: `${MEDIA.layer}+encrypted` }]), MEDIA.manifest, 'ERR_UNSUPPORTED'],
    [manifestOf(config, [{ ...layer, digest: `sha512:${'0'.repeat(128)}` }]), MEDIA.manifest, 'ERR_UNSUPPORTED'],
    [manifestOf(config, [{ ...layer, digest: 'sha256:../../../../etc/passwd' }]), MEDIA.manifest, 'ERR_BAD_MANIFEST'],
    [manifestOf({ ...config, mediaType: 'application/vnd.example' }, [layer]), MEDIA.manifest, 'ERR_UNSUPPORTED'],
    [manifestOf(config, [layer, layer]), MEDIA.manifest, 'ERR_BAD_MANIFEST'],
  ] as const) {
    say(document, mediaType);
    await world.refused(code, /./);
  }

  let nested: Descriptor = { mediaType: MEDIA.manifest, digest, size: JSON.stringify(manifest).length };
  for (let depth = 0; depth < 8; depth++) {
    const index = indexOf([{ ...nested, platform: HOST }]);
    nested = { mediaType: MEDIA.index, digest: say(index, MEDIA.index), size: JSON.stringify(index).length };
  }
  await world.refused('ERR_BAD_MANIFEST', /nested deeper than/);
  say(
    indexOf([{ ...nested, mediaType: MEDIA.manifest, platform: { os: 'plan9', architecture: 'mips' } }]),
    MEDIA.index,
  );
  await world.refused('ERR_NOT_FOUND', /no image for/);
  say(indexOf([]), MEDIA.index);
  await world.refused(['ERR_NOT_FOUND', 'ERR_BAD_MANIFEST'], /./);
});

test('urls of foreign layers are not followed', async (t) => {
  const world = await World.of(t);
  const elsewhere = (await TestServer.start(t)).serve('/layer', LAYER);
  const { config, layer } = world.image();
  const mediaType = 'application/vnd.oci.image.layer.nondistributable.v1.tar';
  const urls = [elsewhere.url('/layer'), 'file:///etc/passwd'];
  world.registry.say('app', '1', manifestOf(config, [{ ...layer, mediaType, urls } as Descriptor]));
  world.override(`blobs/${layer.digest}`, respond(404, {}));
  await world.refused('ERR_NOT_FOUND', /blobs\/sha256:/);
  assert.deepEqual(elsewhere.asked, []);
});

test('redirects lead nowhere but to the web, and take no credentials along', async (t) => {
  const world = await World.of(t);
  const elsewhere = (await TestServer.start(t)).serve('/layer', LAYER);
  const { layer } = world.image();
  const redirect = (location: string): void => world.override(`blobs/${layer.digest}`, respond(307, { location }));
  for (const location of ['file:///etc/passwd', 'ftp://127.0.0.1/layer', 'http://[', `/v2/app/blobs/${layer.digest}`]) {
    redirect(location);
    await world.refused('ERR_HTTP', /redirects|only https and http/);
  }
  redirect('http://registry.example.com/layer');
  await world.refused('ERR_TLS', /plain HTTP/);
  redirect(elsewhere.url('/layer', 'localhost'));
  assert.ok('digest' in (await world.fetch()));
  assert.equal(elsewhere.asked[0]?.headers.authorization, undefined);
});

test('a blob of a registry elsewhere is not taken from this machine', async (t) => {
  const authority = makeAuthority();
  const dir = temporaryDirectory(t);
  const server = await TestServer.start(t, { authority, names: ['r.example'] });
  const here = (await TestServer.start(t)).serve('/layer', LAYER);
  const config = Buffer.from(JSON.stringify(configOf({ layers: [LAYER] })));
  const about = (bytes: Buffer, mediaType: string): Descriptor => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const body = JSON.stringify(manifestOf(about(config, MEDIA.config), [about(LAYER, MEDIA.layer)]));
  server
    .serve('/v2/app/manifests/1', { body, headers: { 'content-type': MEDIA.manifest } })
    .serve(`/v2/app/blobs/${digestOf(config)}`, config)
    .serve(`/v2/app/blobs/${digestOf(LAYER)}`, { status: 307, headers: { location: here.url('/layer') } });
  const env = { HOME: dir, XDG_RUNTIME_DIR: dir, ...(await proxyTo(t, server.port)).env, ...trusting(dir, authority) };
  const ran = await cairn(['fetch', '--json', 'docker://r.example/app:1'], { store: join(dir, 'store'), env });
  assert.equal(ran.error().code, 'ERR_HTTP');
  assert.match(ran.stderr, /redirects to this machine/);
  assert.deepEqual(here.asked, []);
});

test('a registry in trouble is asked again, as it says, and not for ever', async (t) => {
  const world = await World.of(t);
  const { layer } = world.image();
  for (const [path, status] of [
    ['manifests/1', 503],
    [`blobs/${layer.digest}`, 502],
    [`blobs/${layer.digest}`, 429],
  ] as const) {
    let asked = 0;
    world.override(path, (exchange) => {
      asked++;
      respond(status, { 'retry-after': '0' })(exchange);
    });
    await world.refused('ERR_HTTP', new RegExp(`answers ${status}`));
    assert.equal(asked, QUICK.retries + 1);
    world.registry.overrides.clear();
  }
  world.override('manifests/1', respond(429, { 'retry-after': '3600' }));
  await world.refused('ERR_HTTP', /answers 429/);
  world.override('manifests/1', (exchange) => {
    world.registry.overrides.clear();
    respond(429, { 'retry-after': '1' })(exchange);
  });
  assert.ok('digest' in (await world.fetch()));
});

test('a registry that is in trouble, or away, when it is first spoken to is asked again', async (t) => {
  const world = await World.of(t, 'none');
  world.image();
  const { registry } = world;
  let asked = 0;
  registry.overrides.set('/v2/', (exchange) => {
    asked++;
    respond(503, {})(exchange);
  });
  assert.ok('digest' in (await world.fetch()));
  assert.equal(asked, 1, 'an answer tells where the registry is, whatever it is');
  registry.overrides.set('/v2/', ({ response }) => {
    if (asked++ > 1) registry.overrides.clear();
    response.socket?.destroy();
  });
  assert.ok('digest' in (await world.fetch()));
  assert.equal(asked, 3);
  registry.overrides.set('/v2/', ({ response }) => {
    asked++;
    response.socket?.destroy();
  });
  await assert.rejects(world.fetch(), { code: 'ERR_NETWORK' });
  assert.equal(asked, 6);
});

test('what a registry says of an error is shown without controls, and without the credentials it was sent', async (t) => {
  const world = await World.of(t);
  world.image();
  const says = (message: string) => respond(400, {}, JSON.stringify({ errors: [{ code: 'BAD', message }] }));
  for (const secret of [`Authorization: Basic ${BASIC}`, `you sent ${PASSWORD}`]) {
    world.override('manifests/1', says(secret));
    await world.refused('ERR_HTTP', /answers 400/);
  }
  world.override('manifests/1', says('\u001b[2Jgone\r\n\u009b31m'));
  const ran = await cairn(['fetch', '--verbose', `docker://${world.registry.host}/app:1`], {
    store: join(world.dir, 'other'),
  });
  assert.equal(ran.code, 1);
  assert.match(ran.stderr, /BAD, .*gone/);
  assert.doesNotMatch(ran.stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});
