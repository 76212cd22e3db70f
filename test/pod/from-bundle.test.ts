/** Pods of OCI runtime bundles: what of a bundle is read, and what comes first of what is said twice. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CairnError, DEFAULT_LIMITS, type ErrorCode, type PodRequest, requestFromBundle } from '../../engine/api.js';
import { temporaryDirectory } from '../fixtures/cli.js';

const CONFIG = {
  ociVersion: '1.0.0',
  process: { args: ['sh'], cwd: '/', env: ['A=bundle'] },
  root: { path: 'rootfs', readonly: true },
  mounts: [
    { destination: '/data', type: 'bind', source: 'data', options: ['rbind'] },
    { destination: '/run', type: 'tmpfs', source: 'tmpfs' },
  ],
  annotations: { a: 'bundle', b: 'bundle' },
  linux: { sysctl: { 'net.ipv4.ip_forward': '1' } },
};

const ONE: PodRequest = { apps: [{ image: 'app' }] };

function bundle(t: TestContext, config: string | object = CONFIG): string {
  const dir = join(temporaryDirectory(t), 'bundle');
  fs.mkdirSync(dir);
  fs.writeFileSync(join(dir, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
  return dir;
}

function refuses(dir: string, asked: PodRequest, code: ErrorCode, message: RegExp, limits = DEFAULT_LIMITS): void {
  assert.throws(
    () => requestFromBundle(dir, asked, limits),
    (error) => {
      assert.ok(error instanceof CairnError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, message);
      return true;
    },
  );
}

test('the request says what the bundle says, its sources below the bundle', (t) => {
  const dir = bundle(t);
  const { request, notices } = requestFromBundle(dir, ONE, DEFAULT_LIMITS);
  const [app] = request.apps;
  assert.deepEqual(app?.app?.exec, ['sh']);
  assert.equal(app?.readOnlyRootFS, true);
  assert.deepEqual(
    app?.mounts?.map(({ path }) => path),
    ['/data', '/run'],
  );
  assert.deepEqual(
    request.volumes?.map((volume) => (volume.kind === 'host' ? volume.source : volume.kind)),
    [join(dir, 'data'), 'empty'],
  );
  assert.deepEqual(
    request.isolators?.map(({ name }) => name),
    ['os/unix/sysctl'],
  );
  assert.ok(notices.some(({ entry }) => entry === 'config.json: linux.namespaces'));
});

test('what is asked comes before what the bundle says', (t) => {
  const asked: PodRequest = {
    volumes: [{ kind: 'host', name: 'volume-data', source: '/srv' }],
    isolators: [{ name: 'os/unix/sysctl', value: {} }],
    apps: [
      {
        image: 'app',
        readOnlyRootFS: false,
        mounts: [{ volume: 'volume-data', path: '/x' }],
        annotations: { b: 'own' },
      },
    ],
  };
  const { request } = requestFromBundle(bundle(t), asked, DEFAULT_LIMITS);
  assert.deepEqual(
    request.volumes?.map(({ name, kind }) => `${name} ${kind}`),
    ['volume-data host', 'volume-run empty'],
  );
  assert.deepEqual(request.isolators, asked.isolators);
  const [app] = request.apps;
  assert.deepEqual(
    app?.mounts?.map(({ path }) => path),
    ['/x', '/data', '/run'],
  );
  assert.equal(app?.readOnlyRootFS, false);
  assert.deepEqual(app?.annotations, { a: 'bundle', b: 'own' });
});

test('a bundle is not trusted', async (t) => {
  await t.test('no configuration', () => {
    const dir = temporaryDirectory(t);
    refuses(dir, ONE, 'ERR_NOT_FOUND', /^no bundle of OCI: there is no .*config\.json$/);
    refuses(join(dir, 'none'), ONE, 'ERR_NOT_FOUND', /^no bundle of OCI/);
  });
  await t.test('a link to a file of the host', () => {
    const dir = temporaryDirectory(t);
    fs.symlinkSync('/etc/passwd', join(dir, 'config.json'));
    refuses(dir, ONE, 'ERR_BAD_MANIFEST', /config\.json is not a regular file$/);
  });
  await t.test('a pipe that nobody writes to', () => {
    const dir = temporaryDirectory(t);
    execFileSync('mkfifo', [join(dir, 'config.json')]);
    refuses(dir, ONE, 'ERR_BAD_MANIFEST', /config\.json is not a regular file$/);
  });
  await t.test('a directory', () => {
    const dir = temporaryDirectory(t);
    fs.mkdirSync(join(dir, 'config.json'));
    refuses(dir, ONE, 'ERR_BAD_MANIFEST', /config\.json is not a regular file$/);
  });
  await t.test('a gigabyte, of which no more than the limit is read', () => {
    const dir = bundle(t, '{}');
    fs.truncateSync(join(dir, 'config.json'), 2 ** 30);
    refuses(dir, ONE, 'ERR_BAD_ARCHIVE', /more than the 4194304 that --max-manifest allows/);
  });
  await t.test('nesting without an end', () => {
    refuses(bundle(t, '['.repeat(100_000)), ONE, 'ERR_BAD_ARCHIVE', /nested deeper than 64 levels/);
  });
  await t.test('what is no JSON', () => refuses(bundle(t, '{'), ONE, 'ERR_BAD_MANIFEST', /not valid JSON/));
});

test('the pod of a bundle has one image', (t) => {
  const dir = bundle(t);
  for (const apps of [[], [{ image: 'a' }, { image: 'b' }]])
    refuses(dir, { apps }, 'ERR_USAGE', /^the pod of a bundle has one image: that of the root file system$/);
});
