/** Credentials: which file, entry or program counts, and that none of them is ever shown. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { type CairnError, type ErrorCode, isCairnError } from '../../engine/core/errors.js';
import { plainKey } from '../../engine/remote/credentials/auth-file.js';
import { authDirectories, authPlaces } from '../../engine/remote/credentials/auth-places.js';
import { type Credential, Secret } from '../../engine/remote/credentials/credential.js';
import { type CredentialOptions, Credentials } from '../../engine/remote/credentials/credentials.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { setEnvironment } from '../fixtures/environment.js';

const auth = (user: string, password = 'pw'): { auth: string } => ({
  auth: Buffer.from(`${user}:${password}`).toString('base64'),
});

/** A home with files, and what is found there. */
class Home {
  readonly dir: string;
  readonly env: Record<string, string>;

  constructor(t: TestContext) {
    this.dir = temporaryDirectory(t);
    this.env = { HOME: this.dir, XDG_RUNTIME_DIR: join(this.dir, 'run'), CAIRN_AUTH_DIRS: this.path('sys', 'loc') };
  }

  path(...names: string[]): string {
    return names.map((name) => join(this.dir, name)).join(':');
  }

  write(name: string, content: object | string, mode = 0o600): this {
    const path = this.path(name);
    fs.mkdirSync(dirname(path), { recursive: true });
    fs.writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    fs.chmodSync(path, mode);
    return this;
  }

  credentials(options: CredentialOptions = {}): Credentials {
    return new Credentials({ env: this.env, ...options });
  }

  async user(host: string, repository?: string, options?: CredentialOptions): Promise<string | undefined> {
    return shown(await this.credentials(options).find(host, repository));
  }
}

function shown(credential: Credential | undefined): string | undefined {
  if (credential === undefined) return undefined;
  return credential.kind === 'password'
    ? `${credential.user}/${credential.password.reveal()}`
    : `${credential.kind} ${credential.token.reveal()}`;
}

async function refusal(work: Promise<unknown>, code: ErrorCode): Promise<CairnError> {
  const error = await work.then(
    () => assert.fail('it was taken'),
    (thrown: unknown) => thrown,
  );
  assert.ok(isCairnError(error, code), `${error}`);
  return error;
}

test('a secret is shown by nothing that prints or serializes', () => {
  const secret = new Secret('hunter2');
  const credential = { kind: 'password', user: 'me', password: secret };
  for (const text of [`${secret}`, JSON.stringify(credential), inspect(credential, { showHidden: true, depth: 9 })])
    assert.ok(!text.includes('hunter2'), text);
  assert.equal(secret.reveal(), 'hunter2');
});

test('files are looked for where podman and Docker keep them, in their order', () => {
  const env = { HOME: '/home/me', XDG_RUNTIME_DIR: '/run/user/1' };
  const paths = (given?: string, more: Record<string, string> = {}): string[] =>
    authPlaces(given, { ...env, ...more }).map(({ path }) => path);
  const others = ['/home/me/.config/containers/auth.json', '/home/me/.docker/config.json', '/home/me/.dockercfg'];
  assert.deepEqual(paths(), ['/run/user/1/containers/auth.json', ...others]);
  assert.deepEqual(paths('/a'), ['/a', ...others]);
  assert.deepEqual(paths('/a', { REGISTRY_AUTH_FILE: '/b' }), ['/a', ...others]);
  assert.deepEqual(paths(undefined, { REGISTRY_AUTH_FILE: '/b' }), ['/b', ...others]);
  const moved = { XDG_CONFIG_HOME: '/c', DOCKER_CONFIG: '/d' };
  assert.deepEqual(paths('/a', moved), ['/a', '/c/containers/auth.json', '/d/config.json', '/home/me/.dockercfg']);
  assert.match(paths(undefined, { XDG_RUNTIME_DIR: '' })[0] ?? '', /^\/run\/containers\/\d+\/auth\.json$/);
});

test('the first file that has a credential for the registry counts', async (t) => {
  const home = new Home(t)
    .write('run/containers/auth.json', { auths: { 'one.example': auth('run') } })
    .write('.config/containers/auth.json', { auths: { 'one.example': auth('conf'), 'two.example': auth('conf') } })
    .write('.docker/config.json', { auths: { 'two.example': auth('docker'), 'three.example': auth('docker') } })
    .write('.dockercfg', { 'three.example': auth('cfg'), 'four.example': auth('cfg') })
    .write('given.json', { auths: { 'four.example': auth('given') } });
  assert.equal(await home.user('one.example'), 'run/pw');
  assert.equal(await home.user('two.example'), 'conf/pw');
  assert.equal(await home.user('three.example'), 'docker/pw');
  assert.equal(await home.user('four.example'), 'cfg/pw');
  assert.equal(await home.user('five.example'), undefined);
  const authfile = home.path('given.json');
  assert.equal(await home.user('four.example', undefined, { authfile }), 'given/pw');
  assert.equal(await home.user('one.example', undefined, { authfile }), 'conf/pw');
});

test('a file that was named must be there, and may be empty', async (t) => {
  const home = new Home(t).write('empty', '');
  const error = await refusal(home.user('x.example', 'a', { authfile: home.path('none') }), 'ERR_NOT_FOUND');
  assert.equal(error.path, home.path('none'));
  assert.equal(await home.user('x.example', 'a', { authfile: home.path('empty') }), undefined);
  assert.equal(await home.user('x.example', 'a', { authfile: '/dev/null' }), undefined);
});

test('the longest beginning of a repository’s name counts, by whole parts', async (t) => {
  const auths = {
    'r.example': auth('host'),
    'r.example/team': auth('team'),
    'r.example/team/app': auth('app'),
    'r.example:5000': auth('port'),
  };
  const home = new Home(t).write('run/containers/auth.json', { auths });
  for (const [repository, user] of [
    ['team/app', 'app'],
    ['team/app/sub', 'app'],
    ['team/application', 'team'],
    ['team', 'team'],
    ['teams/app', 'host'],
    [undefined, 'host'],
  ])
    assert.equal(await home.user('r.example', repository), `${user}/pw`, repository);
  assert.equal(await home.user('r.example:5000', 'team/app'), 'port/pw');
});

test('property: the entry found is a beginning of the name, and no longer entry is', async (t) => {
  const home = new Home(t);
  const part = fc.constantFrom('a', 'b', 'ab');
  const path = fc.array(part, { maxLength: 4 }).map((parts) => ['h.example', ...parts].join('/'));
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(path), path, async (keys, name) => {
      home.write('run/containers/auth.json', { auths: Object.fromEntries(keys.map((key) => [key, auth(key)])) });
      const [host = '', ...rest] = name.split('/');
      const fitting = keys.filter((key) => `${name}/`.startsWith(`${key}/`)).sort((a, b) => b.length - a.length);
      const expected = fitting[0] === undefined ? undefined : `${fitting[0]}/pw`;
      assert.equal(await home.user(host, rest.length === 0 ? undefined : rest.join('/')), expected);
    }),
    { numRuns: 50 },
  );
});

test('keys that Docker writes as URLs, and the names of Docker Hub, mean the registry', () => {
  for (const [key, plain] of [
    ['https://index.docker.io/v1/', 'docker.io'],
    ['index.docker.io', 'docker.io'],
    ['registry-1.docker.io', 'docker.io'],
    ['docker.io/library/busybox', 'docker.io/library/busybox'],
    ['https://r.example:5000/v2/', 'r.example:5000'],
    ['http://r.example', 'r.example'],
    ['r.example/team/', 'r.example/team'],
    ['r.example', 'r.example'],
  ] as const)
    assert.equal(plainKey(key), plain);
});

test('an entry may hold a password, a token for a token server, or a token to send', async (t) => {
  const home = new Home(t).write('run/containers/auth.json', {
    auths: {
      'colon.example': auth('me', 'a:b:c'),
      'plain.example': { username: 'me', password: 'pw' },
      'identity.example': { ...auth('me', ''), identitytoken: 'idt' },
      'token.example': { registrytoken: 'tok' },
      'padded.example': { auth: Buffer.from('me:pw\0\0').toString('base64') },
      'nothing.example': {},
      'null.example': null,
    },
  });
  const found = (host: string): Promise<string | undefined> => home.user(host);
  assert.equal(await found('colon.example'), 'me/a:b:c');
  assert.equal(await found('plain.example'), 'me/pw');
  assert.equal(await found('identity.example'), 'identity idt');
  assert.equal(await found('token.example'), 'bearer tok');
  assert.equal(await found('padded.example'), 'me/pw');
  assert.equal(await found('nothing.example'), undefined);
  assert.equal(await found('null.example'), undefined);
});

test('a damaged file is refused with its path, and without a word of what is in it', async (t) => {
  const home = new Home(t);
  for (const content of [
    '{"auths": {"r.example": {"auth": "c2VjcmV0"',
    '{"auths": {"r.example": {"auth": "c2VjcmV0", "auth": "c2VjcmV0"}}}',
    'c2VjcmV0',
    '["c2VjcmV0"]',
    '{"auths": "c2VjcmV0"}',
    '{"auths": {"r.example": "c2VjcmV0"}}',
    '{"auths": {"r.example": {"auth": "c2VjcmV0"}}}',
    '{"auths": {"r.example": {"auth": ["c2VjcmV0"]}}}',
    '{"auths": {"r.example": {"auth": "c2VjcmV0 c2VjcmV0:"}}}',
    '{"credHelpers": {"r.example": 7}, "auths": {"x": {"auth": "c2VjcmV0"}}}',
  ]) {
    const path = home.write('run/containers/auth.json', content).path('run/containers/auth.json');
    const error = await refusal(home.user('r.example'), 'ERR_CONFIG');
    assert.equal(error.path, path);
    assert.ok(!/c2VjcmV0/.test(inspect(error, { depth: 9 }) + error.stack), inspect(error));
  }
  fs.rmSync(home.path('run/containers/auth.json'));
  fs.mkdirSync(home.path('run/containers/auth.json'));
  assert.equal((await refusal(home.user('r.example'), 'ERR_CONFIG')).path, home.path('run/containers/auth.json'));
});

test('a file that others may read is used, and warned of once, if there is a secret in it', async (t) => {
  const home = new Home(t)
    .write('run/containers/auth.json', { auths: { 'r.example': auth('me') } }, 0o640)
    .write('.docker/config.json', { auths: { 'r.example': {} }, credsStore: 'pass' }, 0o644)
    .write('loc/a.json', basicFor(['h.example']), 0o604);
  const warnings: string[] = [];
  const credentials = home.credentials({ onWarning: (message) => warnings.push(message) });
  assert.equal(shown(await credentials.find('r.example')), 'me/pw');
  assert.equal(shown(await credentials.find('r.example')), 'me/pw');
  assert.equal(warnings.length, 1);
  assert.ok(warnings[0]?.includes(home.path('run/containers/auth.json')));
  assert.ok(credentials.headerFor(new URL('https://h.example/')) !== undefined);
  assert.ok(warnings[1]?.includes(home.path('loc/a.json')));
  assert.equal(warnings.length, 2);
});

/** A helper, as a script of the shell that is asked with `$1` and reads the server to `$server`. */
function helper(t: TestContext, home: Home, script: string): void {
  home.write(
    'bin/docker-credential-test',
    `#!/bin/sh\nread -r server\necho "$1 $server" >> ${home.path('log')}\n${script}\n`,
    0o700,
  );
  setEnvironment(t, { PATH: `${home.path('bin')}:${process.env['PATH']}` });
}

const logged = (home: Home): string[] => fs.readFileSync(home.path('log'), 'utf8').trim().split('\n');

test('a helper of the registry is asked once, in place of the entry', async (t) => {
  const home = new Home(t).write('run/containers/auth.json', {
    auths: { 'r.example': auth('entry'), 'r.example/team': auth('entry'), 'other.example': auth('entry') },
    credHelpers: { 'r.example': 'test', 'https://index.docker.io/v1/': 'test' },
  });
  helper(t, home, `echo '{"ServerURL":"x","Username":"helper","Secret":"kept"}'; echo warning >&2`);
  const credentials = home.credentials();
  assert.equal(shown(await credentials.find('r.example', 'team/app')), 'helper/kept');
  assert.equal(shown(await credentials.find('r.example')), 'helper/kept');
  assert.equal(shown(await credentials.find('other.example')), 'entry/pw');
  assert.equal(shown(await credentials.find('docker.io', 'library/busybox')), 'helper/kept');
  assert.deepEqual(logged(home), ['get r.example', 'get https://index.docker.io/v1/']);
});

test('the store of a file has what its entries lack, and may have nothing', async (t) => {
  const home = new Home(t)
    .write('.docker/config.json', { auths: { 'r.example': auth('entry'), 'kept.example': {} }, credsStore: 'test' })
    .write('.dockercfg', { 'none.example': auth('cfg') });
  helper(
    t,
    home,
    `case $server in
      kept.example) echo '{"ServerURL":"x","Username":"<token>","Secret":"idt"}';;
      *) echo 'credentials not found in native keychain'; exit 1;;
    esac`,
  );
  assert.equal(await home.user('r.example'), 'entry/pw');
  assert.equal(await home.user('kept.example', 'app'), 'identity idt');
  assert.equal(await home.user('none.example'), 'cfg/pw');
  assert.equal(await home.user('docker.io'), undefined);
  assert.deepEqual(logged(home).slice(-2), ['get https://index.docker.io/v1/', 'get docker.io']);
});

test('a helper that fails is told, and what it printed is not', async (t) => {
  const home = new Home(t).write('.docker/config.json', { credsStore: 'test' });
  const path = home.path('.docker/config.json');
  for (const [script, message] of [
    ['echo hunter2; echo hunter2 >&2; exit 3', /docker-credential-test.*ended with 3/],
    ['echo hunter2', /no credential/],
    [`echo '{"Username":"hunter2"}'`, /no credential/],
    ['exec sleep 60', /has not answered within 0\.2 s/],
    ['yes hunter2', /answers with more than/],
  ] as const) {
    helper(t, home, script);
    const slow = script.includes('sleep') ? { helperTimeoutMs: 200 } : {};
    const error = await refusal(home.user('r.example', 'a', slow), 'ERR_CONFIG');
    assert.match(error.message, message);
    assert.equal(error.path, path);
    assert.ok(!inspect(error, { depth: 9 }).includes('hunter2'), inspect(error));
  }
});

test('a helper that is not there, or has no name of one, is told', async (t) => {
  const home = new Home(t).write('.docker/config.json', { credsStore: 'nowhere' });
  assert.match(
    (await refusal(home.user('r.example'), 'ERR_CONFIG')).message,
    /docker-credential-nowhere.*not installed/,
  );
  home.write('.docker/config.json', { credHelpers: { 'r.example': '../../bin/true' } });
  assert.match((await refusal(home.user('r.example'), 'ERR_CONFIG')).message, /not the name of a credential helper/);
});

function basicFor(domains: string[], user = 'foo'): object {
  const credentials = { user, password: 'bar' };
  return { rktKind: 'auth', rktVersion: 'v1', domains, type: 'basic', credentials };
}

function oauthFor(domains: string[], token: string): object {
  return { rktKind: 'auth', rktVersion: 'v1', domains, type: 'oauth', credentials: { token } };
}

test('a download gets the header of its host, and of the later directory, over HTTPS alone', (t) => {
  const home = new Home(t)
    .write('sys/all.json', oauthFor(['coreos.com', 'tectonic.com', 'kubernetes.io'], 'common'))
    .write('loc/coreos.json', basicFor(['CoreOS.com:443', 'localhost:8080', 'coreos.com:8443']))
    .write('loc/tectonic.json', oauthFor(['tectonic.com'], 'special'))
    .write('loc/readme.txt', 'not JSON')
    .write('loc/below/no.json', 'not JSON');
  const credentials = home.credentials();
  const header = (url: string): string | undefined => credentials.headerFor(new URL(url));
  assert.equal(header('https://kubernetes.io/x'), 'Bearer common');
  assert.equal(header('https://coreos.com/x'), `Basic ${Buffer.from('foo:bar').toString('base64')}`);
  assert.equal(header('https://coreos.com:8443/x'), header('https://coreos.com/x'));
  assert.equal(header('https://tectonic.com/x'), 'Bearer special');
  assert.equal(header('http://localhost:8080/x'), header('https://coreos.com/x'));
  for (const url of [
    'http://coreos.com/',
    'https://www.coreos.com/',
    'https://coreos.com:444/',
    'https://coreos.com.evil/',
  ])
    assert.equal(header(url), undefined, url);
});

test('credentials for registries from the same directories come after those of all other files', async (t) => {
  const docker = (registries: string[], user: string): object => ({
    rktKind: 'dockerAuth',
    rktVersion: 'v1',
    registries,
    credentials: { user, password: 'bar' },
  });
  const home = new Home(t)
    .write('sys/docker.json', docker(['index.docker.io', 'gcr.io', 'quay.io'], 'sys'))
    .write('loc/quay.json', docker(['quay.io'], 'loc'))
    .write('.docker/config.json', { auths: { 'gcr.io': auth('docker') } });
  assert.equal(await home.user('docker.io', 'library/redis'), 'sys/bar');
  assert.equal(await home.user('quay.io', 'a/b'), 'loc/bar');
  assert.equal(await home.user('gcr.io'), 'docker/pw');
  assert.equal(home.credentials().headerFor(new URL('https://quay.io/')), undefined);
});

test('a file of these kinds that breaks a rule is refused, without its content', async (t) => {
  const good = basicFor(['h.example']) as Record<string, unknown>;
  for (const [content, message] of [
    ['{', /not a JSON object/],
    [{ ...good, rktKind: 'paths' }, /rktKind must be/],
    [{ ...good, rktVersion: 'v2' }, /rktVersion must be "v1"/],
    [{ ...good, domains: [] }, /domains must name a host/],
    [{ ...good, domains: ['https://h.example'] }, /not HOST or HOST:PORT/],
    [{ ...good, domains: ['h.example/x'] }, /not HOST or HOST:PORT/],
    [{ ...good, domain: ['h.example'] }, /no field "domain"; did you mean domains\?/],
    [{ ...good, type: 'aws' }, /type must be/],
    [{ ...good, type: 'oauth' }, /credentials\.token must be there/],
    [{ ...good, credentials: { user: 'foo' } }, /credentials\.password must be there/],
    [{ ...good, credentials: 'bar' }, /must be an object/],
  ] as const) {
    const home = new Home(t).write('loc/a.json', content);
    const error = await refusal(home.user('x.example'), 'ERR_CONFIG');
    assert.match(error.message, message);
    assert.equal(error.path, home.path('loc/a.json'));
    assert.ok(!inspect(error, { depth: 9 }).includes('"bar"'));
  }
  const twice = new Home(t).write('loc/a.json', good).write('loc/b.json', good);
  assert.match(
    (await refusal(twice.user('x.example'), 'ERR_CONFIG')).message,
    /a\.json has credentials for h\.example, too/,
  );
});

test('directories with credentials of hosts are those of the system, the administrator and the user', () => {
  const env = { HOME: '/home/me' };
  assert.deepEqual(authDirectories(env, true), ['/usr/lib/cairn/auth.d', '/etc/cairn/auth.d']);
  assert.deepEqual(authDirectories(env, false).at(-1), '/home/me/.config/cairn/auth.d');
  assert.deepEqual(authDirectories({ ...env, CAIRN_AUTH_DIRS: '/a::/b' }, true), ['/a', '/b']);
});
