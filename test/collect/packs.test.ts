/** Packs with little left alive: which are written anew, what that gives back, and what keeps them as they are. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createMount } from '../../engine/disk/mount.js';
import { contextOf } from '../../engine/facade/opened.js';
import { rebuildIndex } from '../../engine/recover/rebuild-index.js';
import { openStore, type Store } from '../../engine/store.js';
import { inspectPacks } from '../faults/inspect-packs.js';
import { cannotMount, mountingDirectory } from '../fixtures/mounting.js';
import { madeOnce, TestStore } from '../fixtures/store.js';

const MANY = 'example.com/many';
const FEW = 'example.com/few';
/** Those that live are more than one step moves, and what they leave of a second one is worth it, too. */
const FILES = 9000;
const ALL = { graceMs: 0 };

const contentOf = (i: number): string => (i === 0 ? '' : `content ${i} `.padEnd(1000, 'x'));

/** Two images that share every second of very many small contents. */
const made = madeOnce(async (s) => {
  const files = Array.from({ length: FILES }, (_none, i) => ({ name: `${i}`, content: contentOf(i) }));
  await using store = await openStore({ dir: s.store, layout: 'packs', workers: 1 });
  await store.import(s.aci('many.aci', { name: MANY }, files));
  await store.import(
    s.aci(
      'few.aci',
      { name: FEW },
      files.filter((_file, i) => i % 2 === 0),
    ),
  );
});

async function opened(t: TestContext): Promise<{ s: TestStore; store: Store; notices: string[] }> {
  const { s } = await made(t);
  const notices: string[] = [];
  const store = await openStore({ dir: s.store, workers: 1, onNotice: (message) => notices.push(message) });
  t.after(() => store.close());
  return { s, store, notices };
}

const packsOf = (s: TestStore): string[] => fs.readdirSync(join(s.store, 'packs')).sort();
const blocksOf = (s: TestStore): number =>
  packsOf(s).reduce((sum, name) => sum + fs.statSync(join(s.store, 'packs', name)).blocks * 512, 0);

function writeAt(path: string, offset: number, text: string): void {
  const fd = fs.openSync(path, 'r+');
  fs.writeSync(fd, text, offset);
  fs.closeSync(fd);
}

async function assertWhole(s: TestStore, store: Store): Promise<void> {
  assert.deepEqual((await store.check()).damaged, []);
  const { missing, stray, miscounted } = await store.fsck();
  assert.deepEqual([missing, stray, miscounted], [[], [], []]);
  assert.deepEqual(inspectPacks(contextOf(store), true), []);
  await store.export(FEW, s.path('out.aci'), { force: true });
  assert.deepEqual(fs.readFileSync(s.path('out.aci')), fs.readFileSync(s.path('few.aci')));
}

test('a pack with little left alive is written anew, as a dry run says', async (t) => {
  const { s, store } = await opened(t);
  const [before, [old = '']] = [blocksOf(s), packsOf(s)];
  await store.untag([MANY]);
  const said = await store.gc({ ...ALL, dryRun: true });
  const reader = await openStore({ dir: s.store, readOnly: true });
  assert.deepEqual((await reader.gc({ ...ALL, dryRun: true })).packs, said.packs);
  await reader.close();
  assert.deepEqual(packsOf(s), [old]);
  const { stdout } = await s.ok(['gc', '--grace-period', '0', '--dry-run']);
  assert.match(stdout.toString(), /^would write anew what lives in 1 packs: .* copied, .* of the disk given back$/m);

  const progress: number[] = [];
  const onProgress = (now: { what: string; done: number; total?: number }): void => {
    if (now.what === 'rewriting packs') progress.push(now.done / (now.total ?? 0));
  };
  const { packs, removed } = await store.gc({ ...ALL, onProgress });
  assert.deepEqual(packs, said.packs);
  assert.equal(packs.rewritten, 1);
  assert.equal(removed.objects, FILES / 2);
  assert.equal(progress.at(-1), 1);
  assert.ok(!packsOf(s).includes(old));
  assert.ok(blocksOf(s) < 0.6 * before, `${before} → ${blocksOf(s)}`);
  await assertWhole(s, store);
  assert.equal((await store.gc(ALL)).packs.rewritten, 0);
  await store.close();

  fs.rmSync(join(s.store, 'index'), { recursive: true });
  const { lost } = await rebuildIndex({ dir: s.store, workers: 1 });
  assert.deepEqual(lost, []);
  await using again = await openStore({ dir: s.store, workers: 1 });
  await again.gc(ALL);
  await assertWhole(s, again);
});

test('what is interrupted between two steps is whole, and the next gc goes on', async (t) => {
  const { s, store } = await opened(t);
  const [before, [old = '']] = [blocksOf(s), packsOf(s)];
  await store.rm([MANY]);
  const stopping = new AbortController();
  const { index } = contextOf(store);
  const signal = stopping.signal;
  // The first step is committed once objects lie in two packs.
  const timer = setInterval(() => index.packs.count() > 1 && stopping.abort(), 1);
  await assert.rejects(store.gc({ ...ALL, signal }), { code: 'ERR_ABORTED' });
  clearInterval(timer);
  assert.equal(packsOf(s).length, 2);
  assert.ok(packsOf(s).includes(old));
  assert.ok(blocksOf(s) < before, 'what the first step left was punched');
  assert.deepEqual((await store.check()).damaged, []);
  assert.equal((await store.fsck()).ok, true);
  await store.gc(ALL);
  assert.ok(!packsOf(s).includes(old));
  await assertWhole(s, store);
});

test('a damaged object is moved to no other pack, and its pack stays', async (t) => {
  const { s, store, notices } = await opened(t);
  const [old = ''] = packsOf(s);
  await store.rm([MANY]);
  const path = join(s.store, 'packs', old);
  const at = fs.readFileSync(path).indexOf(contentOf(FILES - 2));
  writeAt(path, at, 'CONTENT');
  const { packs } = await store.gc(ALL);
  assert.equal(packs.rewritten, 0);
  assert.match(notices.join(), new RegExp(`pack ${old} is left as it is: an object does not have its hash`));
  assert.ok(packsOf(s).includes(old));
  assert.deepEqual(
    (await store.check()).damaged.map(({ what }) => what),
    ['content does not have the hash it is named by'],
  );
  writeAt(path, at, 'content');
  assert.equal((await store.gc(ALL)).packs.rewritten, 1);
  assert.deepEqual((await store.check()).damaged, []);
});

test('a pack that somebody has open is left as it is', async (t) => {
  const { s, store } = await opened(t);
  const [old = ''] = packsOf(s);
  await store.rm([MANY]);
  const fd = fs.openSync(join(s.store, 'packs', old), 'r');
  const { packs } = await store.gc(ALL);
  assert.deepEqual([packs.rewritten, packsOf(s)], [0, [old]]);
  fs.closeSync(fd);
  assert.equal((await store.gc({ ...ALL, dryRun: true })).packs.rewritten, 1);
  assert.equal((await store.gc(ALL)).packs.rewritten, 1);
  assert.deepEqual((await store.check()).damaged, []);
});

test('a pack whose only content is empty gives its space back', async (t) => {
  const { s, store } = await opened(t);
  const before = blocksOf(s);
  await store.import(s.aci('empty.aci', { name: 'example.com/empty' }, [{ name: 'empty', content: '' }]));
  await store.rm([MANY, FEW]);
  await store.gc(ALL);
  assert.ok(blocksOf(s) < before / 4, `${before} → ${blocksOf(s)}`);
  assert.equal((await store.fsck()).ok, true);
});

test('who reads without a lock while an object moves reads on at its new place', async (t) => {
  const s = new TestStore(t);
  const large = Buffer.alloc(2_500_000, 'large');
  const small = Array.from({ length: FILES }, (_none, i) => ({ name: `${i}`, content: `${i}` }));
  const few = [...small.filter((_file, i) => i % 8 === 0), { name: 'large', content: large }];
  await using store = await openStore({ dir: s.store, layout: 'packs', workers: 1 });
  await store.import(s.aci('many.aci', { name: MANY }, [...small, { name: 'large', content: large }]));
  await store.import(s.aci('few.aci', { name: FEW }, few));
  await store.rm([MANY]);
  const start = 1_200_000;
  const reading = (await store.readFile(FEW, 'large'))[Symbol.iterator]();
  const stream = await store.read(FEW, 'large', { start });
  const chunks = [reading.next().value as Buffer];
  assert.equal((await store.gc(ALL)).packs.rewritten, 0, 'the reader has the pack open');
  // Others let go of all packs when they have done their work.
  await store.check([FEW], { quick: true });
  assert.equal((await store.gc(ALL)).packs.rewritten, 1);
  for (let next = reading.next(); next.done !== true; next = reading.next()) chunks.push(next.value);
  assert.ok(Buffer.concat(chunks).equals(large));
  assert.ok(Buffer.concat(await stream.toArray()).equals(large.subarray(start)));
});

test('on a full disk what lives moves bit by bit', { skip: cannotMount() }, async (t) => {
  const { s } = await made(t);
  const disk = mountingDirectory(t);
  createMount({ type: 'tmpfs', options: [['size', '48m']] }).attach(disk);
  execFileSync('cp', ['-a', s.store, join(disk, 'store')]);
  // What is kept back for a full disk is made when the store is opened; its copy is nothing but a hole.
  fs.rmSync(join(disk, 'store', 'index', 'reserve'), { recursive: true });
  const packs = join(disk, 'store', 'packs');
  const [old = ''] = fs.readdirSync(packs);
  await using store = await openStore({ dir: join(disk, 'store'), workers: 1, onNotice: (m) => notices.push(m) });
  const filler = fs.openSync(join(disk, 'filler'), 'wx');
  const notices: string[] = [];
  const fill = (): void => {
    for (const bytes of [Buffer.alloc(1 << 20), Buffer.alloc(4096)]) {
      try {
        for (;;) fs.writeSync(filler, bytes);
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
      }
    }
  };
  await store.rm([MANY]);
  fill();
  const { packs: gone } = await store.gc(ALL);
  fs.closeSync(filler);
  assert.equal(gone.rewritten, 1, notices.join());
  assert.ok(!fs.readdirSync(packs).includes(old));
  assert.deepEqual((await store.check()).damaged, []);
  assert.equal((await store.fsck()).ok, true);
});
