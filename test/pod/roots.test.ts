/** What pods need stays: images, dependencies and trees; and what is damaged of one pod is told, and is no other's. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CairnError } from '../../engine/core/errors.js';
import { Layout } from '../../engine/disk/layout.js';
import { lock } from '../../engine/disk/lock.js';
import { contextOf } from '../../engine/facade/opened.js';
import { putPod } from '../../engine/index/pods.js';
import type { PodRecord } from '../../engine/index/records.js';
import { rebuildIndex } from '../../engine/recover/rebuild-index.js';
import { openStore, type Store } from '../../engine/store.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { unpackOldStore } from '../fixtures/old-stores.js';
import { listOf, podOf, podWorld } from '../fixtures/prepared.js';

const HELD = (words: RegExp) => (error: CairnError) => error.code === 'ERR_HELD' && words.test(error.message);

/** Changes a pod's row as a run would. */
async function revise(store: Store, id: string, change: Partial<PodRecord>): Promise<void> {
  const { index } = contextOf(store);
  await index.commit(() => putPod(index, { ...(index.pods.get(id) as PodRecord), ...change }));
}

async function states(store: Store): Promise<Record<string, string>> {
  return Object.fromEntries((await listOf(store.pods())).map(({ pod, state }) => [pod, state]));
}

test('gc keeps what a pod needs, rm names the pods, and then all goes', async (t) => {
  const { store, keys } = await podWorld(t);
  const { id, apps } = await store.preparePod(['example.com/app']);
  const [{ treeId, rootfs }] = apps as [(typeof apps)[0]];

  const { removed, gone } = await store.gc({ images: true, graceMs: 0 });
  assert.deepEqual([removed.trees, removed.images, gone.images[0]?.key], [0, 1, keys.oci]);
  assert.ok(fs.existsSync(join(rootfs, 'base')));
  assert.deepEqual((await store.gc({ keepStorage: 0 })).removed.images, 0);

  await assert.rejects(store.rm([keys.app]), HELD(new RegExp(`pod ${id}`)));
  await assert.rejects(store.rm(['example.com/base']), HELD(new RegExp(`pod ${id}`)), 'a dependency is held, too');
  await assert.rejects(store.removeTrees(store.findTrees(treeId)), HELD(new RegExp(`pod ${id}`)));
  assert.deepEqual((await store.inspect(keys.base)).roots, [`pod ${id}`]);
  for (let n = 0; n < 4; n++) await store.preparePod(['example.com/app']);
  await assert.rejects(store.rm([keys.app]), HELD(/2 more pods/));

  const all = (await listOf(store.pods())).map(({ pod }) => pod);
  assert.equal((await store.removePods(all)).length, 5);
  assert.deepEqual(await listOf(store.pods()), []);
  assert.deepEqual(fs.readdirSync(join(store.dir, 'pods')), []);
  assert.deepEqual((await store.gc({ images: true, graceMs: 0 })).removed.images, 2);
  assert.equal((await store.fsck()).ok, true);
});

test('an image that was removed by force leaves a damaged pod; a running pod keeps its tree from force', async (t) => {
  const { store, keys } = await podWorld(t);
  const { id } = await store.preparePod(['example.com/app']);
  const other = await store.preparePod(['web:1']);
  await revise(store, id, { startedAt: Date.now() });
  const held = await lock(new Layout(store.dir).podLock(id), true);
  assert.deepEqual(await states(store), { [id]: 'running', [other.id]: 'prepared' });
  await assert.rejects(store.rm([keys.app], { force: true }), HELD(/runs on tree/));
  await assert.rejects(store.removeTrees(await listOf(store.trees()), { force: true }), HELD(/runs on tree/));
  await assert.rejects(store.removePods([other.id, id]), HELD(/runs; --force ends it first/));
  assert.equal(Object.keys(await states(store)).length, 2, 'none has gone');
  held.release();
  assert.equal((await states(store))[id], 'exited');
  const [removed] = await store.rm([keys.app], { force: true });
  assert.deepEqual(removed?.held, [`pod ${id}`]);
  const shown = await store.showPod(id);
  assert.deepEqual([shown.state, shown.damaged], ['damaged', `app app: image ${keys.app} is gone`]);
  assert.equal((await states(store))[other.id], 'prepared');
  await store.removePods([id]);
});

test('files that were replaced are told, are not believed, and block no other pod', async (t) => {
  const { store, keys } = await podWorld(t);
  const manifest = podOf([{ name: 'a', image: { id: keys.base } }]);
  const outside = join(store.dir, '..', 'outside');
  fs.mkdirSync(outside);
  fs.writeFileSync(join(outside, 'manifest'), '{}');
  const dirOf = (id: string): string => join(store.dir, 'pods', id);
  const harms: [string, (dir: string) => void][] = [
    ['another manifest', (dir) => fs.writeFileSync(join(dir, 'manifest'), JSON.stringify({ ...manifest.raw, x: 1 }))],
    ['a longer manifest', (dir) => fs.appendFileSync(join(dir, 'manifest'), ' '.repeat(4096))],
    ['no manifest', (dir) => fs.rmSync(join(dir, 'manifest'))],
    [
      'a link for a manifest',
      (dir) => {
        fs.rmSync(join(dir, 'manifest'));
        fs.symlinkSync(join(outside, 'manifest'), join(dir, 'manifest'));
      },
    ],
    ['another record', (dir) => fs.writeFileSync(join(dir, 'record'), 'cairn-pod 1\n{}\n')],
    ['no directory', (dir) => fs.rmSync(dir, { recursive: true })],
    [
      'a link for a directory',
      (dir) => {
        fs.rmSync(dir, { recursive: true });
        fs.symlinkSync(outside, dir);
      },
    ],
  ];
  const sound = await store.preparePod(manifest);
  const harmed: string[] = [];
  for (const [title, harm] of harms) {
    const { id } = await store.preparePod(manifest);
    harm(dirOf(id));
    harmed.push(id);
    const { state, damaged } = await store.showPod(id);
    assert.equal(state, 'damaged', title);
    assert.ok(damaged !== undefined, title);
    if (title !== 'another record')
      await assert.rejects(store.loadPod(id), (error: CairnError) => error.code === 'ERR_DAMAGED');
  }
  const missing = (await store.fsck()).missing.map(({ kind, id }) => `${kind} ${id}`);
  assert.deepEqual(missing.sort(), harmed.map((id) => `pod ${id}`).sort());
  const { damaged } = await store.check();
  assert.deepEqual(damaged.map(({ kind, id }) => `${kind} ${id}`).sort(), missing);
  assert.equal((await states(store))[sound.id], 'prepared');

  await store.removePods(harmed.slice(0, 4));
  const { repaired, ok } = await store.fsck({ repair: true });
  assert.equal(ok, true);
  assert.deepEqual(
    repaired.map(({ kind, id }) => `${kind} ${id}`).sort(),
    harmed
      .slice(4)
      .map((id) => `pod ${id}`)
      .sort(),
  );
  assert.deepEqual(Object.keys(await states(store)), [sound.id]);
  assert.deepEqual(fs.readdirSync(join(store.dir, 'pods')), [sound.id]);
  assert.deepEqual(fs.readdirSync(outside), ['manifest'], 'nothing outside was touched');
});

test('directories that no row names are swept, whatever they are called', async (t) => {
  const { store } = await podWorld(t);
  const { id } = await store.preparePod(['web:1']);
  const strays = [randomUUID(), 'x', '..y'].map((name) => join(store.dir, 'pods', name));
  for (const dir of strays) fs.mkdirSync(dir);
  assert.deepEqual((await store.fsck()).stray.sort(), strays.sort());
  assert.equal((await store.gc({ dryRun: true })).removed.staging, 3);
  assert.equal((await store.gc()).removed.staging, 3);
  assert.deepEqual(fs.readdirSync(join(store.dir, 'pods')), [id]);
});

test('a backup has pods, and so has an index that is made anew', async (t) => {
  const { store, keys, dir } = await podWorld(t);
  const first = await store.preparePod(['example.com/app']);
  const run = await store.preparePod(['web:1']);
  const spoilt = await store.preparePod(['web:1']);
  await revise(store, run.id, { startedAt: 1000, exitedAt: 2000, exitCodes: { web: 3 } });
  fs.writeFileSync(join(run.dir, 'started'), '');
  fs.mkdirSync(join(run.dir, 'run'));
  const dest = join(dir, 'backup');
  assert.equal((await store.backup(dest)).pods, 3);
  {
    await using backup = await openStore({ dir: dest, workers: 1 });
    assert.equal((await backup.check()).ok, true);
    assert.deepEqual(fs.readdirSync(join(dest, 'pods', run.id)).sort(), ['manifest', 'record']);
    const [app] = (await backup.loadPod(first.id)).apps;
    assert.deepEqual(fs.readdirSync(app?.rootfs as string).sort(), ['app', 'base']);
    assert.deepEqual((await backup.showPod(run.id)).exitCodes, { web: 3 });
  }
  fs.appendFileSync(join(spoilt.dir, 'manifest'), ' ');
  await store.close();
  const held = await lock(new Layout(store.dir).podLock(first.id), true);
  await assert.rejects(rebuildIndex({ dir: store.dir, workers: 1 }), HELD(/runs; end it first/));
  held.release();
  const rebuilt = await rebuildIndex({ dir: store.dir, workers: 1 });
  assert.deepEqual([rebuilt.rebuilt.pods, rebuilt.lostPods.map(({ pod }) => pod)], [2, [spoilt.id]]);
  await using again = await openStore({ dir: store.dir, workers: 1 });
  assert.deepEqual(await states(again), { [first.id]: 'prepared', [run.id]: 'exited' });
  assert.equal((await again.loadPod(first.id)).apps[0]?.image, keys.app);
  assert.equal((await again.fsck()).ok, true);
});

test('an index with pods is of a schema that other versions refuse, until the last pod goes', async (t) => {
  const { store } = await podWorld(t);
  const { index } = contextOf(store);
  assert.equal(index.schema, 2);
  const pods = [await store.preparePod(['web:1']), await store.preparePod(['web:1'])];
  assert.equal(index.schema, 3);
  await store.removePods([pods[0]?.id as string]);
  assert.equal(index.schema, 3);
  await store.removePods([pods[1]?.id as string]);
  assert.equal(index.schema, 2);
  assert.equal((await store.fsck()).ok, true, 'the sums of the tables hold');
});

test('an index from before there were pods can be read as it is', async (t) => {
  const dir = join(temporaryDirectory(t), 'v1');
  unpackOldStore(1, dir);
  await using store = await openStore({ dir, readOnly: true });
  assert.deepEqual(await listOf(store.pods()), []);
  assert.equal((await store.du()).pods, 0);
});

test('pod gc takes what ended, by its grace period, and marks what was killed', async (t) => {
  const { store } = await podWorld(t);
  const make = async (change: Partial<PodRecord>): Promise<string> => {
    const { id } = await store.preparePod(['web:1']);
    await revise(store, id, change);
    return id;
  };
  const now = Date.now();
  const hour = 3_600_000;
  const prepared = await make({});
  const waiting = await make({ createdAt: now - 25 * hour });
  const justEnded = await make({ startedAt: now - hour, exitedAt: now - 1000 });
  const ended = await make({ startedAt: now - 2 * hour, exitedAt: now - hour });
  const killed = await make({ startedAt: now - 2 * hour });
  const marked = await make({ startedAt: now - 2 * hour, gcMarkedAt: now - hour });
  const transient = await make({ startedAt: now - 1000, transient: true });
  const running = await make({ startedAt: now - 2 * hour });
  const held = await lock(new Layout(store.dir).podLock(running), true);
  const due = [waiting, ended, marked, transient].sort();
  const told = async (options: object): Promise<string[]> => (await store.gcPods(options)).map(({ pod }) => pod).sort();

  assert.deepEqual(await told({ dryRun: true }), due);
  assert.deepEqual(await told({ markOnly: true }), []);
  assert.ok((await store.showPod(killed)).gcMarkedAt !== undefined);
  assert.equal((await store.showPod(prepared)).gcMarkedAt, undefined);
  assert.deepEqual(await told({}), due);
  assert.deepEqual(Object.keys(await states(store)).sort(), [prepared, justEnded, killed, running].sort());
  assert.deepEqual(await told({ graceMs: 0 }), [justEnded, killed].sort());
  assert.deepEqual(await told({ graceMs: 0, expirePreparedMs: 0 }), [prepared]);
  held.release();
  assert.deepEqual(await told({ graceMs: 0 }), [running]);
});
