/** `cairn build` as people type it. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TestStore } from '../fixtures/store.js';

test('a session of acbuild’s words, in the build’s directory', async (t) => {
  const s = new TestStore(t);
  const dir = s.path('work');
  const isolator = s.write('isolator.json', '{ "set": ["CAP_NET_BIND_SERVICE"] }');
  await s.ok(['build', 'begin', dir, '--history']);
  const edit = async (...args: string[]): Promise<void> => {
    const { stdout } = await s.ok(['build', ...args], { cwd: dir });
    assert.equal(stdout.length, 0);
  };
  await edit('set-name', 'example.com/nginx');
  await edit('dep', 'add', 'example.com/nodejs:4', '--label', 'arch=noarch', '--size', '123');
  await edit('port', 'add', 'http', 'tcp', '80', '--count', '2');
  await edit('volume', 'add', 'html', '/srv', '--read-only');
  await edit('isolator', 'add', 'os/linux/capabilities-retain-set', isolator);
  await edit('set-supp-groups', '200', '300');
  await edit('set-eh', 'pre-start', '--', '/bin/sh', '-c', 'echo hi');
  await edit('set-exec', '--', '/bin/nginx', '-g', 'daemon off;');
  await edit('env', 'add', 'A', '-1');
  await edit('env', 'rm', 'A');
  const manifest = await s.json(['build', 'cat-manifest', '--dir', dir]);
  assert.deepEqual(manifest['app'], {
    exec: ['/bin/nginx', '-g', 'daemon off;'],
    eventHandlers: [{ name: 'pre-start', exec: ['/bin/sh', '-c', 'echo hi'] }],
    user: '0',
    group: '0',
    supplementaryGIDs: [200, 300],
    mountPoints: [{ name: 'html', path: '/srv', readOnly: true }],
    ports: [{ name: 'http', protocol: 'tcp', port: 80, count: 2, socketActivated: false }],
    isolators: [{ name: 'os/linux/capabilities-retain-set', value: { set: ['CAP_NET_BIND_SERVICE'] } }],
  });
  const notes = manifest['annotations'] as { name: string; value: string }[];
  assert.equal(notes.length, 10);
  assert.deepEqual(notes.at(-1), { name: 'coreos.com/acbuild/command-10', value: 'acbuild environment remove "A"' });
  assert.deepEqual(manifest['dependencies'], [
    {
      imageName: 'example.com/nodejs',
      labels: [
        { name: 'arch', value: 'noarch' },
        { name: 'version', value: '4' },
      ],
      size: 123,
    },
  ]);
  const written = await s.json(['build', 'write', '--dir', dir, '--name', 'example.com/nginx:1']);
  assert.deepEqual([written['name'], written['format'], written['existed']], ['example.com/nginx', 'aci', false]);
  assert.equal((await s.refused(['build', 'label', 'rm', 'x', '--dir', dir], 'ERR_NOT_FOUND', 3)).entry, 'x');
  for (const wrong of [
    ['port', 'add', 'p', 'tcp'],
    ['port', 'add', 'p', 'tcp', '70000'],
    ['env', 'add', 'A'],
    ['env', 'put', 'A', 'B'],
    ['dependency', 'add', 'a:1', '--label', 'version=2'],
    ['copy', '/etc/hostname', '/x/'],
    ['copy-to-dir', '/etc/hostname'],
    ['write'],
    ['write', '--layer', '--squash', 'x.aci'],
  ]) {
    await s.refused(['build', ...wrong], 'ERR_USAGE', 2, { cwd: dir });
  }
  await s.refused(['build', 'set-user', 'u'], 'ERR_NOT_FOUND', 3, { cwd: s.dir });
  await s.ok(['build', 'end'], { cwd: dir });
  assert.equal(fs.existsSync(dir), false);
});

const IS_ROOT = process.geteuid?.() === 0;

test('who cannot give files away keeps the owners that nobody changes', {
  skip: !IS_ROOT && 'needs root',
}, async (t) => {
  const s = new TestStore(t);
  const root = s.path('root');
  fs.mkdirSync(join(root, 'bin'), { recursive: true });
  for (const name of ['bin/su', 'owned', 'written']) fs.writeFileSync(join(root, name), name);
  fs.chownSync(join(root, 'owned'), 7, 8);
  fs.chmodSync(join(root, 'bin/su'), 0o4755);
  await s.ok(['build', 'from-dir', root, '--name', 'base:1', '--format', 'oci']);
  await s.ok(['export', 'base:1', s.path('base.tar')]);
  fs.chmodSync(s.dir, 0o777);
  const uid = 4711;
  const own = { uid, env: { CAIRN_STORE: s.path('own'), HOME: s.dir } };
  const dir = s.path('work');
  await s.ok(['import', s.path('base.tar')], own);
  await s.ok(['build', 'begin', dir, '--from', 'base:1'], own);
  fs.writeFileSync(join(dir, 'rootfs/written'), 'other');
  fs.writeFileSync(join(dir, 'rootfs/new'), 'new');
  fs.chownSync(join(dir, 'rootfs/new'), uid, uid);
  await s.ok(['build', 'write', '--dir', dir, '--name', 'app:1'], own);
  const { stdout } = await s.ok(['files', 'app:1', '--json'], own);
  const lines = stdout.toString().trim().split('\n');
  const files = lines.map((line) => JSON.parse(line) as { path: string; uid: number; gid: number; mode: string });
  assert.deepEqual(
    files.map(({ path, uid, gid, mode }) => [path, uid, gid, mode]),
    [
      ['.', 0, 0, '0755'],
      ['bin', 0, 0, '0755'],
      ['bin/su', 0, 0, '4755'],
      ['new', 0, 0, '0644'],
      ['owned', 7, 8, '0644'],
      ['written', 0, 0, '0644'],
    ],
  );
});

test('an interrupt in the middle of a write leaves nothing half written', async (t) => {
  const s = new TestStore(t);
  const dir = s.path('work');
  await s.ok(['build', 'begin', dir]);
  for (let i = 0; i < 60; i++) fs.writeFileSync(join(dir, 'rootfs', `f${i}`), Buffer.alloc(2_000_000, i));
  const ran = await s.run(['build', 'write', '--dir', dir, '--name', 'example.com/x', s.path('x.aci')], {
    onStart: (child) => {
      const look = setInterval(() => {
        if (!fs.readdirSync(s.dir).some((name) => name.startsWith('.x.aci'))) return;
        clearInterval(look);
        child.kill('SIGINT');
      }, 2);
      child.on('exit', () => clearInterval(look));
    },
  });
  assert.equal(ran.code, 130, ran.stderr);
  assert.deepEqual(fs.readdirSync(s.dir).sort(), ['store', 'work']);
  await s.ok(['build', 'set-user', 'u', '--dir', dir]);
});
