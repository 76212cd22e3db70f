/** Logging in to registries and out, by the program. Passwords are shown nowhere, not even on a terminal. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { dropCredential, keepCredential } from '../../engine/remote/credentials/change-auth-file.js';
import { type Password, Secret } from '../../engine/remote/credentials/credential.js';
import { NO_TERMINAL } from '../cli/terminal.js';
import { cairn, PROGRAM, type Ran, type RunOptions, temporaryDirectory } from '../fixtures/cli.js';
import { setEnvironment } from '../fixtures/environment.js';
import { type RegistryOptions, TestRegistry } from '../fixtures/registry-server.js';

const PASSWORD = 'hunter2:correct';
const encoded = (password = PASSWORD): string => Buffer.from(`me:${password}`).toString('base64');

interface AuthJson {
  auths: Record<string, { auth?: string }>;
  [field: string]: unknown;
}

class World {
  readonly dir: string;
  readonly registry: TestRegistry;
  readonly env: Record<string, string>;

  constructor(dir: string, registry: TestRegistry) {
    this.dir = dir;
    this.registry = registry;
    const [path = ''] = [process.env['PATH']];
    this.env = { HOME: dir, XDG_RUNTIME_DIR: join(dir, 'run'), CAIRN_AUTH_DIRS: dir, PATH: `${dir}/bin:${path}` };
  }

  get file(): string {
    return join(this.dir, 'run', 'containers', 'auth.json');
  }

  write(path: string, content: object, mode = 0o600): void {
    fs.mkdirSync(dirname(path), { recursive: true });
    fs.writeFileSync(path, JSON.stringify(content), { mode });
  }

  read(path = this.file): AuthJson {
    return JSON.parse(fs.readFileSync(path, 'utf8'));
  }

  async run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const ran = await cairn(args, { ...options, env: { ...this.env, ...options.env } });
    const output = ran.stdout.toString() + ran.stderr;
    for (const secret of [PASSWORD, encoded(), 'wrong-one', encoded('wrong-one')])
      assert.ok(!output.includes(secret), `${args.join(' ')} shows ${secret}: ${output}`);
    return ran;
  }

  login(password = PASSWORD, ...more: string[]): Promise<Ran> {
    const args = ['login', '--json', '--verbose', '-u', 'me', '--password-stdin', ...more, this.registry.host];
    return this.run(args, { input: Buffer.from(`${password}\n`) });
  }
}

async function worldOf(t: TestContext, options: RegistryOptions): Promise<World> {
  return new World(temporaryDirectory(t), await TestRegistry.start(t, { users: { me: PASSWORD }, ...options }));
}

for (const auth of ['basic', 'token'] as const) {
  test(`login keeps what the registry takes where podman does, for its owner alone (${auth})`, async (t) => {
    const world = await worldOf(t, { auth });
    const { host } = world.registry;
    const ran = await world.login();
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual(ran.json(), { host, user: 'me', authfile: world.file, checked: true });
    assert.deepEqual(world.read(), { auths: { [host]: { auth: encoded() } } });
    assert.equal(fs.statSync(world.file).mode & 0o777, 0o600);
    assert.deepEqual(fs.readdirSync(dirname(world.file)), ['auth.json']);
  });

  test(`login refuses what the registry refuses, and keeps nothing (${auth})`, async (t) => {
    const world = await worldOf(t, { auth });
    const ran = await world.login('wrong-one');
    assert.equal(ran.error().code, 'ERR_UNAUTHORIZED');
    assert.ok(ran.error().message.includes(world.registry.host));
    assert.equal(fs.existsSync(world.file), false);
  });
}

test('login changes its own entry and nothing else, and makes an open file its owner’s', async (t) => {
  const world = await worldOf(t, { auth: 'basic' });
  const { host } = world.registry;
  const kept = { HttpHeaders: { a: 'b' }, credHelpers: { 'h.example': 'none' } };
  world.write(
    world.file,
    { ...kept, auths: { [`https://${host}/v2/`]: { auth: 'b2xkOm9sZA==' }, 'o.example': {} } },
    0o644,
  );
  assert.equal((await world.login()).code, 0);
  assert.deepEqual(world.read(), { ...kept, auths: { 'o.example': {}, [host]: { auth: encoded() } } });
  assert.equal(fs.statSync(world.file).mode & 0o777, 0o600);
});

test('a link to the file stays one', async (t) => {
  const world = await worldOf(t, { auth: 'basic' });
  const real = join(world.dir, 'real.json');
  world.write(real, {});
  fs.mkdirSync(dirname(world.file), { recursive: true });
  fs.symlinkSync(real, world.file);
  assert.equal((await world.login()).code, 0);
  assert.ok(fs.lstatSync(world.file).isSymbolicLink());
  assert.ok(world.read(real).auths[world.registry.host] !== undefined);
});

test('--authfile and the environment name the file, which must be one that can be written', async (t) => {
  const world = await worldOf(t, { auth: 'basic' });
  const { host } = world.registry;
  const [given, named] = [join(world.dir, 'given.json'), join(world.dir, 'named.json')];
  world.env['REGISTRY_AUTH_FILE'] = named;
  assert.equal((await world.login(PASSWORD, '--authfile', given)).code, 0);
  assert.deepEqual([fs.existsSync(given), fs.existsSync(named)], [true, false]);
  assert.equal((await world.login()).code, 0);
  assert.ok(world.read(named).auths[host] !== undefined);
  const pipe = join(world.dir, 'directory');
  fs.mkdirSync(pipe);
  assert.equal((await world.login(PASSWORD, '--authfile', pipe)).error().code, 'ERR_CONFIG');
  assert.equal((await world.login(PASSWORD, '--authfile', '/dev/null')).error().code, 'ERR_CONFIG');
  assert.ok(fs.statSync('/dev/null').isCharacterDevice());
});

test('a helper that the file names keeps the password in place of the file', async (t) => {
  const world = await worldOf(t, { auth: 'basic' });
  const { host } = world.registry;
  const kept = join(world.dir, 'kept');
  fs.mkdirSync(join(world.dir, 'bin'));
  fs.writeFileSync(
    join(world.dir, 'bin', 'docker-credential-test'),
    `#!/bin/sh
case $1 in
  store) cat > ${kept};;
  get) [ -e ${kept} ] && cat ${kept} || { echo credentials not found; exit 1; };;
  erase) rm ${kept};;
esac\n`,
    { mode: 0o700 },
  );
  for (const naming of [{ credHelpers: { [host]: 'test' } }, { credsStore: 'test' }]) {
    world.write(world.file, naming);
    assert.equal((await world.login()).code, 0);
    assert.deepEqual(JSON.parse(fs.readFileSync(kept, 'utf8')), { ServerURL: host, Username: 'me', Secret: PASSWORD });
    assert.ok(!fs.readFileSync(world.file, 'utf8').includes(encoded()));
    assert.equal((await world.run(['logout', host])).code, 0);
    assert.equal(fs.existsSync(kept), false);
    assert.equal((await world.run(['logout', host])).code, 3);
  }
});

test('of logins and logouts at a time none loses what another has kept', async (t) => {
  const dir = temporaryDirectory(t);
  const bin = join(dir, 'bin');
  fs.mkdirSync(bin);
  fs.writeFileSync(join(bin, 'docker-credential-slow'), '#!/bin/sh\ncat > /dev/null\n', { mode: 0o700 });
  setEnvironment(t, { PATH: `${bin}:${process.env['PATH']}` });
  const path = join(dir, 'auth.json');
  fs.writeFileSync(path, JSON.stringify({ credsStore: 'slow', auths: { 'old.example': {} } }));
  const place = { path, isNamed: true, isLegacy: false };
  const password: Password = { kind: 'password', user: 'me', password: new Secret(PASSWORD), from: path };
  const hosts = Array.from({ length: 6 }, (_none, i) => `r${i}.example`);
  await Promise.all([
    ...hosts.map((host) => keepCredential(place, host, password)),
    dropCredential(place, 'old.example/team').then((isDropped) => assert.equal(isDropped, false)),
  ]);
  const { auths } = JSON.parse(fs.readFileSync(path, 'utf8')) as AuthJson;
  assert.deepEqual(Object.keys(auths).sort(), ['old.example', ...hosts]);
  assert.deepEqual(fs.readdirSync(dir).sort(), ['auth.json', 'bin']);
});

test('a registry that asks nobody is told of', async (t) => {
  const world = await worldOf(t, { auth: 'none' });
  const ran = await world.login();
  assert.equal(ran.code, 0);
  assert.equal(ran.json<{ checked: boolean }>().checked, false);
  assert.match(ran.stderr, /asks nobody for credentials; these were not checked/);
});

test('what cannot be a login is a usage error, or asks for a terminal, before any password is read', async (t) => {
  const world = await worldOf(t, { auth: 'basic' });
  const { host } = world.registry;
  for (const args of [
    ['login', `https://${host}`],
    ['login', '-u', 'me', '--password-stdin', `http://${host}/v2/`],
    ['login', host],
    ['login', '-u', 'me', host],
    ['login', '--password-stdin', host],
    ['login', '-u', 'a:b', '--password-stdin', host],
    ['login', '-u', 'me', '--password-stdin', '--insecure-options', 'image', host],
    ['logout'],
    ['logout', '--all', host],
  ]) {
    const ran = await world.run([...args, '--json'], { input: Buffer.from(PASSWORD) });
    assert.equal(ran.code, 2, `${args.join(' ')}: ${ran.stderr}`);
  }
  const empty = await world.run(['login', '-u', 'me', '--password-stdin', host], { input: Buffer.from('\n') });
  assert.equal(empty.code, 2);
  assert.deepEqual(world.registry.asked, []);
});

test('a login may be for the beginning of names, and a fetch uses it there', async (t) => {
  const world = await worldOf(t, { auth: 'basic' });
  const { host } = world.registry;
  const layers: Buffer[] = [];
  for (const name of ['team/app', 'other/app']) world.registry.hold(join(world.dir, name), name, '1', { layers });
  const args = ['login', '-u', 'me', '--password-stdin', `${host}/team`];
  assert.equal((await world.run(args, { input: Buffer.from(PASSWORD) })).code, 0);
  assert.deepEqual(Object.keys(world.read().auths), [`${host}/team`]);
  const fetch = (name: string): Promise<Ran> =>
    world.run(['fetch', '--json', `docker://${host}/${name}:1`], { store: join(world.dir, 'store') });
  assert.equal((await fetch('team/app')).code, 0);
  assert.equal((await fetch('other/app')).error().code, 'ERR_UNAUTHORIZED');
});

test('logout forgets one registry or all, and tells who still has credentials', async (t) => {
  const world = await worldOf(t, { auth: 'basic' });
  const entry = { auth: encoded() };
  const docker = join(world.dir, '.docker', 'config.json');
  world.write(world.file, { auths: { 'a.example': entry, 'b.example': entry, 'c.example/team': entry }, more: 1 });
  world.write(docker, { auths: { 'a.example': entry, 'd.example': entry } });
  const one = await world.run(['logout', '--json', 'a.example']);
  assert.deepEqual(one.json(), [{ host: 'a.example', authfile: world.file, remains: docker }]);
  assert.ok(one.stderr.includes(docker));
  assert.deepEqual(Object.keys(world.read().auths), ['b.example', 'c.example/team']);
  const none = await world.run(['logout', '--json', 'd.example']);
  assert.equal(none.code, 3);
  assert.ok(none.error().message.includes(docker));
  const all = await world.run(['logout', '--json', '--all']);
  assert.deepEqual(
    all.json<{ host: string }[]>().map(({ host }) => host),
    ['b.example', 'c.example/team'],
  );
  assert.deepEqual(world.read(), { auths: {}, more: 1 });
  assert.deepEqual((await world.run(['logout', '--json', '--all'])).json(), []);
});

/** Runs a command on a terminal that echoes, and types a line at each prompt. */
const TYPIST = `
import os, pty, sys
answers, command = sys.argv[1].split('|'), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0: os.execvp(command[0], command)
while True:
    try: got = os.read(terminal, 65536)
    except OSError: break
    if not got: break
    os.write(1, got)
    if answers and (got.rstrip().endswith(b':') or b': \\x1b' in got): os.write(terminal, answers.pop(0).encode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) % 256)
`;

async function type(
  world: World,
  answers: string,
  args: readonly string[],
): Promise<{ code: number | null; seen: string }> {
  const child = spawn('python3', ['-c', TYPIST, answers, process.execPath, PROGRAM, ...args], {
    env: { ...process.env, ...world.env },
  });
  let seen = '';
  child.stdout.on('data', (part: Buffer) => {
    seen += part.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, seen };
}

test('on a terminal the user and the password are asked for, and the password does not show', {
  skip: NO_TERMINAL,
}, async (t) => {
  const world = await worldOf(t, { auth: 'basic' });
  const { code, seen } = await type(world, `me\r|${PASSWORD}\r`, ['login', world.registry.host]);
  assert.equal(code, 0, seen);
  assert.match(seen, /User: .*me[\s\S]*Password: [\s\S]*me is logged in to/);
  assert.ok(!seen.includes('hunter2'), seen);
  assert.deepEqual(world.read().auths[world.registry.host], { auth: encoded() });
});

test('Ctrl-C at the password ends the login, and keeps nothing', { skip: NO_TERMINAL }, async (t) => {
  const world = await worldOf(t, { auth: 'basic' });
  const { code, seen } = await type(world, 'hunter2\x03', ['login', '-u', 'me', world.registry.host]);
  assert.equal(code, 130, seen);
  assert.ok(!seen.includes('hunter2'), seen);
  assert.equal(fs.existsSync(world.file), false);
});
