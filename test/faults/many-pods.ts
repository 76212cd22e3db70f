/**
 * Prepares many pods of a few images, removes half of them, collects everything that may go, and looks whether anything
 * of the other half was touched: `many-pods.js COUNT` prints findings, one a line.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { openStore, type Store } from '../../engine/store.js';
import { describeTree } from '../fixtures/tree.js';
import { fastScratch } from './fast.js';
import { makeSources } from './ground.js';

const IMAGES = ['base.aci', 'app.aci', 'web', 'shop', 'other.aci'];

/** What is of one pod: its files, and what it runs on. */
async function whole(store: Store, id: string): Promise<string> {
  const pod = await store.loadPod(id);
  const files = fs.readdirSync(pod.dir).map((name) => `${name} ${fs.readFileSync(join(pod.dir, name), 'latin1')}`);
  const trees = [...new Set(pod.apps.map(({ rootfs }) => rootfs))];
  return JSON.stringify([pod, files, trees.map((tree) => [fs.statSync(tree).ino, describeTree(tree)])]);
}

async function listed(store: Store): Promise<string[]> {
  const all: string[] = [];
  for await (const { pod, state } of store.pods()) all.push(`${pod} ${state}`);
  return all;
}

/** @param dir an empty directory @returns findings */
export async function halvePods(dir: string, count: number): Promise<string[]> {
  makeSources(dir);
  const wrong: string[] = [];
  await using store = await openStore({ dir: join(dir, 'store'), workers: 2 });
  const imported = await store.importAll(IMAGES.map((name) => join(dir, 'sources', name)));
  const keys = imported.map((image) => (image as { key: string }).key);
  // The last image is of pods that go, alone, the first one only a dependency.
  const pods: string[] = [];
  for (let n = 0; n < count; n++) {
    const images = n % 2 === 0 ? [keys[1], keys[2]] : [keys[3], keys[4]];
    pods.push((await store.preparePod(images as string[], { pull: 'never' })).id);
  }
  const [live, gone] = [0, 1].map((half) => pods.filter((_pod, n) => n % 2 === half)) as [string[], string[]];
  const before = new Map<string, string>();
  for (const id of live) before.set(id, await whole(store, id));
  if ((await listed(store)).length !== count) wrong.push('not all pods are listed');
  await store.removePods(gone);
  const { removed } = await store.gc({ images: true, graceMs: 0 });
  if (removed.images !== 2 || removed.trees !== 2)
    wrong.push(`gc took ${removed.images} images, ${removed.trees} trees`);
  for (const id of live) {
    const now = await whole(store, id).catch((error: Error) => error.message);
    if (now !== before.get(id)) wrong.push(`pod ${id} was touched: ${now.slice(0, 200)}`);
  }
  const due = live.map((id) => `${id} prepared`).sort();
  if ((await listed(store)).join() !== due.join()) wrong.push('other pods are listed than are left');
  const left = fs.readdirSync(join(store.dir, 'pods')).sort();
  if (left.join() !== [...live].sort().join()) wrong.push('other directories are left than are listed');
  const { ok, stray } = await store.fsck();
  if (!ok || stray.length > 0) wrong.push(`fsck: ok ${ok}, strays ${stray}`);
  return wrong;
}

if (process.argv[1] === import.meta.filename) {
  const wrong = await fastScratch((dir) => halvePods(dir, Number(process.argv[2])));
  process.stdout.write(wrong.map((each) => `${each.replaceAll('\n', ' ')}\n`).join(''));
}
