/** Registries that want credentials, and token servers: what is asked of whom, how often, and with what. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { type CairnError, type ErrorCode, isCairnError } from '../../engine/core/errors.js';
import { parseChallenges } from '../../engine/remote/auth/challenge.js';
import { RegistryAuth } from '../../engine/remote/auth/registry-auth.js';
import { requestToken } from '../../engine/remote/auth/request-token.js';
import { coversScope, formatScope, parseScope, uniteScopes } from '../../engine/remote/auth/scope.js';
import { type Credential, Secret } from '../../engine/remote/credentials/credential.js';
import { HttpClient, type HttpOptions } from '../../engine/remote/http.js';
import { Repository } from '../../engine/remote/registry.js';
import { tar } from '../fixtures/archive.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { TestServer } from '../fixtures/https-server.js';
import { type RegistryOptions, TestRegistry } from '../fixtures/registry-server.js';

const MOST = 2 ** 20;
const USERS = { me: 'hunter2:x' };
const ME: Credential = { kind: 'password', user: 'me', password: new Secret('hunter2:x'), from: '/auth.json' };
const WRONG: Credential = { ...ME, password: new Secret('wrongpass') };

function httpFor(t: TestContext, options: Partial<HttpOptions> = {}): HttpClient {
  const http = new HttpClient({ userAgent: 'cairn/test', retry: { retries: 0 }, ...options });
  t.after(() => http.close());
  return http;
}

class World {
  readonly registry: TestRegistry;
  readonly auth: RegistryAuth;
  readonly digest: string;
  readonly #http: HttpClient;
  /** Milliseconds. */
  now = 1_000_000;

  constructor(t: TestContext, registry: TestRegistry, credential: Credential | undefined) {
    this.registry = registry;
    this.auth = new RegistryAuth({ find: () => Promise.resolve(credential) }, () => this.now);
    const spec = { layers: [tar([{ name: 'hello', content: 'hello' }])] };
    this.digest = registry.hold(temporaryDirectory(t), 'team/app', '1', spec);
    this.#http = httpFor(t);
  }

  repository(name = 'team/app'): Repository {
    return new Repository({ http: this.#http, base: this.registry.base, host: 'r.example', name, auth: this.auth });
  }

  pull(name?: string): Promise<unknown> {
    return this.repository(name).manifest('1', MOST);
  }
}

async function worldOf(t: TestContext, options: RegistryOptions, credential?: Credential): Promise<World> {
  return new World(t, await TestRegistry.start(t, { users: USERS, ...options }), credential);
}

async function refusal(work: Promise<unknown>, code: ErrorCode): Promise<CairnError> {
  const error = await work.then(
    () => assert.fail('it was taken'),
    (thrown: unknown) => thrown,
  );
  assert.ok(isCairnError(error, code), `${error}`);
  assert.ok(!/hunter2|wrongpass|aHVudGVy|bWU6/.test(inspect(error, { depth: 20, showHidden: true })), inspect(error));
  return error;
}

test('challenges are read as RFC 9110 writes them', () => {
  const read = (header: string): [string, Record<string, string>][] =>
    parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
  assert.deepEqual(read('Basic realm="A \\"quoted\\", realm"'), [['basic', { realm: 'A "quoted", realm' }]]);
  assert.deepEqual(read('Bearer realm="https://a/t?x=1,2",service=s , scope="repository:a:pull,push"'), [
    ['bearer', { realm: 'https://a/t?x=1,2', service: 's', scope: 'repository:a:pull,push' }],
  ]);
  assert.deepEqual(read('Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"'), [
    ['newauth', { realm: 'apps', type: '1', title: 'Login to "apps"' }],
    ['basic', { realm: 'simple' }],
  ]);
  assert.deepEqual(read('Negotiate YII=, Basic, BEARER Realm = "x"'), [
    ['negotiate', {}],
    ['basic', {}],
    ['bearer', { realm: 'x' }],
  ]);
  assert.deepEqual(read('Bearer realm="x",realm="y"'), [['bearer', { realm: 'x' }]]);
  assert.deepEqual(read('Bearer realm="open'), [['bearer', {}]]);
  for (const nothing of ['', ' , ,', '=x', '"x"', 'a=b']) assert.deepEqual(read(nothing), []);
});

test('property: any challenges that are written are read, and any text comes to an end', () => {
  const token = fc.stringMatching(/^[a-z][a-z0-9_-]{0,6}$/);
  const parameters = fc.uniqueArray(fc.tuple(token, fc.string({ maxLength: 12 })), {
    selector: ([name]) => name,
    maxLength: 4,
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(token, parameters), { maxLength: 3 }), (challenges) => {
      const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
      const header = challenges
        .map(([scheme, list]) => `${scheme} ${list.map(([name, value]) => `${name}=${quote(value)}`).join(', ')}`)
        .join(', ');
      const read = parseChallenges(header).map((each) => [each.scheme, [...each.parameters]]);
      assert.deepEqual(read, challenges);
    }),
  );
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'ab="\\, ') }), (text) => void parseChallenges(text)));
});

test('scopes are united thing by thing, and one covers another', () => {
  const united = uniteScopes(
    parseScope('repository:h:5000/a:pull repository:b:push'),
    parseScope('repository:b:pull,push x'),
  );
  assert.deepEqual(formatScope(united), ['repository:b:pull,push', 'repository:h:5000/a:pull', 'x']);
  const covers = (one: string, other: string): boolean => coversScope(parseScope(one), parseScope(other));
  assert.ok(covers('repository:a:pull,push', 'repository:a:pull'));
  assert.ok(covers('repository:a:*', 'repository:a:delete'));
  assert.ok(covers('repository:a:pull', ''));
  assert.ok(!covers('repository:a:pull', 'repository:a:pull,push'));
  assert.ok(!covers('repository:a:pull', 'repository:b:pull'));
});

test('a password goes to a registry that asks for one, once it has asked', async (t) => {
  const world = await worldOf(t, { auth: 'basic' }, ME);
  await world.pull();
  await world.pull();
  const sent = world.registry.asked.map(({ authorization }) => authorization?.split(' ')[0]);
  assert.deepEqual(sent, [undefined, 'Basic', 'Basic']);
});

test('a token is asked for with the password, and serves until it expires', async (t) => {
  const world = await worldOf(t, { auth: 'token', lifetime: 100 }, ME);
  await world.pull();
  await world.pull();
  const { tokenRequests, asked } = world.registry;
  assert.equal(tokenRequests.length, 1);
  assert.deepEqual(Object.fromEntries(tokenRequests[0] ?? []), {
    service: 'test, registry',
    scope: 'repository:team/app:pull',
    account: 'me',
  });
  assert.deepEqual(
    asked.map(({ authorization }) => authorization?.slice(0, 7)),
    [undefined, 'Bearer ', 'Bearer '],
  );
  world.now += 100_000;
  await world.pull();
  assert.equal(tokenRequests.length, 2);
  assert.equal(asked.length, 4);
});

test('requests side by side share one token', async (t) => {
  const world = await worldOf(t, { auth: 'token' }, ME);
  await Promise.all(Array.from({ length: 8 }, () => world.pull()));
  assert.equal(world.registry.tokenRequests.length, 1);
});

test('a token that is refused while it is in use is renewed once, for all', async (t) => {
  const world = await worldOf(t, { auth: 'token' }, ME);
  await world.pull();
  world.registry.revoke();
  await Promise.all(Array.from({ length: 4 }, () => world.pull()));
  assert.equal(world.registry.tokenRequests.length, 2);
});

test('a registry that refuses a new token, too, is asked twice and no more', async (t) => {
  const world = await worldOf(t, { auth: 'token' });
  await refusal(world.pull(), 'ERR_UNAUTHORIZED');
  assert.equal(world.registry.asked.length, 2);
  assert.equal(world.registry.tokenRequests.length, 1);
});

test('what everybody may read is read without credentials', async (t) => {
  const world = await worldOf(t, { auth: 'token', open: ['team/app'] });
  await world.pull();
  assert.equal(world.registry.tokenRequests[0]?.has('account'), false);
});

test('an identity token is exchanged by POST', async (t) => {
  const credential: Credential = { kind: 'identity', token: new Secret('refresh-me'), from: '/auth.json' };
  const world = await worldOf(t, { auth: 'token', identityToken: 'refresh-me' }, credential);
  await world.pull();
  assert.deepEqual(Object.fromEntries(world.registry.tokenRequests[0] ?? []), {
    grant_type: 'refresh_token',
    client_id: 'cairn',
    refresh_token: 'refresh-me',
    service: 'test, registry',
    scope: 'repository:team/app:pull',
  });
  const other = await worldOf(t, { auth: 'token', identityToken: 'another' }, credential);
  assert.match((await refusal(other.pull(), 'ERR_UNAUTHORIZED')).message, /refuses the credentials of \/auth\.json/);
});

test('a wrong password names the registry, the file, and the command that helps', async (t) => {
  for (const auth of ['basic', 'token'] as const) {
    const { message } = await refusal((await worldOf(t, { auth }, WRONG)).pull(), 'ERR_UNAUTHORIZED');
    assert.match(message, /^r\.example\/team\/app refuses the credentials of \/auth\.json.*"cairn login r\.example"/);
  }
});

test('no credentials, where they are wanted, name the command that helps', async (t) => {
  for (const auth of ['basic', 'token'] as const) {
    const { message } = await refusal((await worldOf(t, { auth })).pull(), 'ERR_UNAUTHORIZED');
    assert.match(message, /^r\.example\/team\/app wants credentials; "cairn login r\.example" gives them/);
  }
});

test('a token to push serves to pull, and a mount asks for both repositories', async (t) => {
  const world = await worldOf(t, { auth: 'token' }, ME);
  const layer = [...world.registry.blobs.keys()][0] as string;
  assert.equal(await world.repository('other/app').mount(layer, 'team/app'), true);
  await world.repository('other/app').blob(layer, MOST);
  const scopes = world.registry.tokenRequests.map((asked) => asked.getAll('scope'));
  assert.deepEqual(scopes, [['repository:other/app:pull,push', 'repository:team/app:pull']]);
});

test('a mount from what may not be read is no error', async (t) => {
  const world = await worldOf(t, { auth: 'token', open: ['team/app'] });
  assert.equal(await world.repository('other/app').mount('sha256:0', 'team/app'), false);
});

test('a download renews its token', async (t) => {
  const world = await worldOf(t, { auth: 'token' }, ME);
  const digest = [...world.registry.blobs.keys()][0] as string;
  await world.pull();
  world.registry.revoke();
  const { url, send } = world.repository().blobRequest(digest);
  const response = await send({ url });
  assert.deepEqual(await response.bytes(MOST), world.registry.blobs.get(digest));
});

test('credentials go to no token server by plain HTTP, but to this machine', async (t) => {
  const world = await worldOf(t, { auth: 'token' }, ME);
  world.registry.challenge = () => 'Bearer realm="http://tokens.example/token"';
  assert.match((await refusal(world.pull(), 'ERR_TLS')).message, /tokens\.example.*plain HTTP/);
});

test('a registry elsewhere may not name a token server on this machine', async () => {
  const auth = new RegistryAuth({ find: () => Promise.resolve(ME) });
  const http = new HttpClient({ userAgent: 'cairn/test' });
  const access = { http, registry: new URL('https://r.example'), host: 'r.example', scope: 'repository:a:pull' };
  for (const realm of [
    'http://127.0.0.1:1/',
    'https://localhost/',
    'https://me:pw@t.example/',
    'file:///etc/passwd',
    '',
  ])
    await refusal(
      auth.authorize(access, { challenge: `Bearer realm="${realm}"`, authorization: undefined }),
      'ERR_HTTP',
    );
  await http.close();
});

test('an answer without a token is told, and not repeated', async (t) => {
  const server = await TestServer.start(t);
  for (const body of ['hunter2', '{}', '[]', 'null', '{"token":7}', '{"token":"hunter2\\n"}', '{"token":""}']) {
    server.serve('/token', body);
    const world = await worldOf(t, { auth: 'token' }, ME);
    world.registry.challenge = () => `Bearer realm="${server.url('/token')}"`;
    assert.match((await refusal(world.pull(), 'ERR_HTTP')).message, /answers without a token/);
  }
  server.serve('/token', { fault: 'endless' });
  const world = await worldOf(t, { auth: 'token' }, ME);
  world.registry.challenge = () => `Bearer realm="${server.url('/token')}"`;
  await refusal(world.pull(), 'ERR_LIMIT');
});

test('a token is taken by either name, and serves a minute where nobody says how long', async (t) => {
  const server = await TestServer.start(t);
  const cases: [answer: object, seconds: number][] = [
    [{ token: 'x' }, 60],
    [{ access_token: 'x' }, 60],
    [{ token: 'x', access_token: 'y', expires_in: 0 }, 60],
    [{ token: '', access_token: 'x', expires_in: -5 }, 60],
    [{ access_token: 'x', expires_in: '300' }, 300],
    [{ access_token: 'x', expires_in: 'soon', issued_at: 'never' }, 60],
    [{ token: 'x', expires_in: 300, refresh_token: null, scope: 'other' }, 300],
  ];
  for (const [answer, seconds] of cases) {
    server.serve('/token', JSON.stringify(answer));
    const realm = new URL(server.url('/token'));
    const http = httpFor(t);
    const request = { http, realm, service: undefined, scopes: [], credential: undefined };
    const { value, lifetimeMs } = await requestToken(request);
    assert.deepEqual([value.reveal(), lifetimeMs], ['x', seconds * 1000], JSON.stringify(answer));
  }
});

test('of several headers with challenges each counts, and a token server that is none does not', async (t) => {
  const world = await worldOf(t, { auth: 'basic' }, ME);
  for (const challenge of [
    ['Negotiate', 'Basic realm="x"'],
    ['Bearer realm="the registry"', 'BASIC realm="x"'],
    ['Bearer', 'Basic'],
  ]) {
    world.registry.challenge = () => challenge;
    await world.pull();
  }
});

test('of two challenges the token comes first, and an unknown scheme is none', async (t) => {
  const world = await worldOf(t, { auth: 'token' }, ME);
  world.registry.challenge = () => `Negotiate, Basic realm="x", Bearer realm="${world.registry.realm}"`;
  await world.pull();
  assert.equal(world.registry.tokenRequests.length, 1);
  const other = await worldOf(t, { auth: 'basic' }, ME);
  other.registry.challenge = () => 'Negotiate';
  await refusal(other.pull(), 'ERR_UNAUTHORIZED');
  assert.ok(other.registry.asked.every(({ authorization }) => authorization === undefined));
});
