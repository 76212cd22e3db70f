/** `cairn discover`, and the same in the library. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { openStore } from '../../engine/store.js';
import { makeAuthority } from '../fixtures/certificates.js';
import { cairn, type Ran, temporaryDirectory } from '../fixtures/cli.js';
import { setEnvironment } from '../fixtures/environment.js';
import { proxyTo, TestServer, trusting } from '../fixtures/https-server.js';

const AUTHORITY = makeAuthority();
const TRUSTING = trusting(temporaryDirectory({ after }), AUTHORITY);
const PAGE = `<html><head>
<meta name="ac-discovery" content="example.com https://one.example.com/{name}-{version}-{os}-{arch}.{ext}?{version}">
<meta name="ac-discovery" content="example.com https://two.example.com/{name}.{ext}">
<meta name="ac-discovery-pubkeys" content="example.com https://example.com/keys.gpg">
</head></html>`;

interface World {
  server: TestServer;
  dir: string;
  run: (...args: string[]) => Promise<Ran>;
}

async function worldOf(t: TestContext): Promise<World> {
  const server = await TestServer.start(t, { authority: AUTHORITY, names: ['example.com'] });
  const dir = temporaryDirectory(t);
  const { env } = await proxyTo(t, server.port);
  const own = { ...env, ...TRUSTING, HOME: dir, CAIRN_AUTH_DIRS: join(dir, 'auth.d') };
  return { server, dir, run: (...args) => cairn(args, { store: join(dir, 'none'), env: own }) };
}

test('what a page offers is shown, for what was asked and this machine, without a store', async (t) => {
  const { server, dir, run } = await worldOf(t);
  server.serve('/team/app', PAGE);
  const ran = await run('discover', '--json', 'example.com/team/app:1.0,os=linux,arch=amd64');
  assert.equal(ran.code, 0, ran.stderr);
  assert.deepEqual(ran.json(), {
    name: 'example.com/team/app',
    labels: [
      { name: 'version', value: '1.0' },
      { name: 'os', value: 'linux' },
      { name: 'arch', value: 'amd64' },
    ],
    aci: [
      'https://one.example.com/example.com/team/app-1.0-linux-amd64.aci?1.0',
      'https://two.example.com/example.com/team/app.aci',
    ],
    asc: [
      'https://one.example.com/example.com/team/app-1.0-linux-amd64.aci.asc?1.0',
      'https://two.example.com/example.com/team/app.aci.asc',
    ],
    keys: ['https://example.com/keys.gpg'],
    prefix: 'example.com',
  });
  assert.deepEqual(server.paths, ['/team/app?ac-discovery=1']);
  assert.equal(fs.existsSync(join(dir, 'none')), false);
  const text = await run('discover', 'example.com/team/app,os=linux,arch=amd64');
  assert.deepEqual(text.stdout.toString().split('\n').slice(0, 2), [
    'aci   https://one.example.com/example.com/team/app-latest-linux-amd64.aci?latest',
    'asc   https://one.example.com/example.com/team/app-latest-linux-amd64.aci.asc?latest',
  ]);
  assert.match(text.stdout.toString(), /^keys {2}https:\/\/example\.com\/keys\.gpg$/m);
});

test('nothing offered is not found, and what is no name is told', async (t) => {
  const { server, run } = await worldOf(t);
  const none = await run('discover', '--json', 'example.com/team/app');
  assert.equal(none.code, 3);
  assert.equal(none.error().code, 'ERR_NOT_FOUND');
  assert.deepEqual(server.paths, ['/team/app?ac-discovery=1', '/team?ac-discovery=1', '/?ac-discovery=1']);
  assert.equal((await run('discover', '--json', 'Example.com/App')).error().code, 'ERR_NAME_SYNTAX');
  assert.equal((await run('discover', '--json')).code, 2);
  assert.equal((await run('discover', '--json', '--insecure-options', 'all', 'example.com/a')).code, 2);
});

test('pages get the credentials of their host, which are shown nowhere', async (t) => {
  const { server, dir, run } = await worldOf(t);
  fs.mkdirSync(join(dir, 'auth.d'));
  const credentials = { user: 'me', password: 'hunter2' };
  const auth = { rktKind: 'auth', rktVersion: 'v1', domains: ['example.com'], type: 'basic', credentials };
  fs.writeFileSync(join(dir, 'auth.d', 'a.json'), JSON.stringify(auth), { mode: 0o644 });
  const encoded = Buffer.from('me:hunter2').toString('base64');
  server.serve('/app', (request, response) => {
    if (request.headers.authorization === `Basic ${encoded}`) response.end(PAGE);
    else response.writeHead(401).end();
  });
  const ran = await run('discover', '--verbose', '--json', 'example.com/app');
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stderr, /a\.json holds credentials, and others may read it/);
  const failed = await run('discover', '--verbose', '--json', 'example.com/other');
  for (const { stdout, stderr } of [ran, failed])
    assert.ok(!`${stdout}${stderr}`.includes('hunter2') && !`${stdout}${stderr}`.includes(encoded));
});

test('the library discovers, too, and refuses wrong options', async (t) => {
  const server = await TestServer.start(t, { authority: AUTHORITY, names: ['example.com'] });
  server.serve('/app', PAGE);
  const dir = temporaryDirectory(t);
  setEnvironment(t, { ...(await proxyTo(t, server.port)).env, CAIRN_AUTH_DIRS: dir });
  const notices: string[] = [];
  await using store = await openStore({ dir: join(dir, 'store'), onNotice: (notice) => notices.push(notice) });
  const { prefix, aci } = await store.discover('example.com/app', { insecure: ['tls'] });
  assert.deepEqual([prefix, aci.length], ['example.com', 2]);
  assert.deepEqual(notices, ['certificates are not checked: any server may answer']);
  const wrong = { insecure: ['tsl'] } as never;
  await assert.rejects(store.discover('example.com/app', wrong), { message: /a list of image, tls, http, pubkey/ });
  await assert.rejects(store.discover('example.com/app', { insecur: [] } as never), { code: 'ERR_USAGE' });
  await assert.rejects(store.discover(''), { code: 'ERR_USAGE' });
});
