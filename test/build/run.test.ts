/** Commands run in the tree of a build, where this machine has a runtime. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { after, before, test } from 'node:test';
import { fromText } from '../../engine/core/bytes.js';
import { mountsBelow } from '../../engine/disk/mounts.js';
import { listXattrs } from '../../engine/disk/xattrs.js';
import { openStore, type Store } from '../../engine/store.js';
import { BUSYBOX, NO_RUNTIME } from '../fixtures/runtime.js';
import { TestStore } from '../fixtures/store.js';

const options = { skip: NO_RUNTIME };
const s = new TestStore({ after });
const notices: string[] = [];
let store: Store;

const sh = (script: string): string[] => ['/bin/sh', '-c', script];
const linesIn = (file: string): string[] => fs.readFileSync(file, 'utf8').trim().split('\n');

before(async () => {
  store = await openStore({ dir: s.store, workers: 1, onNotice: (message) => notices.push(message) });
  if (NO_RUNTIME !== false) return;
  const entries = [
    { name: 'bin', flag: '5' },
    { name: 'bin/busybox', mode: 0o755, content: fs.readFileSync(BUSYBOX as string) },
    { name: 'bin/sh', flag: '2', link: 'busybox' },
    { name: 'etc', flag: '5' },
    { name: 'etc/base', content: 'base' },
    { name: 'etc/other', content: 'other' },
    { name: 'data', flag: '5' },
    { name: 'data/kept', content: 'kept' },
  ];
  await store.import(s.aci('base.aci', { name: 'example.com/base', labels: { version: '1' } }, entries));
});
after(() => store.close());

test('a command sees the dependencies, and the tree has what it changes', options, async () => {
  const dir = s.path('over');
  await store.beginBuild(dir, { history: true });
  await store.editBuild(dir, [
    { set: 'name', value: 'example.com/app' },
    { add: 'dependency', name: 'example.com/base', labels: [{ name: 'version', value: '1' }] },
    { add: 'environment', name: 'GREETING', value: 'hello there' },
    { set: 'working-directory', value: '/srv' },
    { set: 'exec', value: ['/bin/sh'] },
  ]);
  fs.mkdirSync(`${dir}/rootfs/srv`);
  const script =
    'echo "$GREETING" > said; pwd >> said; id -u >> said; busybox cat /etc/base >> said; echo 2 > /etc/base';
  const command = { words: 'run', args: ['it'] };
  assert.equal(await store.runInBuild(dir, sh(script.replace('id -u', 'busybox id -u')), { command }), 0);
  assert.deepEqual(linesIn(`${dir}/rootfs/srv/said`), ['hello there', '/srv', '0', 'base']);
  assert.equal(fs.readFileSync(`${dir}/rootfs/etc/base`, 'utf8'), '2\n');
  // Places of the runtime's are gone again, and files of dependencies were not copied.
  assert.deepEqual(fs.readdirSync(`${dir}/rootfs`).sort(), ['etc', 'srv']);
  assert.deepEqual(fs.readdirSync(`${dir}/rootfs/etc`), ['base']);
  assert.deepEqual([mountsBelow(dir), await store.leases()], [[], []]);
  assert.equal(fs.existsSync(`${dir}/.cairn-build/run`), false);
  assert.match(fs.readFileSync(`${dir}/manifest`, 'utf8'), /acbuild run/);
  const { key } = await store.writeBuild(dir, { name: 'example.com/app:1' });
  const { path } = await store.render(key);
  assert.equal(fs.readFileSync(`${path}/etc/base`, 'utf8'), '2\n');
});

test('a command ends with its exit code, and a deleted file of a dependency comes back', options, async () => {
  const dir = s.path('over');
  assert.equal(await store.runInBuild(dir, sh('busybox rm /etc/other; exit 7'), { workingDirectory: '/' }), 7);
  assert.ok(notices.some((notice) => notice.endsWith('cannot be deleted, and stay: /etc/other')));
  assert.deepEqual(fs.readdirSync(`${dir}/rootfs/etc`), ['base']);
  assert.equal(await store.runInBuild(dir, sh('test -e /etc/other')), 0);
});

test('so does what lay in a directory that was made anew', options, async () => {
  const dir = s.path('over');
  const script = 'busybox rm -r /data; busybox mkdir /data; echo new > /data/own';
  assert.equal(await store.runInBuild(dir, sh(script)), 0);
  assert.ok(notices.some((notice) => notice.endsWith('cannot be deleted, and stay: /data')));
  assert.deepEqual([...(listXattrs(fromText(`${dir}/rootfs/data`)) ?? [])], []);
  assert.equal(await store.runInBuild(dir, sh('test -e /data/kept && test -e /data/own')), 0);
});

test('without dependencies the tree itself is the root, whatever the command makes of it', options, async () => {
  const dir = s.path('own');
  await store.beginBuild(dir, { from: 'example.com/base', flat: true, format: 'oci' });
  const before = fs.statSync(`${dir}/rootfs`, { bigint: true }).mtimeNs;
  assert.equal(await store.runInBuild(dir, sh('test -e /proc/self && test -s /etc/hosts')), 0);
  assert.equal(fs.statSync(`${dir}/rootfs`, { bigint: true }).mtimeNs, before);
  assert.deepEqual(fs.readdirSync(`${dir}/rootfs/etc`).sort(), ['base', 'other']);
  // A link that leads out of the tree leads nowhere when the places are taken away.
  fs.mkdirSync(s.path('outside'));
  fs.writeFileSync(s.path('outside/hosts'), '');
  assert.equal(await store.runInBuild(dir, sh(`busybox mv /etc /old; busybox ln -s ${s.path('outside')} /etc`)), 0);
  assert.ok(fs.existsSync(s.path('outside/hosts')));
  await store.endBuild(dir);
});

test('what a killed run has left is gone with the next command', options, async () => {
  for (const [name, lines] of [
    ['killed', []],
    ['killed-over', [{ add: 'dependency', name: 'example.com/base' }]],
  ] as const) {
    const dir = s.path(name);
    await store.beginBuild(dir, {});
    fs.mkdirSync(`${dir}/rootfs/srv`);
    fs.mkdirSync(`${dir}/rootfs/bin`);
    fs.copyFileSync(BUSYBOX as string, `${dir}/rootfs/bin/busybox`);
    await store.editBuild(dir, [{ set: 'name', value: 'example.com/killed' }, ...lines]);
    const before = fs.statSync(`${dir}/rootfs`, { bigint: true }).mtimeNs;
    const script = '/bin/busybox rm -f /etc/other; echo > /srv/started; /bin/busybox sleep 600';
    let child: ChildProcess | undefined;
    const args = ['build', 'run', '--dir', dir, '--', '/bin/busybox', 'sh', '-c', script];
    const running = s.run(args, { onStart: (started) => (child = started) });
    while (!fs.existsSync(`${dir}/rootfs/srv/started`)) await new Promise((done) => setTimeout(done, 20));
    assert.ok(fs.existsSync(`${dir}/rootfs/proc`));
    child?.kill('SIGKILL');
    await running;
    // Who watches over the container holds the lock until it is gone.
    const edit = [{ add: 'label', name: 'seen', value: 'yes' }] as const;
    while ((await store.editBuild(dir, edit).catch((error) => error.code)) === 'ERR_HELD')
      await new Promise((done) => setTimeout(done, 20));
    assert.deepEqual(mountsBelow(dir), []);
    assert.deepEqual(
      fs.readdirSync(`${dir}/rootfs`).sort(),
      name === 'killed' ? ['bin', 'srv'] : ['bin', 'etc', 'srv'],
    );
    if (name === 'killed-over') assert.deepEqual(fs.readdirSync(`${dir}/rootfs/etc`), []);
    else assert.equal(fs.statSync(`${dir}/rootfs`, { bigint: true }).mtimeNs, before);
    await store.endBuild(dir);
  }
  // Its lease of the dependency's tree ends with its time.
  for (const { id } of await store.leases()) await store.releaseLease(id);
});

test('what cannot be run is refused, and a signal ends what runs', options, async () => {
  const dir = s.path('over');
  await assert.rejects(store.runInBuild(dir, []), { code: 'ERR_USAGE' });
  await assert.rejects(store.runInBuild(dir, ['/none']), { code: 'ERR_RUNTIME' });
  await assert.rejects(store.runInBuild(dir, ['/bin/sh'], { runtime: 'no-such' }), { code: 'ERR_RUNTIME' });
  await assert.rejects(store.runInBuild(s.path('nowhere'), ['/bin/sh']), { code: 'ERR_NOT_FOUND' });
  const stop = new AbortController();
  const started = `${dir}/rootfs/srv/started`;
  const running = store.runInBuild(dir, sh('echo > started; busybox sleep 600'), { signal: stop.signal });
  running.catch(() => undefined);
  while (!fs.existsSync(started)) await new Promise((done) => setTimeout(done, 20));
  await assert.rejects(store.runInBuild(dir, ['/bin/sh']), { code: 'ERR_HELD' });
  stop.abort();
  await assert.rejects(running, { code: 'ERR_ABORTED' });
  assert.deepEqual([mountsBelow(dir), await store.leases()], [[], []]);
  await store.editBuild(dir, [{ add: 'dependency', name: 'example.com/none' }]);
  await assert.rejects(store.runInBuild(dir, ['/bin/sh']), { code: 'ERR_NOT_FOUND' });
  const { code, stdout } = await s.run(['build', 'run', '--dir', dir, '--', '/bin/sh']);
  assert.deepEqual([code, stdout.toString()], [3, '']);
});
