/** Debian's registry with passwords: logins of cairn and of podman are good for each other, and for skopeo. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tar } from '../fixtures/archive.js';
import { cairn, type Ran, temporaryDirectory } from '../fixtures/cli.js';
import { missing } from '../fixtures/peers.js';

const PASSWORD = 'pa:ss';
/** As htpasswd writes it. */
const HASHED = '$2y$04$abcdefghijklmnopqrstuu2auYx.qp9Oa3Pif.hfhenSQE6jLNfY6';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** @returns `127.0.0.1:PORT` */
async function startRegistry(t: TestContext, dir: string): Promise<string> {
  const host = `127.0.0.1:${await freePort()}`;
  fs.writeFileSync(join(dir, 'htpasswd'), `me:${HASHED}\n`);
  const config = {
    version: '0.1',
    storage: { filesystem: { rootdirectory: join(dir, 'registry') } },
    http: { addr: host },
    auth: { htpasswd: { realm: 'test', path: join(dir, 'htpasswd') } },
  };
  fs.writeFileSync(join(dir, 'config.yml'), JSON.stringify(config));
  const registry = spawn('docker-registry', ['serve', join(dir, 'config.yml')], { stdio: 'ignore' });
  t.after(() => registry.kill('SIGKILL'));
  for (let tries = 0; tries < 200; tries++) {
    const isUp = await fetch(`http://${host}/v2/`).then(
      () => true,
      () => false,
    );
    if (isUp) return host;
    await sleep(50);
  }
  throw new Error('docker-registry did not start');
}

test('logins of cairn, podman and skopeo are one', {
  skip: missing('docker-registry', 'podman', 'skopeo'),
}, async (t) => {
  const dir = temporaryDirectory(t);
  const host = await startRegistry(t, dir);
  const env = { HOME: dir, XDG_RUNTIME_DIR: join(dir, 'run'), CAIRN_AUTH_DIRS: dir };
  const own = (args: readonly string[], input?: string): Promise<Ran> =>
    cairn(args, { store: join(dir, 'store'), env, ...(input === undefined ? {} : { input: Buffer.from(input) }) });
  const peer = (program: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, ...env } });

  fs.writeFileSync(join(dir, 'layer.tar'), tar([{ name: 'hello', content: 'hello' }]));
  assert.equal((await own(['import', '--layer', '--name', 'app:1', join(dir, 'layer.tar')])).code, 0);
  const push = (): Promise<Ran> => own(['push', '--json', 'app:1', `docker://${host}/team/app:1`]);
  assert.equal((await push()).error().code, 'ERR_UNAUTHORIZED');

  const login = ['login', '-u', 'me', '--password-stdin', host];
  assert.equal((await own([...login, '--json'], 'wrong')).error().code, 'ERR_UNAUTHORIZED');
  assert.equal((await own(login, PASSWORD)).code, 0);
  const { digest } = (await push()).json<{ digest: string }>();
  const seen = peer('skopeo', 'inspect', '--tls-verify=false', `docker://${host}/team/app:1`);
  assert.equal(JSON.parse(seen.stdout).Digest, digest, seen.stderr);
  assert.equal(peer('podman', 'login', '--get-login', host).stdout.trim(), 'me');

  assert.equal(peer('podman', 'logout', host).status, 0);
  const fetch = (): Promise<Ran> => own(['fetch', '--json', `docker://${host}/team/app:1`]);
  assert.equal((await fetch()).error().code, 'ERR_UNAUTHORIZED');
  assert.equal(peer('podman', 'login', '--tls-verify=false', '-u', 'me', '-p', PASSWORD, host).status, 0);
  // The image is here already, with the layers that it was imported with.
  assert.ok((await fetch()).json<{ url: string }[]>()[0]?.url.endsWith(digest));
  assert.equal((await own(['logout', host])).code, 0);
  assert.notEqual(peer('podman', 'login', '--get-login', host).status, 0);
});
