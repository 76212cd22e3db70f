/** Small layers that are read several to a task: each has an outcome of its own. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Semaphore } from '../../engine/core/concurrency.js';
import { CairnError, isCairnError } from '../../engine/core/errors.js';
import { contextOf } from '../../engine/facade/opened.js';
import { type SmallLayer, SmallLayers } from '../../engine/import/small-layers.js';
import type { StoreContext } from '../../engine/session/context.js';
import { openStore } from '../../engine/store.js';
import type { IngestSmallTask, Lane } from '../../workers/tasks/import.js';
import { inspectPacks } from '../faults/inspect-packs.js';
import { aci } from '../fixtures/archive.js';
import { TestStore } from '../fixtures/store.js';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A store of one worker, which reads a layer when it is let go. Layers are called by their staging directories. */
class FakeStore {
  readonly tasks: string[][] = [];
  readonly released: [number, number | undefined][] = [];
  #letGo: (() => void)[] = [];
  readonly #turns = new Semaphore();
  #base = 4096;

  readonly context = {
    pool: {
      size: 1,
      turn: () => this.#turns.acquire(1),
      run: async ({ layers, into }: IngestSmallTask) => {
        this.tasks.push(layers.map(({ staging }) => staging));
        await new Promise<void>((resolve) => this.#letGo.push(resolve));
        let end = into.lane?.base ?? 0;
        return layers.map(({ staging }) => {
          if (staging === 'crash') throw new Error(staging);
          if (staging === 'bad') return { error: new CairnError('ERR_BAD_ARCHIVE', 'bad').toJSON() };
          end += 4096;
          return { value: { packed: { end } } };
        });
      },
    },
    lanes: {
      take: () => ({ pack: 1, base: this.#base }),
      release: ({ base }: Lane, end?: number) => {
        this.released.push([base, end]);
        this.#base = end ?? base;
      },
    },
    objects: {},
    staging: {},
    index: { totals: { objects: 0 } },
  } as unknown as StoreContext;

  async letGo(): Promise<void> {
    await tick();
    for (const go of this.#letGo.splice(0)) go();
    await tick();
  }
}

function layer(staging: string, more: Partial<SmallLayer> = {}): SmallLayer {
  const isWanted = (): boolean => true;
  return { layer: { staging } as SmallLayer['layer'], size: 1000, signal: undefined, isWanted, ...more };
}

/** The end of what the layer has in its pack, or the code of its error. */
function outcomeOf(reading: Promise<{ packed?: { end: number } }>): Promise<unknown> {
  return reading.then(
    ({ packed }) => packed?.end,
    (error: Error) => (isCairnError(error) ? error.code : error.message),
  );
}

test('what waits while a task is at work goes together, half of it at a time', async () => {
  const store = new FakeStore();
  const small = new SmallLayers(store.context);
  const reading = [...'abcdefg'].map((name) => outcomeOf(small.read(layer(name))));
  while (store.tasks.flat().length < 7) await store.letGo();
  await store.letGo();
  assert.deepEqual(store.tasks, [['a', 'b', 'c', 'd'], ['e', 'f'], ['g']]);
  assert.deepEqual(await Promise.all(reading), [8192, 12_288, 16_384, 20_480, 24_576, 28_672, 32_768]);
});

test('a layer that is refused leaves nothing behind the last one that is not', async () => {
  const store = new FakeStore();
  const small = new SmallLayers(store.context);
  const reading = ['a', 'bad', 'b', 'bad', 'c', 'd', 'e', 'f'].map((name) => outcomeOf(small.read(layer(name))));
  await store.letGo();
  assert.deepEqual(store.tasks[0], ['a', 'bad', 'b', 'bad']);
  assert.deepEqual(store.released, [[12_288, undefined]], 'the pack is cut where the second one ended');
  while (store.tasks.flat().length < 8) await store.letGo();
  await store.letGo();
  const expected = [8192, 'ERR_BAD_ARCHIVE', 12_288, 'ERR_BAD_ARCHIVE', 16_384, 20_480, 24_576, 28_672];
  assert.deepEqual(await Promise.all(reading), expected);
});

test('a task that dies is the end of its layers, whose pack is cut where they began, and of no others', async () => {
  const store = new FakeStore();
  const small = new SmallLayers(store.context);
  const reading = ['a', 'crash', 'b', 'c'].map((name) => outcomeOf(small.read(layer(name))));
  while (store.tasks.flat().length < 4) await store.letGo();
  await store.letGo();
  assert.deepEqual(await Promise.all(reading), ['crash', 'crash', 8192, 12_288]);
  assert.deepEqual(store.released[0], [4096, undefined]);
});

test('large ones among them go by themselves', async () => {
  const store = new FakeStore();
  const small = new SmallLayers(store.context);
  const sizes = [3_000_000, 3_000_000, 900_000, 100, 100, 100];
  const reading = sizes.map((size, i) => small.read(layer(`${i}`, { size })));
  while (store.tasks.flat().length < 6) await store.letGo();
  await store.letGo();
  await Promise.all(reading);
  assert.deepEqual(store.tasks.slice(0, 2), [['0'], ['1', '2', '3']]);
});

test('whoever is cancelled, or not wanted any more, is not read', async () => {
  const store = new FakeStore();
  const small = new SmallLayers(store.context);
  const cancelling = new AbortController();
  let isWanted = true;
  const reading = [
    small.read(layer('a')),
    small.read(layer('cancelled', { signal: cancelling.signal })),
    small.read(layer('unwanted', { isWanted: () => isWanted })),
    small.read(layer('b')),
  ].map(outcomeOf);
  cancelling.abort();
  isWanted = false;
  while (store.tasks.flat().length < 2) await store.letGo();
  await store.letGo();
  assert.deepEqual(store.tasks.flat(), ['a', 'b']);
  assert.deepEqual(await Promise.all(reading), [8192, 'ERR_ABORTED', 'ERR_ABORTED', 12_288]);
});

test('a place that gets free goes to who waits for it, not to who comes back at once', async () => {
  const places = new Semaphore();
  const leave = await places.acquire(1);
  const order: string[] = [];
  const waiting = places.acquire(1).then((done) => {
    order.push('waiting');
    done();
  });
  leave();
  const back = places.acquire(1).then((done) => {
    order.push('back');
    done();
  });
  await Promise.all([waiting, back]);
  assert.deepEqual(order, ['waiting', 'back']);
});

/** Twenty archives of files of their own, of which every third is cut off in its last content. */
function archives(s: TestStore): { path: string; isCut: boolean }[] {
  return Array.from({ length: 20 }, (_none, i) => {
    const files = Array.from({ length: 5 }, (_file, n) => ({ name: `${n}`, content: randomBytes(5000) }));
    const whole = aci({ name: `example.com/image${i}` }, files);
    const isCut = i % 3 === 2;
    fs.writeFileSync(s.path(`${i}.aci`), gzipSync(isCut ? whole.subarray(0, -8000) : whole));
    return { path: s.path(`${i}.aci`), isCut };
  });
}

for (const layout of ['packs', 'loose'] as const) {
  test(`archives that are cut off spoil no other of the same task, in a store with ${layout}`, async (t) => {
    const s = new TestStore(t);
    const all = archives(s);
    await using store = await openStore({ dir: s.store, layout, workers: 1 });
    const results = await store.importAll(
      all.map(({ path }) => path),
      { keepGoing: true },
    );
    assert.deepEqual(
      results.map((result) => ('error' in result ? result.error.code : 'in')),
      all.map(({ isCut }) => (isCut ? 'ERR_BAD_ARCHIVE' : 'in')),
    );
    assert.deepEqual((await store.check()).damaged, []);
    if (layout === 'packs') assert.deepEqual(inspectPacks(contextOf(store), true), []);
    const kept = await store.readFile('example.com/image19', '4');
    assert.equal(Buffer.concat([...kept]).length, 5000);
    await store.close();
    await s.ok(['fsck', '--rebuild-index']);
    assert.equal((await s.json<unknown[]>(['ls'])).length, 14);
    await s.ok(['check']);
  });
}

test('after a failure, what still waits is not read', async (t) => {
  const s = new TestStore(t);
  const bad = s.path('bad.aci');
  // The first of all, as the largest, and refused while the others wait.
  fs.writeFileSync(
    bad,
    gzipSync(aci({ name: 'example.com/bad' }, [{ name: 'x', content: randomBytes(900_000) }]).subarray(0, -5000)),
  );
  const good = Array.from({ length: 60 }, (_none, i) =>
    s.aci(`${i}.aci`, { name: `example.com/image${i}` }, [{ name: 'own', content: `of ${i}` }]),
  );
  await using store = await openStore({ dir: s.store, workers: 1 });
  await assert.rejects(store.importAll([...good, bad]), { code: 'ERR_BAD_ARCHIVE', path: bad });
  let length = 0;
  for await (const _image of store.images()) length++;
  assert.ok(length < good.length, `${length} of ${good.length}`);
  assert.deepEqual((await store.check()).damaged, []);
});
