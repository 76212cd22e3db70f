/** What a push leaves out on request, and never by itself. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tar } from '../fixtures/archive.js';
import { makeAuthority } from '../fixtures/certificates.js';
import { cairn, type Ran, temporaryDirectory } from '../fixtures/cli.js';
import { proxyTo, TestServer } from '../fixtures/https-server.js';

test('a registry with a certificate of nobody gets an image on request only', async (t) => {
  const dir = temporaryDirectory(t);
  fs.writeFileSync(join(dir, 'layer.tar'), tar([{ name: 'hello', content: 'hello' }]));
  fs.writeFileSync(join(dir, 'registries.conf'), '');
  const server = await TestServer.start(t, { authority: makeAuthority(), names: ['r.example'] });
  const { env: proxy } = await proxyTo(t, server.port);
  const own = { HOME: dir, XDG_RUNTIME_DIR: dir, CAIRN_AUTH_DIRS: dir };
  const env = { ...own, CONTAINERS_REGISTRIES_CONF: join(dir, 'registries.conf'), ...proxy };
  const run = (...args: string[]): Promise<Ran> => cairn(args, { store: join(dir, 'store'), env });
  await run('import', '--layer', '--name', 'app:1', join(dir, 'layer.tar'));
  const push = (...args: string[]): Promise<Ran> => run('push', '--json', ...args, 'app:1', 'docker://r.example/app:1');

  assert.equal((await push()).error().code, 'ERR_TLS');
  assert.equal(server.paths.length, 0);
  const lax = await push('--insecure-options', 'tls,http');
  assert.equal(lax.error().code, 'ERR_NOT_FOUND');
  assert.match(lax.stderr, /certificates are not checked: .*\n.*plain HTTP is spoken/);
  assert.ok(server.paths.includes('/v2/app/blobs/uploads/'));
  assert.equal((await push('--insecure-options', 'image')).code, 2);
});
