/** Pods that run at once, where trees can be mounted: theirs are, and never made of files. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { mountsBelow } from '../../engine/disk/mounts.js';
import { cannotMountTrees } from '../fixtures/mounting.js';
import { ociLayout } from '../fixtures/oci.js';
import { podBytes } from '../fixtures/prepared.js';
import { busyboxTree, NO_RUNTIME } from '../fixtures/runtime.js';
import { TestStore } from '../fixtures/store.js';

const skip = NO_RUNTIME === false ? cannotMountTrees() : NO_RUNTIME;
for (const layout of ['packs', 'loose']) {
  const s = new TestStore({ after });
  let tree = '';

  const trees = (): Promise<{ treeId: string; mode: string }[]> => s.json(['tree', 'ls']);
  const inTree = (name: string): boolean => fs.existsSync(join(s.store, 'trees', tree, name));

  /** Nothing of a run is left, and nothing is mounted. */
  async function isClean(): Promise<void> {
    assert.deepEqual(fs.readdirSync(join(s.store, 'pods')), []);
    assert.deepEqual(mountsBelow(s.store), []);
    assert.deepEqual(await s.json(['mount', 'ls']), []);
  }

  before(async () => {
    if (skip !== false) return;
    const files = [
      { name: 'data/kept', content: 'of the image', uid: 7, mode: 0o640 },
      { name: 'etc/passwd', content: 'me:x:12:13::/:/bin/sh\n' },
    ];
    const config = { Entrypoint: ['/bin/sh', '-c'], Cmd: ['exit 3'], Env: ['PATH=/bin'] };
    const layers = [busyboxTree(files)];
    ociLayout(s.path('box'), [
      { ref: 'box:1', layers, config: { config } },
      { ref: 'mine:1', layers, config: { config: { ...config, User: 'me' } } },
    ]);
    await s.ok(['init', '--layout', layout]);
    await s.ok(['import', '--recursive', s.path('box')]);
  });

  test(`${layout}: an image runs from a mount, may write, and leaves the tree as it is`, { skip }, async () => {
    const script = 'cat /data/kept; echo mine > /data/kept; echo more > /new; cat /data/kept /new; busybox id -u';
    for (const _again of [1, 2]) {
      const ran = await s.run(['run', 'box:1', '--', script]);
      assert.deepEqual([ran.code, ran.stdout.toString()], [0, 'of the imagemine\nmore\n0\n'], ran.stderr);
      await isClean();
    }
    assert.equal((await s.run(['run', 'box:1'])).code, 3);
    const [{ treeId, mode }, ...others] = (await trees()) as [{ treeId: string; mode: string }];
    assert.deepEqual([mode, others], ['mount', []]);
    tree = treeId;
    assert.deepEqual([inTree('rootfs'), inTree('tree.erofs')], [false, true]);
    const who = await s.run(['run', 'mine:1', '--', 'busybox id -u; busybox id -g']);
    assert.equal(who.stdout.toString(), '12\n13\n');
    assert.equal((await s.run(['check'])).code, 0);
  });

  test(`${layout}: a run that is killed leaves a mount, which goes with the pod`, { skip }, async () => {
    let child: ChildProcess | undefined;
    const running = s.run(['run', 'box:1', '--', 'echo > /up; sleep 600'], { onStart: (started) => (child = started) });
    const pods = join(s.store, 'pods');
    const isUp = (id: string): boolean => fs.existsSync(join(pods, id, 'run/bundle/box/upper/up'));
    while (!fs.readdirSync(pods).some(isUp)) await sleep(20);
    const [{ path }] = await s.json<[{ path: string | null }]>(['mount', 'ls']);
    assert.equal(path, null);
    assert.equal((await s.run(['render', '--rebuild', '--mode', 'mount', 'box:1'])).code, 1);
    child?.kill('SIGKILL');
    await running;
    // Who watches over the container holds the pod until it is gone.
    const [pod] = fs.readdirSync(pods) as [string];
    while ((await s.run(['pod', 'rm', pod])).code !== 0) await sleep(50);
    await isClean();
  });

  test(`${layout}: who prepares a pod gets files, since the path is told`, { skip }, async () => {
    const [{ key }] = await s.json<[{ key: string }]>(['ls', 'box:1']);
    const app = { exec: ['/bin/sh', '-c', 'cat /data/kept'], user: '0', group: '0' };
    const file = s.write('pod.json', podBytes([{ name: 'one', image: { id: key }, app }], {}));
    const { pod, apps } = await s.json<{ pod: string; apps: [{ path: string }] }>(['pod', 'prepare', file]);
    assert.equal(fs.readFileSync(join(apps[0].path, 'data/kept'), 'utf8'), 'of the image');
    const ran = await s.run(['pod', 'run', pod]);
    assert.deepEqual([ran.code, ran.stdout.toString()], [0, 'of the image']);
    await s.ok(['pod', 'rm', pod]);
    // With files there, they are what runs.
    assert.equal((await s.run(['run', 'box:1'])).code, 3);
    await isClean();
  });

  test(`${layout}: all of it goes with the image`, { skip }, async () => {
    await s.ok(['rm', 'box:1', 'mine:1']);
    await s.ok(['gc']);
    assert.deepEqual([await trees(), fs.readdirSync(join(s.store, 'trees'))], [[], []]);
  });
}
