/** Debian's registry with passwords: logins of cairn and of podman are good for each other, and for skopeo. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tar } from '../fixtures/archive.js';
import { cairn, type Ran, temporaryDirectory } from '../fixtures/cli.js';
import { PASSWORD, startDockerRegistry } from '../fixtures/docker-registry.js';
import { missing } from '../fixtures/peers.js';

test('logins of cairn, podman and skopeo are one', {
  skip: missing('docker-registry', 'podman', 'skopeo'),
}, async (t) => {
  const dir = temporaryDirectory(t);
  const host = await startDockerRegistry(t, dir, 'htpasswd');
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
