/** Pods and images are run for real, where this machine has a runtime and lets us mount. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { mountsBelow } from '../../engine/disk/mounts.js';
import { PROGRAM } from '../fixtures/cli.js';
import { ociLayout } from '../fixtures/oci.js';
import { podBytes } from '../fixtures/prepared.js';
import { busyboxTree, NO_RUNTIME } from '../fixtures/runtime.js';
import { type Json, TestStore } from '../fixtures/store.js';

interface Pod extends Json {
  pod: string;
  state: string;
  exitCodes?: Record<string, number>;
}

const options = { skip: NO_RUNTIME };

/** Waits until something is so. */
async function until<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(50);
  }
}

test('running', options, async (t) => {
  const s = new TestStore(t);
  t.after(async () => {
    // A test that failed may have left something running or mounted.
    const left = (await s.run(['pod', 'ls', '-q'])).stdout.toString().split('\n').filter(Boolean);
    if (left.length > 0) await s.run(['pod', 'rm', '--force', ...left]);
  });
  const config = { Entrypoint: ['/bin/sh', '-c'], Cmd: ['echo from the image; exit 3'], Env: ['PATH=/bin'] };
  ociLayout(s.path('box'), [{ ref: 'box:1', layers: [busyboxTree()], config: { config } }]);
  await s.ok(['import', s.path('box')]);
  const [{ key }] = await s.json<[{ key: string }]>(['ls', 'box:1']);
  const pods = (): Promise<Pod[]> => s.json<Pod[]>(['pod', 'ls']);
  const app = (name: string, script: string, more: object = {}): object => ({
    name,
    image: { id: key },
    app: { exec: ['/bin/sh', '-c', script], user: '0', group: '0', ...more },
    mounts: [{ volume: 'shared', path: '/data' }],
  });
  const podFile = (apps: readonly object[]): string =>
    s.write('pod.json', podBytes(apps, { volumes: [{ name: 'shared', kind: 'empty' }] }));
  const isClean = async (): Promise<void> => {
    assert.deepEqual(mountsBelow(s.store), []);
    assert.deepEqual(fs.readdirSync(join(s.store, 'locks')), []);
  };

  await t.test('an image says what it runs; the pod goes when it has ended', async () => {
    const ran = await s.run(['run', 'box:1']);
    assert.deepEqual([ran.code, ran.stdout.toString()], [3, 'from the image\n'], ran.stderr);
    assert.deepEqual(await pods(), []);
    assert.deepEqual(fs.readdirSync(join(s.store, 'pods')), []);
    await isClean();
  });

  await t.test('nothing that an app writes to its root is flushed, and all of it goes', async () => {
    const shown = await s.ok(['run', 'box:1', '--', 'cat /proc/self/mountinfo']);
    const line = shown.stdout
      .toString()
      .split('\n')
      .find((each) => each.split(' ')[4] === '/') as string;
    if (line.includes(' - overlay ')) assert.match(line, /[,=]volatile(,|$)/);
    for (const script of [
      'i=0; while [ $i -lt 300 ]; do echo > /f$i; i=$((i+1)); done',
      "echo > /$(echo -e '\\xff')",
    ]) {
      const { code, stderr } = await s.run(['run', 'box:1', '--', script]);
      assert.equal(code, 0, stderr);
      assert.deepEqual([fs.readdirSync(join(s.store, 'pods')), filesIn(join(s.store, 'staging'))], [[], []]);
      await isClean();
    }
  });
  await t.test('a command takes its place, and reads standard input where it is asked to', async () => {
    const ran = await s.run(['run', '--interactive', 'box:1', '--', 'cat; echo $AC_APP_NAME >&2; exit 7'], {
      input: Buffer.from('some input'),
    });
    assert.deepEqual([ran.code, ran.stdout.toString(), ran.stderr], [7, 'some input', 'box\n']);
    const without = await s.run(['run', 'box:1', '--', 'cat'], { input: Buffer.from('unread') });
    assert.deepEqual([without.code, without.stdout.length], [0, 0]);
  });

  await t.test('what cannot be started is told with its reason', async () => {
    const error = (await s.run(['run', 'box:1', '--json', '--runtime', '/bin/none'])).error();
    assert.deepEqual([error.code, error.path], ['ERR_RUNTIME', '/bin/none']);
    const file = podFile([{ name: 'a', image: { id: key }, app: { exec: ['/bin/nosuch'], user: '0', group: '0' } }]);
    const ran = await s.run(['pod', 'run', '--rm', '--json', file]);
    assert.equal(ran.code, 1);
    assert.match(ran.error().message, /nosuch/);
    assert.deepEqual(await pods(), []);
    await isClean();
  });

  await t.test('two apps share a volume and a process namespace, and outlive each other', async () => {
    const file = podFile([
      app('one', 'echo early > /data/one; readlink /proc/1/exe; ps | grep -c [w]aiter', {
        eventHandlers: [
          { name: 'pre-start', exec: ['/bin/sh', '-c', 'echo before'] },
          { name: 'post-stop', exec: ['/bin/sh', '-c', 'echo after > /data/after'] },
        ],
      }),
      app('two', ': waiter; until test -e /data/after; do sleep 0.1; done; cat /data/one /data/after; exit 4'),
    ]);
    const ran = await s.run(['pod', 'run', file]);
    assert.equal(ran.code, 4, ran.stderr);
    const lines = ran.stdout.toString().trim().split('\n');
    assert.deepEqual([lines[0], lines.slice(-2)], ['before', ['early', 'after']]);
    assert.ok(Number(lines.find((line) => /^[0-9]+$/.test(line))) > 0, `${lines}`);
    const [pod] = await pods();
    assert.deepEqual([pod?.state, pod?.exitCodes], ['exited', { one: 0, two: 4 }]);
    const again = await s.refused(['pod', 'run', pod?.pod as string], 'ERR_USAGE', 2);
    assert.match(again.message, /run before/);
    await isClean();
    await s.ok(['pod', 'rm', pod?.pod as string]);
  });

  await t.test('an app has the terminal, where there is one', async (terminal) => {
    await s.refused(['run', '--tty', 'box:1'], 'ERR_USAGE', 2);
    const command = [process.execPath, PROGRAM, '--store', s.store, 'run', '--tty', 'box:1', '--'];
    // Under crun 1.8 what an app writes to its terminal just before it ends is lost now and then.
    const typed = `${command.join(' ')} 'test -t 0 && echo a terminal; sleep 1; exit 6'`;
    // It gives a program a terminal of its own.
    const child = spawnSync('script', ['-qec', typed, '/dev/null'], { input: '', encoding: 'utf8' });
    if (child.error !== undefined) return terminal.skip('there is no script(1) here');
    assert.deepEqual([child.status, child.stdout.includes('a terminal')], [6, true], child.stdout);
  });

  const start = (args: readonly string[]): ChildProcess =>
    spawn(process.execPath, [PROGRAM, '--store', s.store, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const running = (): Promise<Json> =>
    until(async () => {
      const pod = (await pods()).find(({ state }) => state === 'running');
      if (pod === undefined) return undefined;
      const shown = await s.json(['pod', 'show', pod.pod]);
      return (shown['pid'] as number) > 0 ? shown : undefined;
    });
  const ended = (child: ChildProcess): Promise<number | null> =>
    new Promise((resolve) => child.on('exit', (code) => resolve(code)));
  const isGone = (pid: number): boolean => !fs.existsSync(`/proc/${pid}`);

  await t.test('signals reach the app, and a running pod is told and held', async () => {
    const child = start(['run', '--keep', 'box:1', '--', 'trap "exit 9" TERM; echo up; while :; do sleep 0.05; done']);
    const end = ended(child);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const pod = await running();
    assert.ok(fs.existsSync(`/proc/${pod['pid']}/root/bin/busybox`));
    await s.refused(['pod', 'rm', pod['pod'] as string], 'ERR_HELD', 1);
    await s.refused(['rm', '--force', 'box:1'], 'ERR_HELD', 1);
    assert.deepEqual(await s.json(['pod', 'gc', '--grace-period', '0']), []);
    child.kill('SIGTERM');
    assert.equal(await end, 9);
    const [kept] = await pods();
    assert.deepEqual([kept?.state, kept?.exitCodes], ['exited', { box: 9 }]);
    await isClean();
    assert.equal((await s.json<Json[]>(['pod', 'gc', '--grace-period', '0'])).length, 1);
  });

  await t.test('when cairn is killed, its apps end, the pod is told as exited, and gc clears up', async () => {
    const child = start(['run', 'box:1', '--', 'echo up; exec sleep 1000']);
    const end = ended(child);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const { pod, pid } = await running();
    child.kill('SIGKILL');
    await end;
    await until(() => (isGone(pid as number) ? true : undefined));
    const left = await until(async () => (await pods()).find(({ state }) => state === 'exited'));
    assert.equal(left.pod, pod);
    assert.ok(mountsBelow(s.store).length > 0);
    assert.equal((await s.json<Json[]>(['pod', 'gc'])).length, 1);
    await s.ok(['gc']);
    await isClean();
    assert.equal((await s.json(['fsck']))['ok'], true);
  });

  await t.test('when everybody who watches is killed, rm ends the app', async () => {
    const child = start(['pod', 'run', '--exec', '/bin/sleep', 'box:1', '--', '1000']);
    const end = ended(child);
    const { pod, pid } = await running();
    // Whatever becomes of the test, nothing of it waits for the app.
    t.after(() => {
      if (!isGone(pid as number)) process.kill(pid as number, 'SIGKILL');
    });
    // The runtime and the watcher are processes of their own; they hold the pod's lock.
    const lock = fs.statSync(join(s.store, 'locks', `pod-${pod}`)).ino;
    const holders = (): number[] =>
      fs
        .readdirSync('/proc')
        .filter((name) => /^[0-9]+$/.test(name) && Number(name) !== pid)
        .map(Number)
        .filter((each) => holds(each, lock));
    assert.ok(holders().length >= 3, `${holders()}`);
    // Whoever is killed holds on until it gets a processor, and may have started another one before.
    const left = await until(async () => {
      for (const holder of holders()) kill(holder);
      return (await pods()).find(({ state }) => state === 'exited');
    });
    assert.equal(left.pod, pod);
    await end;
    assert.equal(isGone(pid as number), false);
    await s.ok(['pod', 'rm', pod as string]);
    await until(() => (isGone(pid as number) ? true : undefined));
    await isClean();
  });
});

function filesIn(dir: string): string[] {
  return fs.readdirSync(dir, { recursive: true }) as string[];
}

/** Unless it has ended by itself. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'ESRCH');
  }
}

function holds(pid: number, inode: number): boolean {
  try {
    return fs
      .readdirSync(`/proc/${pid}/fd`)
      .some((fd) => fs.statSync(`/proc/${pid}/fd/${fd}`, { throwIfNoEntry: false })?.ino === inode);
  } catch {
    return false;
  }
}
